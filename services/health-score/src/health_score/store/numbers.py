"""Small numbers in the place of names: each account's users and features, counted from 0."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

NameKey = tuple[int, str]
"""An account's number and a name within it."""


@dataclass(frozen=True, slots=True)
class Naming:
    """A table of names and their numbers."""

    table: str
    name: str
    number: str


USERS = Naming("health_score.account_user", "user_id", "user_no")
FEATURES = Naming("health_score.account_feature", "feature", "feature_no")


class Numbers:
    """The numbers of one kind of name, within one transaction that has locked the accounts."""

    def __init__(self, connection: AsyncConnection, naming: Naming) -> None:
        self._connection = connection
        table, name, number = naming.table, naming.name, naming.number
        wanted = "unnest(CAST(:accounts AS int[]), CAST(:names AS text[])) AS t (account_no, name)"
        self._known = text(
            f"SELECT t.account_no, t.name, n.number FROM {wanted} CROSS JOIN LATERAL (SELECT x.{number} AS number"
            f" FROM {table} x WHERE x.account_no = t.account_no AND x.{name} = t.name LIMIT 1) AS n"
        )
        self._next = text(
            f"SELECT account_no, coalesce((SELECT max(x.{number}) + 1 FROM {table} x"
            " WHERE x.account_no = t.account_no), 0) AS next FROM unnest(CAST(:accounts AS int[])) AS t (account_no)"
        )
        self._add = text(
            f"INSERT INTO {table} (account_no, {name}, {number})"
            " SELECT * FROM unnest(CAST(:accounts AS int[]), CAST(:names AS text[]), CAST(:numbers AS int[]))"
        )

    async def of(self, names: Collection[NameKey]) -> dict[NameKey, int]:
        """The number of each name; new names get the account's next ones."""
        if not names:
            return {}
        wanted = sorted(names)
        rows = await self._connection.execute(
            self._known, {"accounts": [account for account, _ in wanted], "names": [name for _, name in wanted]}
        )
        known = {(row.account_no, row.name): row.number for row in rows}
        new: dict[int, list[str]] = defaultdict(list)
        for account, name in wanted:
            if (account, name) not in known:
                new[account].append(name)
        if new:
            known |= await self._number(new)
        return known

    async def _number(self, new: dict[int, list[str]]) -> dict[NameKey, int]:
        rows = await self._connection.execute(self._next, {"accounts": list(new)})
        numbered = {
            (row.account_no, name): row.next + place for row in rows for place, name in enumerate(new[row.account_no])
        }
        await self._connection.execute(
            self._add,
            {
                "accounts": [account for account, _ in numbered],
                "names": [name for _, name in numbered],
                "numbers": list(numbered.values()),
            },
        )
        return numbered
