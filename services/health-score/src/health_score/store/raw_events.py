"""Raw usage events: every one, once, partitioned by the week of receipt."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Final

import msgspec
from asyncpg import UniqueViolationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.ports import DayKey
from health_score.application.uses import FreshUses, RawUse, UsageEvent, Use
from health_score.domain.account import Account
from health_score.domain.activity import DayOfUse, bits_of, numbers_in
from health_score.domain.metrics.matching import Counting
from health_score.store.erasure import ErasureStore
from health_score.store.numbers import FEATURES, USERS, FirstDays, NameKey, Numbers
from health_score.store.raw_rows import COLUMNS, chunks_of
from mainstay.db.engine import copy_binary
from mainstay.kernel.clock import day_of
from mainstay.service.subjects import USER

WEEK = timedelta(days=7)

EventKey = tuple[str, str]
"""An event's id and its source."""

TABLE: Final = "health_score.raw_event"

NEVER: Final = datetime.min.replace(tzinfo=UTC)

AHEAD = 2
"""How many weeks' partitions are made before they are needed."""

# An array, as a join with a table that nobody analysed would read the whole week; and from JSON, as asyncpg asks each
# element of an array whether it is one itself, which takes 10 µs.
_SEEN = text(
    f"SELECT event_id, source FROM {TABLE} WHERE received_week IN (:week, :before)"
    " AND event_id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json))))"
)

# A quarter of an hour is the finest step between zones since 1972; the zone's days are told apart in Python, by the
# same rules as everywhere else.
_QUARTERS = text(
    "SELECT date_bin('15 minutes', occurred_at, TIMESTAMPTZ '2000-01-01Z') AS quarter, feature_no, count(*) AS events,"
    " array_agg(DISTINCT user_no) AS users FROM health_score.raw_event WHERE account_no = :account_no GROUP BY 1, 2"
)

_FIRST_USES = text(
    "SELECT user_no, min(occurred_at) AS at FROM health_score.raw_event"
    " WHERE account_no = :account_no AND user_no IS NOT NULL GROUP BY 1"
)

# Names that a filter lacks are null: any. Properties are long, and read only where they are looked at.
_MATCHING = (
    "SELECT r.account_no, r.user_no, r.event, coalesce(f.feature, '') AS feature, r.occurred_at, {properties}"
    " FROM health_score.raw_event r LEFT JOIN health_score.account_feature f"
    " ON f.account_no = r.account_no AND f.feature_no = r.feature_no"
    " WHERE r.account_no = ANY(:numbers) AND (CAST(:events AS text[]) IS NULL OR r.event = ANY(:events))"
    " AND (CAST(:features AS text[]) IS NULL OR f.feature = ANY(:features))"
)

_LATEST = text(
    "SELECT event_id FROM health_score.raw_event WHERE account_no = :account_no"
    " AND occurred_at >= :begin AND occurred_at < :end ORDER BY occurred_at DESC, event_id LIMIT :limit"
)

_EXISTS = text("SELECT to_regclass(:name) IS NOT NULL")


class KnownWeeks:
    """The weeks whose partitions are known to exist. Shared by a process's transactions."""

    def __init__(self) -> None:
        self.weeks: set[date] = set()


def week_of(received_on: date) -> date:
    """The Monday of the week of receipt, by its day in UTC."""
    return received_on - timedelta(days=received_on.weekday())


def _week_around(received_at: datetime) -> tuple[date, datetime, datetime]:
    """The week of receipt, its first instant and the first after it."""
    monday = week_of(received_at.date())
    begins = datetime.combine(monday, time.min, UTC)
    return monday, begins, begins + WEEK


class RawEvents:
    """The raw events, within one transaction."""

    def __init__(self, connection: AsyncConnection, known: KnownWeeks, erased: ErasureStore) -> None:
        self._connection = connection
        self._erased = erased
        self._known = known
        self._users = Numbers(connection, USERS)
        self._first_days = FirstDays(connection)
        self._features = Numbers(connection, FEATURES)

    async def add_new(self, events: Sequence[UsageEvent], accounts: Mapping[str, Account]) -> FreshUses:
        """Store accounts' events; answers those that were not stored before, in this week of receipt or the one before.

        The accounts are locked, and the events' order does not matter; those of other accounts are left out. Erased
        users are nobody, and their events have no properties.
        """
        # From first to last each time, as they lie in memory: in the order of accounts it takes half as long again.
        names = {account_id: (account.number, set[str](), set[str]()) for account_id, account in accounts.items()}
        events = [event for event in events if event.account_id in names]
        for event in events:
            _, users, features = names[event.account_id]
            features.add(event.feature)
            if event.user_id is not None:
                users.add(event.user_id)
        user_no = await self._users.of(
            {number: users for number, users, _ in names.values()},
            never=partial(self._erased.among, USER),
            first_days=lambda new: _first_days(new, events, accounts),
        )
        feature_no = await self._features.of({number: features for number, _, features in names.values()})
        numbers = {
            account_id: (number, user_no[number], feature_no[number]) for account_id, (number, _, _) in names.items()
        }
        weeks: dict[date, dict[EventKey, Use]] = defaultdict(dict)
        uses: dict[EventKey, Use] = {}
        begins = ends = NEVER
        for event in events:
            if not begins <= event.received_at < ends:  # to look at the calendar for each would cost much more
                monday, begins, ends = _week_around(event.received_at)
                uses = weeks[monday]
            key = (event.id, event.source)
            if key not in uses:
                number, of_users, of_features = numbers[event.account_id]
                user = None if event.user_id is None else of_users.get(event.user_id)
                uses[key] = Use(event, number, user, of_features[event.feature])
        for week in sorted(weeks):
            await self._add_week(week, weeks[week])
        return FreshUses([use for uses in weeks.values() for use in uses.values()], feature_no)

    async def regroup(self, account: Account) -> Mapping[date, DayOfUse]:
        """An account's days of use in its present zone, and its users' first days, formed anew from its raw events."""
        zone = account.zone
        days: dict[date, DayOfUse] = {}
        for row in await self._connection.execute(_QUARTERS, {"account_no": account.number}):
            users = bits_of(row.users)
            use = DayOfUse(row.events, users, 1 << row.feature_no, {row.feature_no: users} if users else {})
            days.setdefault(day_of(row.quarter, zone), DayOfUse()).merge(use)
        uses = await self._connection.execute(_FIRST_USES, {"account_no": account.number})
        await self._first_days.anew(account.number, {row.user_no: day_of(row.at, zone) for row in uses})
        return days

    async def users_came(self, days: Mapping[DayKey, DayOfUse]) -> None:
        """Take in that users were active on these days of the events just added: an earlier day is a user's first."""
        came: dict[tuple[int, int], date] = {}
        seen: dict[int, int] = defaultdict(int)
        for (number, day), use in sorted(days.items(), key=lambda each: each[0]):
            known = self._users.first_days.get(number, {})
            for user in numbers_in(use.users & ~seen[number]):
                first = known.get(user)
                if first is None or day < first:
                    came[number, user] = day
            seen[number] |= use.users
        await self._first_days.came(came)

    async def latest_ids(self, account_no: int, begin: datetime, end: datetime, limit: int) -> Sequence[str]:
        """The ids of up to `limit` events of an account from `begin` on and before `end`, the latest first."""
        wanted = {"account_no": account_no, "begin": begin, "end": end, "limit": limit}
        return list((await self._connection.execute(_LATEST, wanted)).scalars())

    async def matching(self, numbers: Collection[int], counting: Counting) -> AsyncIterator[RawUse]:
        """The events of accounts (by number) whose names fit a counting, in no order; it streams."""
        properties = "r.properties" if counting.reads_properties else "'{}' AS properties"
        rows = await self._connection.stream(
            text(_MATCHING.format(properties=properties)),
            {
                "numbers": sorted(numbers),
                "events": sorted(counting.events) or None,
                "features": sorted(counting.features) or None,
            },
        )
        async for row in rows:
            yield RawUse(*row)

    async def create_weeks(self, at: datetime) -> None:
        """Make room for what is received in the week of `at` and the two weeks after it."""
        for week in range(AHEAD + 1):
            await self._make_room(week_of(at.date()) + week * WEEK)

    async def _add_week(self, week: date, uses: dict[EventKey, Use]) -> None:
        """Store the uses of a week of receipt, and take those out that were stored before.

        Looked for and then copied: that takes half of what INSERT with ON CONFLICT does. Nobody else stores uses of
        these accounts meanwhile, but may store one of the same id for another account. Then it is looked for again.
        """
        await self._make_room(week)
        while uses:
            ids = msgspec.json.encode([event_id for event_id, _ in uses]).decode()
            seen = await self._connection.execute(_SEEN, {"week": week, "before": week - WEEK, "ids": ids})
            for key in seen.all():
                uses.pop((key.event_id, key.source), None)
            if not uses:
                return
            try:
                async with self._connection.begin_nested():
                    await copy_binary(self._connection, TABLE, COLUMNS, chunks_of(week, uses.values()))
            except UniqueViolationError:
                continue
            return

    async def _make_room(self, week: date) -> None:
        if week in self._known.weeks:
            return
        name = f"{TABLE}_{week:%Y%m%d}"
        if (await self._connection.execute(_EXISTS, {"name": name})).scalar_one():
            self._known.weeks.add(week)
            return
        # Two transactions may find it missing at once; and this one may roll back, so it is not remembered yet.
        await self._connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('health_score.raw_event'))"))
        await self._connection.execute(
            text(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {TABLE} FOR VALUES IN ('{week}')")
        )


def _first_days(
    new: Mapping[int, Collection[str]], events: Iterable[UsageEvent], accounts: Mapping[str, Account]
) -> Mapping[NameKey, date]:
    """The days on which users that are new came first, by the events at hand."""
    among = {account.id: set(new[account.number]) for account in accounts.values() if account.number in new}
    earliest: dict[tuple[str, str], datetime] = {}
    for event in events:
        user_id = event.user_id
        if user_id is not None and user_id in among.get(event.account_id, ()):
            key = (event.account_id, user_id)
            known = earliest.get(key)
            if known is None or event.occurred_at < known:
                earliest[key] = event.occurred_at
    return {
        (accounts[account_id].number, user_id): day_of(instant, accounts[account_id].zone)
        for (account_id, user_id), instant in earliest.items()
    }
