"""Files of contracts in PostgreSQL: the jobs, and their rows."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import RowMapping, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.db.engine import copy_rows
from renewals.application.imports import MOST_CHAINED, MOST_LINKS, ContractImport, ImportRow, ImportState, ImportUnknown
from renewals.application.sources import Outcome
from renewals.store.erasure import ErasureStore
from renewals.store.source_tables import contract_import, contract_import_contract, contract_import_row

_ROW = ("import_id", "number", "external_id", "account_id", "stated", "outcome", "code", "field", "detail")
_SETTLE = text(
    f"UPDATE {contract_import_row} r SET outcome = s.outcome, code = s.code, field = s.field, detail = s.detail"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:outcomes AS text[]), CAST(:codes AS text[]), CAST(:fields AS text[]),"
    " CAST(:details AS text[])) AS s (number, outcome, code, field, detail)"
    " WHERE r.import_id = :import_id AND r.number = s.number"
)
# A chain is a contract that names no other one of the file, with those that name it, and those that name these. One
# that is too large, or that has no beginning, is taken apart. A row without a readable id is by itself.
_ORDER = text(
    f"""
    WITH RECURSIVE stated AS MATERIALIZED (
        SELECT min(number) AS first_row, min(external_id) AS external_id,
            coalesce(min(stated ->> 'renews'), min(stated ->> 'co_terms_with')) AS named
        FROM {contract_import_row} WHERE import_id = :import_id
        GROUP BY coalesce(nullif(external_id, ''), concat(chr(10), number))
    ),
    naming AS MATERIALIZED (SELECT * FROM stated WHERE named IS NOT NULL),
    chained AS (
        SELECT s.first_row, s.external_id, s.first_row AS chain, 0 AS depth FROM stated s
        LEFT JOIN stated o ON o.external_id = s.named WHERE o.external_id IS NULL
        UNION ALL
        SELECT n.first_row, n.external_id, c.chain, c.depth + 1 FROM chained c JOIN naming n ON n.named = c.external_id
        WHERE c.external_id <> '' AND c.depth < {MOST_LINKS}
    ),
    counted AS (SELECT first_row, chain, count(*) OVER (PARTITION BY chain) AS contracts FROM chained)
    INSERT INTO {contract_import_contract} (import_id, first_row, external_id, chain)
    SELECT :import_id, s.first_row, s.external_id,
        CASE WHEN c.contracts <= {MOST_CHAINED} THEN c.chain ELSE s.first_row END
    FROM stated s LEFT JOIN counted c USING (first_row)
    """
)


class ImportStore:
    """The imports, within one transaction."""

    def __init__(self, connection: AsyncConnection, erased: ErasureStore) -> None:
        self._connection = connection
        self._erased = erased

    async def add(self, job: ContractImport) -> None:
        """Keep a new import."""
        await self._connection.execute(insert(contract_import).values({"id": job.id, **_job_row(job)}))

    async def add_rows(self, import_id: str, rows: Sequence[ImportRow]) -> None:
        """Keep rows; of accounts that were erased without what they say."""
        erased = await self._erased.among({row.account_id for row in rows if row.account_id})
        known = [row if row.account_id not in erased else _without_words(row) for row in rows]
        written = [
            (
                import_id,
                row.number,
                row.external_id,
                row.account_id,
                None if row.stated is None else msgspec.json.encode(row.stated).decode(),
                row.outcome and row.outcome.value,
                row.code,
                row.field,
                row.detail,
            )
            for row in known
        ]
        await copy_rows(self._connection, contract_import_row, _ROW, written)

    async def order(self, import_id: str) -> None:
        """Put the contracts of a file that has arrived in the order of their first rows, those of a chain together."""
        await self._connection.execute(_ORDER, {"import_id": import_id})

    async def get(self, import_id: str, *, lock: bool = False) -> ContractImport:
        """One import. Raises `ImportUnknown`."""
        wanted = select(contract_import).where(contract_import.c.id == import_id)
        rows = await self._connection.execute(wanted.with_for_update() if lock else wanted)
        found = rows.mappings().first()
        if found is None:
            raise ImportUnknown(import_id)
        return _job(found)

    async def save(self, job: ContractImport) -> None:
        """Keep where an import stands."""
        table = contract_import
        await self._connection.execute(table.update().where(table.c.id == job.id).values(_job_row(job)))

    async def page(self, *, before: str | None, limit: int) -> Sequence[ContractImport]:
        """Up to `limit` imports, newest first, older than the given one."""
        wanted = select(contract_import).order_by(contract_import.c.id.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(contract_import.c.id < before)
        return [_job(row) for row in (await self._connection.execute(wanted)).mappings()]

    async def next_contracts(
        self, import_id: str, *, after: int, limit: int
    ) -> Sequence[tuple[int, Sequence[ImportRow]]]:
        """The next contracts after a chain, `limit` and the rest of one: the chain of each, and its rows in order."""
        of, row = contract_import_contract.c, contract_import_row.c
        firsts = (
            await self._connection.execute(
                select(of.first_row, of.external_id, of.chain)
                .where(of.import_id == import_id, of.chain > after)
                .order_by(of.chain)
                .fetch(limit, with_ties=True)
            )
        ).all()
        nameless = [first.first_row for first in firsts if not first.external_id]
        wanted = (
            select(contract_import_row)
            .where(
                row.import_id == import_id,
                row.external_id.in_([first.external_id for first in firsts if first.external_id])
                | row.number.in_(nameless),
            )
            .order_by(row.number)
        )
        rows = defaultdict[str | int, list[ImportRow]](list)
        for found in (await self._connection.execute(wanted)).mappings():
            rows[found["external_id"] or found["number"]].append(_row(found))
        return [(first.chain, rows[first.external_id or first.first_row]) for first in firsts]

    async def settle_rows(self, import_id: str, rows: Sequence[ImportRow]) -> None:
        """Keep what became of rows."""
        if not rows:
            return
        await self._connection.execute(
            _SETTLE,
            {
                "import_id": import_id,
                "numbers": [row.number for row in rows],
                "outcomes": [row.outcome and row.outcome.value for row in rows],
                "codes": [row.code for row in rows],
                "fields": [row.field for row in rows],
                "details": [row.detail for row in rows],
            },
        )

    async def rows(self, import_id: str, *, outcome: Outcome | None, after: int, limit: int) -> Sequence[ImportRow]:
        """Up to `limit` rows with an outcome, in the file's order, after the given one."""
        row = contract_import_row.c
        wanted = (
            select(contract_import_row)
            .where(row.import_id == import_id, row.number > after)
            .order_by(row.number)
            .limit(limit)
        )
        wanted = wanted.where(row.outcome.is_not(None) if outcome is None else row.outcome == outcome.value)
        return [_row(found) for found in (await self._connection.execute(wanted)).mappings()]

    async def forget(self, import_id: str) -> None:
        """Delete an import and its rows."""
        await self._connection.execute(delete(contract_import).where(contract_import.c.id == import_id))


def _job_row(job: ContractImport) -> dict[str, Any]:
    return {
        "source": job.source,
        "is_dry_run": job.is_dry_run,
        "state": job.state.value,
        "created_at": job.created_at,
        "created_by": job.created_by,
        "finished_at": job.finished_at,
        "detail": job.detail,
        "reached": job.reached,
        "counts": {"read": job.rows, **job.counts},
    }


def _job(row: RowMapping) -> ContractImport:
    counts = dict(row["counts"])
    finished: datetime | None = row["finished_at"]
    return ContractImport(
        id=row["id"],
        source=row["source"],
        is_dry_run=row["is_dry_run"],
        state=ImportState(row["state"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        finished_at=finished,
        detail=row["detail"],
        reached=row["reached"],
        rows=counts.pop("read", 0),
        counts=counts,
    )


def _row(row: RowMapping) -> ImportRow:
    return ImportRow(
        number=row["number"],
        external_id=row["external_id"],
        account_id=row["account_id"],
        stated=row["stated"],
        outcome=row["outcome"] and Outcome(row["outcome"]),
        code=row["code"],
        field=row["field"],
        detail=row["detail"],
    )


def _without_words(row: ImportRow) -> ImportRow:
    return ImportRow(
        number=row.number,
        external_id="",
        account_id="",
        stated=None,
        outcome=Outcome.REFUSED,
        code="account-erased",
        field="account_id",
        detail="the account was erased",
    )
