"""What a backtest answers: plain read models. Shares are 0–1, rounded to six digits; scores are points."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from health_score.domain.backtest.draft import Draft
from health_score.domain.backtest.figures import Tally, deciles
from health_score.domain.backtest.fitting import Fit

DIGITS = 6


@dataclass(frozen=True, slots=True)
class BandView:
    """How a band foretold the outcome: the share of its cases, its share of the outcomes, and precision ÷ base rate."""

    band: str
    cases: int
    outcomes: int
    precision: float | None
    recall: float | None
    lift: float | None


@dataclass(frozen=True, slots=True)
class LeadView:
    """How many days before the outcome the account turned red and was never green again until then.

    `median_days` and the quartiles are over the outcomes that were `warned` of, `median_days_of_all` counts the others
    as 0 days.
    """

    outcomes: int
    warned: int
    median_days: float | None
    first_quartile_days: float | None
    third_quartile_days: float | None
    median_days_of_all: float | None


@dataclass(frozen=True, slots=True)
class DecileView:
    """A tenth of the cases, the lowest scores first; `mean_rank` is 0 for the lowest score and 1 for the highest."""

    decile: int
    lowest_score: int
    highest_score: int
    cases: int
    outcomes: int
    mean_rank: float
    share: float


@dataclass(frozen=True, slots=True)
class FiguresView:
    """A scorecard against what happened. `baseline_auc` ranks the same cases by days since the last activity alone.

    `unscored` cases had no score; they are in no other figure.
    """

    cases: int
    outcomes: int
    unscored: int
    auc: float | None
    baseline_auc: float | None
    bands: tuple[BandView, ...]
    lead: LeadView
    calibration: tuple[DecileView, ...]


@dataclass(frozen=True, slots=True)
class WeightView:
    """A measure's share of the scorecard before and after fitting; `fitted` is false where it had too few scores."""

    measure: str
    group: str
    before: float
    after: float
    fitted: bool


@dataclass(frozen=True, slots=True)
class FitView:
    """Fitted weights, as a draft that can be saved as a scorecard; or why there are none (`failure`).

    `cross_validated_auc` judges every account by weights fitted without it: believe this one, not `auc`. `dropped`
    are measures whose weight came to nothing.
    """

    observations: int
    outcomes: int
    auc: float | None = None
    cross_validated_auc: float | None = None
    weights: tuple[WeightView, ...] = ()
    dropped: tuple[str, ...] = ()
    document: dict[str, Any] | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedView:
    """The card as it was and the fitted draft, on days that fitting has not seen."""

    card: FiguresView
    fitted: FiguresView


def figures(tally: Tally) -> FiguresView:
    """The figures of a tally."""
    lead = tally.lead()
    return FiguresView(
        cases=tally.cases,
        outcomes=tally.outcomes,
        unscored=tally.unscored,
        auc=_near(tally.ranking.auc()),
        baseline_auc=_near(tally.recency.auc()),
        bands=tuple(
            BandView(row.band.value, row.cases, row.outcomes, _near(row.precision), _near(row.recall), _near(row.lift))
            for row in tally.by_band()
        ),
        lead=LeadView(
            lead.outcomes,
            lead.warned,
            _near(lead.median),
            _near(lead.first_quartile),
            _near(lead.third_quartile),
            _near(lead.median_of_all),
        ),
        calibration=tuple(
            DecileView(
                row.decile,
                row.lowest,
                row.highest,
                row.cases,
                row.outcomes,
                round(float(row.mean_rank), DIGITS),
                round(float(row.share), DIGITS),
            )
            for row in deciles(tally.ranking)
        ),
    )


def judged(card: Tally, fitted: Tally) -> JudgedView:
    """Both on the same days."""
    return JudgedView(figures(card), figures(fitted))


def fit_view(found: Fit, drafted: Draft, document: Mapping[str, Any]) -> FitView:
    """What fitting found, beside what was."""
    before, after = _shares(document), _shares(drafted.document)
    return FitView(
        observations=found.observations,
        outcomes=found.outcomes,
        auc=_near(found.auc),
        cross_validated_auc=_near(found.cross_validated_auc),
        weights=tuple(
            WeightView(
                measure, group, round(share, DIGITS), round(after.get((group, measure), 0.0), DIGITS), fit is not None
            )
            for ((group, measure), share), fit in zip(before.items(), found.shares, strict=True)
        ),
        dropped=drafted.dropped,
        document=dict(drafted.document),
    )


def _shares(document: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    overall = sum(group["weight"] for group in document["groups"])
    return {
        (group["name"], measure["name"]): group["weight"]
        / overall
        * measure["weight"]
        / sum(each["weight"] for each in group["measures"])
        for group in document["groups"]
        for measure in group["measures"]
    }


def _near(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), DIGITS)
