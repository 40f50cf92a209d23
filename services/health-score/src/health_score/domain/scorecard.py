"""Scorecards: what is measured, how it is weighed, and the score with its parts. Exact: Fractions until the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import NamedTuple

from health_score.domain.bands import FREE, Band, BandRules, Forced
from health_score.domain.conditions import Condition
from health_score.domain.scales import Scale, Table

COVERAGE_UNITS = 10_000
"""A published coverage is a whole number of ten-thousandths."""


class CardKey(NamedTuple):
    """Which version of which scorecard."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Force:
    """A rule of a measure: below the score `below` the account is in `band` at most; from `start` on, at least.

    One of the two is set. So it may only ever worsen what is bad and better what is good: no measure's improvement
    lowers the score.
    """

    band: Band
    below: Fraction | None = None
    start: Fraction | None = None

    def applies(self, score: Fraction) -> bool:
        """Whether a measure's score makes the rule speak."""
        return score < self.below if self.below is not None else score >= (self.start or 0)


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of a scorecard: a metric, its weight in the group, and how its value is scored.

    It counts where all of `when` holds. In the first `after_days` days of an account's life it is NA: its windows are
    not filled yet. Evidence older than `fresh_for_days` days makes it NA too. `undefined_scores` is the score where
    the metric is undefined; None means NA. An `optional` one that is NA counts as if it did not stand there.
    """

    name: str
    metric: str
    weight: Fraction
    scale: Scale | Table
    after_days: int = 0
    undefined_scores: Fraction | None = None
    fresh_for_days: int | None = None
    when: tuple[Condition, ...] = ()
    forces: tuple[Force, ...] = ()
    optional: bool = False

    @property
    def by(self) -> str | None:
        """The second metric of a two-way table."""
        return self.scale.by if isinstance(self.scale, Table) else None


@dataclass(frozen=True, slots=True)
class Group:
    """Measures that are weighed together; `weight` is the group's own in the scorecard."""

    name: str
    weight: Fraction
    measures: tuple[Measure, ...]


class Total(NamedTuple):
    """A score in whole points, 0–100 (None: nothing has data), and its coverage, 0–1.

    `forced` says which bands the rules left. They moved the score by `pushed` points, because of the measure at the
    place `pushed_by`.
    """

    score: int | None
    coverage: Fraction
    forced: Forced = FREE
    pushed: int = 0
    pushed_by: int = 0


@dataclass(frozen=True)
class Scorecard:
    """A version of a scorecard. Group = Σ(score·weight) ÷ Σweight over what has data; overall likewise over groups.

    Scores are those of the measures in the order of `lines`; `applies` says, in the same order, which of them are
    asked of the account at all. Coverage = the weight with data ÷ the weight of what is asked.
    """

    id: str
    version: int
    groups: tuple[Group, ...]
    bands: BandRules

    @property
    def key(self) -> CardKey:
        """Its id and version."""
        return CardKey(self.id, self.version)

    @cached_property
    def lines(self) -> tuple[tuple[Group, Measure], ...]:
        """Every measure with its group, in the order of the document."""
        return tuple((group, measure) for group in self.groups for measure in group.measures)

    def shares(self, counts: Sequence[bool]) -> tuple[Fraction, ...]:
        """Each measure's share of the whole, 0–1, where only these count.

        The weight of one that does not goes to the others in its group, in proportion; that of a group without any to
        the other groups.
        """
        return self._shared(counts).shares

    def _shared(self, counts: Sequence[bool]) -> "_Shares":
        key = tuple(counts)
        known = self._known_shares.get(key)
        if known is None:
            known = self._known_shares[key] = _Shares.of(self._redistributed(key))
        return known

    @cached_property
    def _known_shares(self) -> dict[tuple[bool, ...], "_Shares"]:
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

    def total(self, scores: Sequence[Fraction | None], applies: Sequence[bool]) -> Total:
        """The score of these measures' scores; halves are rounded up.

        A rule that forces a band moves the score to that band's nearest edge, so that score and band agree.
        """
        return self.weighed(scores, applies)[0]

    def weighed(self, scores: Sequence[Fraction | None], applies: Sequence[bool]) -> tuple[Total, list[int]]:
        """The same with the whole points that each measure brings, which add up to it.

        A measure whose rule forced a band also bears the points that this took or gave.
        """
        weights = self._shared(applies)
        coverage = sum(unit for unit, score in zip(weights.units, scores, strict=True) if score is not None)
        if not coverage:
            return Total(None, Fraction()), [0] * len(scores)
        parts, whole = self.parts(scores)
        rounded = (2 * sum(parts) + whole) // (2 * whole)
        total = self._forced(scores, rounded, Fraction(coverage, weights.whole))
        points = largest_remainder(parts, whole, rounded)
        points[total.pushed_by] += total.pushed
        return total, points

    def parts(self, scores: Sequence[Fraction | None]) -> tuple[list[int], int]:
        """What each measure brings to the score, exactly: in units of which a point has the number answered.

        In integers: fractions look for their smallest terms at every step, which took most of the time.
        """
        shares = self._shared([score is not None for score in scores])
        point = lcm(*(score.denominator for score in scores if score is not None))
        parts = [
            unit * score.numerator * (point // score.denominator) if score is not None else 0
            for unit, score in zip(shares.units, scores, strict=True)
        ]
        return parts, shares.whole * point

    @cached_property
    def _forcing(self) -> tuple[tuple[int, Force], ...]:
        return tuple((place, force) for place, (_, measure) in enumerate(self.lines) for force in measure.forces)

    def _forced(self, scores: Sequence[Fraction | None], score: int, coverage: Fraction) -> Total:
        speaking = [
            (place, force)
            for place, force in self._forcing
            if (found := scores[place]) is not None and force.applies(found)
        ]
        if not speaking:
            return Total(score, coverage)
        caps = [(self.bands.highest(force.band), place, force) for place, force in speaking if force.below is not None]
        floors = [(-self.bands.lowest(force.band), place, force) for place, force in speaking if force.below is None]
        published, pushed_by = score, 0
        at_least = at_most = None
        if floors:  # the tightest; the first in the document among equals
            floor, place, force = min(floors, key=lambda each: each[:2])
            at_least = force.band
            if -floor > published:
                published, pushed_by = -floor, place
        if caps:  # what is bad weighs more than what is good
            cap, place, force = min(caps, key=lambda each: each[:2])
            at_most = force.band
            if at_least is not None and self.bands.lowest(at_least) > cap:
                at_least = at_most
            if cap < published:
                published, pushed_by = cap, place
        return Total(published, coverage, Forced(at_least, at_most), published - score, pushed_by)


class _Shares(NamedTuple):
    """Shares of a whole that has `whole` units."""

    shares: tuple[Fraction, ...]
    units: tuple[int, ...]
    whole: int

    @classmethod
    def of(cls, shares: tuple[Fraction, ...]) -> "_Shares":
        whole = lcm(*(share.denominator for share in shares))
        return cls(shares, tuple(share.numerator * (whole // share.denominator) for share in shares), whole)


def largest_remainder(parts: Sequence[int], point: int, total: int) -> list[int]:
    """Whole points near `parts` that add up to `total`, which is the sum of the parts, rounded either way.

    Parts are in units of which a point has `point`. Every part is rounded down; the points left go to the largest
    remainders, earlier parts first among equals.
    """
    whole = [part // point for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda place: (-(parts[place] % point), place))
    for place in by_remainder[: total - sum(whole)]:
        whole[place] += 1
    return whole
