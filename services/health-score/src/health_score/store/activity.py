"""Days of use: one row an account and day, its users and features as bit sets."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.ports import DayKey
from health_score.domain.account import Account
from health_score.domain.activity import Activity, DayOfUse, from_bytes, to_bytes

_TOUCHED = text(
    "SELECT d.account_no, d.day, d.events, d.users, d.features"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:days AS date[])) AS t (account_no, day)"
    " CROSS JOIN LATERAL (SELECT * FROM health_score.account_day x"
    " WHERE x.account_no = t.account_no AND x.day = t.day LIMIT 1) AS d"
)

_WRITE = text(
    "INSERT INTO health_score.account_day (account_no, day, events, users, features)"
    " SELECT * FROM unnest(CAST(:numbers AS int[]), CAST(:days AS date[]), CAST(:events AS int[]),"
    " CAST(:users AS bytea[]), CAST(:features AS bytea[]))"
    " ON CONFLICT (account_no, day) DO UPDATE"
    " SET events = excluded.events, users = excluded.users, features = excluded.features"
)

_FORGET = text("DELETE FROM health_score.account_day WHERE account_no = :account_no")

# One row an account: arrays are decoded several times faster than rows.
_SINCE = text(
    "SELECT t.account_no, t.since, d.days, d.events, d.users, d.features, b.day AS active_before"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:since AS date[])) AS t (account_no, since)"
    " CROSS JOIN LATERAL (SELECT array_agg(x.day) AS days, array_agg(x.events) AS events, array_agg(x.users) AS users,"
    " array_agg(x.features) AS features FROM health_score.account_day x"
    " WHERE x.account_no = t.account_no AND x.day >= t.since) AS d"
    " LEFT JOIN LATERAL (SELECT x.day FROM health_score.account_day x"
    " WHERE x.account_no = t.account_no AND x.day < t.since ORDER BY x.day DESC LIMIT 1) AS b ON true"
)


class ActivityDays:
    """The days of use, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, days: Mapping[DayKey, DayOfUse]) -> None:
        """Merge uses into their days. The accounts are locked."""
        if not days:
            return
        keys = {"numbers": [number for number, _ in days], "days": [day for _, day in days]}
        merged = dict(days)
        for row in await self._connection.execute(_TOUCHED, keys):
            known = DayOfUse(row.events, from_bytes(row.users), from_bytes(row.features))
            known.merge(days[row.account_no, row.day])
            merged[row.account_no, row.day] = known
        await self._write(merged)

    async def replace(self, account: Account, days: Mapping[date, DayOfUse]) -> None:
        """Put these days in the place of all that the account has."""
        await self._connection.execute(_FORGET, {"account_no": account.number})
        await self._write({(account.number, day): use for day, use in days.items()})

    async def since(self, wanted: Mapping[int, date]) -> Mapping[int, Activity]:
        """The activity of accounts (by number), each from a day on."""
        parameters = {"numbers": list(wanted), "since": list(wanted.values())}
        return {
            row.account_no: Activity(
                row.since,
                {
                    day: DayOfUse(events, from_bytes(users), from_bytes(features))
                    for day, events, users, features in zip(
                        row.days or (), row.events or (), row.users or (), row.features or (), strict=True
                    )
                },
                row.active_before,
            )
            for row in await self._connection.execute(_SINCE, parameters)
        }

    async def _write(self, days: Mapping[DayKey, DayOfUse]) -> None:
        if not days:
            return
        rows = sorted(days.items(), key=lambda item: item[0])
        await self._connection.execute(
            _WRITE,
            {
                "numbers": [number for (number, _), _ in rows],
                "days": [day for (_, day), _ in rows],
                "events": [use.events for _, use in rows],
                "users": [to_bytes(use.users) for _, use in rows],
                "features": [to_bytes(use.features) for _, use in rows],
            },
        )
