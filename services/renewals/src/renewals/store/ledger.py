"""The ledger in PostgreSQL: rows are added and withdrawn by other rows, and never changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, TypeVar

from sqlalchemy import Column, Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.ports import Note, Revision
from renewals.domain.contracts import Contract
from renewals.domain.errors import ContractUnknown
from renewals.domain.ledger import Line, LineKind, lines
from renewals.domain.terms import entitlements
from renewals.store.mapping import contract_in, snapshot_of
from renewals.store.tables import contract_revision, ledger_entry, ledger_withdrawal

T = TypeVar("T")


class LedgerStore:
    """What was recorded, and when, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def record(self, contracts: Iterable[Contract], note: Note) -> None:
        """Keep how contracts stand from now on: a revision each, entries for what is new, withdrawals of what is not.

        To be called with the account's row locked, which keeps revisions in order.
        """
        changed = {contract.id: contract for contract in contracts}
        if not changed:
            return
        held = await self._held(list(changed))
        added: list[dict[str, Any]] = []
        gone: list[int] = []
        for contract in changed.values():
            present, stated = held[contract.id], lines(contract)
            added += [_entry(contract.id, line, note) for line in sorted(stated - present.keys(), key=_order)]
            gone += [number for line, number in present.items() if line not in stated]
        if gone:
            rows = [{"entry_id": number, **_said(note)} for number in sorted(gone)]
            await self._connection.execute(ledger_withdrawal.insert(), rows)
        if added:
            await self._connection.execute(ledger_entry.insert(), added)
        await self._revise(changed.values(), note)

    async def revision(self, contract_id: str, known_at: datetime) -> Contract:
        """A contract as it was known at an instant. Raises `ContractUnknown`."""
        found = await self.known(known_at, contract_id=contract_id)
        if not found:
            raise ContractUnknown(contract_id)
        return found[0]

    async def known(
        self,
        known_at: datetime,
        *,
        contract_id: str | None = None,
        account_id: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Contract]:
        """Contracts as they were known at an instant, in the order of their ids, after the given one."""
        table = contract_revision
        newest = _newest(known_at)
        if contract_id is not None:
            newest = newest.where(table.c.contract_id == contract_id)
        if after is not None:
            newest = newest.where(table.c.contract_id > after)
        if account_id is not None:
            ever = select(ledger_entry.c.contract_id).where(ledger_entry.c.account_id == account_id)
            newest = newest.where(table.c.contract_id.in_(ever))
        among = newest.subquery()
        wanted = select(among.c.snapshot).order_by(among.c.contract_id)
        if account_id is not None:
            wanted = wanted.where(among.c.snapshot["account_id"].as_string() == account_id)
        rows = await self._connection.execute(wanted.limit(limit) if limit else wanted)
        return [contract_in(snapshot) for snapshot in rows.scalars()]

    async def of_accounts(self, account_ids: Collection[str], known_at: datetime) -> Sequence[Contract]:
        """Every contract that was recorded for one of the accounts, as it was known at an instant, oldest first.

        Its account may be another one by then, or still.
        """
        ever = select(ledger_entry.c.contract_id).where(ledger_entry.c.account_id.in_(list(account_ids)))
        newest = _newest(known_at).where(contract_revision.c.contract_id.in_(ever))
        rows = await self._connection.execute(newest)
        return [contract_in(row.snapshot) for row in rows]

    async def latest(self, contract_ids: Collection[str]) -> Mapping[str, int]:
        """The number of each contract's last revision."""
        return await self._last(contract_revision.c.number, contract_ids)

    async def recorded(self, contract_ids: Collection[str]) -> Mapping[str, datetime]:
        """When each contract's last revision was recorded."""
        return await self._last(contract_revision.c.recorded_at, contract_ids)

    async def revisions(
        self, contract_id: str, *, known_at: datetime | None = None, after: int, limit: int
    ) -> Sequence[Revision]:
        """Up to `limit` revisions of a contract that were known, oldest first, after the given number."""
        table = contract_revision
        wanted = (
            select(table)
            .where(table.c.contract_id == contract_id, table.c.number > after)
            .order_by(table.c.number)
            .limit(limit)
        )
        if known_at is not None:
            wanted = wanted.where(table.c.recorded_at <= known_at)
        rows = await self._connection.execute(wanted)
        return [
            Revision(row.number, row.recorded_at, row.recorded_by, row.reason, contract_in(row.snapshot))
            for row in rows
        ]

    async def _held(self, contract_ids: Sequence[str]) -> dict[str, dict[Line, int]]:
        """The lines of contracts that are not withdrawn, with the numbers of their entries."""
        withdrawn = select(ledger_withdrawal.c.entry_id).where(ledger_withdrawal.c.entry_id == ledger_entry.c.id)
        rows = await self._connection.execute(
            select(ledger_entry).where(ledger_entry.c.contract_id.in_(contract_ids), ~withdrawn.exists())
        )
        found = defaultdict[str, dict[Line, int]](dict)
        for row in rows:
            found[row.contract_id][_line(row)] = row.id
        return found

    async def _revise(self, contracts: Iterable[Contract], note: Note) -> None:
        table = contract_revision
        snapshots = {contract.id: snapshot_of(contract) for contract in contracts}
        numbers = await self.latest(snapshots)
        revisions = [
            {"contract_id": of, "number": numbers.get(of, 0) + 1, "snapshot": snapshot, **_said(note)}
            for of, snapshot in snapshots.items()
        ]
        await self._connection.execute(table.insert(), revisions)

    async def _last(self, column: Column[T], contract_ids: Collection[str]) -> Mapping[str, T]:
        of = contract_revision.c.contract_id
        wanted = select(of, func.max(column)).where(of.in_(list(contract_ids))).group_by(of)
        return {row[0]: row[1] for row in await self._connection.execute(wanted)}


def _newest(known_at: datetime) -> Select[Any]:
    """Of each contract the revision that was known at an instant, in the order of their ids."""
    table = contract_revision
    return (
        select(table.c.contract_id, table.c.snapshot)
        .where(table.c.recorded_at <= known_at)
        .order_by(table.c.contract_id, table.c.recorded_at.desc(), table.c.number.desc())
        .ext(distinct_on(table.c.contract_id))
    )


def _said(note: Note) -> dict[str, Any]:
    return {"recorded_at": note.at, "recorded_by": note.by, "reason": note.reason}


def _order(line: Line) -> tuple[Any, ...]:
    return line.term, line.start, line.kind.value, line.account_id


def _entry(contract_id: str, line: Line, note: Note) -> dict[str, Any]:
    return {
        "contract_id": contract_id,
        "term": line.term,
        "account_id": line.account_id,
        "kind": line.kind.value,
        "start": line.start,
        "end_exclusive": line.end_exclusive,
        "currency": line.currency,
        "amount": line.amount,
        "months": str(line.months),
        "arr": line.arr,
        "seats": line.seats,
        "entitlements": dict(line.entitlements),
        "grace_days": line.grace_days,
        "continues": line.continues,
        **_said(note),
    }


def _line(row: Any) -> Line:
    return Line(
        kind=LineKind(row.kind),
        term=row.term,
        account_id=row.account_id,
        start=row.start,
        end_exclusive=row.end_exclusive,
        currency=row.currency,
        amount=row.amount,
        months=Fraction(row.months),
        arr=row.arr,
        seats=row.seats,
        entitlements=entitlements(row.entitlements),
        grace_days=row.grace_days,
        continues=row.continues,
    )
