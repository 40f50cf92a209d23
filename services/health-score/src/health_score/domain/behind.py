"""What lies behind a measure: which kinds of facts its metric reads, and which days of use."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from health_score.domain.facts.known import ACCOUNT, Facts, Statement
from health_score.domain.metrics.activation import ACTIVATION
from health_score.domain.metrics.custom import PREFIX
from health_score.domain.metrics.deviation import DEVIATION, WEEKS
from health_score.domain.metrics.habit import HABIT, HALF_YEAR
from health_score.domain.metrics.reading import AsOf, Metric
from health_score.domain.metrics.usage import USAGE

ACCOUNT_FIELDS: Final = frozenset({"service_policy", "go_live_on"})
"""What metrics read of the facts about the account itself."""

_DAYS: Final[Mapping[str, int]] = {
    "active_users_1d": 1,
    "active_users_7d": 7,
    **dict.fromkeys((metric.name for metric in HABIT), HALF_YEAR),
}
"""How many days metrics of use look at; those that are not named here look at 28."""

_TRENDS: Final[Mapping[str, int]] = {
    f"{figure}_trend_{days}d": 2 * days for figure in ("usage", "active_users") for days in (7, 28, 90)
}
_DEVIATIONS: Final = frozenset(metric.name for metric in DEVIATION)
_OF_LIFE: Final = frozenset({"days_since_last_activity", *(metric.name for metric in ACTIVATION)})
_OF_USE: Final = frozenset(metric.name for metric in (*USAGE, *HABIT, *ACTIVATION, *DEVIATION))


class DayOfEvidence(NamedTuple):
    """A day of use that came into a window or left it: events, and the users active on it."""

    day: date
    events: int
    users: int


@dataclass(frozen=True, slots=True)
class Slid:
    """The days with use that a metric reads now and did not before (`entered`), and the other way round."""

    entered: Sequence[DayOfEvidence] = ()
    left: Sequence[DayOfEvidence] = ()


class _Asked(dict[str, Any]):
    """The things that are known, and which kinds of them were asked for."""

    def __init__(self, things: Mapping[str, Any]) -> None:
        super().__init__(things)
        self.kinds: set[str] = set()

    def get(self, kind: str, default: Any = None) -> Any:
        self.kinds.add(kind)
        return super().get(kind, default)


def kinds_read(metric: Metric, *readings: AsOf) -> AbstractSet[str]:
    """The kinds of facts that a metric asks for: found out by reading it, so that no list of them can be wrong."""
    kinds: set[str] = set()
    for reading in readings:
        asked = _Asked(reading.known.things)
        metric.read(replace(reading, known=replace(reading.known, things=asked)))
        kinds |= asked.kinds
    return kinds


def facts_behind(metric: Metric, before: AsOf, after: AsOf, facts: "Between") -> Sequence[Statement]:
    """The facts between two readings that a metric reads, oldest first."""
    kinds = kinds_read(metric, before, after)
    return [
        statement
        for statement in facts.statements
        if statement.kind in kinds and (statement.kind != ACCOUNT or ACCOUNT_FIELDS & statement.fields.keys())
    ]


@dataclass(frozen=True, slots=True)
class Between:
    """The facts that were stated of instants from `begin` on and before `end`."""

    statements: Sequence[Statement] = field(default_factory=tuple)

    @classmethod
    def of(cls, facts: Facts, begin: datetime, end: datetime) -> "Between":
        """Those among all facts."""
        return cls(tuple(statement for statement in facts.statements if begin <= statement.at < end))


def reads_use(metric: Metric) -> bool:
    """Whether a metric is computed from days of use."""
    return metric.name in _OF_USE or metric.name.startswith(PREFIX)


def slid(metric: Metric, before: AsOf, after: AsOf) -> Slid:
    """How the window of a metric of use moved from one reading to a later one."""
    old, new = _days_read(metric, before), _days_read(metric, after)
    left = set() if metric.name in _OF_LIFE else old - new  # what ever happened stays
    return Slid(_shown(metric, after, new - old), _shown(metric, before, left))


def _days_read(metric: Metric, of: AsOf) -> AbstractSet[date]:
    at, complete = of.day, of.windows.day(of.complete)
    if metric.name in _DEVIATIONS:
        return {complete - timedelta(weeks=weeks) for weeks in range(WEEKS + 1)}
    if metric.name in _OF_LIFE:
        return _window(at, (at - of.windows.day(0)).days + 1)
    if metric.name in _TRENDS:
        return _window(complete, _TRENDS[metric.name])
    if metric.name.startswith(PREFIX):
        return _window(at, metric.reach.days + 1)
    return _window(at, _DAYS.get(metric.name, 28))


def _window(last: date, days: int) -> AbstractSet[date]:
    return {last - timedelta(days=back) for back in range(days)}


def _shown(metric: Metric, of: AsOf, days: AbstractSet[date]) -> Sequence[DayOfEvidence]:
    return [shown for day in sorted(days) if (shown := _day(metric, of, day)) is not None]


def _day(metric: Metric, of: AsOf, day: date) -> DayOfEvidence | None:
    """A day as a metric sees it; None where it has nothing, or was not loaded for any metric."""
    place = of.windows.index(day)
    if not 0 <= place < of.windows.length:
        return None
    if metric.series:
        counted = [of.customs[number] for number in sorted(metric.series) if number in of.customs]
        events = sum(series.events(place, 1) for series in counted)
        users = max((series.users(place, 1) for series in counted), default=0)
    else:
        events, users = of.windows.events(place, 1), of.windows.users(place, 1)
    return DayOfEvidence(day, events, users) if events else None
