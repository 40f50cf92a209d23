"""What a subscription hands to its handler: a decoded batch, its positions, and what could not be decoded."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from mainstay.messaging.port import Position, Record, Topic

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that its group could not process, and why, in one line."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """Messages in the order of their partitions.

    The unit of work moves `positions` first and writes `refused` to the group's dead-letter topic, in the one
    transaction of the batch.
    """

    positions: tuple[Position, ...]
    messages: tuple[T, ...]
    refused: tuple[DeadLetter, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription(Generic[T]):
    """A group's reading of one topic.

    `decode` answers None for a record that is not this group's business; any exception of it sends the record to the
    dead letters. `handle` gets up to `up_to` messages, gathered for at most `within`.
    """

    topic: Topic
    group: str
    decode: Callable[[Record], T | None]
    handle: Callable[[Batch[T]], Awaitable[None]]
    up_to: int = 500
    within: timedelta = field(default=timedelta(milliseconds=50))
