"""Raw usage events: every one, once, partitioned by the week of receipt."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.ports import FreshUse
from health_score.domain.account import Account
from health_score.domain.activity import DayOfUse, bits_of
from health_score.store.numbers import FEATURES, USERS, Numbers
from mainstay.contracts.envelope import Event
from mainstay.contracts.ingest import UsageRecorded
from mainstay.kernel.clock import day_of

WEEK = timedelta(days=7)

AHEAD = 2
"""How many weeks' partitions are made before they are needed."""

_SEEN_IN = text(
    "SELECT source, event_id FROM health_score.raw_event WHERE received_week = :week AND event_id = ANY(:ids)"
)

_ADD = text(
    "INSERT INTO health_score.raw_event (received_week, source, event_id, account_no, user_no, feature_no, event,"
    " occurred_at, received_at, properties)"
    " SELECT :week, * FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[]), CAST(:accounts AS int[]),"
    " CAST(:users AS int[]), CAST(:features AS int[]), CAST(:events AS text[]), CAST(:occurred AS timestamptz[]),"
    " CAST(:received AS timestamptz[]), CAST(:properties AS text[]))"
    " ON CONFLICT DO NOTHING RETURNING source, event_id"
)

# A quarter of an hour is the finest step between zones since 1972; the zone's days are told apart in Python, by the
# same rules as everywhere else.
_QUARTERS = text(
    "SELECT date_bin('15 minutes', occurred_at, TIMESTAMPTZ '2000-01-01Z') AS quarter, count(*) AS events,"
    " array_agg(DISTINCT user_no) AS users, array_agg(DISTINCT feature_no) AS features"
    " FROM health_score.raw_event WHERE account_no = :account_no GROUP BY 1"
)

_EXISTS = text("SELECT to_regclass(:name) IS NOT NULL")


class KnownWeeks:
    """The weeks whose partitions are known to exist. Shared by a process's transactions."""

    def __init__(self) -> None:
        self.weeks: set[date] = set()


def week_of(received_at: datetime) -> date:
    """The Monday, in UTC, of the week of receipt."""
    day = received_at.date()
    return day - timedelta(days=day.weekday())


class RawEvents:
    """The raw events, within one transaction."""

    def __init__(self, connection: AsyncConnection, known: KnownWeeks) -> None:
        self._connection = connection
        self._known = known
        self._users = Numbers(connection, USERS)
        self._features = Numbers(connection, FEATURES)

    async def add_new(
        self, events: Sequence[Event[UsageRecorded]], accounts: Mapping[str, Account]
    ) -> Sequence[FreshUse]:
        """Store the events; answers those that were not stored before, in this week of receipt or the one before.

        The accounts are locked, and the events' order does not matter: rows go in sorted by id, so that no two
        transactions wait for each other.
        """
        number = {account.id: account.number for account in accounts.values()}
        users = await self._users.of(
            {(number[e.data.account_id], e.data.user_id) for e in events if e.data.user_id is not None}
        )
        features = await self._features.of({(number[e.data.account_id], e.data.feature) for e in events})
        uses: dict[date, dict[tuple[str, str], FreshUse]] = defaultdict(dict)
        for event in events:
            data = event.data
            account_no = number[data.account_id]
            user = None if data.user_id is None else users[account_no, data.user_id]
            use = FreshUse(event, user, features[account_no, data.feature])
            uses[week_of(data.received_at)].setdefault((event.source, event.id), use)
        fresh: list[FreshUse] = []
        for week in sorted(uses):
            fresh += await self._add_week(week, uses[week], number)
        return fresh

    async def regroup(self, account: Account) -> Mapping[date, DayOfUse]:
        """An account's days of use in its present zone, formed anew from its raw events."""
        zone = account.zone
        days: dict[date, DayOfUse] = {}
        for row in await self._connection.execute(_QUARTERS, {"account_no": account.number}):
            use = DayOfUse(row.events, bits_of(row.users), bits_of(row.features))
            days.setdefault(day_of(row.quarter, zone), DayOfUse()).merge(use)
        return days

    async def create_weeks(self, at: datetime) -> None:
        """Make room for what is received in the week of `at` and the two weeks after it."""
        for week in range(AHEAD + 1):
            await self._make_room(week_of(at) + week * WEEK)

    async def _add_week(
        self, week: date, uses: Mapping[tuple[str, str], FreshUse], number: Mapping[str, int]
    ) -> Iterable[FreshUse]:
        await self._make_room(week)
        before = await self._connection.execute(_SEEN_IN, {"week": week - WEEK, "ids": [id_ for _, id_ in uses]})
        seen = {(row.source, row.event_id) for row in before}
        rows = sorted((item for item in uses.items() if item[0] not in seen), key=lambda item: item[0][::-1])
        if not rows:
            return []
        data = [use.event.data for _, use in rows]
        added = await self._connection.execute(
            _ADD,
            {
                "week": week,
                "sources": [source for (source, _), _ in rows],
                "ids": [id_ for (_, id_), _ in rows],
                "accounts": [number[each.account_id] for each in data],
                "users": [use.user for _, use in rows],
                "features": [use.feature for _, use in rows],
                "events": [each.event for each in data],
                "occurred": [each.occurred_at for each in data],
                "received": [each.received_at for each in data],
                "properties": [bytes(each.properties).decode() for each in data],
            },
        )
        return [uses[row.source, row.event_id] for row in added]

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
