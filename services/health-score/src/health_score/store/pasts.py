"""Accounts' recorded pasts, some at a time, in the order of their ids."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.journal import decisions_of
from health_score.application.life_journal import journal_of
from health_score.application.studies import Standings
from health_score.domain.account import zone_named
from health_score.domain.backtest.past import LATE, Arrival, Past, Value, known_at
from health_score.domain.history import DAY, Seats
from health_score.domain.metrics.catalogue import Needs
from health_score.store.account_rows import COLUMNS, account_of, stated_of
from health_score.store.activity import ActivityDays
from health_score.store.customs import Customs
from health_score.store.decisions import Decisions
from health_score.store.facts import FactStore
from mainstay.kernel.clock import day_of, start_of_day

_NEXT = text(
    "SELECT account_id, account_no, zone, seats_by_day::text AS seats_by_day, stated::text AS stated"
    " FROM health_score.account"
    ' WHERE erased_at IS NULL AND account_id COLLATE "C" > :after ORDER BY account_id COLLATE "C" LIMIT :limit'
)
# What was received within one quarter of an hour belongs to one day in every zone there is; the rest is looked at.
_LATE = text(
    "SELECT account_no, occurred_at, received_at FROM health_score.raw_event"
    " WHERE account_no = ANY(CAST(:numbers AS int[])) AND occurred_at >= :first AND occurred_at < :last"
    " AND received_at > occurred_at AND received_at <= occurred_at + CAST(:late AS interval)"
    " AND date_bin('15 minutes', received_at, TIMESTAMPTZ '2000-01-01Z')"
    " <> date_bin('15 minutes', occurred_at, TIMESTAMPTZ '2000-01-01Z')"
)
_OF_DAYS = text(
    "SELECT t.account_no, t.day, x.occurred_at, x.received_at, x.user_no, x.feature_no"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:days AS date[]), CAST(:begins AS timestamptz[]),"
    " CAST(:ends AS timestamptz[])) AS t (account_no, day, begins, ends)"
    " JOIN health_score.raw_event x ON x.account_no = t.account_no AND x.occurred_at >= t.begins"
    " AND x.occurred_at < t.ends"
)
_VALUES = text(
    "SELECT account_no, occurred_at, body::text AS body FROM health_score.fact"
    " WHERE account_no = ANY(CAST(:numbers AS int[])) AND kind = 'value' ORDER BY account_no, occurred_at, event_id"
)
_STANDINGS = text(
    f"SELECT {COLUMNS}, as_of FROM health_score.account"
    ' WHERE erased_at IS NULL AND account_id COLLATE "C" > :after ORDER BY account_id COLLATE "C" LIMIT :limit'
)


class _Money(msgspec.Struct, frozen=True):
    amount: Decimal
    currency: str


class _Worth(msgspec.Struct, frozen=True):
    arr: tuple[_Money, ...] = ()


_seats = msgspec.json.Decoder(tuple[tuple[date, int | None], ...])
_worth = msgspec.json.Decoder(_Worth)


class Pasts:
    """The pasts, within one transaction."""

    def __init__(self, connection: AsyncConnection, activity: ActivityDays, facts: FactStore, customs: Customs) -> None:
        self._connection = connection
        self._activity = activity
        self._facts = facts
        self._customs = customs

    async def after(self, account_id: str, limit: int, first: date, last: date, needs: Needs) -> Sequence[Past]:
        """The next accounts by id. Late events are looked for on the days from `first` to `last`."""
        rows = (await self._connection.execute(_NEXT, {"after": account_id, "limit": limit})).all()
        zones = {row.account_no: zone_named(row.zone) for row in rows}
        everything = dict.fromkeys(zones, date.min)
        activity = await (self._activity.since_with_lives if needs.of_life else self._activity.since)(everything)
        series = await self._customs.since(everything, needs.series)
        facts = await self._facts.of(list(zones))
        arrivals = await self._arrivals(zones, first, last)
        values = await self._values(zones)
        decided = await Decisions(self._connection).of_accounts(list(zones))
        return [
            Past(
                row.account_id,
                activity[row.account_no],
                Seats(_seats.decode(row.seats_by_day)),
                arrivals.get(row.account_no, {}),
                values.get(row.account_no, ()),
                facts=facts[row.account_no].in_zone(zones[row.account_no]),
                stated=stated_of(row.stated),
                decisions=decisions_of(decided.get(row.account_no, ()), zones[row.account_no]),
                customs=series[row.account_no],
                zone=zones[row.account_no],
                journal=journal_of(decided.get(row.account_no, ())),
            )
            for row in rows
        ]

    async def standings_after(self, account_id: str, limit: int) -> Sequence[Standings]:
        """The next accounts by id, with their present health."""
        rows = (await self._connection.execute(_STANDINGS, {"after": account_id, "limit": limit})).all()
        return [Standings(account_of(row), row.as_of) for row in rows]

    async def _arrivals(
        self, zones: Mapping[int, ZoneInfo], first: date, last: date
    ) -> Mapping[int, Mapping[date, Sequence[Arrival]]]:
        """The events of the days after which some came late, by account and day."""
        begins, ends = first - LATE - 2 * DAY, last + 2 * DAY
        days: set[tuple[int, date]] = set()
        utc = ZoneInfo("UTC")
        names = {
            "numbers": list(zones),
            "first": start_of_day(begins, utc),
            "last": start_of_day(ends, utc),
            "late": LATE,
        }
        for row in await self._connection.execute(_LATE, names):
            day = day_of(row.occurred_at, zones[row.account_no])
            if day_of(row.received_at, zones[row.account_no]) > day:
                days.add((row.account_no, day))
        return await self._events_of(sorted(days), zones)

    async def _events_of(
        self, days: Collection[tuple[int, date]], zones: Mapping[int, ZoneInfo]
    ) -> Mapping[int, Mapping[date, Sequence[Arrival]]]:
        found: dict[int, dict[date, list[Arrival]]] = defaultdict(lambda: defaultdict(list))
        if not days:
            return found
        names = {
            "numbers": [number for number, _ in days],
            "days": [day for _, day in days],
            "begins": [start_of_day(day, zones[number]) for number, day in days],
            "ends": [start_of_day(day + DAY, zones[number]) for number, day in days],
        }
        for row in await self._connection.execute(_OF_DAYS, names):
            known = day_of(known_at(row.occurred_at, row.received_at), zones[row.account_no])
            found[row.account_no][row.day].append(Arrival(known, row.user_no, row.feature_no))
        return found

    async def _values(self, zones: Mapping[int, ZoneInfo]) -> Mapping[int, Sequence[Value]]:
        found: dict[int, list[Value]] = defaultdict(list)
        for row in await self._connection.execute(_VALUES, {"numbers": list(zones)}):
            arr = {money.currency: money.amount for money in _worth.decode(row.body).arr}
            found[row.account_no].append(Value(day_of(row.occurred_at, zones[row.account_no]), arr))
        return found
