"""What operators write and people decide, as handlers need it of the store: documents with versions, the journal."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from health_score.domain.scorecard import CardKey


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One version of a document. `body` is JSON; `digest` is the SHA-256 of its canonical form, in hex."""

    kind: str
    id: str
    version: int
    body: bytes
    digest: str
    saved_at: datetime
    saved_by: str


class Documents(Protocol):
    """The operator's versioned documents."""

    async def lock(self) -> None:
        """Be the only one to write documents, or to put them in force, until the transaction ends."""

    async def save(
        self, kind: str, id_: str, body: Any, *, by: str, at: datetime, after_version: int = 0
    ) -> StoredDocument:
        """Save a document as its next version; the same as the latest one is not saved again. Answers what is kept."""

    async def latest(self, kind: str, id_: str) -> StoredDocument | None:
        """The newest version of a document."""

    async def version(self, kind: str, id_: str, version: int) -> StoredDocument | None:
        """One version of a document."""

    async def versions_before(self, kind: str, id_: str, before: int | None, limit: int) -> Sequence[StoredDocument]:
        """Up to `limit` versions of a document below a number, newest first."""

    async def all(self, kind: str) -> Sequence[StoredDocument]:
        """The newest version of each document of a kind, by id."""

    async def digests(self, kinds: Collection[str]) -> Mapping[str, str]:
        """The digest of the newest version of any document of each kind; kinds without one are left out."""

    async def versions(self, kind: str, id_: str) -> Sequence[StoredDocument]:
        """Every version of a document, newest first."""


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One decision. `account_no` is None for one about all accounts; `body` is JSON, its shape is the kind's."""

    number: int
    account_no: int | None
    kind: str
    at: datetime
    by: str
    body: bytes


class Decisions(Protocol):
    """The journal of what people decided."""

    async def add(self, kind: str, body: Any, *, by: str, at: datetime, account_no: int | None = None) -> int:
        """Write down a decision; answers its number."""

    async def add_many(self, entries: Sequence[Any], *, by: str, at: datetime) -> None:
        """Write down entries about accounts (`life_journal.NewEntry`), in this order."""

    async def about_all(self, kinds: Collection[str]) -> Sequence[StoredDecision]:
        """The decisions of these kinds that are about all accounts, oldest first."""

    async def last_about_all(self, kind: str) -> int:
        """The number of the last decision of a kind that is about all accounts; 0 for none."""

    async def of_accounts(self, numbers: Collection[int]) -> Mapping[int, Sequence[StoredDecision]]:
        """The decisions about these accounts, oldest first; accounts without any are left out."""


class Scorecards(Protocol):
    """The short numbers of scorecard versions."""

    async def register(self, key: CardKey, digest: str, at: datetime) -> None:
        """Give a saved version its number."""

    async def last_version(self, card_id: str) -> int:
        """The last version that was ever registered under an id; 0 for none."""
