"""A gathered batch as its runner works on it: decoded once, handed over whole or in parts."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from mainstay.messaging.consuming import Batch, DeadLetter
from mainstay.messaging.port import Position, Record

T = TypeVar("T")


class BrokenChain(Exception):
    """Two fetches do not join: a partition was lost and came back between them."""


def join(steps: Sequence[Position], further: Sequence[Position]) -> list[Position]:
    """The steps of two fetches, one after the other, as one. Raises `BrokenChain`."""
    joined = {(step.topic, step.partition): step for step in steps}
    for step in further:
        before = joined.get((step.topic, step.partition))
        if before is None:
            joined[step.topic, step.partition] = step
        elif before.new == step.expected:
            joined[step.topic, step.partition] = Position(
                step.topic, step.partition, step.log_id, step.group, before.expected, step.new
            )
        else:
            raise BrokenChain
    return sorted(joined.values())


class Work(Generic[T]):
    """Records, what they say, and the steps that they make; parts are taken from the front, in order."""

    def __init__(self, decode: Callable[[Record], T | None]) -> None:
        self.records: list[Record] = []
        self.steps: list[Position] = []
        self._decode = decode
        self._decoded: list[T | DeadLetter | None] = []

    def __len__(self) -> int:
        return len(self.records)

    def add(self, records: Sequence[Record], steps: Sequence[Position]) -> None:
        """Take in what was fetched after the rest. Raises `BrokenChain`."""
        self.steps = join(self.steps, steps)
        self.records += records
        try:
            self._decoded += [self._decode(record) for record in records]
        except Exception:  # noqa: BLE001 - nearly never, and then each record is read for itself
            self._decoded += [_decoded(record, self._decode) for record in records]

    def part(self, start: int, end: int) -> Batch[T]:
        """The batch of the records from `start` up to `end`; the parts before it must be committed."""
        messages: list[T] = []
        refused: list[DeadLetter] = []
        for decoded in self._decoded[start:end]:
            if isinstance(decoded, DeadLetter):
                refused.append(decoded)
            elif decoded is not None:
                messages.append(decoded)
        return Batch(self._steps_of(start, end), tuple(messages), tuple(refused))

    def aside(self, index: int, reason: str) -> Batch[T]:
        """The batch that puts one record aside instead of handling it."""
        return Batch(self._steps_of(index, index + 1), (), (DeadLetter(self.records[index], reason),))

    def _steps_of(self, start: int, end: int) -> tuple[Position, ...]:
        if (start, end) == (0, len(self.records)):
            return tuple(self.steps)
        of_partition = {(step.topic, step.partition): step for step in self.steps}
        reached = {
            (record.topic, record.partition): index for index, record in enumerate(self.records[start:end], start)
        }
        last = {(record.topic, record.partition): index for index, record in enumerate(self.records)}
        begun = {(record.topic, record.partition): index for index, record in enumerate(self.records[:start])}
        steps = []
        for partition, index in reached.items():
            whole = of_partition[partition]
            expected = self.records[begun[partition]].offset + 1 if partition in begun else whole.expected
            new = whole.new if last[partition] == index else self.records[index].offset + 1
            steps.append(Position(whole.topic, whole.partition, whole.log_id, whole.group, expected, new))
        return tuple(sorted(steps))


def _decoded(record: Record, decode: Callable[[Record], T | None]) -> T | DeadLetter | None:
    try:
        return decode(record)
    except Exception as error:  # noqa: BLE001 - whatever it is, this record is what it is about
        return DeadLetter(record, reason_of(error))


def reason_of(error: BaseException) -> str:
    """An exception in one line of text that any encoding takes."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text.replace("\x00", "").encode(errors="replace").decode()
