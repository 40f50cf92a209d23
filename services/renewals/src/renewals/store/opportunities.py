"""Opportunities with their versions, and splits of credit, in PostgreSQL. Versions and splits are only added to."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, cast, exists, func, select, true
from sqlalchemy.dialects.postgresql import JSONB, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.kernel.money import Money
from renewals.application.opportunities import KeptOpportunity, RenewalCredit, RenewalSplit, Wanted
from renewals.domain.opportunities import Credit, Need, Opportunity, OpportunityKind, Signal, Stage
from renewals.store.growth_tables import opportunity, opportunity_version, renewal_credit


def _counts(split: ColumnElement[Any], first: date, last: date) -> ColumnElement[bool]:
    """Whether a share in a JSON array counts on days of `[first, last)`."""
    share = func.jsonb_array_elements(split).table_valued("value").c.value
    on = cast(cast(share, JSONB)["on"].as_string(), Date)
    return exists().where(on >= first, on < last)


def _on_record(at: datetime | None) -> Select[Any]:
    """Opportunities, each in the version that was the newest at an instant."""
    if at is None:
        return select(opportunity)
    version = opportunity_version
    newest = (
        select(version)
        .where(version.c.opportunity_id == opportunity.c.id, version.c.recorded_at <= at)
        .order_by(version.c.version.desc())
        .limit(1)
        .lateral("newest")
    )
    changing = {
        "kind": newest.c.snapshot["kind"].as_string(),
        "stage": newest.c.snapshot["stage"].as_string(),
        "owner": newest.c.snapshot["owner"].as_string(),
        "version": newest.c.version,
        "snapshot": newest.c.snapshot,
        "changed_at": newest.c.recorded_at,
        "changed_by": newest.c.recorded_by,
    }
    columns = (changing[each.name].label(each.name) if each.name in changing else each for each in opportunity.c)
    return select(*columns).select_from(opportunity.join(newest, true()))


class OpportunityStore:
    """Opportunities and credits, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Opportunity, at: datetime, by: str) -> bool:
        """Keep a new one; whether it is the first of its contract, term, signal and subject."""
        row = {
            "id": new.id,
            "account_id": new.account_id,
            "contract_id": new.contract_id,
            "term": new.term,
            "signal": new.need.signal.value if new.need else None,
            "subject": new.need.subject if new.need else None,
            "need": _need(new.need) if new.need else None,
            **_changing(new),
            "created_at": at,
            "created_by": by,
            "changed_at": at,
            "changed_by": by,
        }
        inserted = await self._connection.execute(insert(opportunity).on_conflict_do_nothing().values(row))
        if inserted.rowcount:
            await self._record(new, at, by)
        return bool(inserted.rowcount)

    async def was_seen(self, account_id: str, need: Need) -> bool:
        """Whether the account has an opportunity of the same signal and subject, of whatever term."""
        wanted = select(opportunity.c.id).where(
            opportunity.c.account_id == account_id,
            opportunity.c.signal == need.signal.value,
            opportunity.c.subject == need.subject,
        )
        return (await self._connection.execute(wanted.limit(1))).first() is not None

    async def get(self, opportunity_id: str, on_record_at: datetime | None = None) -> KeptOpportunity | None:
        """One of them, as it was on record at an instant."""
        wanted = _on_record(on_record_at).where(opportunity.c.id == opportunity_id)
        row = (await self._connection.execute(wanted)).first()
        return _kept(row) if row else None

    async def page(
        self, wanted: Wanted, on_record_at: datetime | None, *, after: str | None, limit: int
    ) -> Sequence[KeptOpportunity]:
        """Up to `limit` of them as they were on record, in the order in which they were made, after the given one."""
        found = _on_record(on_record_at).order_by(opportunity.c.id).limit(limit)
        columns = found.selected_columns
        values = {
            columns.account_id: wanted.account_id,
            columns.owner: wanted.owner,
            columns.stage: wanted.stage.value if wanted.stage else None,
            columns.kind: wanted.kind.value if wanted.kind else None,
        }
        for column, value in values.items():
            if value is not None:
                found = found.where(column == value)
        if after is not None:
            found = found.where(opportunity.c.id > after)
        return [_kept(row) for row in await self._connection.execute(found)]

    async def save(self, now: Opportunity, at: datetime, by: str) -> None:
        """Keep what it is now; its versions of before stay."""
        change = opportunity.update().where(opportunity.c.id == now.id)
        await self._connection.execute(change.values({**_changing(now), "changed_at": at, "changed_by": by}))
        await self._record(now, at, by)

    async def versions(
        self, opportunity_id: str, on_record_at: datetime | None, *, before: int | None, limit: int
    ) -> Sequence[KeptOpportunity]:
        """Up to `limit` versions that were on record, newest first, before the given one."""
        now = (await self._connection.execute(select(opportunity).where(opportunity.c.id == opportunity_id))).first()
        wanted = (
            select(opportunity_version)
            .where(opportunity_version.c.opportunity_id == opportunity_id)
            .order_by(opportunity_version.c.version.desc())
            .limit(limit)
        )
        if before is not None:
            wanted = wanted.where(opportunity_version.c.version < before)
        if on_record_at is not None:
            wanted = wanted.where(opportunity_version.c.recorded_at <= on_record_at)
        return [
            KeptOpportunity(
                _opportunity(now, row.version, row.snapshot),
                now.created_at,
                now.created_by,
                row.recorded_at,
                row.recorded_by,
            )
            for row in await self._connection.execute(wanted)
            if now
        ]

    async def add_credit(self, contract_id: str, number: int, split: Sequence[Credit], at: datetime, by: str) -> None:
        """Keep the split for a term's renewal beside those of before."""
        row = {
            "contract_id": contract_id,
            "term": number,
            "credits": _written(split),
            "recorded_at": at,
            "recorded_by": by,
        }
        await self._connection.execute(renewal_credit.insert(), row)

    async def credit(self, contract_id: str, number: int, known_at: datetime | None) -> RenewalCredit | None:
        """The latest split for a term's renewal that was known."""
        wanted = (
            select(renewal_credit)
            .where(renewal_credit.c.contract_id == contract_id, renewal_credit.c.term == number)
            .order_by(renewal_credit.c.recorded_at.desc(), renewal_credit.c.id.desc())
            .limit(1)
        )
        if known_at is not None:
            wanted = wanted.where(renewal_credit.c.recorded_at <= known_at)
        row = (await self._connection.execute(wanted)).first()
        return RenewalCredit(_read(row.credits), row.recorded_at, row.recorded_by) if row else None

    async def won(self, first: date, last: date, on_record_at: datetime | None, *, limit: int) -> Sequence[Opportunity]:
        """Up to `limit` opportunities that were won, with a share that counts on days of `[first, last)`."""
        found = _on_record(on_record_at).order_by(opportunity.c.id).limit(limit)
        columns = found.selected_columns
        wanted = found.where(columns.stage == Stage.WON.value, _counts(columns.snapshot["credits"], first, last))
        return [_kept(row).opportunity for row in await self._connection.execute(wanted)]

    async def splits(self, first: date, last: date, known_at: datetime | None, *, limit: int) -> Sequence[RenewalSplit]:
        """Up to `limit` latest splits for renewals, with a share that counts on days of `[first, last)`."""
        of_term = (renewal_credit.c.contract_id, renewal_credit.c.term)
        newest = (
            select(*of_term, renewal_credit.c.credits)
            .ext(distinct_on(*of_term))
            .order_by(*of_term, renewal_credit.c.recorded_at.desc(), renewal_credit.c.id.desc())
        )
        if known_at is not None:
            newest = newest.where(renewal_credit.c.recorded_at <= known_at)
        latest = newest.subquery().c
        wanted = (
            select(latest.contract_id, latest.term, latest.credits)
            .where(_counts(latest.credits, first, last))
            .order_by(latest.contract_id, latest.term)
            .limit(limit)
        )
        return [
            RenewalSplit(row.contract_id, row.term, _read(row.credits))
            for row in await self._connection.execute(wanted)
        ]

    async def _record(self, now: Opportunity, at: datetime, by: str) -> None:
        row = {
            "opportunity_id": now.id,
            "version": now.version,
            "snapshot": _snapshot(now),
            "recorded_at": at,
            "recorded_by": by,
        }
        await self._connection.execute(opportunity_version.insert(), row)


def _changing(of: Opportunity) -> dict[str, Any]:
    return {
        "kind": of.kind.value,
        "stage": of.stage.value,
        "owner": of.owner,
        "version": of.version,
        "snapshot": _snapshot(of),
    }


def _snapshot(of: Opportunity) -> dict[str, Any]:
    """Everything that changes, as JSON."""
    return {
        "kind": of.kind.value,
        "stage": of.stage.value,
        "owner": of.owner,
        "amount": {"amount": f"{of.amount.amount:f}", "currency": of.amount.currency} if of.amount else None,
        "words": of.words,
        "reason": of.reason,
        "expected_on": _day(of.expected_on),
        "closed_on": _day(of.closed_on),
        "credits": _written(of.credits),
    }


def _opportunity(row: Any, version: int, snapshot: Mapping[str, Any]) -> Opportunity:
    amount, need = snapshot["amount"], row.need
    return Opportunity(
        id=row.id,
        account_id=row.account_id,
        kind=OpportunityKind(snapshot["kind"]),
        stage=Stage(snapshot["stage"]),
        version=version,
        contract_id=row.contract_id,
        term=row.term,
        need=Need(
            Signal(row.signal),
            row.subject,
            _number(need["used"]),
            _number(need["bought"]),
            _date(need["projected_on"]),
            _date(need["earliest"]),
            _date(need["latest"]),
        )
        if row.signal
        else None,
        amount=Money(Decimal(amount["amount"]), amount["currency"]) if amount else None,
        owner=snapshot["owner"],
        words=snapshot["words"],
        reason=snapshot["reason"],
        expected_on=_date(snapshot["expected_on"]),
        closed_on=_date(snapshot["closed_on"]),
        credits=_read(snapshot["credits"]),
    )


def _kept(row: Any) -> KeptOpportunity:
    is_now = _opportunity(row, row.version, row.snapshot)
    return KeptOpportunity(is_now, row.created_at, row.created_by, row.changed_at, row.changed_by)


def _need(of: Need) -> dict[str, Any]:
    return {
        "used": None if of.used is None else f"{of.used:f}",
        "bought": None if of.bought is None else f"{of.bought:f}",
        "projected_on": _day(of.projected_on),
        "earliest": _day(of.earliest),
        "latest": _day(of.latest),
    }


def _written(split: Sequence[Credit]) -> list[dict[str, str]]:
    return [{"person": each.person, "share": f"{each.share:f}", "on": each.on.isoformat()} for each in split]


def _read(written: Sequence[Mapping[str, str]]) -> tuple[Credit, ...]:
    return tuple(Credit(each["person"], Decimal(each["share"]), date.fromisoformat(each["on"])) for each in written)


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


def _number(written: str | None) -> Decimal | None:
    return Decimal(written) if written is not None else None
