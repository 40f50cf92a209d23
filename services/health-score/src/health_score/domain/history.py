"""The daily close: what history keeps, and what a replay reproduces bit for bit."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from health_score.domain.bands import Band
from health_score.domain.scorecard import COVERAGE_UNITS, CardKey

DAY = timedelta(days=1)


class Close(NamedTuple):
    """An account's health as a day closed, and by which scorecard. `coverage` is in ten-thousandths of its weight.

    `computed` has the score and band without what people set by hand; None where they set nothing.
    """

    day: date
    score: int | None
    band: Band
    coverage: int
    card: CardKey
    computed: tuple[int | None, Band] | None = None


def coverage_units(coverage: Fraction) -> int:
    """A coverage of 0–1 as published: in ten-thousandths, halves rounded up."""
    return (2 * COVERAGE_UNITS * coverage.numerator + coverage.denominator) // (2 * coverage.denominator)


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
