"""Durations and how they are spread: kept whole, 8 bytes each, so that medians and percentiles are exact."""

from array import array
from datetime import timedelta
from fractions import Fraction

_MICROSECOND = timedelta(microseconds=1)
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR


class Durations:
    """A bag of durations; none is shorter than 0."""

    __slots__ = ("_microseconds",)

    def __init__(self) -> None:
        self._microseconds = array("q")

    def add(self, duration: timedelta) -> None:
        """Put one in."""
        self._microseconds.append(max(0, duration // _MICROSECOND))

    def __len__(self) -> int:
        return len(self._microseconds)

    def median_hours(self) -> Fraction | None:
        """The middle one in hours, or the mean of the two in the middle; None for none."""
        return self._median(_HOUR)

    def median_days(self) -> Fraction | None:
        """The same in days of 24 hours."""
        return self._median(_DAY)

    def p90_hours(self) -> Fraction | None:
        """The shortest one that nine of ten do not exceed (nearest rank), in hours; None for none."""
        known = sorted(self._microseconds)
        return Fraction(known[-(-9 * len(known) // 10) - 1], _HOUR) if known else None

    def _median(self, unit: int) -> Fraction | None:
        known = sorted(self._microseconds)
        if not known:
            return None
        middle = len(known) // 2
        lower = known[middle] if len(known) % 2 else known[middle - 1]
        return Fraction(lower + known[middle], 2 * unit)
