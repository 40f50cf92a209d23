"""The scorecards that may score here: each version once, under the short number by which closes name it."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.domain.scorecard import CardKey

_NUMBER = text(
    "SELECT scorecard_no, xmin::text = (pg_current_xact_id_if_assigned()::xid)::text AS is_own"
    " FROM health_score.scorecard WHERE id = :id AND version = :version"
)

_REGISTER = text(
    "INSERT INTO health_score.scorecard (id, version, digest, registered_at) VALUES (:id, :version, :digest, :at)"
    " ON CONFLICT DO NOTHING"
)

_LAST = text("SELECT max(version) FROM health_score.scorecard WHERE id = :id")


class ScorecardNumbers:
    """The numbers of registered scorecards, remembered by a process."""

    def __init__(self) -> None:
        self.known: dict[CardKey, int] = {}


class Scorecards:
    """The scorecards, within one transaction."""

    def __init__(self, connection: AsyncConnection, numbers: ScorecardNumbers) -> None:
        self._connection = connection
        self._numbers = numbers

    async def register(self, key: CardKey, digest: str, at: datetime) -> None:
        """Give a saved version its number."""
        names = {"id": key.id, "version": key.version, "digest": digest, "at": at}
        await self._connection.execute(_REGISTER, names)

    async def last_version(self, card_id: str) -> int:
        """The last version that was ever registered under an id; 0 for none."""
        return int((await self._connection.execute(_LAST, {"id": card_id})).scalar_one() or 0)

    async def number(self, key: CardKey) -> int:
        """The short number of a registered version."""
        if key in self._numbers.known:
            return self._numbers.known[key]
        row = (await self._connection.execute(_NUMBER, {"id": key.id, "version": key.version})).one()
        if not row.is_own:  # this transaction may roll back
            self._numbers.known[key] = int(row.scorecard_no)
        return int(row.scorecard_no)
