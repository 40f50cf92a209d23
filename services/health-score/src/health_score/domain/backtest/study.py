"""Running one account through a backtest: its cases, how far ahead its warnings came, and what fitting learns from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from health_score.domain.backtest.figures import Tally
from health_score.domain.backtest.outcomes import Outcome
from health_score.domain.backtest.past import Past
from health_score.domain.backtest.scoring import AsReported
from health_score.domain.bands import Band
from health_score.domain.history import DAY, Close
from health_score.domain.scoring import Scorer

WARNING = (Band.RED, Band.YELLOW)

EMPTY_DIGEST = bytes(32)
"""The digest of no account."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked: at the end of each of `days` (rising), whether the outcome follows.

    Outcomes are known through `known_through`; a case whose horizon reaches beyond it is left out.
    """

    days: tuple[date, ...]
    outcome: Outcome
    known_through: date

    def decided(self) -> tuple[date, ...]:
        """The days whose horizon is over."""
        return tuple(day for day in self.days if day + self.outcome.horizon() <= self.known_through)


class Case(NamedTuple):
    """An account at the end of a day, as it was reported then, and whether the outcome followed."""

    day: date
    score: int | None
    band: Band
    coverage: int
    days_since_activity: int
    happened: bool


class Observation(NamedTuple):
    """What fitting learns from: each measure's score (None: NA) in a case, and whether the outcome followed."""

    account_id: str
    day: date
    scores: tuple[float | None, ...]
    happened: bool


class Examined(NamedTuple):
    """What an account brings to a backtest. `leads` has one entry for each outcome: its warning in days ahead."""

    account_id: str
    cases: tuple[Case, ...]
    leads: tuple[int | None, ...]
    observations: tuple[Observation, ...] = ()

    def tally(self) -> Tally:
        """The account's counts."""
        tally = Tally()
        for case in self.cases:
            tally.count(case.score, case.band, case.days_since_activity, happened=case.happened)
        for lead in self.leads:
            tally.count_lead(lead)
        return tally

    def digest_after(self, digest: bytes) -> bytes:
        """The digest of a backtest once this account, the next by id, is in it: SHA-256 over digest and content."""
        content = [
            self.account_id,
            [[case.day.isoformat(), *case[1:]] for case in self.cases],
            list(self.leads),
        ]
        written = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        return hashlib.sha256(digest + written).digest()


def examine(past: Past, scorer: Scorer, plan: Plan, *, observe_through: date | None = None) -> Examined:
    """Run one account through the plan; also what fitting learns from, of cases decided through `observe_through`."""
    days = plan.decided()
    asked = [day for day in days if plan.outcome.is_asked(past, day)]
    outcomes = _outcomes_foretellable(past, plan, days)
    if not asked and not outcomes:
        return Examined(past.account_id, (), ())
    then = AsReported(past, scorer, max(*asked[-1:], *(day - DAY for day in outcomes), date.min))
    cases, observations = [], []
    for day in asked:
        close = then.closes.get(day)
        if close is None:
            continue
        happened = plan.outcome.happens(past, day)
        quiet = then.metric("days_since_last_activity", day)
        cases.append(Case(day, close.score, close.band, close.coverage, int(quiet or 0), happened))
        if observe_through is not None and day + plan.outcome.horizon() <= observe_through:
            scores = tuple(None if score is None else float(score) for score in then.scores(day))
            observations.append(Observation(past.account_id, day, scores, happened))
    leads = tuple(lead_days(then.closes, day) for day in outcomes)
    return Examined(past.account_id, tuple(cases), leads, tuple(observations))


def _outcomes_foretellable(past: Past, plan: Plan, days: Sequence[date]) -> list[date]:
    """The days of the account's outcomes that lie behind some day of the plan, within the horizon."""
    if not days:
        return []
    last = days[-1] + plan.outcome.horizon()
    return [day for day in plan.outcome.days(past, plan.known_through) if days[0] < day <= last]


def lead_days(closes: Mapping[date, Close], outcome_on: date) -> int | None:
    """How many days before an outcome the account turned red and stayed in warning until then; None: it was not.

    Warning is red or yellow. The days count from the end of the first red close after which no close was green or
    unknown before the outcome, so a red close of the day before is one day ahead.
    """
    lead = None
    day = outcome_on - DAY
    while (close := closes.get(day)) is not None and close.band in WARNING:
        if close.band is Band.RED:
            lead = (outcome_on - day).days
        day -= DAY
    return lead
