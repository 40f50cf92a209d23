"""Everything that the scores of one account are computed from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from health_score.domain.activity import Activity
from health_score.domain.decisions import Decisions
from health_score.domain.facts.known import Facts
from health_score.domain.metrics.reading import AsOf
from health_score.domain.metrics.series import SeriesDay, SeriesWindows
from health_score.domain.metrics.windows import Windows
from health_score.domain.stages import NOTHING_MOVED, Journal
from mainstay.kernel.clock import start_of_day

DAY = timedelta(days=1)

NOW = timedelta(microseconds=1)
"""What is decided at an instant is what was decided before the next microsecond."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """An account's days of use, the facts stated about it, what people decided, and the days of series, by number.

    `journal` has what rules did with its stage.
    """

    activity: Activity
    facts: Facts = field(default_factory=Facts)
    decisions: Decisions = field(default_factory=Decisions)
    customs: Mapping[int, Mapping[date, SeriesDay]] = field(default_factory=dict)
    journal: Journal = NOTHING_MOVED

    def customs_in(self, windows: Windows) -> Mapping[int, SeriesWindows]:
        """The windows of each series, on the columns of the account's other windows."""
        return {number: SeriesWindows(days, windows) for number, days in self.customs.items()}

    def reading(
        self, windows: Windows, day: date, *, seats: int | None, born: date | None, now: datetime | None = None
    ) -> AsOf:
        """The reading as of the end of a day, or `now` in its course. `born` is the account's first active day."""
        at = windows.index(day)
        ended = start_of_day(day + DAY, self.facts.zone)
        return AsOf(
            windows,
            at,
            at if now is None else at - 1,
            seats,
            self.facts.until(ended) if now is None else self.facts.as_of(day, now),
            self.decisions.until(ended if now is None else now + NOW),
            max(0, (day - born).days + 1) if born else 0,
            self.customs_in(windows),
        )
