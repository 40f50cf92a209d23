"""The figures of a backtest, from counts alone: they add up over any division of the accounts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from health_score.domain.bands import Band

DECILES = 10


@dataclass(slots=True)
class Ranking:
    """How many cases there are at each score, and how many of them had the outcome. A low score foretells it."""

    cases: dict[int, int] = field(default_factory=dict)
    outcomes: dict[int, int] = field(default_factory=dict)

    def count(self, score: int, *, happened: bool) -> None:
        """Count a case."""
        self.cases[score] = self.cases.get(score, 0) + 1
        if happened:
            self.outcomes[score] = self.outcomes.get(score, 0) + 1

    def add(self, other: "Ranking") -> None:
        """Add the counts of other accounts."""
        _add(self.cases, other.cases)
        _add(self.outcomes, other.outcomes)

    def auc(self) -> Fraction | None:
        """The chance that a case with the outcome scored lower than one without; ties count half.

        None where all cases ended alike. (Mann and Whitney's U ÷ the number of pairs.)
        """
        halves, spared = 0, sum(self.cases.values()) - sum(self.outcomes.values())
        happened, above = sum(self.outcomes.values()), spared
        if not happened or not spared:
            return None
        for score in sorted(self.cases):
            hit = self.outcomes.get(score, 0)
            at = self.cases[score] - hit
            above -= at
            halves += hit * (2 * above + at)
        return Fraction(halves, 2 * happened * spared)


class Decile(NamedTuple):
    """A tenth of the cases, the lowest scores first: what was foretold (by rank alone) and the share that came true.

    Cases with the same score stay together, in the decile of the middle one, so deciles are not of equal size and may
    be empty (they are left out).
    """

    decile: int
    lowest: int
    highest: int
    cases: int
    outcomes: int
    mean_rank: Fraction

    @property
    def share(self) -> Fraction:
        """The share of the cases with the outcome."""
        return Fraction(self.outcomes, self.cases)


def deciles(ranking: Ranking) -> list[Decile]:
    """The calibration table. `mean_rank` is 0 for the lowest score and 1 for the highest."""
    total, below = sum(ranking.cases.values()), 0
    rows: dict[int, list[tuple[int, int, int, Fraction]]] = {}
    for score in sorted(ranking.cases):
        cases = ranking.cases[score]
        rank = Fraction(2 * below + cases, 2 * total)
        below += cases
        tenth = min(DECILES - 1, int(rank * DECILES))
        rows.setdefault(tenth, []).append((score, cases, ranking.outcomes.get(score, 0), rank))
    return [
        Decile(
            tenth + 1,
            row[0][0],
            row[-1][0],
            sum(cases for _, cases, _, _ in row),
            sum(outcomes for _, _, outcomes, _ in row),
            sum((cases * rank for _, cases, _, rank in row), Fraction()) / sum(cases for _, cases, _, _ in row),
        )
        for tenth, row in rows.items()
    ]


class BandFigures(NamedTuple):
    """How a band foretold the outcome."""

    band: Band
    cases: int
    outcomes: int
    precision: Fraction | None
    recall: Fraction | None
    lift: Fraction | None


class LeadFigures(NamedTuple):
    """How many days ahead the warning came: of `outcomes`, `warned` had one before.

    `median` and the quartiles are over those warned; `median_of_all` counts the others as 0 days.
    """

    outcomes: int
    warned: int
    median: Fraction | None
    first_quartile: Fraction | None
    third_quartile: Fraction | None
    median_of_all: Fraction | None


@dataclass(slots=True)
class Tally:
    """The counts of a scorecard's cases. `recency` ranks the same cases by days since the last activity alone.

    `leads` has the number of warnings by days ahead, `unwarned` the outcomes before which there was none; `unscored`
    are cases without a score, which are in no other figure.
    """

    ranking: Ranking = field(default_factory=Ranking)
    recency: Ranking = field(default_factory=Ranking)
    bands: dict[str, tuple[int, int]] = field(default_factory=dict)
    leads: dict[int, int] = field(default_factory=dict)
    unwarned: int = 0
    unscored: int = 0

    def count(self, score: int | None, band: Band, days_since_activity: int, *, happened: bool) -> None:
        """Count a case."""
        if score is None:
            self.unscored += 1
            return
        self.ranking.count(score, happened=happened)
        self.recency.count(-days_since_activity, happened=happened)
        cases, outcomes = self.bands.get(band, (0, 0))
        self.bands[band.value] = (cases + 1, outcomes + happened)

    def count_lead(self, days: int | None) -> None:
        """Count an outcome and how many days ahead its warning came (None: there was none)."""
        if days is None:
            self.unwarned += 1
        else:
            self.leads[days] = self.leads.get(days, 0) + 1

    def add(self, other: "Tally") -> None:
        """Add the counts of other accounts."""
        self.ranking.add(other.ranking)
        self.recency.add(other.recency)
        for band, (cases, outcomes) in other.bands.items():
            before = self.bands.get(band, (0, 0))
            self.bands[band] = (before[0] + cases, before[1] + outcomes)
        _add(self.leads, other.leads)
        self.unwarned += other.unwarned
        self.unscored += other.unscored

    @property
    def cases(self) -> int:
        """The cases with a score."""
        return sum(self.ranking.cases.values())

    @property
    def outcomes(self) -> int:
        """Those that had the outcome."""
        return sum(self.ranking.outcomes.values())

    def by_band(self) -> list[BandFigures]:
        """Precision (the share of a band's cases that had the outcome), recall (its share of the outcomes) and lift.

        Lift is precision ÷ the share over all cases. None: a share of nothing.
        """
        found = []
        for band in Band:
            cases, outcomes = self.bands.get(band.value, (0, 0))
            precision = Fraction(outcomes, cases) if cases else None
            recall = Fraction(outcomes, self.outcomes) if self.outcomes else None
            lift = precision * self.cases / self.outcomes if precision is not None and self.outcomes else None
            found.append(BandFigures(band, cases, outcomes, precision, recall, lift))
        return found

    def lead(self) -> LeadFigures:
        """How many days ahead the warnings came."""
        warned = sum(self.leads.values())
        of_all = dict(self.leads)
        of_all[0] = of_all.get(0, 0) + self.unwarned
        return LeadFigures(
            warned + self.unwarned,
            warned,
            _quantile(self.leads.items(), Fraction(1, 2)),
            _quantile(self.leads.items(), Fraction(1, 4)),
            _quantile(self.leads.items(), Fraction(3, 4)),
            _quantile(of_all.items(), Fraction(1, 2)),
        )


def _quantile(counts: Iterable[tuple[int, int]], share: Fraction) -> Fraction | None:
    """The value at a share of the counted ones, between two neighbours in proportion."""
    rising = sorted((value, count) for value, count in counts if count)
    total = sum(count for _, count in rising)
    if not total:
        return None
    place = share * (total - 1)
    low, high = _at(rising, int(place)), _at(rising, min(int(place) + 1, total - 1))
    return low + (high - low) * (place - int(place))


def _at(rising: list[tuple[int, int]], place: int) -> int:
    for value, count in rising:
        if place < count:
            return value
        place -= count
    raise IndexError(place)


def _add(counts: dict[int, int], other: dict[int, int]) -> None:
    for key, count in other.items():
        counts[key] = counts.get(key, 0) + count
