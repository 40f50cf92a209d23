"""Counting usage events."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from health_score.application.announcing import snapshot
from health_score.application.assessing import CLOSE, Assessor, arm_rebuild
from health_score.application.customs import count
from health_score.application.ports import DayKey, FreshUse, OpenWork
from health_score.domain.account import MOST_CAUSES, Account
from health_score.domain.activity import DayOfUse
from mainstay.contracts.envelope import Event
from mainstay.contracts.ingest import UsageRecorded
from mainstay.kernel.clock import Clock, day_of
from mainstay.messaging.consuming import Batch


class RecordUsage:
    """Count each usage event once, on its own day, and publish the scores that it changes.

    Events of the running day change the current score in the same transaction. Events of earlier days make their
    closes dirty and arm the account's rebuild; until that has run, the account's score waits for it.
    """

    def __init__(self, open_work: OpenWork, assessor: Assessor, clock: Clock) -> None:
        self._work = open_work
        self._assess = assessor
        self._clock = clock

    async def __call__(self, batch: Batch[Event[UsageRecorded]]) -> None:
        """Handle a batch of events, any number of accounts among them."""
        at = self._clock.now()
        async with self._work(batch) as work:
            if not batch.messages:
                return
            accounts = await work.accounts.lock({event.data.account_id for event in batch.messages}, create_at=at)
            events = [event for event in batch.messages if event.data.account_id in accounts]  # none of an erased one
            fresh = await work.events.add_new(events, accounts)
            days, came, causes = _by_day(fresh, accounts)
            await work.activity.add(days)
            await work.events.users_came(came)
            await work.customs.add(count(fresh, accounts, await work.customs.counters()))

            by_number = {account.number: account for account in accounts.values()}
            touched, today_changed = set(), set()
            for number, day in days:
                account = by_number[number]
                today = account.today(at)
                account.was_active_on(day, today=today, by=causes[account.id])
                touched.add(account.id)
                if day == today:
                    today_changed.add(account.id)
            new = [account for account in accounts.values() if account.sequence == 0]
            for account in new:
                work.publish([snapshot(account, at)])
            dirty = [accounts[account_id] for account_id in touched if accounts[account_id].dirty_from]
            assessed = {account_id for account_id in today_changed if not accounts[account_id].dirty_from}
            # An assessment writes the days of its accounts too.
            saved = touched - assessed | {account.id for account in new}
            await work.accounts.save([accounts[account_id] for account_id in saved])
            await self._assess(work, [accounts[account_id] for account_id in sorted(assessed)], at, causes)
            await work.due.arm_many(CLOSE, [(account.id, account.next_close(at)) for account in new])
            await arm_rebuild(work, dirty, at)


def _by_day(
    fresh: Sequence[FreshUse], accounts: Mapping[str, Account]
) -> tuple[Mapping[DayKey, DayOfUse], Mapping[tuple[int, int], date], Mapping[str, Sequence[str]]]:
    """The uses by account and civil day, each user's first day among them, and the first events' ids by account."""
    zones = {account.id: (account.number, account.zone) for account in accounts.values()}
    days: dict[tuple[int, date], DayOfUse] = {}
    came: dict[tuple[int, int], date] = {}
    causes: dict[str, list[str]] = defaultdict(list)
    for use in fresh:
        data = use.event.data
        number, zone = zones[data.account_id]
        key = (number, on := day_of(data.occurred_at, zone))
        if use.user is not None:
            came[number, use.user] = min(on, came.get((number, use.user), on))
        day = days.get(key)
        if day is None:
            day = days[key] = DayOfUse()
        day.count(use.user, use.feature)
        if len(causes[data.account_id]) < MOST_CAUSES:
            causes[data.account_id].append(use.event.id)
    return days, came, causes
