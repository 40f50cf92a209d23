"""The journal of what people decided: rows are only ever added, so that a replay has every decision at its time."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.document_ports import StoredDecision
from health_score.application.life_journal import NewEntry

_ADD = text(
    "INSERT INTO health_score.decision (account_no, kind, decided_at, decided_by, body)"
    " VALUES (:account_no, :kind, :at, :by, CAST(:body AS jsonb)) RETURNING decision_no"
)
_ADD_MANY = text(
    "INSERT INTO health_score.decision (account_no, kind, decided_at, decided_by, body)"
    " SELECT account_no, kind, :at, :by, CAST(body AS jsonb)"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:kinds AS text[]), CAST(:bodies AS text[])) WITH ORDINALITY"
    " AS t (account_no, kind, body, place) ORDER BY place"
)
_ABOUT_ALL = text(
    "SELECT decision_no, account_no, kind, decided_at, decided_by, body::text AS body FROM health_score.decision"
    " WHERE account_no IS NULL AND kind = ANY(:kinds) ORDER BY decided_at, decision_no"
)
_LAST_ABOUT_ALL = text("SELECT max(decision_no) FROM health_score.decision WHERE account_no IS NULL AND kind = :kind")
_OF_ACCOUNTS = text(
    "SELECT decision_no, account_no, kind, decided_at, decided_by, body::text AS body FROM health_score.decision"
    " WHERE account_no = ANY(:numbers) ORDER BY decided_at, decision_no"
)


class Decisions:
    """The journal, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, kind: str, body: Any, *, by: str, at: datetime, account_no: int | None = None) -> int:
        """Write down a decision; answers its number."""
        row = await self._connection.execute(
            _ADD,
            {
                "account_no": account_no,
                "kind": kind,
                "at": at,
                "by": by,
                "body": msgspec.json.encode(body).decode(),
            },
        )
        return int(row.scalar_one())

    async def add_many(self, entries: Sequence[NewEntry], *, by: str, at: datetime) -> None:
        """Write down entries about accounts, in this order."""
        if entries:
            await self._connection.execute(
                _ADD_MANY,
                {
                    "at": at,
                    "by": by,
                    "numbers": [entry.account_no for entry in entries],
                    "kinds": [entry.kind for entry in entries],
                    "bodies": [msgspec.json.encode(entry.body).decode() for entry in entries],
                },
            )

    async def about_all(self, kinds: Collection[str]) -> Sequence[StoredDecision]:
        """The decisions of these kinds that are about all accounts, oldest first."""
        rows = await self._connection.execute(_ABOUT_ALL, {"kinds": sorted(kinds)})
        return [_stored(*row) for row in rows]

    async def last_about_all(self, kind: str) -> int:
        """The number of the last decision of a kind that is about all accounts; 0 for none."""
        return int((await self._connection.execute(_LAST_ABOUT_ALL, {"kind": kind})).scalar_one() or 0)

    async def of_accounts(self, numbers: Collection[int]) -> Mapping[int, Sequence[StoredDecision]]:
        """The decisions about these accounts, oldest first; accounts without any are left out."""
        found: dict[int, list[StoredDecision]] = defaultdict(list)
        if numbers:
            for row in await self._connection.execute(_OF_ACCOUNTS, {"numbers": sorted(numbers)}):
                found[row.account_no].append(_stored(*row))
        return found


def _stored(number: int, account_no: int | None, kind: str, at: datetime, by: str, body: str) -> StoredDecision:
    return StoredDecision(number, account_no, kind, at, by, body.encode())
