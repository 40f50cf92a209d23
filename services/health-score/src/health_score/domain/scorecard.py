"""Scorecards: what is measured, how it is weighed, and the score with its parts. Exact: Fractions until the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from health_score.domain.bands import BandRules
from health_score.domain.metrics import METRICS, AsOf, Value
from health_score.domain.scales import Scale

COVERAGE_UNITS = 10_000
"""A published coverage is a whole number of ten-thousandths."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of a scorecard: a metric, its weight in the group, and how its value is scored.

    In the first `after_days` days of an account's life the measure is NA: its windows are not filled yet.
    `undefined_scores` is the score where the metric is undefined; None means NA.
    """

    name: str
    metric: str
    weight: Fraction
    scale: Scale
    after_days: int = 0
    undefined_scores: Fraction | None = None

    def score(self, value: Value, age_days: int) -> Fraction | None:
        """The score of a value, 0–100, or None (NA). `age_days` is 1 on the account's first active day."""
        if age_days <= self.after_days:
            return None
        if value is None:
            return self.undefined_scores
        return self.scale.score(Fraction(value))


@dataclass(frozen=True, slots=True)
class Group:
    """Measures that are weighed together; `weight` is the group's own in the scorecard."""

    name: str
    weight: Fraction
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """What one measure says: its value and score (None: NA), and the whole points it brings to the score.

    `weight` is its share of the scorecard (0–1), `effective_weight` its share after the weight of what is NA went to
    the others; contributions add up to the score exactly.
    """

    measure: str
    group: str
    metric: str
    value: Value
    score: Fraction | None
    weight: Fraction
    effective_weight: Fraction
    contribution: int


@dataclass(frozen=True, slots=True)
class Total:
    """A score in whole points, 0–100 (None: nothing has data), and its coverage: the weight with data ÷ all weight."""

    score: int | None
    coverage: Fraction


@dataclass(frozen=True, slots=True)
class Scored:
    """A score and the measures that explain it."""

    total: Total
    measures: tuple[MeasureResult, ...]


@dataclass(frozen=True)
class Scorecard:
    """A version of a scorecard. Group = Σ(score·weight) ÷ Σweight over what has data; overall likewise over groups."""

    id: str
    version: int
    groups: tuple[Group, ...]
    bands: BandRules

    @cached_property
    def lines(self) -> tuple[tuple[Group, Measure], ...]:
        """Every measure with its group, in the order of the document."""
        return tuple((group, measure) for group in self.groups for measure in group.measures)

    @cached_property
    def weights(self) -> tuple[Fraction, ...]:
        """Each measure's share of the whole, 0–1, in the order of `lines`."""
        overall = sum((group.weight for group in self.groups), Fraction())
        return tuple(
            group.weight / overall * measure.weight / sum((other.weight for other in group.measures), Fraction())
            for group, measure in self.lines
        )

    def effective_weights(self, scores: Sequence[Fraction | None]) -> tuple[Fraction, ...]:
        """Each measure's share once the weight of NA measures went to the others: group first, then the groups."""
        counts = tuple(score is not None for score in scores)
        if counts not in self._effective_weights:
            self._effective_weights[counts] = self._redistributed(counts)
        return self._effective_weights[counts]

    @cached_property
    def _effective_weights(self) -> dict[tuple[bool, ...], tuple[Fraction, ...]]:
        """The shares by which measures count; a handful of the combinations ever occurs."""
        return {}

    def _redistributed(self, counts: tuple[bool, ...]) -> tuple[Fraction, ...]:
        in_group: dict[str, Fraction] = {}
        for (group, measure), counted in zip(self.lines, counts, strict=True):
            in_group[group.name] = in_group.get(group.name, Fraction()) + (measure.weight if counted else 0)
        overall = sum((group.weight for group in self.groups if in_group[group.name]), Fraction())
        return tuple(
            group.weight / overall * measure.weight / in_group[group.name] if counted else Fraction()
            for (group, measure), counted in zip(self.lines, counts, strict=True)
        )

    def total(self, scores: Sequence[Fraction | None]) -> Total:
        """The score of these measures' scores, in the order of `lines`; halves are rounded up."""
        coverage = sum(
            (weight for weight, score in zip(self.weights, scores, strict=True) if score is not None), Fraction()
        )
        if not coverage:
            return Total(None, coverage)
        exact = sum(self._parts(scores), Fraction())
        return Total(int(exact + Fraction(1, 2)), coverage)

    def score(self, values: Mapping[str, Value], age_days: int) -> Scored:
        """The score of an account's metrics, with every measure's part in it."""
        scores = [measure.score(values[measure.metric], age_days) for _, measure in self.lines]
        total = self.total(scores)
        points = largest_remainder(self._parts(scores), total.score or 0)
        return Scored(
            total,
            tuple(
                MeasureResult(
                    measure.name, group.name, measure.metric, values[measure.metric], score, weight, effective, part
                )
                for (group, measure), score, weight, effective, part in zip(
                    self.lines, scores, self.weights, self.effective_weights(scores), points, strict=True
                )
            ),
        )

    def _parts(self, scores: Sequence[Fraction | None]) -> list[Fraction]:
        return [
            weight * score if score is not None else Fraction()
            for weight, score in zip(self.effective_weights(scores), scores, strict=True)
        ]


def largest_remainder(parts: Sequence[Fraction], total: int) -> list[int]:
    """Whole numbers near `parts` that add up to `total`, which is the sum of the parts, rounded either way.

    Every part is rounded down; the points left go to the largest remainders, earlier parts first among equals.
    """
    whole = [int(part) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda place: (whole[place] - parts[place], place))
    for place in by_remainder[: total - sum(whole)]:
        whole[place] += 1
    return whole


@dataclass(slots=True)
class Scorer:
    """Scores many days of many accounts by one scorecard: each distinct value and each combination only once."""

    card: Scorecard
    _scores: list[dict[Value, Fraction | None]] = field(init=False)
    _totals: dict[tuple[Fraction | None, ...], Total] = field(default_factory=dict)

    REMEMBERED = 50_000

    def __post_init__(self) -> None:
        self._scores = [{} for _ in self.card.lines]

    def total(self, reading: AsOf, age_days: int) -> Total:
        """The score and coverage of a reading; the same as the scorecard's own, faster."""
        scores: list[Fraction | None] = []
        for (_, measure), known in zip(self.card.lines, self._scores, strict=True):
            if age_days <= measure.after_days:
                scores.append(None)
                continue
            value = METRICS[measure.metric](reading)
            try:
                scores.append(known[value])
            except KeyError:
                if len(known) >= self.REMEMBERED:
                    known.clear()
                scores.append(known.setdefault(value, measure.score(value, age_days)))
        key = tuple(scores)
        total = self._totals.get(key)
        if total is None:
            if len(self._totals) >= self.REMEMBERED:
                self._totals.clear()
            total = self._totals.setdefault(key, self.card.total(scores))
        return total
