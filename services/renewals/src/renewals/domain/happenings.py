"""What happens to a term: its window opens, it is renewed, it ends."""

from dataclasses import dataclass
from datetime import datetime

from renewals.domain.terms import Term


@dataclass(frozen=True, slots=True)
class WindowOpened:
    """A term's renewal window opened; `occurred_at` is the start of its day in the contract's zone, in UTC."""

    term: Term
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Renewed:
    """A term ran out and another follows it without a gap."""

    term: Term
    successor: Term
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """A term ran out, or was cancelled, and nothing follows it; `reason` is for a person."""

    term: Term
    occurred_at: datetime
    reason: str


Happening = WindowOpened | Renewed | Ended
