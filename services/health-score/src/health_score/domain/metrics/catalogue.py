"""Every metric by its name: those that come with Mainstay, and those that operators define."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from typing import NamedTuple

from health_score.domain.activity import Activity
from health_score.domain.facts.known import Known
from health_score.domain.metrics.activation import ACTIVATION
from health_score.domain.metrics.billing import BILLING
from health_score.domain.metrics.custom import PREFIX
from health_score.domain.metrics.dates import DATES
from health_score.domain.metrics.deviation import DEVIATION
from health_score.domain.metrics.engagement import ENGAGEMENT
from health_score.domain.metrics.habit import HABIT
from health_score.domain.metrics.life import LIFE
from health_score.domain.metrics.people import PEOPLE
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from health_score.domain.metrics.sentiment import SENTIMENT
from health_score.domain.metrics.series import SeriesDay, SeriesWindows
from health_score.domain.metrics.success import SUCCESS
from health_score.domain.metrics.support import SUPPORT
from health_score.domain.metrics.usage import USAGE
from health_score.domain.metrics.voice import VOICE
from health_score.domain.metrics.windows import REACH, Windows

FACTS = (*SUPPORT, *VOICE, *ENGAGEMENT, *PEOPLE, *SUCCESS, *BILLING, *DATES)

METRICS: Mapping[str, Metric] = {
    metric.name: metric for metric in (*USAGE, *HABIT, *ACTIVATION, *DEVIATION, *FACTS, *LIFE, *SENTIMENT)
}
"""The metrics that come with Mainstay."""


class Needs(NamedTuple):
    """What is loaded for metrics: days of use as far back as `reach`, whether the account's life, and which series."""

    reach: timedelta = timedelta()
    of_life: bool = False
    series: frozenset[int] = frozenset()

    def joined(self, other: "Needs") -> "Needs":
        """What both need."""
        return Needs(max(self.reach, other.reach), self.of_life or other.of_life, self.series | other.series)


def needs_of(metrics: Iterable[Metric]) -> Needs:
    """What metrics need together."""
    needs = Needs()
    for metric in metrics:
        needs = needs.joined(Needs(metric.reach, metric.of_life, metric.series))
    return needs


def reach_of(metrics: Iterable[Metric]) -> timedelta:
    """How far back the metrics look."""
    return needs_of(metrics).reach


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The metrics that scorecards may name: the built-in ones, and those of operators that are defined now."""

    customs: Mapping[str, Metric] = field(default_factory=dict)

    def get(self, name: str) -> Metric:
        """The metric of a name; an operator's that nobody defined has no value. Raises KeyError for any other name."""
        metric = METRICS.get(name) or self.customs.get(name)
        if metric is None:
            if not self.knows(name):
                raise KeyError(name)
            metric = Metric(name, Unit.COUNT, lambda _: None, lambda _: None)
        return metric

    def knows(self, name: str) -> bool:
        """Whether a scorecard may name it: an operator's metric also before it is defined."""
        return name in METRICS or (name.startswith(PREFIX) and len(name) > len(PREFIX))

    def like(self, name: str) -> list[str]:
        """The names nearest to a mistaken one, at most three."""
        return get_close_matches(name, [*METRICS, *self.customs], n=3, cutoff=0.5)


BUILT_IN = Catalogue()


def as_of(
    activity: Activity,
    day: date,
    *,
    running: bool,
    seats: int | None,
    reach: timedelta = REACH,
    known: Known | None = None,
    series: Mapping[int, Mapping[date, SeriesDay]] | None = None,
) -> AsOf:
    """A reading as of one day; `running` says that the day is not over yet, `known` has the facts by its end.

    `series` has the days of each series.
    """
    windows = Windows(activity, day, day, reach)
    at = windows.index(day)
    customs = {number: SeriesWindows(days, windows) for number, days in (series or {}).items()}
    return AsOf(windows, at, at - 1 if running else at, seats, known or Known(), customs=customs)


def measure(reading: AsOf, metrics: Mapping[str, Metric] = METRICS) -> dict[str, Value]:
    """Every metric of a reading."""
    return {name: metric.read(reading) for name, metric in metrics.items()}
