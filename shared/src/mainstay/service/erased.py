"""The erased as a service remembers them: by keyed hashes, in a table `erased` of its own schema.

A service must never begin anew about somebody while another of its transactions erases them. So whoever is about to
write down an id for the first time asks `among` within its transaction: that waits for an erasure under way, and an
erasure waits for it.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.service.subjects import Subjects

CHUNK: Final = 20_000
"""Ids looked at in one statement; hashing so many takes 20 ms."""


class ErasedSubjects:
    """The erased of one service, within one transaction."""

    def __init__(self, connection: AsyncConnection, schema: str, subjects: Subjects) -> None:
        self._connection = connection
        self._table = f"{schema}.erased"
        self._subjects = subjects

    async def remember(self, kind: str, subject: str, erasure_id: str, at: datetime) -> None:
        """From now on the subject is one of the erased. Waits for whoever is writing down new ids."""
        await self._connection.execute(
            text(
                f"INSERT INTO {self._table} (kind, subject, erasure_id, erased_at)"
                " VALUES (:kind, :subject, :erasure, :at) ON CONFLICT DO NOTHING"
            ),
            {"kind": kind, "subject": subject, "erasure": erasure_id, "at": at},
        )

    async def lift(self, kind: str, subject: str) -> None:
        """From now on the subject is none of the erased."""
        await self._connection.execute(
            text(f"DELETE FROM {self._table} WHERE kind = :kind AND subject = :subject"),
            {"kind": kind, "subject": subject},
        )

    async def among(self, kind: str, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that are erased; it stays so until this transaction ends. For ids that are new here."""
        if not ids:
            return frozenset()
        # SHARE conflicts with the INSERT of an erasure and not with itself.
        await self._connection.execute(text(f"LOCK TABLE {self._table} IN SHARE MODE"))
        hashed = {self._subjects.hash(kind, one): one for one in ids}
        found = await self._connection.execute(
            text(f"SELECT subject FROM {self._table} WHERE kind = :kind AND subject = ANY(:subjects)"),
            {"kind": kind, "subjects": list(hashed)},
        )
        return frozenset(hashed[subject] for subject in found.scalars())

    async def forget_refused(self, outbox: Table, subject_id: str) -> int:
        """Delete records about the subject that the log would not take; answers how many."""
        gone = await self._connection.execute(
            text(f"DELETE FROM {outbox} WHERE refused IS NOT NULL AND (key = :id OR position(:quoted IN value) > 0)"),
            {"id": subject_id, "quoted": msgspec.json.encode(subject_id)},
        )
        return gone.rowcount

    async def cancel_timers(self, due: Table, kinds: Collection[str], account_id: str, *, mark: str = "") -> int:
        """Disarm an erased account's timers; the last `mark` in a key, one character, ends the account's id, if given.

        One that a runner has in hand is left to it: the runner finds no account any more and drops it. Waiting for it
        here, with the account locked, would be a deadlock.
        """
        gone = await self._connection.execute(
            text(
                f"DELETE FROM {due} WHERE (kind, key) IN (SELECT kind, key FROM {due} WHERE kind = ANY(:kinds)"
                " AND :id = CASE CAST(:mark AS text) WHEN '' THEN key ELSE left(key, -strpos(reverse(key), :mark)) END"
                " FOR UPDATE SKIP LOCKED)"
            ),
            {"kinds": sorted(kinds), "id": account_id, "mark": mark},
        )
        return gone.rowcount

    async def find(self, kind: str, subject: str, table: str, column: str) -> Sequence[str]:
        """The ids in an indexed column that the hash stands for: one, or none. Reads the whole column, in chunks."""
        after = ""
        chunk = text(
            f"SELECT DISTINCT {column} AS id FROM {table} WHERE {column} > :after ORDER BY {column} LIMIT {CHUNK}"
        )
        while True:
            ids = list((await self._connection.execute(chunk, {"after": after})).scalars())
            found = await asyncio.to_thread(self._matching, kind, subject, ids)
            if found or len(ids) < CHUNK:
                return found
            after = ids[-1]

    def _matching(self, kind: str, subject: str, ids: Sequence[str]) -> list[str]:
        return [one for one in ids if self._subjects.hash(kind, one) == subject]
