"""What an operator decided about a source: how much it may send, how its calls are read, what stays out of the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from ingest.domain.limits import Limits


class Action(StrEnum):
    """What becomes of an event that does not follow the tracking plan."""

    ALLOW = "allow"
    WARN = "warn"
    QUARANTINE = "quarantine"


class Planned(Protocol):
    """The plan of one event name."""

    @property
    def action(self) -> Action:
        """What becomes of an event that breaks it."""

    def faults(self, properties: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """What is wrong with an event's properties: (JSON pointer within them, sentence), at most 20."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A source's tracking plan. `unplanned` is what becomes of events whose name it does not know."""

    events: Mapping[str, Planned]
    unplanned: Action = Action.ALLOW


@dataclass(frozen=True, slots=True)
class Rate:
    """How many events a key may send in a second, on average, and at once."""

    events_per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Names:
    """The properties that say whose an event is, for protocols that have no place for it; the first one present counts.

    `account`: names of properties with the account's id; `user`: with the user's id (else the protocol's own);
    `event`: with the event's name (else the protocol's own).
    """

    account: tuple[str, ...] = ("account_id", "company_id", "group_id")
    user: tuple[str, ...] = ()
    event: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One source's policy. `dropped` and `hashed` name properties and traits that never reach the log in clear."""

    source_id: str
    limits: Limits
    rate: Rate | None = None
    names: Names = Names()
    dropped: frozenset[str] = frozenset()
    hashed: frozenset[str] = frozenset()
    plan: Plan | None = None

    @property
    def is_plain(self) -> bool:
        """Whether events pass as they are."""
        return self.plan is None and not self.dropped and not self.hashed
