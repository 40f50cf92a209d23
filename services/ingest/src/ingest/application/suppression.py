"""Who was erased, in memory: what arrives about them later is left out at the door."""

import asyncio
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Final, Protocol

from mainstay.db.refreshing import keep_fresh
from mainstay.service.subjects import ACCOUNT, USER, Subjects

REFRESH_EVERY: Final = timedelta(seconds=2)
REMEMBERED: Final = 100_000
"""Ids known to be free of suppression, at most; about 10 MB."""


class Erased(Protocol):
    """Where the hashes of the erased are kept."""

    async def suppressed(self) -> AbstractSet[tuple[str, str]]:
        """(kind, hash) of every subject that is suppressed."""


class SuppressionBook:
    """The suppressions of one process, read again every two seconds.

    While the database is away the last known ones hold; health-score knows the erased too, so what passes here in that
    time is counted without a person. A hash (1 µs) is worked out only when anybody was erased, and once for each id.
    """

    def __init__(self, erased: Erased, subjects: Subjects) -> None:
        self._erased = erased
        self._subjects = subjects
        self._hashes: AbstractSet[tuple[str, str]] = frozenset()
        self._free: set[tuple[str, str]] = set()

    @property
    def any(self) -> bool:
        """Whether anybody was erased."""
        return bool(self._hashes)

    def cover(self, account_id: str, user_id: str | None) -> bool:
        """Whether an event of this account and user is to be left out."""
        if not self._hashes:
            return False
        return self._has(ACCOUNT, account_id) or (user_id is not None and self._has(USER, user_id))

    async def refresh(self) -> None:
        """Read the suppressions."""
        hashes = await self._erased.suppressed()
        if hashes != self._hashes:
            self._hashes, self._free = hashes, set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep the book fresh until told to stop."""
        await keep_fresh(self.refresh, "the suppressions", stopping, every=REFRESH_EVERY)

    def _has(self, kind: str, subject_id: str) -> bool:
        name = (kind, subject_id)
        if not subject_id or name in self._free:
            return False
        if (kind, self._subjects.hash(kind, subject_id)) in self._hashes:
            return True
        if len(self._free) >= REMEMBERED:
            self._free.clear()
        self._free.add(name)
        return False
