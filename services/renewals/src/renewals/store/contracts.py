"""Contracts and terms in PostgreSQL, mapped by hand."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Label, RowMapping, Select, Table, bindparam, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.ports import Renewal
from renewals.domain.civil import ONE_DAY
from renewals.domain.contracts import AtEnd, Contract, Kind
from renewals.domain.errors import ContractUnknown, ExternalIdTaken
from renewals.domain.schedule import Schedule
from renewals.domain.terms import Outcome, Term
from renewals.store.health import health_of
from renewals.store.tables import account, account_health, contract, term

_AMENDABLE = ("external_id", "anchor", "anchor_number", "term_months", "window_days", "at_end", "amount", "seats")
"""What an amendment or the passing of a term can change in a contract's row."""
_TERM_CHANGES = (
    "end_exclusive",
    "stated_end",
    "amount",
    "seats",
    "window_opens_on",
    "window_opened_at",
    "outcome",
    "closed_at",
)


class ContractStore:
    """The contracts, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

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

    async def page(self, *, account_id: str | None, after: str | None, limit: int) -> Sequence[Contract]:
        """Up to `limit` contracts, in the order of their ids, after the given one."""
        wanted = select(contract).order_by(contract.c.id).limit(limit)
        if account_id is not None:
            wanted = wanted.where(contract.c.account_id == account_id)
        if after is not None:
            wanted = wanted.where(contract.c.id > after)
        return await self._contracts(wanted)

    async def add(self, new: Contract, *, entered_at: datetime, entered_by: str) -> None:
        """Keep a new contract. Raises `ExternalIdTaken`."""
        row = {**_contract_row(new), "entered_at": entered_at, "entered_by": entered_by}
        inserted = await self._connection.execute(
            insert(contract).on_conflict_do_nothing(index_elements=["external_id"]).values(row)
        )
        if not inserted.rowcount:
            raise ExternalIdTaken(str(new.external_id))
        await self._save_terms(_term_row(new.id, each) for each in new.terms)

    async def save(self, changes: Sequence[tuple[Contract, Contract]]) -> None:
        """Keep what differs between what each contract was and what it is now. Raises `ExternalIdTaken`."""
        rows = [_contract_row(now) for was, now in changes if _contract_row(was) != _contract_row(now)]
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
        await self._save_terms(
            _term_row(now.id, each) for was, now in changes for each in now.terms if each not in was.terms
        )

    async def renewals(
        self, *, first: date, last: date, account_id: str | None, after: tuple[date, str, int] | None, limit: int
    ) -> Sequence[Renewal]:
        """Up to `limit` terms of recurring contracts whose last day is in `[first, last]`, after the given one."""
        order = (term.c.end_exclusive, term.c.contract_id, term.c.number)
        wanted = (
            select(contract, *_labelled(term), *_labelled(account_health))
            .select_from(
                term.join(contract).outerjoin(account_health, account_health.c.account_id == contract.c.account_id)
            )
            .where(
                contract.c.kind == Kind.RECURRING.value,
                term.c.end_exclusive.between(first + ONE_DAY, last + ONE_DAY),
                contract.c.account_id.not_in(select(account.c.account_id).where(account.c.erased_at.is_not(None))),
            )
            .order_by(*order)
            .limit(limit)
        )
        if account_id is not None:
            wanted = wanted.where(contract.c.account_id == account_id)
        if after is not None:
            wanted = wanted.where(tuple_(*order) > tuple_(*after))
        return [_renewal(row) for row in (await self._connection.execute(wanted)).mappings()]

    async def _contracts(self, wanted: Select[Any]) -> list[Contract]:
        rows = (await self._connection.execute(wanted)).mappings().all()
        terms = defaultdict[str, list[Term]](list)
        of_these = select(term).where(term.c.contract_id.in_([row["id"] for row in rows]))
        for found in (await self._connection.execute(of_these.order_by(*term.primary_key))).mappings():
            terms[found["contract_id"]].append(_term(found))
        return [_contract(row, terms[row["id"]]) for row in rows]

    async def _save_terms(self, rows: Iterable[Mapping[str, Any]]) -> None:
        statement = insert(term)
        statement = statement.on_conflict_do_update(
            index_elements=list(term.primary_key),
            set_={column: statement.excluded[column] for column in _TERM_CHANGES},
        )
        if rows := list(rows):
            await self._connection.execute(statement, rows)


def _labelled(table: Table) -> list[Label[Any]]:
    return [column.label(f"{table.name}_{column.name}") for column in table.c]


def _contract_row(of: Contract) -> dict[str, Any]:
    return {
        "id": of.id,
        "account_id": of.account_id,
        "external_id": of.external_id,
        "kind": of.kind.value,
        "currency": of.currency,
        "zone": of.zone.key,
        "anchor": of.schedule.anchor,
        "anchor_number": of.schedule.anchor_number,
        "term_months": of.schedule.term_months,
        "window_days": of.schedule.window_days,
        "at_end": of.at_end.value,
        "amount": of.amount,
        "seats": of.seats,
    }


def _contract(row: RowMapping, terms: Sequence[Term]) -> Contract:
    return Contract(
        id=row["id"],
        account_id=row["account_id"],
        external_id=row["external_id"],
        kind=Kind(row["kind"]),
        currency=row["currency"],
        zone=ZoneInfo(row["zone"]),
        schedule=Schedule(row["anchor"], row["anchor_number"], row["term_months"], row["window_days"]),
        at_end=AtEnd(row["at_end"]),
        amount=row["amount"],
        seats=row["seats"],
        terms=tuple(terms),
    )


def _term_row(contract_id: str, of: Term) -> dict[str, Any]:
    return {
        "contract_id": contract_id,
        "number": of.number,
        "start": of.start,
        "end_exclusive": of.end_exclusive,
        "counted_from": of.counted_from,
        "stated_end": of.stated_end,
        "amount": of.amount,
        "seats": of.seats,
        "window_opens_on": of.window_opens_on,
        "window_opened_at": of.window_opened_at,
        "outcome": of.outcome.value if of.outcome else None,
        "closed_at": of.closed_at,
    }


def _term(row: RowMapping, prefix: str = "") -> Term:
    outcome = row[f"{prefix}outcome"]
    return Term(
        number=row[f"{prefix}number"],
        start=row[f"{prefix}start"],
        end_exclusive=row[f"{prefix}end_exclusive"],
        counted_from=row[f"{prefix}counted_from"],
        stated_end=row[f"{prefix}stated_end"],
        amount=row[f"{prefix}amount"],
        seats=row[f"{prefix}seats"],
        window_opens_on=row[f"{prefix}window_opens_on"],
        window_opened_at=row[f"{prefix}window_opened_at"],
        outcome=Outcome(outcome) if outcome else None,
        closed_at=row[f"{prefix}closed_at"],
    )


def _renewal(row: RowMapping) -> Renewal:
    return Renewal(
        account_id=row["account_id"],
        contract_id=row["id"],
        external_id=row["external_id"],
        currency=row["currency"],
        zone=ZoneInfo(row["zone"]),
        at_end=AtEnd(row["at_end"]),
        term=_term(row, "term_"),
        health=health_of(row, "account_health_") if row["account_health_band"] is not None else None,
    )
