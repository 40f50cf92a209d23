"""The scorecards that scored here: each version once, and never changed."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.domain.scorecard import Scorecard

_KNOWN = text("SELECT scorecard_no, digest FROM health_score.scorecard WHERE id = :id AND version = :version")

_REGISTER = text(
    "INSERT INTO health_score.scorecard (id, version, digest, registered_at) VALUES (:id, :version, :digest, :at)"
    " ON CONFLICT DO NOTHING"
)


class ScorecardChanged(ValueError):
    """A scorecard's document is another than the one registered under its id and version."""


class ScorecardNumbers:
    """The numbers of registered scorecards, remembered by a process; and each document's digest."""

    def __init__(self, digests: dict[tuple[str, int], str]) -> None:
        self.digests = digests
        self.known: dict[tuple[str, int], int] = {}


class Scorecards:
    """The scorecards, within one transaction."""

    def __init__(self, connection: AsyncConnection, numbers: ScorecardNumbers) -> None:
        self._connection = connection
        self._numbers = numbers

    async def number(self, card: Scorecard, at: datetime) -> int:
        """The short number of a scorecard version, registered if it is new. Raises `ScorecardChanged`."""
        key = (card.id, card.version)
        if key in self._numbers.known:
            return self._numbers.known[key]
        digest = self._numbers.digests[key]
        names = {"id": card.id, "version": card.version}
        row = (await self._connection.execute(_KNOWN, names)).one_or_none()
        if row is None:
            await self._connection.execute(_REGISTER, {**names, "digest": digest, "at": at})
            # Not remembered yet: this transaction may roll back.
            row = (await self._connection.execute(_KNOWN, names)).one()
        else:
            self._numbers.known[key] = row.scorecard_no
        if row.digest != digest:
            raise ScorecardChanged(f"scorecard {card.id} version {card.version} has changed: raise its version")
        return int(row.scorecard_no)
