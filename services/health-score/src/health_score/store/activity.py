"""Days of use: one row an account and day, its users and features as bit sets."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.ports import DayKey
from health_score.domain.account import Account
from health_score.domain.activity import (
    Activity,
    DayOfUse,
    Life,
    from_bytes,
    to_bytes,
    users_of_from_bytes,
    users_of_to_bytes,
)

_TOUCHED = text(
    "SELECT d.account_no, d.day, d.events, d.users, d.features, d.feature_users"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:days AS date[])) AS t (account_no, day)"
    " CROSS JOIN LATERAL (SELECT * FROM health_score.account_day x"
    " WHERE x.account_no = t.account_no AND x.day = t.day LIMIT 1) AS d"
)

_WRITE = text(
    "INSERT INTO health_score.account_day (account_no, day, events, users, features, feature_users)"
    " SELECT * FROM unnest(CAST(:numbers AS int[]), CAST(:days AS date[]), CAST(:events AS int[]),"
    " CAST(:users AS bytea[]), CAST(:features AS bytea[]), CAST(:feature_users AS bytea[]))"
    " ON CONFLICT (account_no, day) DO UPDATE SET events = excluded.events, users = excluded.users,"
    " features = excluded.features, feature_users = excluded.feature_users"
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

_LIVES = text(
    "SELECT t.account_no, f.first_day, n.days, n.users, g.names, g.numbers"
    " FROM unnest(CAST(:numbers AS int[])) AS t (account_no)"
    " CROSS JOIN LATERAL (SELECT min(x.day) AS first_day FROM health_score.account_day x"
    " WHERE x.account_no = t.account_no) AS f"
    " CROSS JOIN LATERAL (SELECT array_agg(x.first_day) AS days, array_agg(x.users) AS users FROM"
    " (SELECT u.first_day, CAST(count(*) AS int) AS users FROM health_score.account_user u"
    " WHERE u.account_no = t.account_no AND u.first_day IS NOT NULL GROUP BY 1 ORDER BY 1) AS x) AS n"
    " CROSS JOIN LATERAL (SELECT array_agg(x.feature) AS names, array_agg(x.feature_no) AS numbers"
    " FROM health_score.account_feature x WHERE x.account_no = t.account_no) AS g"
)

_FEATURE_USERS = text(
    "SELECT day, features, feature_users FROM health_score.account_day"
    " WHERE account_no = :account_no AND day BETWEEN :first AND :last"
)


_bits = int.from_bytes
"""What `from_bytes` does, without a call of Python's for each of a portfolio's days."""


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
            features = from_bytes(row.features)
            users_of = users_of_from_bytes(features, row.feature_users)
            known = DayOfUse(row.events, from_bytes(row.users), features, users_of)
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
                    day: DayOfUse(events, _bits(users, "little"), _bits(features, "little"))
                    for day, events, users, features in zip(
                        row.days or (), row.events or (), row.users or (), row.features or (), strict=True
                    )
                },
                row.active_before,
            )
            for row in await self._connection.execute(_SINCE, parameters)
        }

    async def lives(self, numbers: Collection[int]) -> Mapping[int, Life]:
        """The whole lives of accounts, by number: what windows do not show."""
        return {
            row.account_no: Life(
                row.first_day,
                tuple(zip(row.days or (), row.users or (), strict=True)),
                dict(zip(row.names or (), row.numbers or (), strict=True)),
            )
            for row in await self._connection.execute(_LIVES, {"numbers": list(numbers)})
        }

    async def since_with_lives(self, wanted: Mapping[int, date]) -> Mapping[int, Activity]:
        """The activity of accounts (by number), each from a day on and with its life."""
        activity, lives = await self.since(wanted), await self.lives(wanted)
        return {number: replace(found, life=lives[number]) for number, found in activity.items()}

    async def users_of_features(self, account_no: int, first: date, last: date) -> Mapping[int, int]:
        """The users (a bit set) of each feature by its number, from one day to another."""
        found = DayOfUse()
        days = {"account_no": account_no, "first": first, "last": last}
        for row in await self._connection.execute(_FEATURE_USERS, days):
            users_of = users_of_from_bytes(from_bytes(row.features), row.feature_users)
            found.merge(DayOfUse(users_of=users_of))
        return found.users_of

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
                "feature_users": [users_of_to_bytes(use) for _, use in rows],
            },
        )
