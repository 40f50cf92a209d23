"""Routes of risk cases."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.api.handlers import READ, WRITE, Handlers, Id, Text, after, following
from alerts.api.schemas import MoneyView
from alerts.application.cases import CaseQuery, NewCase
from alerts.domain.cases import Case, CaseState, CaseStep
from alerts.domain.playbooks import RiskReason
from mainstay.kernel.money import Money
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.routes import Caller, Routes

Said = Annotated[str | None, Field(default=None, min_length=1, max_length=2_000)]
Named = Annotated[str, Field(min_length=1, max_length=200)]
Plan = Annotated[str, Field(min_length=1, max_length=10_000)]
AlertIds = Annotated[list[Named], Field(max_length=100)]


class AmountBody(BaseModel):
    """An exact amount and its ISO 4217 currency."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


Amounts = Annotated[list[AmountBody], Field(max_length=20)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CaseBody(_Body):
    """A case to open. Without an owner it is the account owner's, without an amount all of its ARR is at risk."""

    account_id: Named
    reason: RiskReason
    owner: Named | None = None
    plan: Plan | None = None
    arr_at_risk: Amounts | None = None
    alert_ids: AlertIds = []
    run_id: Named | None = None
    comment: Said


class CaseChange(_Body):
    """What is to change of a case; what is left out stays."""

    state: CaseState | None = None
    reason: RiskReason | None = None
    owner: Named | None = None
    plan: Plan | None = None
    arr_at_risk: Amounts | None = None
    alert_ids: AlertIds | None = None
    run_id: Named | None = None
    outcome: Said
    comment: Said

    @model_validator(mode="after")
    def _null_says_nothing(self) -> Self:
        for name in self.model_fields_set:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null: leave it out, and it stays")
        return self

    def fields(self) -> dict[str, Any]:
        """The fields as the domain has them."""
        found = {name: getattr(self, name) for name in self.model_fields_set - {"comment"}}
        if "arr_at_risk" in found:
            found["arr_at_risk"] = _money(self.arr_at_risk or [])
        if "alert_ids" in found:
            found["alert_ids"] = tuple(dict.fromkeys(self.alert_ids or []))
        return found


class CaseStepView(BaseModel):
    """One step of a case: by field, what it was and what it is."""

    at: datetime
    by: str
    changes: dict[str, list[Any]]
    comment: str | None

    @classmethod
    def of(cls, step: CaseStep) -> Self:
        """The view of a step."""
        changes = {name: list(pair) for name, pair in step.changes.items()}
        return cls(at=step.at, by=step.by, changes=changes, comment=step.comment)


class CaseView(BaseModel):
    """A risk case."""

    id: str
    account_id: str
    state: CaseState
    reason: RiskReason
    owner: str | None
    plan: str | None
    arr_at_risk: list[MoneyView]
    alert_ids: list[str]
    run_id: str | None
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str | None
    outcome: str | None

    @classmethod
    def of(cls, case: Case) -> Self:
        """The view of a case."""
        return cls(
            id=case.id,
            account_id=case.account_id,
            state=case.state,
            reason=case.reason,
            owner=case.owner,
            plan=case.plan,
            arr_at_risk=[MoneyView.of(money) for money in case.arr_at_risk],
            alert_ids=list(case.alert_ids),
            run_id=case.run_id,
            opened_at=case.opened_at,
            opened_by=case.opened_by,
            closed_at=case.closed_at,
            closed_by=case.closed_by,
            outcome=case.outcome,
        )


class CaseWithHistory(CaseView):
    """A case with every step, the first one first."""

    steps: list[CaseStepView] = []


def cases(handlers: Handlers) -> Routes:
    """The routes of cases."""
    group = Routes(tag="cases")
    manage, reading = handlers.cases, handlers.case_reading

    async def shown(case_id: str) -> CaseWithHistory:
        case, steps = await reading.case(case_id)
        view = CaseView.of(case).model_dump()
        return CaseWithHistory(**view, steps=[CaseStepView.of(step) for step in steps])

    @group.post("/cases", scope=WRITE, answers=CaseWithHistory, status=201)
    async def open_case(body: CaseBody, caller: Caller) -> CaseWithHistory:
        """Open a risk case: at risk, or with its plan in place where it has one. An account has one open at a time."""
        amounts = None if body.arr_at_risk is None else _money(body.arr_at_risk)
        alert_ids = tuple(dict.fromkeys(body.alert_ids))
        new = NewCase(body.account_id, body.reason, body.owner, body.plan, amounts, alert_ids, body.run_id)
        case = await manage.open(new, by=caller.name, comment=body.comment)
        return await shown(case.id)

    @group.get("/cases", scope=READ, answers=Page[CaseView])
    async def list_cases(
        account_id: Text = None,
        owner: Text = None,
        state: Annotated[list[CaseState] | None, Query(description="Any of these")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[CaseView]:
        """Cases, the one opened last first."""
        query = CaseQuery(account_id, owner, frozenset(state or ()))
        found = await reading.cases(query, limit=limit + 1, after=after("cases", cursor))
        views = [CaseView.of(case) for case in found[:limit]]
        return Page(
            data=views,
            next_cursor=following("cases", found, limit, views[-1].opened_at, views[-1].id) if views else None,
        )

    @group.get("/cases/{case_id}", scope=READ, answers=CaseWithHistory)
    async def get_case(case_id: Id) -> CaseWithHistory:
        """One case with its history."""
        return await shown(case_id)

    @group.patch("/cases/{case_id}", scope=WRITE, answers=CaseWithHistory)
    async def change_case(case_id: Id, body: CaseChange, caller: Caller) -> CaseWithHistory:
        """Change a case, or say something about it; each change is a step of its history.

        A plan is needed for `plan-in-place` and `saving`; what is recovered or lost does not change any more.
        """
        await manage.change(case_id, body.fields(), by=caller.name, comment=body.comment)
        return await shown(case_id)

    return group


def _money(amounts: list[AmountBody]) -> tuple[Money, ...]:
    return tuple(Money(each.amount, each.currency) for each in amounts)
