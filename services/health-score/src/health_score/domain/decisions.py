"""What people decided about an account: their sentiment, and scores set by hand; as of any instant."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from mainstay.kernel.clock import day_of


class Sentiment(StrEnum):
    """How a CSM sees an account."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"

    @property
    def points(self) -> int:
        """As a value: 0, 50 or 100."""
        return _POINTS[self]


_POINTS: Mapping[Sentiment, int] = {Sentiment.RED: 0, Sentiment.YELLOW: 50, Sentiment.GREEN: 100}


@dataclass(frozen=True, slots=True)
class SentimentGiven:
    """A sentiment (None: withdrawn), by whom, with a note."""

    at: datetime
    by: str
    sentiment: Sentiment | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """A score set by hand, 0–100, until it expires: of one measure, or (`measure` None) of the account."""

    at: datetime
    by: str
    measure: str | None
    score: int
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OverrideLifted:
    """An override was taken back before its time."""

    at: datetime
    by: str
    measure: str | None


Decision = SentimentGiven | Override | OverrideLifted


@dataclass(frozen=True, slots=True)
class Decided:
    """What holds of what was decided. `sentiment_on` is the day of the sentiment, in the account's zone."""

    sentiment: SentimentGiven | None = None
    sentiment_on: date | None = None
    score: Override | None = None
    measures: Mapping[str, Override] = field(default_factory=dict)

    @property
    def is_overridden(self) -> bool:
        """Whether any score is set by hand."""
        return self.score is not None or bool(self.measures)


NOTHING_DECIDED = Decided()


@dataclass(frozen=True, slots=True)
class Decisions:
    """Every decision about an account, oldest first; days are those of its zone."""

    steps: tuple[Decision, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def moments(self) -> Iterable[datetime]:
        """The instants at which what holds becomes another."""
        for step in self.steps:
            yield step.at
            if isinstance(step, Override):
                yield step.expires_at

    def until(self, instant: datetime) -> Decided:
        """What held right before an instant. An override that expires then still held."""
        if not self.steps:
            return NOTHING_DECIDED
        sentiment: SentimentGiven | None = None
        overrides: dict[str | None, Override] = {}
        for step in self.steps[: bisect_left(self.steps, instant, key=lambda step: step.at)]:
            match step:
                case SentimentGiven():
                    sentiment = step if step.sentiment else None
                case Override():
                    overrides[step.measure] = step
                case OverrideLifted():
                    overrides.pop(step.measure, None)
        standing = {measure: each for measure, each in overrides.items() if each.expires_at >= instant}
        return Decided(
            sentiment,
            day_of(sentiment.at, self.zone) if sentiment else None,
            standing.get(None),
            {measure: each for measure, each in standing.items() if measure is not None},
        )
