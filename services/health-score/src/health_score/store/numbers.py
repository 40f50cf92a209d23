"""Small numbers in the place of names: each account's users and features, counted from 0; and users' first days."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

NameKey = tuple[int, str]
"""An account's number and a name within it."""

NewNames = Mapping[int, Sequence[str]]
"""Names that have no number yet, by account."""


@dataclass(frozen=True, slots=True)
class Naming:
    """A table of names and their numbers; some have the first day of each too."""

    table: str
    name: str
    number: str
    has_first_day: bool = False


USERS = Naming("health_score.account_user", "user_id", "user_no", has_first_day=True)
FEATURES = Naming("health_score.account_feature", "feature", "feature_no")


class Numbers:
    """The numbers of one kind of name, within one transaction that has locked the accounts."""

    def __init__(self, connection: AsyncConnection, naming: Naming) -> None:
        self._connection = connection
        self.first_days: dict[int, dict[int, date | None]] = defaultdict(dict)
        table, name, number = naming.table, naming.name, naming.number
        first_day = "x.first_day" if naming.has_first_day else "CAST(NULL AS date)"
        wanted = (
            "unnest(CAST(:accounts AS int[]), CAST(:names AS text[])) WITH ORDINALITY AS t (account_no, name, place)"
        )
        # Two arrays in the order of what is asked for: rows are decoded several times slower.
        self._known = text(
            f"SELECT array_agg(n.number ORDER BY t.place), array_agg(n.first_day ORDER BY t.place) FROM {wanted}"
            f" LEFT JOIN LATERAL (SELECT x.{number} AS number, {first_day} AS first_day"
            f" FROM {table} x WHERE x.account_no = t.account_no AND x.{name} = t.name LIMIT 1) AS n ON true"
        )
        self._next = text(
            f"SELECT account_no, coalesce((SELECT max(x.{number}) + 1 FROM {table} x"
            " WHERE x.account_no = t.account_no), 0) AS next FROM unnest(CAST(:accounts AS int[])) AS t (account_no)"
        )
        columns = f"account_no, {name}, {number}" + (", first_day" if naming.has_first_day else "")
        self._add = text(
            f"INSERT INTO {table} ({columns})"
            " SELECT * FROM unnest(CAST(:accounts AS int[]), CAST(:names AS text[]), CAST(:numbers AS int[])"
            f"{', CAST(:first_days AS date[])' if naming.has_first_day else ''})"
        )
        self._has_first_day = naming.has_first_day

    async def of(
        self,
        names: Mapping[int, Collection[str]],
        *,
        never: Callable[[Collection[str]], Awaitable[Collection[str]]] | None = None,
        first_days: Callable[[NewNames], Mapping[NameKey, date]] | None = None,
    ) -> Mapping[int, Mapping[str, int]]:
        """The numbers of each account's names; new names get the account's next ones.

        `never` is asked about names that are new and answers those that get none: they are left out. `first_days` is
        asked about the new ones of a table that has first days; `self.first_days` has those of all afterwards.
        """
        numbers: dict[int, dict[str, int]] = {account: {} for account in names}
        wanted = [(account, name) for account in sorted(names) for name in sorted(names[account])]
        if not wanted:
            return numbers
        found = await self._connection.execute(
            self._known, {"accounts": [account for account, _ in wanted], "names": [name for _, name in wanted]}
        )
        unknown: list[NameKey] = []
        for (account, name), number, day in zip(wanted, *found.one(), strict=True):
            if number is None:
                unknown.append((account, name))
            else:
                numbers[account][name] = number
                self.first_days[account][number] = day
        kept_out = await never({name for _, name in unknown}) if never is not None and unknown else ()
        new: dict[int, list[str]] = defaultdict(list)
        for account, name in unknown:
            if name not in kept_out:
                new[account].append(name)
        if new:
            await self._number(new, numbers, first_days(new) if first_days else {})
        return numbers

    async def _number(
        self, new: NewNames, numbers: dict[int, dict[str, int]], first_days: Mapping[NameKey, date]
    ) -> None:
        rows = await self._connection.execute(self._next, {"accounts": list(new)})
        added = [
            (row.account_no, name, row.next + place) for row in rows for place, name in enumerate(new[row.account_no])
        ]
        days = [first_days.get((account, name)) for account, name, _ in added]
        for (account, name, number), day in zip(added, days, strict=True):
            numbers[account][name] = number
            self.first_days[account][number] = day
        parameters: dict[str, Sequence[object]] = {
            "accounts": [account for account, _, _ in added],
            "names": [name for _, name, _ in added],
            "numbers": [number for _, _, number in added],
        }
        if self._has_first_day:
            parameters["first_days"] = days
        await self._connection.execute(self._add, parameters)


_EARLIER = text(
    "UPDATE health_score.account_user u SET first_day = t.day"
    " FROM unnest(CAST(:accounts AS int[]), CAST(:users AS int[]), CAST(:days AS date[]))"
    " AS t (account_no, user_no, day)"
    " WHERE u.account_no = t.account_no AND u.user_no = t.user_no AND (u.first_day IS NULL OR u.first_day > t.day)"
)

_ANEW = text("UPDATE health_score.account_user SET first_day = NULL WHERE account_no = :account_no")


class FirstDays:
    """The first day of each user of an account, within one transaction that has locked the account."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def came(self, days: Mapping[tuple[int, int], date]) -> None:
        """Take in that users (account and user by number) were active on these days: an earlier one is the first."""
        if days:
            keys = sorted(days)
            await self._connection.execute(
                _EARLIER,
                {
                    "accounts": [account for account, _ in keys],
                    "users": [user for _, user in keys],
                    "days": [days[key] for key in keys],
                },
            )

    async def anew(self, account_no: int, days: Mapping[int, date]) -> None:
        """Put these first days, by user, in the place of all that the account has."""
        await self._connection.execute(_ANEW, {"account_no": account_no})
        await self.came({(account_no, user): day for user, day in days.items()})
