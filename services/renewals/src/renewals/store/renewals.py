"""Renewals in PostgreSQL: where each stands, its milestones and hand-overs, and what accounts are."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.kernel.clock import day_of
from renewals.application.renewal_ports import Filters, KeptMilestone, Place, Standing, Total
from renewals.domain.contracts import Contract
from renewals.domain.milestones import Reached
from renewals.domain.ownership import Assignment, Handover, Holding, Owner, Source
from renewals.domain.policy import OwnerRole
from renewals.domain.renewal import RenewalState, Risk
from renewals.domain.terms import TermKey
from renewals.store.mapping import contract_in
from renewals.store.tables import account_group, ledger_entry, milestone, renewal, renewal_handover

AT_WORK: Final = [state.value for state in RenewalState if state.is_at_work]

_KEPT: Final = tuple(column.name for column in renewal.c if not column.primary_key)
# For each contract that is renewed by another: since when that is known, and when the other one begins.
_RENEWED_BY: Final = text(
    "SELECT c.predecessor ->> 'contract_id' AS renewed, c.entered_at, c.zone, t.start FROM renewals.contract c"
    " JOIN renewals.term t ON t.contract_id = c.id AND t.number = 1 WHERE c.predecessor IS NOT NULL"
    " AND c.predecessor ->> 'contract_id' = ANY(CAST(:contracts AS text[]))"
    " AND (CAST(:known_at AS timestamptz) IS NULL OR EXISTS (SELECT FROM renewals.contract_revision r"
    " WHERE r.contract_id = c.id AND r.recorded_at <= :known_at"
    " AND r.snapshot -> 'predecessor' ->> 'contract_id' = c.predecessor ->> 'contract_id')) ORDER BY c.entered_at DESC"
)
# Before the first word about an account, what that says.
_HOLDINGS: Final = text(
    "SELECT DISTINCT ON (account_id) account_id, tier, segment, owner, team FROM renewals.account_group"
    " WHERE account_id = ANY(CAST(:accounts AS text[])) AND said_at <= :known_at"
    " ORDER BY account_id, (said_at < :ended) DESC, CASE WHEN said_at < :ended THEN -sequence ELSE sequence END"
)
_KNOWN: Final = text(
    "SELECT DISTINCT ON (contract_id) snapshot FROM renewals.contract_revision"
    " WHERE contract_id = ANY(CAST(:contracts AS text[])) AND recorded_at <= :known_at"
    " ORDER BY contract_id, recorded_at DESC, number DESC"
)


class RenewalStore:
    """Renewals, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def standings(self, contract_ids: Collection[str]) -> Mapping[TermKey, Standing]:
        """Where the contracts' renewals stood when their accounts were looked at last."""
        wanted = select(renewal).where(renewal.c.contract_id.in_(contract_ids))
        found = [_standing(row) for row in await self._connection.execute(wanted)]
        return {each.key: each for each in found}

    async def keep(self, standings: Sequence[Standing], gone: Collection[TermKey]) -> None:
        """Keep where renewals stand now, and forget those that never were."""
        if gone:
            await self._connection.execute(
                delete(renewal).where(tuple_(renewal.c.contract_id, renewal.c.term).in_(sorted(gone)))
            )
        if not standings:
            return
        statement = insert(renewal)
        statement = statement.on_conflict_do_update(
            index_elements=list(renewal.primary_key), set_={name: statement.excluded[name] for name in _KEPT}
        )
        await self._connection.execute(statement, [_row(each) for each in sorted(standings, key=lambda s: s.key)])

    async def milestones(self, contract_ids: Collection[str]) -> Mapping[TermKey, Sequence[KeptMilestone]]:
        """What was reached, in the order of the days."""
        wanted = select(milestone).where(milestone.c.contract_id.in_(contract_ids))
        found = defaultdict[TermKey, list[KeptMilestone]](list)
        for row in await self._connection.execute(wanted.order_by(milestone.c.on_day, milestone.c.reached_at)):
            kept = KeptMilestone(row.name, row.on_day, row.reached_at, row.late_by_seconds, row.superseded)
            found[row.contract_id, row.term].append(kept)
        return found

    async def reach(self, contract_id: str, reached: Sequence[tuple[Reached, int]], at: datetime) -> None:
        """Record milestones, each with how many seconds late it was reached; one that is recorded stays as it is."""
        rows = [
            {
                "contract_id": contract_id,
                "term": each.term,
                "name": each.milestone.name,
                "on_day": each.milestone.on,
                "reached_at": at,
                "late_by_seconds": late_by,
                "superseded": each.superseded,
            }
            for each, late_by in reached
        ]
        if rows:
            await self._connection.execute(insert(milestone).on_conflict_do_nothing(), rows)

    async def handovers(self, contract_ids: Collection[str]) -> Mapping[TermKey, Sequence[Handover]]:
        """To whom renewals were given, oldest first."""
        table = renewal_handover
        wanted = select(table).where(table.c.contract_id.in_(contract_ids)).order_by(table.c.id)
        found = defaultdict[TermKey, list[Handover]](list)
        for row in await self._connection.execute(wanted):
            handover = Handover(row.owner, row.reason, row.recorded_at, row.recorded_by)
            found[row.contract_id, row.term].append(handover)
        return found

    async def hand_over(self, key: TermKey, handover: Handover) -> None:
        """Give a renewal to somebody."""
        row = {
            "contract_id": key[0],
            "term": key[1],
            "owner": handover.owner,
            "reason": handover.reason,
            "recorded_at": handover.at,
            "recorded_by": handover.by,
        }
        await self._connection.execute(renewal_handover.insert(), row)

    async def renewed_by(self, contract_ids: Collection[str], known_at: datetime | None = None) -> Mapping[str, date]:
        """Of contracts that another one renews: the day on which that was entered, where it is; its start at latest."""
        if not contract_ids:
            return {}
        rows = await self._connection.execute(_RENEWED_BY, {"contracts": list(contract_ids), "known_at": known_at})
        return {row.renewed: min(day_of(row.entered_at, ZoneInfo(row.zone)), row.start) for row in rows}

    async def holdings(
        self, account_ids: Collection[str], *, day: date | None = None, known_at: datetime | None = None
    ) -> Mapping[str, Holding]:
        """What accounts are now; or were as a day ended (UTC), as it was known at an instant."""
        if not account_ids:
            return {}
        ended = _LAST if day is None else datetime.combine(day + timedelta(days=1), time.min, UTC)
        asked = {"accounts": list(account_ids), "ended": ended, "known_at": known_at or _LAST}
        statement = _HOLDINGS.columns(team=account_group.c.team.type)
        return {row.account_id: _holding(row) for row in await self._connection.execute(statement, asked)}

    async def page(self, wanted: Filters, *, after: Place | None, limit: int) -> Sequence[Standing]:
        """Up to `limit` renewals by due day, contract and number, after the given place."""
        order = (renewal.c.due_on, renewal.c.contract_id, renewal.c.term)
        found = select(renewal).where(_among(wanted)).order_by(*order).limit(limit)
        if after is not None:
            found = found.where(tuple_(*order) > tuple_(*after))
        return [_standing(row) for row in await self._connection.execute(found)]

    async def totals(self, wanted: Filters) -> Sequence[Total]:
        """What those renewals add up to, by state and currency."""
        keys = (renewal.c.state, renewal.c.currency)
        found = select(*keys, func.count().label("renewals"), func.sum(renewal.c.arr).label("arr"))
        rows = await self._connection.execute(found.where(_among(wanted)).group_by(*keys))
        return [Total(RenewalState(row.state), row.currency, row.renewals, row.arr) for row in rows]

    async def at_work_of(self, account_ids: Collection[str]) -> frozenset[str]:
        """Those of the accounts that have a renewal whose window is open."""
        wanted = select(renewal.c.account_id).where(renewal.c.account_id.in_(account_ids), renewal.c.state.in_(AT_WORK))
        return frozenset((await self._connection.execute(wanted)).scalars())

    async def ever_due(self, wanted: Filters, known_at: datetime, *, limit: int) -> Sequence[str]:
        """Up to `limit` contracts of which it was ever said, up to an instant, that a term is due on the days wanted.

        What was withdrawn is among them: a contract that was cancelled within its term is not said to be due any more.
        """
        entry = ledger_entry.c
        found = select(entry.contract_id).where(
            entry.kind == "due",
            entry.start.between(wanted.first, wanted.last),
            entry.recorded_at <= known_at,
        )
        if wanted.account_id is not None:
            found = found.where(entry.account_id == wanted.account_id)
        rows = await self._connection.execute(found.distinct().order_by(entry.contract_id).limit(limit))
        return list(rows.scalars())

    async def known(self, contract_ids: Collection[str], known_at: datetime) -> Sequence[Contract]:
        """Contracts as they were known at an instant."""
        asked = {"contracts": list(contract_ids), "known_at": known_at}
        return [contract_in(snapshot) for snapshot in (await self._connection.execute(_KNOWN, asked)).scalars()]


_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def _among(wanted: Filters) -> ColumnElement[bool]:
    found: list[ColumnElement[bool]] = [renewal.c.due_on.between(wanted.first, wanted.last)]
    if wanted.account_id is not None:
        found.append(renewal.c.account_id == wanted.account_id)
    if wanted.states:
        found.append(renewal.c.state.in_(sorted(state.value for state in wanted.states)))
    if wanted.owner is not None:
        found.append(or_(renewal.c.owner == wanted.owner, renewal.c.co_owner == wanted.owner))
    if wanted.tier is not None:
        found.append(renewal.c.tier == wanted.tier)
    if wanted.segment is not None:
        found.append(renewal.c.segment == wanted.segment)
    return and_(*found)


def _row(of: Standing) -> dict[str, Any]:
    return {
        "contract_id": of.contract_id,
        "term": of.term,
        "account_id": of.account_id,
        "state": of.state.value,
        "due_on": of.due_on,
        "currency": of.currency,
        "arr": of.arr,
        "owner": of.owner.person,
        "co_owner": of.owner.with_,
        "owner_role": of.owner.role.value,
        "owner_source": of.owner.source.value,
        "tier": of.tier,
        "segment": of.segment,
        "risk": of.risk.value if of.risk else None,
    }


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        contract_id=row.contract_id,
        term=row.term,
        account_id=row.account_id,
        state=RenewalState(row.state),
        due_on=row.due_on,
        currency=row.currency,
        arr=row.arr,
        owner=Owner(row.owner, row.co_owner, OwnerRole(row.owner_role), Source(row.owner_source)),
        tier=row.tier,
        segment=row.segment,
        risk=Risk(row.risk) if row.risk else None,
    )


def _holding(row: Row[Any]) -> Holding:
    team = tuple(
        Assignment(
            each["role"],
            each["person"],
            date.fromisoformat(each["since"]),
            date.fromisoformat(each["until"]) if each["until"] else None,
        )
        for each in row.team
    )
    return Holding(row.tier, row.segment, row.owner, team)
