"""Ways to turn a metric's value into a score of 0–100, where more is healthier."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Protocol


class Scale(Protocol):
    """Scores a value."""

    def score(self, value: Fraction) -> Fraction:
        """The score, 0–100."""


@dataclass(frozen=True, slots=True)
class Line:
    """Piecewise-linear score: `points` are (value, score) pairs in rising order of value; scores are 0–100."""

    points: tuple[tuple[Fraction, Fraction], ...]

    def score(self, value: Fraction) -> Fraction:
        """The score on the line; flat before the first point and after the last."""
        if value <= self.points[0][0]:
            return self.points[0][1]
        for (x0, y0), (x1, y1) in pairwise(self.points):
            if value < x1:
                return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Steps:
    """Stepwise score: `scores[i]` holds from `edges[i - 1]` (included) up to `edges[i]` (excluded); edges rise.

    There is one score more than there are edges.
    """

    edges: tuple[Fraction, ...]
    scores: tuple[Fraction, ...]

    def score(self, value: Fraction) -> Fraction:
        """The score of the step that the value stands on."""
        return self.scores[bisect_right(self.edges, value)]
