"""Learning what others state about accounts: facts of the customer, and what contracts are worth."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from health_score.application.announcing import snapshot
from health_score.application.assessing import CLOSE, Assessor, arm_rebuild
from health_score.application.ports import OpenWork, Work
from health_score.domain.account import EXTERNAL_IDS, FIELDS, FURTHER_FIELDS, Account, Worth
from health_score.domain.facts.known import NOW
from health_score.domain.team import team_of
from mainstay.contracts.envelope import Event
from mainstay.contracts.facts import Fact
from mainstay.contracts.ingest import AccountFact
from mainstay.contracts.renewals import AccountValueChanged
from mainstay.kernel.clock import Clock
from mainstay.kernel.money import Money
from mainstay.messaging.consuming import Batch

D = TypeVar("D", bound=Fact | AccountValueChanged)


class RecordFacts:
    """Keep facts, and learn the account's record; of each field the latest (occurred at, event id) stays.

    They may come in whatever order. A fact of the running day changes the score at once; one of an earlier day makes
    the closes from that day on dirty. A change of zone has the account's days formed anew, by its rebuild. Raises
    `ZoneUnknown`.
    """

    def __init__(self, open_work: OpenWork, assessor: Assessor, clock: Clock) -> None:
        self._work = open_work
        self._assess = assessor
        self._clock = clock

    async def __call__(self, batch: Batch[Event[Fact]]) -> None:
        """Handle a batch of facts, any kinds among them."""
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
    fresh = [event for event in fresh if event.data.account_id in accounts]  # not those of erased ones
    await work.facts.add(fresh, accounts, at)
    seats_before = {account.id: account.seats for account in accounts.values()}
    new = {account.id for account in accounts.values() if account.sequence == 0}
    changed = set(new)
    for event in fresh:
        account = accounts[event.data.account_id]
        if change(account, event, at):
            changed.add(account.id)
    changed |= await _teams(work, fresh, accounts)
    causes = _told(fresh, accounts, at)
    rescored = [
        account
        for account in accounts.values()
        if not account.dirty_from
        and (account.id in new or account.id in causes or account.seats != seats_before[account.id])
    ]
    scored = {account.id for account in rescored}
    for account_id in sorted(changed - scored):  # what rules make of the others comes with their scores
        work.publish([snapshot(accounts[account_id], at)])
    await assess(work, rescored, at, causes, retell=changed)
    await work.accounts.save(accounts.values())
    await work.due.arm_many(CLOSE, [(id_, accounts[id_].next_close(at)) for id_ in sorted(new)])
    await arm_rebuild(work, accounts.values(), at)


async def _teams(work: Work, events: Sequence[Event[Any]], accounts: Mapping[str, Account]) -> set[str]:
    """Take in the teams of the accounts that were spoken of; answers the ids of those with another team."""
    spoken_of = {event.data.account_id for event in events if isinstance(event.data, AccountFact)}
    facts = await work.facts.of([accounts[account_id].number for account_id in spoken_of])
    return {
        account_id
        for account_id in spoken_of
        if accounts[account_id].has_team(team_of(facts[accounts[account_id].number].in_zone(accounts[account_id].zone)))
    }


def _told(events: Sequence[Event[Any]], accounts: Mapping[str, Account], at: datetime) -> Mapping[str, list[str]]:
    """The ids of each account's events, those that speak of a time to come excepted: they count when it has come.

    Those of earlier days make their account dirty.
    """
    causes: dict[str, list[str]] = defaultdict(list)
    for event in events:
        account = accounts[event.data.account_id]
        account.was_told_of(event.data.occurred_at, today=account.today(at), by=event.id)
        if event.data.occurred_at < at + NOW:
            causes[account.id].append(event.id)
    return causes


def _learn(account: Account, event: Event[Any], _now: datetime) -> bool:
    if not isinstance(event.data, AccountFact):
        return False
    stated: dict[str, Any] = msgspec.to_builtins(event.data)
    fields = {name: stated[name] for name in (*FIELDS, *FURTHER_FIELDS) if name in stated}
    fields |= {f"{EXTERNAL_IDS}.{system}": id_ for system, id_ in stated.get(EXTERNAL_IDS, {}).items()}
    return account.learn(fields, at=event.data.occurred_at, by=event.id)


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
