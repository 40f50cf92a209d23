"""Documents that operators write: every version is kept, with who saved it and why, over what came with Mainstay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from mainstay.kernel.clock import Clock
from mainstay.kernel.differences import Difference, differences

ALWAYS = {"version"}
"""Members that are no part of what a version says: the version is given when it is saved."""


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """A version of a document, as it was written. Without `saved_at` it came with Mainstay."""

    id: str
    version: int
    body: Mapping[str, Any]
    saved_at: datetime | None = None
    saved_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """A version as it stands after saving; `is_new`: this saving made it."""

    version: DocumentVersion
    is_new: bool


@dataclass(frozen=True, slots=True)
class VersionWithChanges:
    """A version with what it changed against the one before it; None for the first."""

    version: DocumentVersion
    changes: Sequence[Difference] | None


class VersionStore(Protocol):
    """Versions that people saved; none is ever changed."""

    async def revision(self) -> int:
        """Another number whenever a version was saved."""

    async def lock(self) -> None:
        """Be the only one to save until the transaction ends."""

    async def newest(self) -> Sequence[DocumentVersion]:
        """The newest version of each document, by id."""

    async def latest(self, document_id: str) -> DocumentVersion | None:
        """The newest version of one document."""

    async def version(self, document_id: str, version: int) -> DocumentVersion | None:
        """One version."""

    async def versions(self, document_id: str, before: int | None, limit: int) -> Sequence[DocumentVersion]:
        """Up to `limit` versions below a number, newest first."""

    async def add(self, version: DocumentVersion) -> None:
        """Save a version."""


class DocumentUnknown(LookupError):
    """There is no such document, or no such version of it."""

    NOUN: ClassVar[str] = "document"

    def __init__(self, document_id: str, version: int | None = None) -> None:
        of = "" if version is None else f" with a version {version}"
        super().__init__(f"there is no {self.NOUN} {document_id}{of}")


class DocumentMovedOn(ValueError):
    """The document has another version than the one that was to be replaced."""

    def __init__(self, document_id: str, latest: int) -> None:
        super().__init__(f"the latest version of {document_id} is {latest}")


class DocumentNamedOtherwise(ValueError):
    """A document is saved under another id than its own."""

    NOUN: ClassVar[str] = "document"

    def __init__(self, document_id: str, written: object) -> None:
        super().__init__(f"the {self.NOUN} calls itself {written!r}, and was to be saved as {document_id!r}")


@dataclass(frozen=True, slots=True)
class Errors:
    """What is raised of a kind of documents."""

    unknown: type[DocumentUnknown]
    moved_on: type[DocumentMovedOn]


class Documents:
    """The versions of one kind of documents: those that were saved, over those that came with Mainstay."""

    def __init__(self, shipped: Mapping[str, Mapping[str, Any]], errors: Errors, clock: Clock) -> None:
        """`shipped` are the documents that come with Mainstay, as they are written, by id."""
        self.shipped = shipped
        self._errors = errors
        self._clock = clock

    async def one(self, store: VersionStore, document_id: str, version: int | None) -> DocumentVersion:
        """A version, the newest by default. Raises what `errors` says of unknown ones."""
        if version is None:
            found = await self.latest(store, document_id)
        else:
            found = await store.version(document_id, version) or self._came(document_id, version)
        if found is None:
            raise self._errors.unknown(document_id, version)
        return found

    async def versions(
        self, store: VersionStore, document_id: str, before: int | None, limit: int
    ) -> Sequence[VersionWithChanges]:
        """Up to `limit` versions, newest first, those below `before`; the last came with Mainstay, or was the first.

        Raises what `errors` says of unknown ones.
        """
        found = list(await store.versions(document_id, before, limit + 1))
        came = self._came(document_id)
        if came is not None and len(found) <= limit and (before is None or before > came.version):
            found.append(came)
        if not found and before is None:
            raise self._errors.unknown(document_id)
        return [
            VersionWithChanges(newer, None if older is None else differences(older.body, newer.body))
            for newer, older in zip(found[:limit], [*found[1:], None], strict=False)
        ]

    async def latest(self, store: VersionStore, document_id: str) -> DocumentVersion | None:
        """The newest version, saved or shipped."""
        return await store.latest(document_id) or self._came(document_id)

    def next(
        self,
        body: Mapping[str, Any],
        latest: DocumentVersion | None,
        *,
        replaces: int | None,
        by: str,
        reason: str | None,
    ) -> SavedDocument:
        """The version that comes after the latest; the same once more is no new one.

        Raises what `errors` says where the latest is not the one to be replaced (None: any).
        """
        document_id, number = str(body["id"]), latest.version if latest else 0
        if replaces is not None and replaces != number:
            raise self._errors.moved_on(document_id, number)
        if latest is not None and latest.body == body:
            return SavedDocument(latest, is_new=False)
        version = DocumentVersion(document_id, number + 1, body, self._clock.now(), by, reason)
        return SavedDocument(version, is_new=True)

    def _came(self, document_id: str, version: int | None = None) -> DocumentVersion | None:
        """The version that came with Mainstay."""
        body = self.shipped.get(document_id)
        if body is None or version not in {None, body["version"]}:
            return None
        return DocumentVersion(document_id, body["version"], without_version(body))


def without_version(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a document says, beside its version."""
    return {name: value for name, value in body.items() if name not in ALWAYS}
