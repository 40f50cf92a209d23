"""How far an objective is: the way from its baseline to its target."""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from health_score.domain.facts.known import Thing


class Standing(NamedTuple):
    """Where an objective stands. None: not known."""

    value: float | None
    progress: float | None
    reached: bool | None


def standing(objective: Thing, values: Mapping[str, float | None]) -> Standing:
    """Where an objective stands by these values of metrics; without its metric among them, by what was stated."""
    metric, baseline, target = objective.said("metric"), objective.said("baseline"), objective.said("target")
    value = values[metric] if metric in values else objective.said("achieved")
    return Standing(value, progress(value, baseline, target), reached(value, baseline, target))


def _exact(number: float) -> Fraction:
    """The decimal number as it is written, not the nearest binary one."""
    return Fraction(str(number))


def progress(value: float | None, baseline: float | None, target: float | None) -> float | None:
    """(value − baseline) ÷ (target − baseline), 0–1, whichever way it goes. None where one of the three is not known.

    Where the target is the baseline, there is nothing between: 1 at it or above, else 0.
    """
    if value is None or baseline is None or target is None:
        return None
    begin, end, at = _exact(baseline), _exact(target), _exact(value)
    if begin == end:
        return float(at >= end)
    return float(min(Fraction(1), max(Fraction(0), (at - begin) / (end - begin))))


def reached(value: float | None, baseline: float | None, target: float | None) -> bool | None:
    """Whether the target is reached: from a baseline above it, at it or below; else at it or above. None: not known."""
    if value is None or target is None:
        return None
    if baseline is not None and baseline > target:
        return value <= target
    return value >= target
