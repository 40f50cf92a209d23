"""Risk cases and their steps."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, insert, select, tuple_
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.cases import CaseQuery
from alerts.application.reading import After
from alerts.domain.cases import Case, CaseState, CaseStep, CaseUnknown
from alerts.domain.playbooks import RiskReason
from alerts.store.playbook_tables import risk_case, risk_case_step
from mainstay.db.engine import Database
from mainstay.kernel.money import Money


class StoredCases:
    """Cases within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, case_id: str) -> Case:
        """One case. Raises `CaseUnknown`."""
        found = await self._one(select(risk_case).where(risk_case.c.id == case_id))
        if found is None:
            raise CaseUnknown(case_id)
        return found

    async def open_of(self, account_id: str) -> Case | None:
        """The account's case that is open."""
        return await self._one(
            select(risk_case).where(risk_case.c.account_id == account_id, risk_case.c.closed_at.is_(None))
        )

    async def save(self, case: Case, step: CaseStep) -> None:
        """Store a case as it is now, and the step that made it so."""
        values = {**asdict(case), "arr_at_risk": _plain(case.arr_at_risk), "alert_ids": list(case.alert_ids)}
        statement = postgresql.insert(risk_case).values(values)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[risk_case.c.id],
                set_={column.name: statement.excluded[column.name] for column in risk_case.c if not column.primary_key},
            )
        )
        changes = {name: [_plain(before), _plain(after)] for name, (before, after) in step.changes.items()}
        await self._connection.execute(
            insert(risk_case_step).values(
                case_id=case.id, at=step.at, by=step.by, changes=changes, comment=step.comment
            )
        )

    async def _one(self, statement: Select[Any]) -> Case | None:
        row = (await self._connection.execute(statement)).one_or_none()
        return to_case(row) if row is not None else None


class StoredCaseReading:
    """Reads cases; newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def case(self, case_id: str) -> tuple[Case, Sequence[CaseStep]]:
        """One case and its steps, the first one first. Raises `CaseUnknown`."""
        async with self._database.engine.connect() as connection:
            row = (await connection.execute(select(risk_case).where(risk_case.c.id == case_id))).one_or_none()
            if row is None:
                raise CaseUnknown(case_id)
            steps = await connection.execute(
                select(risk_case_step).where(risk_case_step.c.case_id == case_id).order_by(risk_case_step.c.id)
            )
            return to_case(row), [
                CaseStep(each.at, each.by, {name: tuple(pair) for name, pair in each.changes.items()}, each.comment)
                for each in steps
            ]

    async def cases(self, query: CaseQuery, *, limit: int, after: After | None) -> Sequence[Case]:
        """A page of cases, the one opened last first."""
        statement = select(risk_case).order_by(risk_case.c.opened_at.desc(), risk_case.c.id.desc()).limit(limit)
        if query.account_id is not None:
            statement = statement.where(risk_case.c.account_id == query.account_id)
        if query.owner is not None:
            statement = statement.where(risk_case.c.owner == query.owner)
        if query.states:
            statement = statement.where(risk_case.c.state.in_(query.states))
        if after is not None:
            statement = statement.where(tuple_(risk_case.c.opened_at, risk_case.c.id) < after)
        async with self._database.engine.connect() as connection:
            return [to_case(row) for row in await connection.execute(statement)]


def to_case(row: Row[Any]) -> Case:
    """The case in a row, whose columns bear the names of its fields."""
    fields: dict[str, Any] = {column.name: getattr(row, column.name) for column in risk_case.c}
    fields |= {
        "state": CaseState(row.state),
        "reason": RiskReason(row.reason),
        "arr_at_risk": tuple(Money(Decimal(money["amount"]), money["currency"]) for money in row.arr_at_risk),
        "alert_ids": tuple(row.alert_ids),
    }
    return Case(**fields)


def _plain(value: Any) -> Any:
    """A field as JSON."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Money):
        return {"amount": str(value.amount), "currency": value.currency}
    return value
