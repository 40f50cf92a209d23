"""Backtests step by step: the accounts once with the card, then, where weights are fitted, once more to judge them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import msgspec

from health_score.application.backtest_views import FiguresView, FitView, JudgedView, figures, fit_view, judged
from health_score.application.cards import Cards
from health_score.application.studies import Kind, RunStudies, State, Study, StudyWork
from health_score.domain.backtest.draft import draft
from health_score.domain.backtest.figures import Tally
from health_score.domain.backtest.fitting import TooLittleToFit, fit_weights
from health_score.domain.backtest.outcomes import Churned, Contracted, Listed, Outcome, Silent
from health_score.domain.backtest.past import Past
from health_score.domain.backtest.study import EMPTY_DIGEST, Examined, Observation, Plan, examine
from health_score.domain.history import DAY
from health_score.domain.metrics.catalogue import Catalogue
from health_score.domain.scoring import Scorer
from health_score.scorecards.reading import check_scorecard
from mainstay.kernel.clock import Clock

MOST_DAYS = 400
"""Days of one backtest at most: more would repeat the same accounts without saying more."""

MOST_OBSERVATIONS = 10_000
"""Cases that weights are fitted to, at most; of larger portfolios a part of the accounts, chosen by their ids."""


class TooManyDays(ValueError):
    """The period has more days to test than a backtest takes."""


class NoDays(ValueError):
    """The period has no day that the rhythm falls on."""


class Listing(msgspec.Struct, frozen=True):
    """One supplied outcome."""

    account_id: str
    day: date


class OutcomeSpec(msgspec.Struct, frozen=True):
    """Which outcome: `silent` for `days`, of accounts active within `active_within` days; the others within `days`."""

    kind: str
    days: int
    active_within: int = 90
    listed: tuple[Listing, ...] = ()

    def outcome(self) -> Outcome:
        """The rule."""
        if self.kind == "silent":
            return Silent(self.days, self.active_within)
        if self.kind == "churned":
            return Churned(self.days)
        if self.kind == "contracted":
            return Contracted(self.days)
        by_account: dict[str, list[date]] = {}
        for entry in sorted(self.listed, key=lambda entry: (entry.account_id, entry.day)):
            by_account.setdefault(entry.account_id, []).append(entry.day)
        return Listed(self.days, by_account)


class FitSpec(msgspec.Struct, frozen=True):
    """Fit weights on cases whose outcome was known through a day, and judge them on the days after it.

    Without a day they are fitted on all cases, and judged by cross-validation alone.
    """

    through: date | None = None


class BacktestSpec(msgspec.Struct, frozen=True):
    """A backtest as it was asked for. `document` is the scorecard; outcomes are known through `known_through`."""

    document: dict[str, Any]
    days: tuple[date, ...]
    outcome: OutcomeSpec
    known_through: date
    fit: FitSpec | None = None

    def plan(self) -> Plan:
        """What is asked of each account."""
        return Plan(self.days, self.outcome.outcome(), self.known_through)

    def fit_through(self) -> date | None:
        """Through which day fitting may know outcomes; None: nothing is fitted."""
        return (self.fit.through or self.known_through) if self.fit else None

    def plan_to_judge(self) -> Plan:
        """What fitted weights are judged on."""
        through = self.fit.through if self.fit and self.fit.through else date.max
        return Plan(tuple(day for day in self.days if day > through), self.outcome.outcome(), self.known_through)


@dataclass
class BacktestPart:
    """What one step brought: counts by whose score is counted, and what fitting learns from."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()


class Result(msgspec.Struct):
    """The result so far: of the first pass, of fitting, and of the second pass."""

    figures: FiguresView | None = None
    digest: str | None = None
    fit: FitView | None = None
    judged: JudgedView | None = None


_spec = msgspec.json.Decoder(BacktestSpec)
_part = msgspec.json.Decoder(BacktestPart)
_result = msgspec.json.Decoder(Result)
_json = msgspec.json.Encoder()


def days_of(first: date, last: date, every: str) -> tuple[date, ...]:
    """The days to test: each `day`, each Sunday (`week`), or each month's last day (`month`).

    Raises `NoDays`, `TooManyDays`.
    """
    found = []
    day = first
    while day <= last:
        if every == "day" or (every == "week" and day.isoweekday() == 7) or (every == "month" and (day + DAY).day == 1):
            found.append(day)
            if len(found) > MOST_DAYS:
                raise TooManyDays(f"there are more than {MOST_DAYS} days to test")
        day += DAY
    if not found:
        raise NoDays(f"no {every} ends from {first} to {last}")
    return tuple(found)


class StepBacktest:
    """One step of a backtest."""

    accounts = 100

    def __init__(self, cards: Cards, clock: Clock) -> None:
        self._cards = cards
        self._clock = clock

    async def __call__(self, work: StudyWork, study: Study) -> None:
        """Run the next accounts through the plan; after the last, fit, or finish."""
        spec = _spec.decode(study.spec)
        plan = spec.plan() if study.pass_ == 0 else spec.plan_to_judge()
        await self._cards.defined_now(work)
        scorer = self._scorer(spec.document)
        pasts = await work.pasts.after(study.after, self.accounts, min(spec.days), max(spec.days), scorer.needs)
        rules = await self._cards.rules(work)
        pasts = [replace(past, rules=rules) for past in pasts]
        if not pasts:
            await self._end_of_pass(work, study, spec)
            return
        if study.pass_ == 0:
            part, study.digest = await work.in_thread(_test, pasts, scorer, spec, plan, study.accounts, study.digest)
        else:
            fitted = _result.decode(study.result or b"{}").fit
            document = (fitted and fitted.document) or spec.document
            part = await work.in_thread(_judge, pasts, {"card": scorer, "fitted": self._scorer(document)}, plan)
        await work.studies.add_part(study, _json.encode(part))
        study.parts += 1
        study.after = pasts[-1].account_id
        study.accounts_done += len(pasts)

    async def _end_of_pass(self, work: StudyWork, study: Study, spec: BacktestSpec) -> None:
        parts = [_part.decode(part.body) for part in await work.studies.parts(study, study.pass_)]
        tallies = _added(parts)
        card = tallies.get("card", Tally())
        if study.pass_ > 0:
            result = _result.decode(study.result or b"{}")
            result.judged = judged(card, tallies.get("fitted", Tally()))
            self._finish(study, result)
            return
        result = Result(figures=figures(card), digest=study.digest.hex())
        if spec.fit is not None:
            observations = [row for part in parts for row in part.observations]
            result.fit = await work.in_thread(_fit, observations, spec)
            if result.fit.document and spec.plan_to_judge().decided():
                study.result = _json.encode(result)
                study.pass_, study.after, study.accounts_done = study.pass_ + 1, "", 0
                return
        self._finish(study, result)

    def _scorer(self, document: Mapping[str, Any]) -> Scorer:
        return scorer_of(document, self._cards.catalogue)

    def _finish(self, study: Study, result: Result) -> None:
        study.result = _json.encode(result)
        study.accounts_done = study.accounts
        study.after = ""
        study.finish(State.DONE, self._clock.now())


def _test(
    pasts: Sequence[Past], scorer: Scorer, spec: BacktestSpec, plan: Plan, accounts: int, digest: bytes
) -> tuple[BacktestPart, bytes]:
    tally = Tally()
    observations: list[Observation] = []
    through = spec.fit_through()
    for past in pasts:
        is_seen = _is_sampled(past.account_id, accounts * len(spec.days))
        examined = examine(past, scorer, plan, observe_through=through if is_seen else None)
        tally.add(examined.tally())
        digest = examined.digest_after(digest)
        observations += examined.observations
    return BacktestPart({"card": tally}, tuple(observations)), digest


def _judge(pasts: Sequence[Past], scorers: Mapping[str, Scorer], plan: Plan) -> BacktestPart:
    part = BacktestPart()
    for name, scorer in scorers.items():
        tally = Tally()
        examined: Sequence[Examined] = [examine(past, scorer, plan) for past in pasts]
        for each in examined:
            tally.add(each.tally())
        part.tallies[name] = tally
    return part


def _fit(observations: Sequence[Observation], spec: BacktestSpec) -> FitView:
    try:
        found = fit_weights(observations)
    except TooLittleToFit as error:
        return FitView(observations=len(observations), outcomes=0, failure=str(error))
    return fit_view(found, draft(spec.document, found.shares), spec.document)


def _is_sampled(account_id: str, cases: int) -> bool:
    if cases <= MOST_OBSERVATIONS:
        return True
    place = int.from_bytes(hashlib.sha256(b"sample " + account_id.encode()).digest()[:8])
    return place * cases < MOST_OBSERVATIONS << 64


def scorer_of(document: Mapping[str, Any], catalogue: Catalogue) -> Scorer:
    """The scorer of a checked document."""
    return Scorer(check_scorecard(dict(document), source="the draft", catalogue=catalogue).card, catalogue)


def _added(parts: Sequence[BacktestPart]) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    for part in parts:
        for name, tally in part.tallies.items():
            tallies.setdefault(name, Tally()).add(tally)
    return tallies


class Backtests:
    """Begins backtests, and answers how far they are and what they found."""

    def __init__(self, studies: RunStudies, clock: Clock) -> None:
        self._studies = studies
        self._clock = clock

    async def begin(
        self,
        document: Mapping[str, Any],
        days: Sequence[date],
        outcome: OutcomeSpec,
        fit: FitSpec | None,
        *,
        by: str,
    ) -> Study:
        """Begin a backtest of a checked document. Outcomes are known through a day that is over in every zone."""
        known_through = self._clock.now().date() - timedelta(days=2)
        spec = BacktestSpec(dict(document), tuple(days), outcome, known_through, fit)
        return await self._studies.begin(Kind.BACKTEST, _json.encode(spec), EMPTY_DIGEST, by=by)

    async def get(self, id_: str) -> tuple[Study, BacktestSpec, Result | None]:
        """A backtest, what was asked, and what is found so far. Raises `StudyUnknown`."""
        study = await self._studies.get(id_, Kind.BACKTEST)
        result = None if study.result is None else _result.decode(study.result)
        return study, _spec.decode(study.spec), result

    async def cancel(self, id_: str) -> None:
        """Do no more of a backtest. Raises `StudyUnknown`."""
        await self._studies.cancel(id_, Kind.BACKTEST)
