"""Scoring readings by a scorecard: each measure with its status, fast over many days and accounts, in full for one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import partial
from itertools import count
from typing import Final, NamedTuple

from health_score.domain.bands import Band, BandRules, Standing
from health_score.domain.conditions import NOTHING_STATED, Attributes, all_hold
from health_score.domain.decisions import NOTHING_DECIDED, Decided, Override
from health_score.domain.metrics.catalogue import BUILT_IN, Catalogue, Needs, needs_of
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from health_score.domain.scales import Table
from health_score.domain.scorecard import CardKey, Measure, Scorecard, Total

OVERRIDE = "override"
"""The line of the parts that says what a score set by hand adds to the computed one. No measure has this name."""

_Key = int | tuple[int, int] | None
"""A value to look up by. A Fraction's own hash takes a modular power, which was a third of scoring."""


class Status(StrEnum):
    """What there is to say about a measure. All but `ok` and `overridden` leave it without a score."""

    OK = "ok"
    NA = "na"
    STALE = "stale"
    GRACE = "grace"
    OVERRIDDEN = "overridden"


class Judged(NamedTuple):
    """What a measure says of a reading, by itself: its score (None: NA) and why, and the value where it was read.

    `number` stands for the score where scores are looked up: below 1 is none (−1: the value was not read), and
    different scores have different ones.
    """

    score: Fraction | None
    status: Status
    value: Value = None
    number: int = 0


class MeasureResult(NamedTuple):
    """One measure's part in a score: its value and score (None: NA), and the whole points it brings.

    `weight` is its share of the scorecard (0–1) among the measures that are asked of the account, `effective_weight`
    its share after the weight of what is NA went to the others; contributions add up to the score exactly. A measure
    whose rule forced a band also bears the points that this took or gave. `seen_on` is the day of the latest evidence;
    `computed_score` is the score that an `override` stands in the place of.
    """

    measure: str
    group: str
    metric: str
    value: Value
    score: Fraction | None
    weight: Fraction
    effective_weight: Fraction
    contribution: int
    status: Status = Status.OK
    unit: Unit | None = None
    seen_on: date | None = None
    computed_score: Fraction | None = None
    override: Override | None = None


class Outcome(NamedTuple):
    """An account's score as of a day: as it is published, and as computed, without what people set by hand.

    `is_overridden` says that people set some of it by hand, `by_hand` that they set the whole score.
    """

    total: Total
    computed: Total
    is_overridden: bool = False
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """A score and the parts that explain it: the measures, and what a score set by hand adds to them."""

    outcome: Outcome
    measures: tuple[MeasureResult, ...]

    @property
    def total(self) -> Total:
        """The published score."""
        return self.outcome.total

    @property
    def contributions(self) -> Mapping[str, int]:
        """The whole points of everything that counts, by name; they add up to the score."""
        return {part.measure: part.contribution for part in self.measures if part.score is not None}


class _Line(NamedTuple):
    measure: Measure
    metric: Metric
    by: Metric | None
    known: dict[tuple[_Key, _Key], tuple[Fraction | None, int]]


class _Weighed(NamedTuple):
    """What the scores of a card's measures make together: the total, and by measure weights and whole points."""

    total: Total
    weights: tuple[Fraction, ...]
    effective: tuple[Fraction, ...]
    points: tuple[int, ...]


@dataclass(slots=True)
class Scorer:
    """Scores many days of many accounts by one scorecard: each distinct value and each combination only once.

    `metrics` are those that the scorecard and its sentences read, and `needs` what is to be loaded for them.
    """

    card: Scorecard
    catalogue: Catalogue = BUILT_IN
    metrics: Mapping[str, Metric] = field(init=False)
    needs: Needs = field(init=False)
    _lines: tuple[_Line, ...] = field(init=False)
    _applies: dict[Attributes, tuple[bool, ...]] = field(default_factory=dict)
    _numbers: dict[_Key, int] = field(default_factory=dict)
    _next_number: Iterator[int] = field(default_factory=partial(count, 1))
    _weighed: dict[tuple[tuple[int, ...], tuple[bool, ...]], _Weighed] = field(default_factory=dict)

    REMEMBERED = 50_000

    def __post_init__(self) -> None:
        get = self.catalogue.get
        self._lines = tuple(
            _Line(measure, get(measure.metric), get(measure.by) if measure.by else None, {})
            for _, measure in self.card.lines
        )
        names = {*(name for _, line in self.card.lines for name in (line.metric, line.by) if name)}
        self.metrics = {name: get(name) for name in sorted(names)}
        self.needs = needs_of(self.metrics.values())

    @property
    def key(self) -> CardKey:
        """Which version of which scorecard it scores by."""
        return self.card.key

    def outcome(
        self, reading: AsOf, attributes: Attributes = NOTHING_STATED, decided: Decided = NOTHING_DECIDED
    ) -> Outcome:
        """The score of a reading, without its parts."""
        asked = self._asked(attributes)
        judged = self._judged(reading, asked)
        computed = self._weigh(judged, asked).total
        if not decided.is_overridden:
            return Outcome(computed, computed)
        return _outcome(self._weigh(self._by_hand(judged, decided), asked).total, computed, decided)

    def scored(
        self, reading: AsOf, attributes: Attributes = NOTHING_STATED, decided: Decided = NOTHING_DECIDED
    ) -> Scored:
        """The same with every part."""
        asked = self._asked(attributes)
        judged = self._judged(reading, asked)
        counted = self._by_hand(judged, decided) if decided.is_overridden else judged
        weighed = self._weigh(counted, asked)
        total = weighed.total
        outcome = Outcome(total, total)
        if decided.is_overridden:
            outcome = _outcome(total, self._weigh(judged, asked).total, decided)
        parts = [
            MeasureResult(
                measure=line.measure.name,
                group=group.name,
                metric=line.measure.metric,
                value=line.metric.read(reading) if each.number == _UNREAD else each.value,
                score=counts.score,
                weight=weight,
                effective_weight=effective,
                contribution=contribution,
                status=counts.status,
                unit=line.metric.unit,
                seen_on=line.metric.seen_on(reading),
                computed_score=each.score if counts.status is Status.OVERRIDDEN else None,
                override=decided.measures.get(line.measure.name),
            )
            for line, (group, _), each, counts, weight, effective, contribution in zip(
                self._lines,
                self.card.lines,
                judged,
                counted,
                weighed.weights,
                weighed.effective,
                weighed.points,
                strict=True,
            )
        ]
        if decided.score is not None:
            parts.append(_by_hand(decided.score, total))
        return Scored(outcome, tuple(parts))

    def _asked(self, attributes: Attributes) -> tuple[bool, ...]:
        asked = self._applies.get(attributes)
        if asked is None:
            if len(self._applies) >= self.REMEMBERED:
                self._applies.clear()
            asked = tuple(all_hold(line.measure.when, attributes) for line in self._lines)
            self._applies[attributes] = asked
        return asked

    def _applying(self, scores: Sequence[Fraction | None], asked: Sequence[bool]) -> list[bool]:
        """Which measures count for the coverage: those asked, and what was set by hand; not optional ones without."""
        return [
            score is not None or (is_asked and not line.measure.optional)
            for line, score, is_asked in zip(self._lines, scores, asked, strict=True)
        ]

    def _judged(self, reading: AsOf, asked: Sequence[bool]) -> list[Judged]:
        return [
            self._judge(line, reading) if applies else _NOT_ASKED
            for line, applies in zip(self._lines, asked, strict=True)
        ]

    def _judge(self, line: _Line, reading: AsOf) -> Judged:
        measure, metric = line.measure, line.metric
        if reading.age_days <= measure.after_days:
            return _GRACE
        if measure.fresh_for_days is not None:
            seen = metric.seen_on(reading)
            if seen is not None and (reading.day - seen).days > measure.fresh_for_days:
                return _STALE
        value = metric.read(reading)
        second = line.by.read(reading) if line.by else None
        key = (_key(value), _key(second))
        known = line.known.get(key)
        if known is None:
            if len(line.known) >= self.REMEMBERED:
                line.known.clear()
            score = _score(measure, value, second)
            known = line.known[key] = (score, self._number(score))
        score, number = known
        return Judged(score, Status.NA if score is None else Status.OK, value, number)

    def _by_hand(self, judged: Sequence[Judged], decided: Decided) -> list[Judged]:
        """The same with what people set by hand in the place of what was computed."""
        counted = list(judged)
        for place, line in enumerate(self._lines):
            override = decided.measures.get(line.measure.name)
            if override is not None:
                score = Fraction(override.score)
                counted[place] = judged[place]._replace(
                    score=score, status=Status.OVERRIDDEN, number=self._number(score)
                )
        return counted

    def _number(self, score: Fraction | None) -> int:
        """A number for a score, never given to another: when too many are remembered, all get new ones."""
        if score is None:
            return 0
        if len(self._numbers) >= self.REMEMBERED:
            self._numbers.clear()
        return self._numbers.setdefault(_key(score), next(self._next_number))

    def _weigh(self, judged: Sequence[Judged], asked: tuple[bool, ...]) -> _Weighed:
        key = (tuple([each.number for each in judged]), asked)
        weighed = self._weighed.get(key)
        if weighed is None:
            if len(self._weighed) >= self.REMEMBERED:
                self._weighed.clear()
            weighed = self._weighed[key] = self._weighed_anew([each.score for each in judged], asked)
        return weighed

    def _weighed_anew(self, scores: Sequence[Fraction | None], asked: Sequence[bool]) -> _Weighed:
        applies = self._applying(scores, asked)
        total, points = self.card.weighed(scores, applies)
        return _Weighed(
            total,
            self.card.shares(applies) if any(applies) else (Fraction(),) * len(applies),
            self.card.shares([score is not None for score in scores]),
            tuple(points),
        )


_UNREAD: Final = -1
_GRACE, _STALE, _NOT_ASKED = (
    Judged(None, status, number=_UNREAD) for status in (Status.GRACE, Status.STALE, Status.NA)
)


def _key(value: Value) -> _Key:
    if value is None or isinstance(value, int):
        return value
    return value.numerator, value.denominator


def _score(measure: Measure, value: Value, second: Value) -> Fraction | None:
    if value is None:
        return measure.undefined_scores
    if isinstance(measure.scale, Table):
        return None if second is None else measure.scale.score(Fraction(value), Fraction(second))
    return measure.scale.score(Fraction(value))


def _outcome(total: Total, computed: Total, decided: Decided) -> Outcome:
    if decided.score is None:
        return Outcome(total, computed, is_overridden=True)
    return Outcome(Total(decided.score.score, total.coverage), computed, is_overridden=True, by_hand=True)


def _by_hand(override: Override, total: Total) -> MeasureResult:
    """What a score set by hand adds to what the measures bring."""
    return MeasureResult(
        measure=OVERRIDE,
        group=OVERRIDE,
        metric=OVERRIDE,
        value=None,
        score=Fraction(override.score),
        weight=Fraction(),
        effective_weight=Fraction(),
        contribution=override.score - (total.score or 0),
        status=Status.OVERRIDDEN,
        unit=Unit.POINTS,
        override=override,
    )


def placed(rules: BandRules, outcome: Outcome, standing: Standing | None, day: date) -> tuple[Band, Band]:
    """The bands of an outcome on a day: of the published score, and of the computed one.

    A score set by hand is in the band in which it lies, whatever was before.
    """
    computed = rules.place(outcome.computed.score, outcome.computed.coverage, standing, day, outcome.computed.forced)
    if not outcome.is_overridden:
        return computed, computed
    total = outcome.total
    if outcome.by_hand and total.score is not None:
        return rules.plain(total.score), computed
    return rules.place(total.score, total.coverage, standing, day, total.forced), computed
