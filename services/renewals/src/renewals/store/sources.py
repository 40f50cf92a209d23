"""What other systems say of contracts, and the conflicts with it, in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.sources import (
    STANDING,
    ConflictState,
    ConflictUnknown,
    ContractConflict,
    Key,
    SourceRecord,
)
from renewals.domain.reconciling import ConflictKind
from renewals.store.source_tables import contract_conflict, source_contract

_KEY = tuple_(source_contract.c.source, source_contract.c.external_id)
_NAMING = text(
    "SELECT s.source, s.external_id FROM unnest(CAST(:sources AS text[]), CAST(:names AS text[])) AS k (source, name)"
    " JOIN renewals.source_contract s ON s.source = k.source AND s.renews = k.name"
    " LEFT JOIN renewals.contract c ON c.id = s.contract_id"
    " WHERE s.renews IS NOT NULL AND c.predecessor IS NULL AND s.account_id = ANY(CAST(:accounts AS text[]))"
    " UNION SELECT s.source, s.external_id"
    " FROM unnest(CAST(:sources AS text[]), CAST(:names AS text[])) AS k (source, name)"
    " JOIN renewals.source_contract s ON s.source = k.source AND s.co_terms_with = k.name"
    " WHERE s.co_terms_with IS NOT NULL AND s.contract_id IS NULL"
    " AND s.account_id = ANY(CAST(:accounts AS text[]))"
)
_STANDING = contract_conflict.c.state.in_([state.value for state in STANDING])


class SourceStore:
    """What sources say, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def records(self, keys: Collection[Key]) -> Mapping[Key, SourceRecord]:
        """Those of the records that there are; locked until the commit."""
        wanted = (
            select(source_contract)
            .where(_KEY.in_(list(keys)))
            .order_by(source_contract.c.source, source_contract.c.external_id)
            .with_for_update()
        )
        rows = (await self._connection.execute(wanted)).mappings()
        return {record.key: record for record in map(_record, rows)}

    async def contract_ids(self, keys: Collection[Key]) -> Collection[str]:
        """The contracts that sources state under these ids; without a lock."""
        wanted = select(source_contract.c.contract_id).where(
            _KEY.in_(list(keys)), source_contract.c.contract_id.is_not(None)
        )
        return set((await self._connection.execute(wanted)).scalars())

    async def naming(self, keys: Collection[Key], account_ids: Collection[str]) -> Collection[Key]:
        """Contracts of some accounts of which the source says that they renew, or co-term with, one of the keys.

        Without those that renew a contract already, or that were entered without waiting for the other's end.
        """
        asked = {
            "sources": [source for source, _ in keys],
            "names": [external_id for _, external_id in keys],
            "accounts": list(account_ids),
        }
        rows = await self._connection.execute(_NAMING, asked)
        return {(row.source, row.external_id) for row in rows}

    async def of_contracts(self, contract_ids: Collection[str]) -> Mapping[str, SourceRecord]:
        """The record of the source that states each contract, where one does."""
        wanted = select(source_contract).where(source_contract.c.contract_id.in_(list(contract_ids)))
        rows = (await self._connection.execute(wanted)).mappings()
        return {str(record.contract_id): record for record in map(_record, rows)}

    async def save(self, records: Sequence[SourceRecord]) -> None:
        """Keep records."""
        rows = [
            {
                "source": each.source,
                "external_id": each.external_id,
                "account_id": each.account_id,
                "contract_id": each.contract_id,
                "said": dict(each.said),
                "seen": each.seen,
                "touched": sorted(each.touched),
                "terms_taken": each.terms_taken,
            }
            for each in sorted(records, key=lambda each: each.key)
        ]
        if not rows:
            return
        statement = insert(source_contract)
        changes = {c.name: statement.excluded[c.name] for c in source_contract.c if not c.primary_key}
        keys = [c.name for c in source_contract.primary_key]
        await self._connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), rows)

    async def standing(self, keys: Collection[Key]) -> Sequence[ContractConflict]:
        """The conflicts of some records that are open, or were decided for what is here."""
        of = tuple_(contract_conflict.c.source, contract_conflict.c.external_id).in_(list(keys))
        return await self._found(select(contract_conflict).where(of, _STANDING))

    async def standing_of(self, contract_ids: Collection[str]) -> Sequence[ContractConflict]:
        """The same, of contracts."""
        of = contract_conflict.c.contract_id.in_(list(contract_ids))
        return await self._found(select(contract_conflict).where(of, _STANDING))

    async def keep(self, conflicts: Sequence[ContractConflict]) -> None:
        """Keep new conflicts, and what became of those of before."""
        if not conflicts:
            return
        statement = insert(contract_conflict)
        changes = {c.name: statement.excluded[c.name] for c in contract_conflict.c if not c.primary_key}
        statement = statement.on_conflict_do_update(index_elements=["id"], set_=changes)
        # Those that end make room for those that take their place.
        order = sorted(conflicts, key=lambda each: (each.state in STANDING, each.id))
        await self._connection.execute(statement, [_row(each) for each in order])

    async def conflict(self, conflict_id: str) -> ContractConflict:
        """One conflict. Raises `ConflictUnknown`."""
        found = await self._found(select(contract_conflict).where(contract_conflict.c.id == conflict_id))
        if not found:
            raise ConflictUnknown(conflict_id)
        return found[0]

    async def conflicts(
        self,
        *,
        account_id: str | None,
        source: str | None,
        kind: ConflictKind | None,
        state: ConflictState | None,
        after: str | None,
        limit: int,
    ) -> Sequence[ContractConflict]:
        """Up to `limit` conflicts, oldest first, after the given one."""
        table = contract_conflict
        wanted = select(table).order_by(table.c.id).limit(limit)
        for column, value in ((table.c.account_id, account_id), (table.c.source, source)):
            wanted = wanted if value is None else wanted.where(column == value)
        if kind is not None:
            wanted = wanted.where(table.c.kind == kind.value)
        if state is not None:
            wanted = wanted.where(table.c.state == state.value)
        if after is not None:
            wanted = wanted.where(table.c.id > after)
        return await self._found(wanted)

    async def _found(self, wanted: Select[Any]) -> Sequence[ContractConflict]:
        return [_conflict(row) for row in (await self._connection.execute(wanted)).mappings()]


def _record(row: RowMapping) -> SourceRecord:
    return SourceRecord(**{**row, "touched": frozenset(row["touched"])})


def _conflict(row: RowMapping) -> ContractConflict:
    return ContractConflict(**{**row, "kind": ConflictKind(row["kind"]), "state": ConflictState(row["state"])})


def _row(of: ContractConflict) -> dict[str, Any]:
    return {
        "id": of.id,
        "source": of.source,
        "external_id": of.external_id,
        "account_id": of.account_id,
        "contract_id": of.contract_id,
        "kind": of.kind.value,
        "field": of.field,
        "here": of.here,
        "there": of.there,
        "detail": of.detail,
        "since": of.since,
        "state": of.state.value,
        "resolved_at": of.resolved_at,
        "resolved_by": of.resolved_by,
        "reason": of.reason,
    }
