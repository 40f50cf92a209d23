"""What is observed about an account: the facts from which alerts begin and end.

Observations about one subject are ordered by (instant, event id), never by their arrival, so a record that was set
aside and redriven later finds its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from alerts.domain.words import Band
from mainstay.kernel.money import Money

BAND = "band"
ACTIVITY = "activity"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something said to a person, by the key of a text and its parameters, so that it can be told in any language."""

    key: str
    params: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BandEntered:
    """The account entered a band. Scores are whole points 0–100, None where there is too little data.

    `reason` is a sentence in English, `said` its parts for other languages, where they are known.
    """

    band: Band
    previous: Band | None
    score: int | None
    reason: str
    said: tuple[Phrase, ...] = ()

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return BAND


@dataclass(frozen=True, slots=True)
class WentSilent:
    """No activity for longer than the account's habit of `habit_days` allows."""

    last_activity_on: date
    habit_days: int

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return ACTIVITY


@dataclass(frozen=True, slots=True)
class BecameActive:
    """A silent account shows activity again."""

    last_activity_on: date

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return ACTIVITY


@dataclass(frozen=True, slots=True)
class WindowOpened:
    """A term's renewal window opened; `ends_before` is the first day after the term, `amount` what it is worth."""

    contract_id: str
    term_id: str
    ends_before: date
    amount: Money
    seats: int | None
    band: Band | None
    score: int | None

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return term_subject(self.term_id)


@dataclass(frozen=True, slots=True)
class TermClosed:
    """A term came to its end: another followed (`renewed`), or none did and `reason` says why."""

    contract_id: str
    term_id: str
    renewed: bool
    reason: str

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return term_subject(self.term_id)


Fact = BandEntered | WentSilent | BecameActive | WindowOpened | TermClosed


@dataclass(frozen=True, slots=True)
class Observation:
    """A fact about an account, the event that brought it and the instant it is true from (UTC)."""

    account_id: str
    event_id: str
    at: datetime
    fact: Fact

    @property
    def subject(self) -> str:
        """What the observation is about: the band, the activity, or one term."""
        return self.fact.subject

    @property
    def order(self) -> tuple[datetime, str]:
        """The place among the observations of the same subject."""
        return (self.at, self.event_id)


def term_subject(term_id: str) -> str:
    """The subject of everything about one term."""
    return f"term:{term_id}"
