"""Counting usage events."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from health_score.application.announcing import snapshot
from health_score.application.assessing import CLOSE, Assessor, arm_rebuild
from health_score.application.customs import count
from health_score.application.ports import DayKey, OpenWork
from health_score.application.uses import UsageEvent, Use
from health_score.domain.account import MOST_CAUSES, Account
from health_score.domain.activity import DayOfUse
from health_score.domain.history import DAY
from mainstay.kernel.clock import Clock, day_of, start_of_day
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

    async def __call__(self, batch: Batch[UsageEvent]) -> None:
        """Handle a batch of events, any number of accounts among them."""
        at = self._clock.now()
        async with self._work(batch) as work:
            if not batch.messages:
                return
            named = {event.account_id for event in batch.messages}
            accounts = await work.accounts.lock(named, create_at=at)  # none that is erased
            fresh = await work.events.add_new(batch.messages, accounts)
            days, causes = _by_day(fresh.uses, accounts.values(), at)
            await work.activity.add(days)
            await work.events.users_came(days)
            await work.customs.add(count(fresh, accounts.values(), await work.customs.counters()))

            by_number = {account.number: account for account in accounts.values()}
            touched, today_changed = set(), set()
            for number, day in days:
                account = by_number[number]
                today = account.today(at)
                account.was_active_on(day, today=today, by=causes[account.id])
                touched.add(account.id)
                if day == today:
                    today_changed.add(account.id)
            new = {account.id for account in accounts.values() if account.sequence == 0}
            dirty = [accounts[account_id] for account_id in touched if accounts[account_id].dirty_from]
            assessed = {account_id for account_id in today_changed if not accounts[account_id].dirty_from}
            work.publish([snapshot(accounts[account_id], at) for account_id in sorted(new - assessed)])
            # An assessment writes the days of its accounts too, and tells the record with what follows from it.
            await work.accounts.save([accounts[account_id] for account_id in (touched | new) - assessed])
            scored = [accounts[account_id] for account_id in sorted(assessed)]
            await self._assess(work, scored, at, causes, retell=new & assessed)
            await work.due.arm_many(CLOSE, [(each, accounts[each].next_close(at)) for each in sorted(new)])
            await arm_rebuild(work, dirty, at)


def _by_day(
    uses: Iterable[Use], accounts: Iterable[Account], at: datetime
) -> tuple[Mapping[DayKey, DayOfUse], Mapping[str, Sequence[str]]]:
    """The uses by account and civil day, and the first events' ids by account."""
    days: dict[DayKey, DayOfUse] = defaultdict(DayOfUse)
    running = {zone: _bounds(day_of(at, zone), zone) for zone in {account.zone for account in accounts}}
    begun = {account.number: (account, DayOfUse(), list[str](), *running[account.zone]) for account in accounts}
    for use in uses:
        account, running_day, ids, _, begins, ends = begun[use.account_no]
        occurred_at = use.event.occurred_at
        if begins <= occurred_at < ends:  # most are of today; a look at the calendar for each costs more
            running_day.count(use.user, use.feature)
        else:
            days[account.number, day_of(occurred_at, account.zone)].count(use.user, use.feature)
        if len(ids) < MOST_CAUSES:
            ids.append(use.event.id)
    days |= {(number, today): use for number, (_, use, _, today, *_) in begun.items() if use.events}
    return days, {account.id: ids for account, _, ids, *_ in begun.values() if ids}


def _bounds(day: date, zone: ZoneInfo) -> tuple[date, datetime, datetime]:
    """A day, its first instant, and the first one after it."""
    return day, start_of_day(day, zone), start_of_day(day + DAY, zone)
