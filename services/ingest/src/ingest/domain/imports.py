"""Importing a file: how far a job has come, and how it may go on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """Where a job stands. An interrupted one goes on at `next_byte`; the last three are final."""

    RECEIVING = "receiving"
    INTERRUPTED = "interrupted"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether the job takes no more rows."""
        return self in {State.DONE, State.FAILED, State.CANCELLED}


@dataclass(frozen=True, slots=True)
class Form:
    """How the rows of a file are written, and what each is about.

    `kind` is None where each row says itself what it is. `mapping` is column -> fields, as the sender stated it.
    `header` holds a CSV's column names once they were read.
    """

    media_type: str
    kind: str | None = None
    mapping: dict[str, list[str]] | None = None
    delimiter: str = ","
    header: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows, by what became of them: `accepted` are durable, `waiting` for an account, `suppressed` about the erased."""

    rows: int = 0
    accepted: int = 0
    refused: int = 0
    waiting: int = 0
    suppressed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.rows + other.rows,
            self.accepted + other.accepted,
            self.refused + other.refused,
            self.waiting + other.waiting,
            self.suppressed + other.suppressed,
        )


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken. `number` counts from 1, without the header; `byte` is where it begins in the file."""

    number: int
    byte: int
    code: str
    pointer: str
    reason: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Import:
    """One file's job. Bytes are of the file as it is, decompressed; `next_byte` is the beginning of a whole row.

    `fed_seconds` is the time in which requests brought rows, without the pauses between them.
    """

    id: str
    key_id: str
    source: str
    by: str
    form: Form
    state: State
    next_byte: int
    total_bytes: int | None
    counts: Counts
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None
    reason: str | None = None
    fed_seconds: float = 0.0

    @property
    def rows_per_second(self) -> float | None:
        """The pace so far; None before the first rows."""
        return self.counts.rows / self.fed_seconds if self.fed_seconds > 0 else None

    @property
    def remaining(self) -> timedelta | None:
        """How long the rest takes at the pace so far; None where the size or the pace is not known, or all is over."""
        if self.state.is_over or self.total_bytes is None or not self.next_byte or self.fed_seconds <= 0:
            return None
        return timedelta(seconds=max(self.total_bytes - self.next_byte, 0) * self.fed_seconds / self.next_byte)


class ImportUnknown(Exception):
    """There is no such import."""

    def __init__(self, import_id: str) -> None:
        super().__init__(f"there is no import {import_id!r}")


class ImportOver(Exception):
    """The import takes no more rows."""

    def __init__(self, state: State) -> None:
        super().__init__(f"the import is {state}; it takes no more rows")


class ImportBusy(Exception):
    """Another request feeds the import at this moment, or has taken it over."""

    def __init__(self) -> None:
        super().__init__("another request feeds this import; repeat in a few seconds")


class OffsetWrong(Exception):
    """A request goes on at another byte than the one that is due; `expected` is the right one."""

    def __init__(self, stated: int, expected: int) -> None:
        super().__init__(f"the import goes on at byte {expected}, not at {stated}")
        self.expected = expected
