"""What operators do with the documents of rules: save versions of them, and look at what they have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from health_score.application.cards import Cards
from health_score.application.document_ports import StoredDocument
from health_score.application.ports import OpenWork
from health_score.application.rescoring import begin_rescoring
from health_score.application.rules import DOCUMENT
from health_score.domain.rules import DEFAULT_VERSION
from health_score.rulebook.reading import Kind, check_rules, shipped_body
from mainstay.kernel.clock import Clock
from mainstay.kernel.differences import Difference, differences


class RulesMovedOn(ValueError):
    """The document has another version than the one that was to be replaced."""

    def __init__(self, kind: Kind, latest: int) -> None:
        super().__init__(f"the latest version of {kind} is {latest}")


class RulesUnknown(LookupError):
    """The document has no such version."""

    def __init__(self, kind: Kind, version: int) -> None:
        super().__init__(f"{kind} has no version {version}")


@dataclass(frozen=True, slots=True)
class SavedRules:
    """A version of a document; version 0 comes with Mainstay. `is_new` says that this saving made it."""

    version: int
    body: Mapping[str, Any]
    saved_at: datetime | None = None
    saved_by: str | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """A version with what it changed against the one before it; None for the one that comes with Mainstay."""

    saved: SavedRules
    changes: Sequence[Difference] | None


class RuleDocuments:
    """The three documents. The latest version is in force since it was saved, and earlier ones until then."""

    def __init__(self, open_work: OpenWork, cards: Cards, clock: Clock) -> None:
        self._work = open_work
        self._cards = cards
        self._clock = clock

    async def save(self, kind: Kind, body: Any, *, replaces: int | None, by: str) -> SavedRules:
        """Save a document as the next version, in force from now on; the same as the latest is not saved again.

        Every account is looked at anew, in parts. Raises `RulesInvalid`, and `RulesMovedOn` where the latest version
        is not `replaces` (None: any).
        """
        async with self._work() as work:
            check_rules(kind, body, catalogue=await self._cards.defined_now(work))
            await work.documents.lock()
            latest = await work.documents.latest(kind.value, DOCUMENT)
            version = latest.version if latest else DEFAULT_VERSION
            if replaces is not None and replaces != version:
                raise RulesMovedOn(kind, version)
            # The clock may have gone back; versions are in force one after the other.
            now = max(self._clock.now(), latest.saved_at) if latest else self._clock.now()
            stored = await work.documents.save(kind.value, DOCUMENT, body, by=by, at=now)
            is_new = stored.version != version
            if is_new:
                await begin_rescoring(work, now)
        return _saved(stored, is_new=is_new)

    async def one(self, kind: Kind, version: int | None) -> SavedRules:
        """A version, the one in force by default. Raises `RulesUnknown`."""
        async with self._work() as work:
            if version == DEFAULT_VERSION:
                return SavedRules(DEFAULT_VERSION, shipped_body(kind))
            if version is None:
                stored = await work.documents.latest(kind.value, DOCUMENT)
            else:
                stored = await work.documents.version(kind.value, DOCUMENT, version)
        if stored is None:
            if version is not None:
                raise RulesUnknown(kind, version)
            return SavedRules(DEFAULT_VERSION, shipped_body(kind))
        return _saved(stored)

    async def versions(self, kind: Kind, before: int | None, limit: int) -> Sequence[RulesVersion]:
        """Up to `limit` versions, newest first, those below `before`; the last is the one that comes with Mainstay."""
        async with self._work() as work:
            stored = await work.documents.versions_before(kind.value, DOCUMENT, before, limit + 1)
        found = [_saved(each) for each in stored]
        if len(found) <= limit and (before is None or before > DEFAULT_VERSION):
            found.append(SavedRules(DEFAULT_VERSION, shipped_body(kind)))
        return [
            RulesVersion(newer, None if older is None else differences(older.body, newer.body))
            for newer, older in zip(found[:limit], [*found[1:], None], strict=False)
        ]


def _saved(stored: StoredDocument, *, is_new: bool = False) -> SavedRules:
    body: dict[str, Any] = msgspec.json.decode(stored.body)
    return SavedRules(stored.version, body, stored.saved_at, stored.saved_by, is_new)
