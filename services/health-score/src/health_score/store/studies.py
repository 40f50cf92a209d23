"""Backtests and previews: their rows, and the parts that each step adds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.studies import Kind, Part, State, Study

KEPT = timedelta(days=90)
"""How long a finished study stays to be read."""

_COLUMNS = (
    "study_id, kind, state, spec::text AS spec, pass, after, accounts, accounts_done, parts, digest,"
    " result::text AS result, failure, created_at, created_by, finished_at"
)
_ADD = text(
    "INSERT INTO health_score.study (study_id, kind, state, spec, accounts, digest, created_at, created_by)"
    " SELECT :id, :kind, 'running', CAST(:spec AS jsonb), count(*), :digest, CAST(:at AS timestamptz), :by"
    f" FROM health_score.account WHERE erased_at IS NULL RETURNING {_COLUMNS}"
)
_FORGET = text("DELETE FROM health_score.study WHERE finished_at < :before")
_GET = f"SELECT {_COLUMNS} FROM health_score.study WHERE study_id = :id AND kind = :kind"
_LOCK = text(f"SELECT {_COLUMNS} FROM health_score.study WHERE study_id = :id FOR UPDATE")
_SAVE = text(
    "UPDATE health_score.study SET state = :state, pass = :pass, after = :after, accounts_done = :done, parts = :parts,"
    " digest = :digest, result = CAST(:result AS jsonb), failure = :failure, finished_at = :finished_at"
    " WHERE study_id = :id"
)
_ADD_PART = text(
    "INSERT INTO health_score.study_part (study_id, part, pass, body) VALUES (:id, :part, :pass, CAST(:body AS jsonb))"
)
_PARTS = text(
    "SELECT part, body::text AS body FROM health_score.study_part WHERE study_id = :id AND pass = :pass"
    " AND part >= :first ORDER BY part LIMIT :limit"
)
_FORGET_PARTS = text("DELETE FROM health_score.study_part WHERE study_id = :id")
_FORGET_LIST = text(
    "UPDATE health_score.study SET spec = jsonb_set(spec, '{outcome,listed}', '[]'), after = ''"
    " WHERE study_id = :id AND spec #> '{outcome,listed}' IS NOT NULL"
)
FORGET_PREVIEWS = text("DELETE FROM health_score.study WHERE kind IN ('preview', 'rules-preview')")
"""Previews name accounts; they are made again in no time."""


class Studies:
    """The studies, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, id_: str, kind: Kind, spec: bytes, digest: bytes, *, by: str, at: datetime) -> Study:
        """Write down a study of all accounts there are; those finished long ago are forgotten."""
        await self._connection.execute(_FORGET, {"before": at - KEPT})
        names = {"id": id_, "kind": kind.value, "spec": spec.decode(), "digest": digest, "at": at, "by": by}
        return _study((await self._connection.execute(_ADD, names)).one())

    async def get(self, id_: str, kind: Kind) -> Study | None:
        """A study, or None."""
        row = (await self._connection.execute(text(_GET), {"id": id_, "kind": kind.value})).one_or_none()
        return None if row is None else _study(row)

    async def lock(self, id_: str) -> Study | None:
        """A study that is to be changed, or None."""
        row = (await self._connection.execute(_LOCK, {"id": id_})).one_or_none()
        return None if row is None else _study(row)

    async def save(self, study: Study) -> None:
        """Write down how far a study is."""
        await self._connection.execute(
            _SAVE,
            {
                "id": study.id,
                "state": study.state.value,
                "pass": study.pass_,
                "after": study.after,
                "done": study.accounts_done,
                "parts": study.parts,
                "digest": study.digest,
                "result": None if study.result is None else study.result.decode(),
                "failure": study.failure,
                "finished_at": study.finished_at,
            },
        )

    async def add_part(self, study: Study, body: bytes) -> None:
        """Keep what a step brought, as the study's next part."""
        names = {"id": study.id, "part": study.parts, "pass": study.pass_, "body": body.decode()}
        await self._connection.execute(_ADD_PART, names)

    async def parts(self, study: Study, pass_: int, first: int = 0, limit: int = 1_000_000) -> Sequence[Part]:
        """The parts of a pass from a number on, in order."""
        names = {"id": study.id, "pass": pass_, "first": first, "limit": limit}
        return [Part(row.part, row.body.encode()) for row in await self._connection.execute(_PARTS, names)]

    async def forget_parts(self, study: Study) -> None:
        """Let go of what the steps brought, and of the accounts that the study was asked about by name."""
        await self._connection.execute(_FORGET_PARTS, {"id": study.id})
        await self._connection.execute(_FORGET_LIST, {"id": study.id})


def _study(row: Row[Any]) -> Study:
    return Study(
        id=row.study_id,
        kind=Kind(row.kind),
        spec=row.spec.encode(),
        created_at=row.created_at,
        created_by=row.created_by,
        accounts=row.accounts,
        state=State(row.state),
        pass_=getattr(row, "pass"),
        after=row.after,
        accounts_done=row.accounts_done,
        parts=row.parts,
        digest=row.digest,
        result=None if row.result is None else row.result.encode(),
        failure=row.failure,
        finished_at=row.finished_at,
    )
