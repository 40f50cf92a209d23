"""Erasures: what was asked, which services have done it, and when it is late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

OVERDUE_AFTER = timedelta(hours=1)
"""An erasure that not every service confirmed within this time wants a person's eye."""

SWEEP_AFTER = timedelta(seconds=10)
"""Every process of ingest knows of an erasure within 2 s; what slipped in until then is erased after this time."""


class SubjectKind(StrEnum):
    """Who is erased."""

    USER = "user"
    ACCOUNT = "account"


class State(StrEnum):
    """How far an erasure is."""

    RUNNING = "running"
    OVERDUE = "overdue"
    COMPLETED = "completed"


class ErasureUnknown(LookupError):
    """There is no such erasure."""

    def __init__(self, erasure_id: str) -> None:
        super().__init__(f"no erasure has the id {erasure_id}")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What one service says that it did: rows deleted or emptied, and rows kept under a pseudonym."""

    service: str
    confirmed_at: datetime
    rows_erased: int
    rows_pseudonymised: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure. `subject` is the keyed hash of the id: the id itself is not kept. `requested_by` is an API key's id.

    `lifted_at`: since when events about the subject are taken in again, by whose word.
    """

    id: str
    kind: SubjectKind
    subject: str
    requested_at: datetime
    requested_by: str
    confirmations: Sequence[Confirmation] = ()
    completed_at: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None

    def state(self, now: datetime) -> State:
        """How far it is at an instant."""
        if self.completed_at is not None:
            return State.COMPLETED
        return State.OVERDUE if now - self.requested_at > OVERDUE_AFTER else State.RUNNING


@dataclass(frozen=True, slots=True)
class Retained:
    """What a topic of the log still holds of a subject. `until` is when its last record goes; None: it does not."""

    topic: str
    until: datetime | None
    holds: str
