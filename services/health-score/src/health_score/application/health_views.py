"""What the API answers about an account's health. Scores are whole points 0–100, shares 0–1, instants UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from health_score.application.views import Reported


@dataclass(frozen=True, slots=True)
class SelectedCardView:
    """Which version of which scorecard the account has, and why."""

    id: str
    version: int
    because: str | None


@dataclass(frozen=True, slots=True)
class OverrideView:
    """A score set by hand, by whom, when, why and until when."""

    score: int
    reason: str
    by: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ComputedView:
    """The score and band without what people set by hand."""

    score: int | None
    band: str


@dataclass(frozen=True, slots=True)
class TrendView:
    """The score less that of the close n days before; null where one of them is not known."""

    days_7: int | None
    days_28: int | None
    days_90: int | None


@dataclass(frozen=True, slots=True)
class MeasureView:
    """One measure of a score. `status` is `ok`, `na`, `stale`, `grace` or `overridden`.

    `weight` is the measure's share of the scorecard among those that are asked of the account, `effective_weight` its
    share once the weight of what is NA went to the others. `as_of` is the day of the latest evidence; `computed_score`
    is what the `override` stands in the place of. A measure named `override` is what a score set by hand adds.
    """

    measure: str
    group: str
    metric: str
    value: int | float | None
    unit: str | None
    score: float | None
    weight: float
    effective_weight: float
    contribution: int
    status: str
    as_of: date | None
    computed_score: float | None
    override: OverrideView | None


@dataclass(frozen=True, slots=True)
class GroupView:
    """Measures that are weighed together. Its score is that of its measures by weight; null: none has data."""

    group: str
    score: float | None
    weight: float
    effective_weight: float
    contribution: int


@dataclass(frozen=True, slots=True)
class HealthView:
    """An account's health as of a day, and what it is made of; the contributions add up to the score exactly.

    `as_of` is the day it describes: the running day, the last one closed when nothing happened since, or the day asked
    for. `computed` is the score without `override` and measures set by hand. `reported` is what the close of the day
    said at first; everything else is as known now, from the facts and events of that day, late ones too.
    """

    account_id: str
    score: int | None
    band: str
    band_since: datetime | None
    coverage: float
    as_of: date | None
    computed_at: datetime | None
    scorecard: SelectedCardView | None
    computed: ComputedView
    override: OverrideView | None
    trend: TrendView
    groups: tuple[GroupView, ...]
    measures: tuple[MeasureView, ...]
    reported: Reported | None = None


@dataclass(frozen=True, slots=True)
class SentimentView:
    """How a CSM saw the account; null: what was said before was withdrawn."""

    sentiment: str | None
    note: str | None
    by: str
    at: datetime


def groups_of(measures: Sequence[MeasureView], override: str) -> tuple[GroupView, ...]:
    """The groups of these measures, in their order; what was set by hand over all of them is in none."""
    names = dict.fromkeys(part.group for part in measures if part.measure != override)
    return tuple(_group(name, [part for part in measures if part.group == name]) for name in names)


def _group(name: str, parts: Sequence[MeasureView]) -> GroupView:
    effective = sum(part.effective_weight for part in parts)
    brought = sum(part.effective_weight * part.score for part in parts if part.score is not None)
    return GroupView(
        group=name,
        score=round(brought / effective, 4) if effective else None,
        weight=round(sum(part.weight for part in parts), 12),
        effective_weight=round(effective, 12),
        contribution=sum(part.contribution for part in parts),
    )
