"""Ways to turn a metric's value into a score of 0–100, where more is healthier; None is NA."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm
from typing import NamedTuple, Protocol


class Scale(Protocol):
    """Scores a value."""

    def score(self, value: Fraction) -> Fraction | None:
        """The score, 0–100; None where the scale has none for the value."""


@dataclass(frozen=True)
class Line:
    """Piecewise-linear score: `points` are (value, score) pairs in rising order of value; scores are 0–100."""

    points: tuple[tuple[Fraction, Fraction], ...]

    def score(self, value: Fraction) -> Fraction:
        """The score on the line; flat before the first point and after the last."""
        numerator, denominator = value.numerator, value.denominator
        if numerator * self._begins.denominator <= self._begins.numerator * denominator:
            return self.points[0][1]
        for ends, slope, offset, of in self._pieces:
            if numerator * ends.denominator < ends.numerator * denominator:
                return Fraction(slope * numerator + offset * denominator, of * denominator)
        return self.points[-1][1]

    @cached_property
    def _begins(self) -> Fraction:
        return self.points[0][0]

    @cached_property
    def _pieces(self) -> tuple[tuple[Fraction, int, int, int], ...]:
        """Each piece as (where it ends, a, b, c): its score is (a·value + b) ÷ c. Integers are ten times as fast."""
        pieces = []
        for (x0, y0), (x1, y1) in pairwise(self.points):
            slope = (y1 - y0) / (x1 - x0)
            offset = y0 - slope * x0
            of = lcm(slope.denominator, offset.denominator)
            pieces.append((x1, int(slope * of), int(offset * of), of))
        return tuple(pieces)


class Edge(NamedTuple):
    """Where the next step begins: at the value itself, or (`above`) right after it."""

    value: Fraction
    above: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """Stepwise score: `scores[i]` holds from `edges[i - 1]` up to `edges[i]`, which begins the next step; edges rise.

    There is one score more than there are edges.
    """

    edges: tuple[Edge, ...]
    scores: tuple[Fraction | None, ...]

    def score(self, value: Fraction) -> Fraction | None:
        """The score of the step that the value stands on."""
        return self.scores[step_of(self.edges, value)]


@dataclass(frozen=True, slots=True)
class Table:
    """A two-way table: `scores[row][column]`, rows by the measure's metric and columns by a second one."""

    by: str
    rows: tuple[Edge, ...]
    columns: tuple[Edge, ...]
    scores: tuple[tuple[Fraction | None, ...], ...]

    def score(self, value: Fraction, second: Fraction) -> Fraction | None:
        """The score of the cell."""
        return self.scores[step_of(self.rows, value)][step_of(self.columns, second)]


def step_of(edges: Sequence[Edge], value: Fraction) -> int:
    """The number of the step on which a value stands, from 0."""
    return bisect_right(edges, (value, False))
