"""The directory as it is stored: versions of people, teams and the routing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from alerts.domain.people import Person, Team
from alerts.domain.routing import Routing

T = TypeVar("T")


class Kind(StrEnum):
    """What a document is about."""

    PERSON = "person"
    TEAM = "team"
    ROUTING = "routing"


ROUTING = "routing"
"""There is one routing, and this is its id."""


@dataclass(frozen=True, slots=True)
class Version(Generic[T]):
    """A version of a document. Without a `what` it says that the document was deleted."""

    id: str
    version: int
    what: T | None
    saved_at: datetime
    saved_by: str
    reason: str | None = None


class DirectoryStore(Protocol):
    """Versions of people, teams and routing; none is ever changed."""

    async def revision(self) -> int:
        """Another number whenever something was saved."""

    async def lock(self) -> None:
        """Be the only one to save until the transaction ends; reading goes on."""

    async def newest(self) -> tuple[Sequence[Version[Person]], Sequence[Version[Team]]]:
        """The newest version of each person and team, those deleted included."""

    async def routing(self) -> Version[Routing] | None:
        """The newest version of the routing."""

    async def latest(self, kind: Kind, document_id: str) -> Version[Any] | None:
        """The newest version of one document."""

    async def versions(self, kind: Kind, document_id: str, before: int | None, limit: int) -> Sequence[Version[Any]]:
        """Up to `limit` versions below a number, newest first."""

    async def add(self, kind: Kind, version: Version[Any]) -> None:
        """Save a version."""


class HasDirectory(Protocol):
    """A transaction that reaches the directory."""

    @property
    def directory(self) -> DirectoryStore:
        """People and teams."""
