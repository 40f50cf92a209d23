"""Raw usage events: every one, once, partitioned by the week of receipt."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.ports import FreshUse, RawUse
from health_score.domain.account import Account
from health_score.domain.activity import DayOfUse, bits_of
from health_score.domain.metrics.matching import Counting
from health_score.store.erasure import ErasureStore
from health_score.store.numbers import FEATURES, USERS, FirstDays, NameKey, Numbers
from health_score.store.staging import COLUMNS, STAGED, Staging
from mainstay.contracts.envelope import Event
from mainstay.contracts.ingest import UsageRecorded
from mainstay.kernel.clock import day_of
from mainstay.service.subjects import USER

WEEK = timedelta(days=7)

AHEAD = 2
"""How many weeks' partitions are made before they are needed."""

# An array, as a join with a table that nobody analysed would read the whole week.
_SEEN_IN = text(
    "SELECT source, event_id FROM health_score.raw_event WHERE received_week = :week"
    f" AND event_id = ANY(ARRAY(SELECT event_id FROM pg_temp.{STAGED}))"
)

_LEAVE_OUT = text(
    f"DELETE FROM pg_temp.{STAGED} s USING unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS t (source, id)"
    " WHERE s.source = t.source AND s.event_id = t.id"
)

# One row of arrays: they are decoded several times faster than rows.
_ADD = text(
    f"WITH added AS (INSERT INTO health_score.raw_event (received_week, {', '.join(COLUMNS)})"
    f" SELECT :week, {', '.join(COLUMNS)} FROM pg_temp.{STAGED}"
    " ON CONFLICT DO NOTHING RETURNING source, event_id)"
    " SELECT array_agg(source), array_agg(event_id) FROM added"
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


class RawEvents:
    """The raw events, within one transaction."""

    def __init__(self, connection: AsyncConnection, known: KnownWeeks, erased: ErasureStore) -> None:
        self._connection = connection
        self._erased = erased
        self._known = known
        self._users = Numbers(connection, USERS)
        self._first_days = FirstDays(connection)
        self._features = Numbers(connection, FEATURES)
        self._staging = Staging(connection)

    async def add_new(
        self, events: Sequence[Event[UsageRecorded]], accounts: Mapping[str, Account]
    ) -> Sequence[FreshUse]:
        """Store the events; answers those that were not stored before, in this week of receipt or the one before.

        The accounts are locked, and the events' order does not matter: rows go in sorted by id, so that no two
        transactions wait for each other. Erased users are nobody, and their events have no properties.
        """
        number = {account.id: account.number for account in accounts.values()}
        zones = {account.number: account.zone for account in accounts.values()}
        earliest: dict[NameKey, datetime] = {}
        used: set[NameKey] = set()
        for data in (event.data for event in events):
            account_no = number[data.account_id]
            used.add((account_no, data.feature))
            if data.user_id is not None:
                key = (account_no, data.user_id)
                known = earliest.get(key)
                if known is None or data.occurred_at < known:
                    earliest[key] = data.occurred_at
        users = await self._users.of(
            earliest,
            never=partial(self._erased.among, USER),
            first_day=lambda key: day_of(earliest[key], zones[key[0]]),
        )
        features = await self._features.of(used)
        weeks: dict[date, date] = {}
        uses: dict[date, dict[tuple[str, str], FreshUse]] = defaultdict(dict)
        for event in events:
            data = event.data
            account_no = number[data.account_id]
            user = None if data.user_id is None else users.get((account_no, data.user_id))
            use = FreshUse(event, user, features[account_no, data.feature])
            received_on = data.received_at.date()
            week = weeks.get(received_on)
            if week is None:
                week = weeks[received_on] = week_of(received_on)
            uses[week].setdefault((event.source, event.id), use)
        fresh: list[FreshUse] = []
        for week in sorted(uses):
            fresh += await self._add_week(week, uses[week], number)
        return fresh

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

    async def users_came(self, days: Mapping[tuple[int, int], date]) -> None:
        """Take in the days on which users (account and user by number) of the events just added were active."""
        known = self._users.first_days
        await self._first_days.came(
            {key: day for key, day in days.items() if (first := known.get(key)) is None or day < first}
        )

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

    async def _add_week(
        self, week: date, uses: Mapping[tuple[str, str], FreshUse], number: Mapping[str, int]
    ) -> Iterable[FreshUse]:
        await self._make_room(week)
        await self._staging.put([_row(uses[source, id_], number) for id_, source in sorted(map(_turned, uses))])
        seen = (await self._connection.execute(_SEEN_IN, {"week": week - WEEK})).all()
        if seen:
            sources, ids = map(list, zip(*seen, strict=True))
            await self._connection.execute(_LEAVE_OUT, {"sources": sources, "ids": ids})
        added = await self._connection.execute(_ADD, {"week": week})
        sources, ids = added.one()
        return [uses[key] for key in zip(sources or (), ids or (), strict=True)]

    async def _make_room(self, week: date) -> None:
        if week in self._known.weeks:
            return
        name = f"health_score.raw_event_{week:%Y%m%d}"
        if (await self._connection.execute(_EXISTS, {"name": name})).scalar_one():
            self._known.weeks.add(week)
            return
        # Two transactions may find it missing at once; and this one may roll back, so it is not remembered yet.
        await self._connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('health_score.raw_event'))"))
        await self._connection.execute(
            text(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF health_score.raw_event FOR VALUES IN ('{week}')")
        )


def _turned(key: tuple[str, str]) -> tuple[str, str]:
    """In the order of the table's key."""
    return key[1], key[0]


def _row(use: FreshUse, number: Mapping[str, int]) -> tuple[Any, ...]:
    event = use.event
    data = event.data
    return (
        event.source,
        event.id,
        number[data.account_id],
        use.user,
        use.feature,
        data.event,
        data.occurred_at,
        data.received_at,
        "{}" if use.is_erased else bytes(data.properties).decode(),
    )
