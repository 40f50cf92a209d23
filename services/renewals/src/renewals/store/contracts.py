"""Contracts and terms in PostgreSQL, mapped by hand."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, any_, bindparam, delete, literal, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.ports import Note
from renewals.domain.contracts import Contract
from renewals.domain.errors import ContractUnknown, ExternalIdTaken
from renewals.domain.terms import Term
from renewals.store.ledger import LedgerStore
from renewals.store.mapping import contract_of, contract_row, term_of, term_row
from renewals.store.tables import contract, term

_FIXED = {"id", "kind", "currency", "zone", "co_term_of", "entered_at", "entered_by"}
_AMENDABLE = tuple(column.name for column in contract.c if column.name not in _FIXED)
"""What an amendment or the passing of a term can change in a contract's row."""
_TERM_CHANGES = tuple(column.name for column in term.c if column.name not in {"contract_id", "number", "start"})


class ContractStore:
    """The contracts, within one transaction."""

    def __init__(self, connection: AsyncConnection, ledger: LedgerStore) -> None:
        """Whatever is kept of a contract is recorded in the ledger too."""
        self._connection = connection
        self._ledger = ledger

    async def get(self, contract_id: str) -> Contract:
        """One contract. Raises `ContractUnknown`."""
        found = await self._contracts(select(contract).where(contract.c.id == contract_id))
        if not found:
            raise ContractUnknown(contract_id)
        return found[0]

    async def of_accounts(self, account_ids: Collection[str]) -> Sequence[Contract]:
        """Every contract of the accounts, oldest first."""
        wanted = select(contract).where(contract.c.account_id.in_(account_ids)).order_by(contract.c.id)
        return await self._contracts(wanted)

    async def some(self, contract_ids: Collection[str]) -> Mapping[str, Contract]:
        """Those of the contracts that there are, by id."""
        found = await self._contracts(select(contract).where(contract.c.id.in_(contract_ids)))
        return {each.id: each for each in found}

    async def page(self, *, account_id: str | None, after: str | None, limit: int) -> Sequence[Contract]:
        """Up to `limit` contracts, in the order of their ids, after the given one."""
        wanted = select(contract).order_by(contract.c.id).limit(limit)
        if account_id is not None:
            wanted = wanted.where(contract.c.account_id == account_id)
        if after is not None:
            wanted = wanted.where(contract.c.id > after)
        return await self._contracts(wanted)

    async def named(self, ids: Collection[str], external_ids: Collection[str]) -> Sequence[Contract]:
        """The contracts that have one of the ids, or one of the external ids."""
        has_id = contract.c.id == any_(literal(list(ids), ARRAY(Text)))
        is_named = contract.c.external_id == any_(literal(list(external_ids), ARRAY(Text)))
        return await self._contracts(select(contract).where(or_(has_id, is_named)).order_by(contract.c.id))

    async def renewing(self, contract_ids: Collection[str]) -> Sequence[Contract]:
        """The contracts that renew one of these."""
        renewed: ColumnElement[str] = literal_column("contract.predecessor ->> 'contract_id'")  # as the index has it
        wanted = select(contract).where(
            contract.c.predecessor.is_not(None), renewed == any_(literal(list(contract_ids), ARRAY(Text)))
        )
        return await self._contracts(wanted.order_by(contract.c.id))

    async def add(self, new: Contract, note: Note) -> None:
        """Keep a new contract. Raises `ExternalIdTaken`."""
        await self.add_all([new], note)

    async def add_all(self, contracts: Sequence[Contract], note: Note) -> None:
        """Keep new contracts. Raises `ExternalIdTaken`; the transaction is to be given up then."""
        rows = [{**contract_row(new), "entered_at": note.at, "entered_by": note.by} for new in contracts]
        if not rows:
            return
        await self._connection.execute(insert(contract).on_conflict_do_nothing(index_elements=["external_id"]), rows)
        is_new = contract.c.id == any_(literal([new.id for new in contracts], ARRAY(Text)))
        added = set((await self._connection.execute(select(contract.c.id).where(is_new))).scalars())
        if taken := [str(new.external_id) for new in contracts if new.id not in added]:
            raise ExternalIdTaken(", ".join(taken))
        await self._save_terms(term_row(new.id, each) for new in contracts for each in new.terms)
        await self._ledger.record(contracts, note)

    async def save(self, changes: Sequence[tuple[Contract, Contract]], note: Note) -> None:
        """Keep what differs between what each contract was and what it is now. Raises `ExternalIdTaken`."""
        changes = [(was, now) for was, now in changes if was != now]
        rows = [contract_row(now) for was, now in changes if contract_row(was) != contract_row(now)]
        if rows:
            change = (
                contract.update()
                .where(contract.c.id == bindparam("of"))
                .values({column: bindparam(column) for column in _AMENDABLE})
            )
            try:
                await self._connection.execute(change, [{**row, "of": row["id"]} for row in rows])
            except IntegrityError as error:  # the only unique column that changes
                raise ExternalIdTaken(", ".join(str(row["external_id"]) for row in rows)) from error
        for was, now in changes:
            never_were = {each.number for each in was.terms} - {each.number for each in now.terms}
            if never_were:
                gone = delete(term).where(term.c.contract_id == now.id, term.c.number.in_(never_were))
                await self._connection.execute(gone)
        await self._save_terms(
            term_row(now.id, each) for was, now in changes for each in now.terms if each not in was.terms
        )
        await self._ledger.record([now for _, now in changes], note)

    async def _contracts(self, wanted: Select[Any]) -> list[Contract]:
        rows = (await self._connection.execute(wanted)).mappings().all()
        if not rows:
            return []
        terms = defaultdict[str, list[Term]](list)
        of_these = select(term).where(term.c.contract_id.in_([row["id"] for row in rows]))
        for found in (await self._connection.execute(of_these.order_by(*term.primary_key))).mappings():
            terms[found["contract_id"]].append(term_of(found))
        return [contract_of(row, terms[row["id"]]) for row in rows]

    async def _save_terms(self, rows: Iterable[Mapping[str, Any]]) -> None:
        statement = insert(term)
        statement = statement.on_conflict_do_update(
            index_elements=list(term.primary_key),
            set_={column: statement.excluded[column] for column in _TERM_CHANGES},
        )
        if rows := list(rows):
            await self._connection.execute(statement, rows)
