"""An account's health as of two days, computed from what is known now by what was in force then."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from health_score.application.cards import Cards
from health_score.application.evidence import load_evidence
from health_score.application.ports import Work
from health_score.application.queries import AsOfInFuture
from health_score.domain.account import Account, AccountUnknown
from health_score.domain.assessment import describes_today
from health_score.domain.closing import read_at
from health_score.domain.comparing import State
from health_score.domain.evidence import Evidence
from health_score.domain.history import DAY
from health_score.domain.metrics.windows import Windows
from health_score.domain.scoring import placed
from health_score.domain.selection import Bases, Deployment
from mainstay.kernel.clock import start_of_day

FIRST_DAY = date(1970, 1, 1)
"""Nothing is kept of days before."""

_FIRST_INSTANT = datetime(1970, 1, 2, tzinfo=UTC)


class SinceTooLate(ValueError):
    """There is no earlier close to compare with: the day is not over at the end of the comparison, or comes later."""


@dataclass(frozen=True, slots=True)
class Compared:
    """An account before and after, and all that both are made of."""

    account: Account
    evidence: Evidence
    deployment: Deployment
    before: State
    after: State


async def compare(
    work: Work, cards: Cards, account_id: str, since: date | datetime | None, until: date | None, now: datetime
) -> Compared:
    """The states at the close of the day `since`, and at that of `until` (None: now).

    An instant means the last close before it; None: the close 7 days before the end. There is nothing to score before
    an account's first active day, so an earlier one means the day before it.
    Raises `AccountUnknown`, `AsOfInFuture`, `SinceTooLate`.
    """
    account = await work.accounts.read(account_id)
    if account is None:
        raise AccountUnknown(account_id)
    today = account.today(now)
    if until is not None and until > today:
        raise AsOfInFuture(f"{until} has not begun in the account's zone: there it is {today}")
    last = min(until or today, today)
    first = _close_before(account, since, now) if isinstance(since, datetime) else since or last - 7 * DAY
    begins = account.first_day - DAY if account.first_day else FIRST_DAY
    first = max(first, min(begins, last - DAY))
    if first >= last:
        raise SinceTooLate(f"the close of {first} is not before {last}, with which it is to be compared")
    deployment = await cards.deployment(work, now)
    needs = deployment.needs
    evidence = (await load_evidence(work, {account.number: (account, first - needs.reach)}, needs))[account.number]
    bases = Bases(account, evidence, deployment)
    before = await _state(work, bases, first, None)
    runs = last == today and (account.standing is None or describes_today(account, evidence.activity, bases, today))
    after = await _state(work, bases, today, now) if runs else None
    if after is None:  # as of a past day, or nothing happened since the last close
        after = await _state(work, bases, min(last, today - DAY), None)
    return Compared(account, evidence, deployment, before, after)


def _close_before(account: Account, instant: datetime, now: datetime) -> date:
    return account.today(max(instant, _FIRST_INSTANT)) - DAY if instant <= now else account.today(now)


async def _state(work: Work, bases: Bases, day: date, now: datetime | None) -> State:
    account = bases.account
    windows = Windows(bases.evidence.activity, day, day, bases.deployment.needs.reach)
    reading, basis = read_at(windows, bases, day, account.seats.on(day), now=now)
    scorer = basis.selected.scorer
    scored = scorer.scored(reading, basis.attributes, basis.decided)
    standing = await work.closes.standing_before(account, day)
    band, _ = placed(scorer.card.bands, scored.outcome, standing, day)
    return State(day, now or start_of_day(day + DAY, account.zone), reading, basis, scored, band)
