"""What is observed about an account: the facts from which alerts begin and end.

Observations about one subject are ordered by (instant, event id), never by their arrival, so a record that was set
aside and redriven later finds its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from alerts.domain.words import Band
from mainstay.kernel.money import Money

BAND = "band"
ACTIVITY = "activity"
SCORE = "score"
MEASURES = "measures"
STAGE = "stage"
TOUCHES = "touches"
CONTACT = "contact"


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
    """A term's renewal window opened; `ends_before` is the first day after the term, `amount` what it is worth.

    Where a later milestone was reached in the same moment, that one counts, and the window is `superseded`.
    """

    contract_id: str
    term_id: str
    ends_before: date
    amount: Money
    seats: int | None
    band: Band | None
    score: int | None
    superseded: bool = False
    late_by_seconds: int = 0

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return term_subject(self.term_id)


@dataclass(frozen=True, slots=True)
class TermMilestone:
    """A renewal reached a milestone: `days_60`, `due` or another; `on` is its day where the contract is.

    `contract_id` is the contract's id in the CRM where it has one, else that of renewals.

    Of several that were reached at once the latest counts, and the others are `superseded`.
    """

    contract_id: str
    term_id: str
    milestone: str
    on: date
    ends_before: date
    amount: Money
    band: Band | None
    score: int | None
    superseded: bool = False
    late_by_seconds: int = 0

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return term_subject(self.term_id)


@dataclass(frozen=True, slots=True)
class RenewalRisk:
    """A renewal whose window is open: `at_risk` (its account is red), `unknown`, or `none`."""

    contract_id: str
    term_id: str
    risk: str
    ends_before: date
    amount: Money
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


@dataclass(frozen=True, slots=True)
class ScoreMoved:
    """The published score is another: whole points 0–100, None where there is too little data."""

    score: int | None
    previous: int | None
    band: Band

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return SCORE


@dataclass(frozen=True, slots=True)
class MeasuresRead:
    """Values of the account's measures, by metric; those that are not named are as before. None: it has none any more.

    `shares` are the metrics among them of which 1 is the whole, or what is compared with.
    """

    values: Mapping[str, float | None]
    shares: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return MEASURES


@dataclass(frozen=True, slots=True)
class MetricDeviated:
    """A complete day's figure lies `deviation` usual spreads above (negative: below) what is expected."""

    metric: str
    day: date
    value: int
    expected: float
    deviation: float

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return f"deviation:{self.metric}"


@dataclass(frozen=True, slots=True)
class MeasureWentStale:
    """The latest evidence of a measure is older than the days it is good for."""

    measure: str
    last_seen_on: date
    fresh_for_days: int

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return f"measure:{self.measure}"


@dataclass(frozen=True, slots=True)
class StageEntered:
    """The account entered a stage of its life; None: its stage was withdrawn."""

    stage: str | None
    previous: str | None

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return STAGE


@dataclass(frozen=True, slots=True)
class StageOverdue:
    """The account is longer in a stage than its target; `due_on` was the last day in time."""

    stage: str
    due_on: date

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return STAGE


@dataclass(frozen=True, slots=True)
class MilestoneMissed:
    """The day planned for a milestone passed without it."""

    milestone: str
    due_on: date

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return f"milestone:{self.milestone}"


@dataclass(frozen=True, slots=True)
class MilestoneReached:
    """A milestone was reached."""

    milestone: str
    on: date

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return f"milestone:{self.milestone}"


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody stated about a thing of the customer's: a ticket, an invoice, a touch. Null withdraws a field.

    `fields` are JSON values, and only those that rules need: no text of customers, no name of a person.
    """

    thing: str
    id: str
    fields: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What the fact is about; all touches are one matter."""
        return TOUCHES if self.thing == "touch" else f"{self.thing}:{self.id}"


@dataclass(frozen=True, slots=True)
class SourceQuiet:
    """A source of data sends nothing any more, or (`quiet` false) sends again."""

    source_id: str
    quiet: bool
    last_seen: datetime

    @property
    def subject(self) -> str:
        """What the fact is about."""
        return f"source:{self.source_id}"


Fact = (
    BandEntered
    | ScoreMoved
    | MeasuresRead
    | MetricDeviated
    | MeasureWentStale
    | WentSilent
    | BecameActive
    | StageEntered
    | StageOverdue
    | MilestoneMissed
    | MilestoneReached
    | WindowOpened
    | TermMilestone
    | RenewalRisk
    | TermClosed
    | Stated
    | SourceQuiet
)


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
