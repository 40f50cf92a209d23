"""The playbooks in force, and what operators do with them: save versions, switch them on and off."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import structlog

from alerts.application.documents import (
    DocumentMovedOn,
    DocumentNamedOtherwise,
    Documents,
    DocumentUnknown,
    DocumentVersion,
    Errors,
    SavedDocument,
    VersionStore,
    VersionWithChanges,
    without_version,
)
from alerts.application.ports import OpenWork, Work
from alerts.application.rules import RulesInForce
from alerts.domain.playbooks import OnDate, Playbook, PlaybookInvalid, Playbooks
from mainstay.kernel.clock import Clock

_log = structlog.get_logger(__name__)


class PlaybookUnknown(DocumentUnknown):
    """There is no such playbook, or no such version of it."""

    NOUN = "playbook"


class PlaybookMovedOn(DocumentMovedOn):
    """The playbook has another version than the one that was to be replaced."""


class PlaybookNamedOtherwise(DocumentNamedOtherwise):
    """A playbook is saved under another id than its own."""

    NOUN = "playbook"


class ReadPlaybook(Protocol):
    """Reads a playbook from a document."""

    def __call__(
        self,
        written: Any,
        name: str = "",
        *,
        measures: Collection[str] = (),
        playbooks: Collection[str] = (),
        rules: Collection[str] = (),
    ) -> Playbook:
        """Raises `PlaybookInvalid`."""


class HasPlaybooks(Protocol):
    """A transaction that reaches the saved playbooks."""

    @property
    def playbooks(self) -> VersionStore:
        """The saved playbooks."""


class PlaybooksInForce:
    """The playbooks of this process: read again only when somebody has saved one since."""

    def __init__(self, shipped: Playbooks, read: ReadPlaybook) -> None:
        self._shipped = shipped
        self._read = read
        self._revision = 0
        self._latest = shipped

    async def __call__(self, work: HasPlaybooks) -> Playbooks:
        """The playbooks as of this transaction."""
        revision = await work.playbooks.revision()
        if revision != self._revision:
            self._latest = self._over_shipped(await work.playbooks.newest())
            self._revision = revision
        return self._latest

    def of(self, version: DocumentVersion) -> Playbook:
        """The playbook of a version. Raises `PlaybookInvalid`."""
        return replace(self._read(version.body, version.id), version=version.version, in_force_since=version.saved_at)

    def frozen(self, playbook_id: str, version: int, body: Mapping[str, Any]) -> Playbook:
        """The playbook of a version that runs. Raises `PlaybookInvalid`."""
        return replace(self._read(body, playbook_id), version=version)

    def readable(self, playbook_id: str, version: int, body: Mapping[str, Any]) -> Playbook | None:
        """The playbook of a version that runs; None, and an error in the log, where an upgrade made it unreadable."""
        try:
            return self.frozen(playbook_id, version, body)
        except PlaybookInvalid as error:
            _log.error("a run's playbook cannot be read", playbook=playbook_id, version=version, reason=str(error))
            return None

    def _over_shipped(self, saved: Sequence[DocumentVersion]) -> Playbooks:
        found = dict(self._shipped.all)
        for version in saved:
            try:
                found[version.id] = self.of(version)
            except PlaybookInvalid as error:
                # saving checks playbooks, so this is one that an upgrade made wrong: the others go on
                _log.error("a saved playbook cannot be used", playbook=version.id, reason=str(error))
        return Playbooks(found)


class PlaybookDocuments:
    """The playbooks as documents. The newest version of each is in force; what runs goes on as it began."""

    def __init__(
        self,
        open_work: OpenWork,
        playbooks: PlaybooksInForce,
        rules: RulesInForce,
        read: ReadPlaybook,
        shipped: Mapping[str, Mapping[str, Any]],
        clock: Clock,
    ) -> None:
        """`shipped` are the playbooks that come with Mainstay, as they are written, by id."""
        self._open = open_work
        self._playbooks = playbooks
        self._rules = rules
        self._read = read
        self._documents = Documents(shipped, Errors(PlaybookUnknown, PlaybookMovedOn), clock)

    async def save(
        self,
        playbook_id: str,
        body: Mapping[str, Any],
        *,
        replaces: int | None,
        by: str,
        reason: str | None,
        dry_run: bool = False,
    ) -> SavedDocument:
        """Save a playbook as its next version; the same as the latest one is no new one. `dry_run`: only check it.

        Raises `PlaybookRefused` for one with mistakes, `PlaybookNamedOtherwise`, and `PlaybookMovedOn` where the latest
        version is not `replaces` (None: any).
        """
        written = without_version(body)
        async with self._open() as work:
            known = (await self._playbooks(work)).all
            rules = (await self._rules(work)).rules
            metrics = await work.rules.metrics()
            own = {playbook_id} if written.get("id") == playbook_id else set()
            read = self._read(written, measures=metrics, playbooks={*known, *own}, rules=rules)
            if read.id != playbook_id:
                raise PlaybookNamedOtherwise(playbook_id, read.id)
            await work.playbooks.lock()
            latest = await self._documents.latest(work.playbooks, playbook_id)
            new = self._documents.next(written, latest, replaces=replaces, by=by, reason=reason)
            return new if dry_run else await self._add(work, new)

    async def switch(self, playbook_id: str, *, on: bool, by: str, reason: str | None) -> SavedDocument:
        """Switch a playbook on or off, as a version like any other. Raises `PlaybookUnknown`."""
        async with self._open() as work:
            await work.playbooks.lock()
            latest = await self._documents.one(work.playbooks, playbook_id, None)
            if latest.body.get("enabled", True) == on:
                return SavedDocument(latest, is_new=False)
            body = {**latest.body, "enabled": on}
            return await self._add(work, self._documents.next(body, latest, replaces=None, by=by, reason=reason))

    async def in_force(self) -> Playbooks:
        """The playbooks as they are now."""
        async with self._open() as work:
            return await self._playbooks(work)

    async def one(self, playbook_id: str, version: int | None) -> DocumentVersion:
        """A version, the newest by default. Raises `PlaybookUnknown`."""
        async with self._open() as work:
            return await self._documents.one(work.playbooks, playbook_id, version)

    async def versions(self, playbook_id: str, before: int | None, limit: int) -> Sequence[VersionWithChanges]:
        """Up to `limit` versions, newest first, those below `before`. Raises `PlaybookUnknown`."""
        async with self._open() as work:
            return await self._documents.versions(work.playbooks, playbook_id, before, limit)

    async def _add(self, work: Work, saved: SavedDocument) -> SavedDocument:
        """Save a version that is new; one that goes by dates has the dates of every account looked at."""
        version = saved.version
        if saved.is_new and version.saved_at is not None:
            await work.playbooks.add(version)
            playbook = self._playbooks.of(version)
            if playbook.enabled and any(isinstance(trigger, OnDate) for trigger in playbook.triggers):
                await work.timers.dates_of_all(version.saved_at)
        return saved
