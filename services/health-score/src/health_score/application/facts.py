"""Learning what others state about accounts: facts of the customer, and what contracts are worth."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from health_score.application.announcing import snapshot
from health_score.application.assessing import CLOSE, Assessor, arm_rebuild
from health_score.application.ports import OpenWork, Work
from health_score.domain.account import FIELDS, Account, Worth
from mainstay.contracts.envelope import Event
from mainstay.contracts.ingest import AccountFact
from mainstay.contracts.renewals import AccountValueChanged
from mainstay.kernel.clock import Clock
from mainstay.kernel.money import Money
from mainstay.messaging.consuming import Batch

D = TypeVar("D", AccountFact, AccountValueChanged)


class RecordFacts:
    """Learn facts about accounts; of each field the latest (occurred at, event id) stays, in whatever order they come.

    A change of zone has the account's days formed anew, by its rebuild. Raises `ZoneUnknown`.
    """

    def __init__(self, open_work: OpenWork, assessor: Assessor, clock: Clock) -> None:
        self._work = open_work
        self._assess = assessor
        self._clock = clock

    async def __call__(self, batch: Batch[Event[AccountFact]]) -> None:
        """Handle a batch of facts."""
        at = self._clock.now()
        async with self._work(batch) as work:
            await _take_in(work, batch.messages, at, self._assess, _learn)


class RecordValues:
    """Learn what accounts are worth; the highest sequence stays. Other seats change the score at once."""

    def __init__(self, open_work: OpenWork, assessor: Assessor, clock: Clock) -> None:
        self._work = open_work
        self._assess = assessor
        self._clock = clock

    async def __call__(self, batch: Batch[Event[AccountValueChanged]]) -> None:
        """Handle a batch of values."""
        at = self._clock.now()
        async with self._work(batch) as work:
            await _take_in(work, batch.messages, at, self._assess, _appraise)


async def _take_in(
    work: Work,
    events: Sequence[Event[D]],
    at: datetime,
    assess: Assessor,
    change: Callable[[Account, Event[D], datetime], bool],
) -> None:
    fresh: Sequence[Event[D]] = await work.first_times(events)
    accounts = await work.accounts.lock({event.data.account_id for event in fresh}, create_at=at)
    seats_before = {account.id: account.seats for account in accounts.values()}
    changed = {account.id for account in accounts.values() if account.sequence == 0}
    new = [accounts[account_id] for account_id in changed]
    for event in fresh:
        account = accounts[event.data.account_id]
        if change(account, event, at):
            changed.add(account.id)
    for account_id in sorted(changed):
        work.publish([snapshot(accounts[account_id], at)])
    await work.accounts.save(accounts.values())
    rescored = [
        account
        for account in accounts.values()
        if not account.dirty_from and (account.sequence == 1 or account.seats != seats_before[account.id])
    ]
    await assess(work, rescored, at, _causes(fresh, {account.id for account in rescored}))
    await work.due.arm_many(CLOSE, [(account.id, account.next_close(at)) for account in new])
    await arm_rebuild(work, accounts.values(), at)


def _causes(events: Sequence[Event[D]], account_ids: Collection[str]) -> dict[str, list[str]]:
    causes: dict[str, list[str]] = {account_id: [] for account_id in account_ids}
    for event in events:
        if event.data.account_id in causes:
            causes[event.data.account_id].append(event.id)
    return causes


def _learn(account: Account, event: Event[AccountFact], _now: datetime) -> bool:
    stated = {name: getattr(event.data, name) for name in FIELDS}
    return account.learn(
        {name: value for name, value in stated.items() if value is not msgspec.UNSET},
        at=event.data.occurred_at,
        by=event.id,
    )


def _appraise(account: Account, event: Event[AccountValueChanged], now: datetime) -> bool:
    data = event.data
    return account.appraise(
        Worth(
            arr=tuple(Money(money.amount, money.currency) for money in data.arr),
            seats=data.seats,
            next_renewal_on=data.next_renewal_on,
            sequence=data.sequence,
        ),
        at=data.occurred_at,
        by=event.id,
        now=now,
    )
