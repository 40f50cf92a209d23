"""Fitting a scorecard's weights to what happened: logistic regression, never negative, held small.

What it found is judged on accounts that it has not seen. Deterministic: observations are put in order, accounts go to
folds by the digest of their id, nothing is drawn.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from health_score.domain.backtest.figures import Ranking
from health_score.domain.backtest.study import Observation

PENALTY = 0.1
"""The weight of Σw² for each observation, on scores in standard deviations. Strong on purpose: measures of one habit go
up and down together, and a weak penalty gives all to one of them by chance."""

FOLDS = 5

LEAST_SCORED = 30
"""A measure that has a score in fewer observations is not fitted: it keeps its share of the scorecard."""

_STEPS = 50
_CLOSE_ENOUGH = 1e-9


class TooLittleToFit(ValueError):
    """Fitting needs cases of both endings, and accounts for every fold."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What fitting found. `shares` has each measure's share of the fitted weight, 0–1, None where it was not fitted.

    The AUCs are exact: of the fitted scores on all observations, and of each account's by the fit of the other folds.
    """

    shares: tuple[float | None, ...]
    observations: int
    outcomes: int
    auc: Fraction | None
    cross_validated_auc: Fraction | None


def fit_weights(observations: Sequence[Observation], folds: int = FOLDS) -> Fit:
    """Fit the weights. Raises `TooLittleToFit`."""
    rows = sorted(observations, key=lambda row: (row.account_id, row.day))
    outcomes = sum(row.happened for row in rows)
    if min(outcomes, len(rows) - outcomes) < folds or len({row.account_id for row in rows}) < folds:
        raise TooLittleToFit(f"{len(rows)} cases, {outcomes} of them with the outcome, are too few")
    fitted = [place for place in range(len(rows[0].scores)) if _varies(rows, place)]
    if not fitted:
        raise TooLittleToFit("no measure has different scores in enough cases")
    model = _learn(rows, fitted)
    apart = Ranking()
    for fold in range(folds):
        others = [row for row in rows if fold_of(row.account_id, folds) != fold]
        mine = [row for row in rows if fold_of(row.account_id, folds) == fold]
        if mine and 0 < sum(row.happened for row in others) < len(others):
            _rank(apart, _learn(others, fitted), mine)
    whole = Ranking()
    _rank(whole, model, rows)
    total = sum(model.weights)
    shares: list[float | None] = [None] * len(rows[0].scores)
    for place, weight in zip(fitted, model.weights, strict=True):
        shares[place] = weight / total if total else 0.0
    return Fit(tuple(shares), len(rows), outcomes, whole.auc(), apart.auc())


def fold_of(account_id: str, folds: int) -> int:
    """The fold of an account: all its cases are in one."""
    return int.from_bytes(hashlib.sha256(account_id.encode()).digest()[:8]) % folds


@dataclass(frozen=True, slots=True)
class _Model:
    """Risk = intercept − Σ weight · score ÷ 100 over the fitted places; NA counts as the measure's mean."""

    places: Sequence[int]
    means: Sequence[float]
    weights: Sequence[float]
    intercept: float

    def risk(self, row: Observation) -> float:
        return self.intercept - math.fsum(
            weight * (mean if (score := row.scores[place]) is None else score) / 100
            for place, mean, weight in zip(self.places, self.means, self.weights, strict=True)
        )


def _varies(rows: Sequence[Observation], place: int) -> bool:
    scores = [score for row in rows if (score := row.scores[place]) is not None]
    return len(scores) >= LEAST_SCORED and min(scores) < max(scores)


def _rank(ranking: Ranking, model: _Model, rows: Sequence[Observation]) -> None:
    for row in rows:
        ranking.count(-round(model.risk(row) * 1e9), happened=row.happened)


def _learn(rows: Sequence[Observation], places: Sequence[int]) -> _Model:
    columns, means, spreads = [], [], []
    for place in places:
        scores = [score for row in rows if (score := row.scores[place]) is not None]
        mean = math.fsum(scores) / len(scores) if scores else 0.0
        column = [0.0 if (score := row.scores[place]) is None else mean - score for row in rows]
        spread = math.sqrt(math.fsum(value * value for value in column) / len(rows)) or 1.0
        columns.append([value / spread for value in column])
        means.append(mean)
        spreads.append(spread)
    intercept, weights = _newton([*zip(*columns, strict=True)], [row.happened for row in rows])
    scaled = [100 * weight / spread for weight, spread in zip(weights, spreads, strict=True)]
    level = math.fsum(weight * mean / 100 for weight, mean in zip(scaled, means, strict=True))
    return _Model(places, means, scaled, intercept + level)


def _newton(rows: Sequence[tuple[float, ...]], happened: Sequence[bool]) -> tuple[float, list[float]]:
    """Newton's method on the penalised likelihood; each step is solved by coordinates, which stop at zero.

    A step that makes things worse is halved: far from the end the quadratic picture may overshoot.
    """
    count, width = len(rows), len(rows[0])
    share = sum(happened) / count
    point = [math.log(share / (1 - share)), *([0.0] * width)]
    penalty = [0.0, *([PENALTY * count] * width)]
    extended = [(1.0, *row) for row in rows]
    loss = _loss(extended, happened, point, penalty)
    for _ in range(_STEPS):
        slope, bend = _shape(extended, happened, point, penalty)
        target = _solve(slope, bend, point)
        part = 1.0
        while True:
            tried = [old + part * (new - old) for old, new in zip(point, target, strict=True)]
            found = _loss(extended, happened, tried, penalty)
            if found <= loss or part < 1e-6:
                break
            part /= 2
        gained, point, loss = loss - found, tried, found
        if gained < _CLOSE_ENOUGH * count:
            break
    return point[0], point[1:]


def _loss(
    rows: Sequence[tuple[float, ...]], happened: Sequence[bool], point: Sequence[float], penalty: Sequence[float]
) -> float:
    terms = []
    for row, hit in zip(rows, happened, strict=True):
        risk = _dot(point, row)
        terms.append(max(risk, 0.0) + math.log1p(math.exp(-abs(risk))) - (risk if hit else 0.0))
    return math.fsum(terms) + sum(p * w * w for p, w in zip(penalty, point, strict=True)) / 2


def _shape(
    rows: Sequence[tuple[float, ...]], happened: Sequence[bool], point: Sequence[float], penalty: Sequence[float]
) -> tuple[list[float], list[list[float]]]:
    """The loss's first and second derivatives."""
    width = len(point)
    slope = [p * w for p, w in zip(penalty, point, strict=True)]
    bend = [[penalty[i] if i == j else 0.0 for j in range(width)] for i in range(width)]
    for row, hit in zip(rows, happened, strict=True):
        chance = 1 / (1 + math.exp(-max(-500.0, min(500.0, _dot(point, row)))))
        miss, weight = chance - hit, chance * (1 - chance)
        for i, value in enumerate(row):
            slope[i] += miss * value
            scaled, bent = weight * value, bend[i]
            for j in range(i + 1):
                bent[j] += scaled * row[j]
    for i in range(width):
        for j in range(i):
            bend[j][i] = bend[i][j]
    return slope, bend


def _solve(slope: Sequence[float], bend: Sequence[Sequence[float]], start: Sequence[float]) -> list[float]:
    """Where the quadratic picture is lowest; all but the first coordinate are 0 at least."""
    point, gradient = list(start), list(slope)
    for _ in range(200):
        moved = 0.0
        for i, row in enumerate(bend):
            wanted = point[i] - gradient[i] / (row[i] or 1.0)
            if i and wanted < 0:
                wanted = 0.0
            step = wanted - point[i]
            if step:
                point[i] = wanted
                for j in range(len(gradient)):
                    gradient[j] += step * bend[j][i]
                moved = max(moved, abs(step))
        if moved < 1e-12:
            break
    return point


def _dot(point: Sequence[float], row: Sequence[float]) -> float:
    return sum(map(float.__mul__, point, row))
