"""Imports in PostgreSQL: jobs, the lease of the one request that feeds each, and the rows that were refused."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import RowMapping, text

from ingest.domain.imports import Counts, Form, Import, ImportBusy, ImportOver, ImportUnknown, RefusedRow, State
from ingest.store.tables import HISTORY
from mainstay.db.engine import Database, copy_rows

_IMPORT = f"{HISTORY.schema}.import"
_REFUSAL = f"{HISTORY.schema}.import_refusal"
_PAGE_OF_REFUSALS = 500

# Whose lease ran out was killed: its job shows as what it is.
_COLUMNS = (
    "id, key_id, source, by, form, next_byte, total_bytes, rows, accepted, refused, waiting, suppressed, fed_seconds,"
    " started_at, updated_at, ended_at, reason, CASE WHEN state = 'receiving' AND (leased_until IS NULL OR"
    " leased_until < clock_timestamp()) THEN 'interrupted' ELSE state END AS state"
)


class ImportStore:
    """Jobs and their reports. Leases run on the database's clock."""

    def __init__(self, database: Database, lease: timedelta) -> None:
        """`lease`: a request that says nothing for so long is taken for dead."""
        self._database, self._lease = database, lease

    async def add(self, job: Import) -> None:
        """A new job, fed by nobody yet."""
        async with self._database.engine.begin() as connection:
            await connection.execute(
                text(
                    f"INSERT INTO {_IMPORT} (id, key_id, source, by, form, state, total_bytes, started_at, updated_at)"
                    " VALUES (:id, :key_id, :source, :by, CAST(:form AS jsonb), :state, :total_bytes, :at, :at)"
                ),
                {
                    "id": job.id,
                    "key_id": job.key_id,
                    "source": job.source,
                    "by": job.by,
                    "form": msgspec.json.encode(job.form).decode(),
                    "state": job.state.value,
                    "total_bytes": job.total_bytes,
                    "at": job.started_at,
                },
            )

    async def get(self, import_id: str) -> Import:
        """One job. Raises `ImportUnknown`."""
        async with self._database.engine.connect() as connection:
            wanted = text(f"SELECT {_COLUMNS} FROM {_IMPORT} WHERE id = :id")
            found = await connection.execute(wanted, {"id": import_id})
            row = found.mappings().one_or_none()
        if row is None:
            raise ImportUnknown(import_id)
        return _import(row)

    async def page(self, *, before: str | None, limit: int) -> Sequence[Import]:
        """Up to `limit` jobs, newest first, older than the given one. Ids sort by the time of their making."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text(
                    f"SELECT {_COLUMNS} FROM {_IMPORT} WHERE CAST(:before AS text) IS NULL OR id < :before"
                    " ORDER BY id DESC LIMIT :limit"
                ),
                {"before": before, "limit": limit},
            )
            return [_import(row) for row in rows.mappings()]

    async def lease(self, import_id: str, feeder: str, total_bytes: int | None) -> Import:
        """Begin to feed a job. Raises `ImportUnknown`, `ImportOver`, and `ImportBusy` while another request does."""
        async with self._database.engine.begin() as connection:
            taken = await connection.execute(
                text(
                    f"UPDATE {_IMPORT} SET feeder = :feeder, leased_until = clock_timestamp() + :lease,"
                    " state = 'receiving', total_bytes = coalesce(:total_bytes, total_bytes)"
                    " WHERE id = :id AND state IN ('receiving', 'interrupted')"
                    " AND (feeder IS NULL OR leased_until < clock_timestamp())"
                    f" RETURNING {_COLUMNS}"
                ),
                {"id": import_id, "feeder": feeder, "lease": self._lease, "total_bytes": total_bytes},
            )
            row = taken.mappings().one_or_none()
        if row is not None:
            return _import(row)
        job = await self.get(import_id)
        raise ImportOver(job.state) if job.state.is_over else ImportBusy

    async def advance(
        self, job: Import, feeder: str, *, form: Form, counts: Counts, next_byte: int, seconds: float,
        refused: Sequence[RefusedRow], at: datetime,
    ) -> None:  # fmt: skip
        """Write down what became of more rows, and keep the lease. Raises `ImportBusy` where it was lost."""
        async with self._database.engine.begin() as connection:
            moved = await connection.execute(
                text(
                    f"UPDATE {_IMPORT} SET form = CAST(:form AS jsonb), next_byte = :next_byte, rows = rows + :rows,"
                    " accepted = accepted + :accepted, refused = refused + :refused, waiting = waiting + :waiting,"
                    " suppressed = suppressed + :suppressed, fed_seconds = fed_seconds + :seconds, updated_at = :at,"
                    " leased_until = clock_timestamp() + :lease"
                    " WHERE id = :id AND feeder = :feeder AND state = 'receiving'"
                ),
                {
                    "id": job.id,
                    "feeder": feeder,
                    "form": msgspec.json.encode(form).decode(),
                    "next_byte": next_byte,
                    "rows": counts.rows,
                    "accepted": counts.accepted,
                    "refused": counts.refused,
                    "waiting": counts.waiting,
                    "suppressed": counts.suppressed,
                    "seconds": seconds,
                    "at": at,
                    "lease": self._lease,
                },
            )
            if moved.rowcount != 1:
                raise ImportBusy
            if refused:
                await copy_rows(
                    connection,
                    _REFUSAL,
                    ("import_id", "number", "byte", "code", "pointer", "reason", "document"),
                    [(job.id, r.number, r.byte, r.code, r.pointer, r.reason, r.document) for r in refused],
                )

    async def release(self, import_id: str, feeder: str, state: State, at: datetime, reason: str | None = None) -> None:
        """The request ends, and leaves the job in `state`; nothing where another has it or it is over."""
        async with self._database.engine.begin() as connection:
            await connection.execute(
                text(
                    f"UPDATE {_IMPORT} SET feeder = NULL, leased_until = NULL, state = :state, updated_at = :at,"
                    " reason = :reason, ended_at = CASE WHEN :over THEN CAST(:at AS timestamptz) END"
                    " WHERE id = :id AND feeder = :feeder AND state = 'receiving'"
                ),
                {
                    "id": import_id,
                    "feeder": feeder,
                    "state": state.value,
                    "at": at,
                    "reason": reason,
                    "over": state.is_over,
                },
            )

    async def cancel(self, import_id: str, at: datetime) -> None:
        """Take no more rows; the request that feeds it notices at its next chunk. Raises as `get` does."""
        async with self._database.engine.begin() as connection:
            done = await connection.execute(
                text(
                    f"UPDATE {_IMPORT} SET state = 'cancelled', feeder = NULL, leased_until = NULL, updated_at = :at,"
                    " ended_at = :at WHERE id = :id AND state IN ('receiving', 'interrupted')"
                ),
                {"id": import_id, "at": at},
            )
        if done.rowcount == 0:
            job = await self.get(import_id)
            if job.state is not State.CANCELLED:
                raise ImportOver(job.state)

    async def refusals(self, import_id: str) -> AsyncIterator[Sequence[RefusedRow]]:
        """The refused rows in the order of the file, some hundred at a time."""
        after = 0
        while True:
            async with self._database.engine.connect() as connection:
                rows = await connection.execute(
                    text(
                        f"SELECT number, byte, code, pointer, reason, document FROM {_REFUSAL}"
                        " WHERE import_id = :id AND number > :after ORDER BY number LIMIT :limit"
                    ),
                    {"id": import_id, "after": after, "limit": _PAGE_OF_REFUSALS},
                )
                page = [RefusedRow(*row) for row in rows]
            if not page:
                return
            yield page
            after = page[-1].number


def _import(row: RowMapping) -> Import:
    stored: dict[str, Any] = row["form"]
    return Import(
        id=row["id"],
        key_id=row["key_id"],
        source=row["source"],
        by=row["by"],
        form=msgspec.convert(stored, Form),
        state=State(row["state"]),
        next_byte=row["next_byte"],
        total_bytes=row["total_bytes"],
        counts=Counts(row["rows"], row["accepted"], row["refused"], row["waiting"], row["suppressed"]),
        started_at=row["started_at"],
        updated_at=row["updated_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        fed_seconds=row["fed_seconds"],
    )
