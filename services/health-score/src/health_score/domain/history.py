"""The daily close: what history keeps, and what a replay reproduces bit for bit."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from health_score.domain.bands import Band, Standing
from health_score.domain.metrics import AsOf, Windows
from health_score.domain.scorecard import COVERAGE_UNITS, Scorer

DAY = timedelta(days=1)


class Close(NamedTuple):
    """An account's health as a day closed. `coverage` is in ten-thousandths of the scorecard's weight."""

    day: date
    score: int | None
    band: Band
    coverage: int


def coverage_units(coverage: Fraction) -> int:
    """A coverage of 0–1 as published: in ten-thousandths, halves rounded up."""
    return int(coverage * COVERAGE_UNITS + Fraction(1, 2))


@dataclass(frozen=True, slots=True)
class Seats:
    """The seats bought, by the day from which each number held; `steps` rise by day. None: not known."""

    steps: tuple[tuple[date, int | None], ...] = ()

    def on(self, day: date) -> int | None:
        """The seats known on a day."""
        place = bisect_right(self.steps, day, key=lambda step: step[0])
        return self.steps[place - 1][1] if place else None

    def from_day(self, day: date, seats: int | None) -> "Seats":
        """These seats with another number from `day` on: what is said last holds, whatever was said of days after."""
        kept = tuple(step for step in self.steps if step[0] < day)
        if len(kept) == len(self.steps) and self.on(day) == seats:
            return self
        return Seats(kept) if Seats(kept).on(day) == seats else Seats((*kept, (day, seats)))


def close_days(
    windows: Windows, scorer: Scorer, *, born: date, first: date, last: date, seats: Seats, standing: Standing | None
) -> tuple[list[Close], Standing | None]:
    """The closes of the days from `first` to `last`, and the standing after them.

    `born` is the account's first active day; `standing` is that of the close before `first`, None when there is none.
    """
    closes: list[Close] = []
    rules = scorer.card.bands
    reading = AsOf(windows, 0, 0)
    steps: Sequence[tuple[date, int | None]] = seats.steps
    day, at, age = first, windows.index(first), (first - born).days
    while day <= last:
        age += 1
        reading.at = reading.complete = at
        if steps:
            reading.seats = seats.on(day)
        total = scorer.total(reading, age)
        band = rules.place(total.score, total.coverage, standing, day)
        standing = standing.after(day, band) if standing else Standing(band, day)
        closes.append(Close(day, total.score, band, coverage_units(total.coverage)))
        day += DAY
        at += 1
    return closes, standing
