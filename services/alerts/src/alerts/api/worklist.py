"""The route of the worklist."""

from datetime import date
from typing import Annotated, Self

from fastapi import Query
from pydantic import BaseModel, Field

from alerts.api.handlers import READ, Handlers, Text
from alerts.api.schemas import AccountView
from alerts.application.worklist import Asked
from alerts.domain.worklist import Kind, Row
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.routes import Routes

ACTIONS = {
    Kind.ALERT: [
        (name, "POST", f"alerts/{{id}}/{name}")
        for name in ("acknowledge", "snooze", "assign", "comment", "resolve", "feedback")
    ],
    Kind.TASK: [(name, "POST", f"tasks/{{id}}/{name}") for name in ("done", "skip")],
    Kind.CASE: [("change", "PATCH", "cases/{id}")],
}
"""What can be done with a row. A promise and a touch are settled by the touchpoint that somebody writes down."""


class PartView(BaseModel):
    """One part of a priority."""

    name: str = Field(
        description="Urgency in points: itself, alerts, band, trend, renewal; value in factors: arr, tier"
    )
    value: float
    why: str


class ActionView(BaseModel):
    """Something that can be done with a row here."""

    name: str
    method: str
    path: str


class WorkView(BaseModel):
    """One thing to do. `priority` is urgency (0-100) x value (from 1 on)."""

    kind: Kind
    id: str = Field(description="Of the alert, task or case; of the account for a next step or a touch")
    account: AccountView
    title: str
    due_on: date | None
    assignee: str | None = Field(description="Whose it is now, leave and deputies resolved")
    priority: float
    urgency: float
    value: float
    parts: list[PartView]
    actions: list[ActionView]

    @classmethod
    def of(cls, row: Row) -> Self:
        """The view of a row."""
        item = row.item
        return cls(
            kind=item.kind,
            id=item.id,
            account=AccountView.of(row.account),
            title=item.title,
            due_on=item.due_on,
            assignee=item.assignee,
            priority=row.priority,
            urgency=row.urgency,
            value=row.value,
            parts=[PartView(name=part.name, value=part.value, why=part.why) for part in row.parts],
            actions=[
                ActionView(name=name, method=method, path=f"/v1/{path.replace('{id}', item.id)}")
                for name, method, path in ACTIONS.get(item.kind, ())
            ],
        )


def worklist(handlers: Handlers) -> Routes:
    """The worklist."""
    group = Routes(tag="worklist")

    @group.get("/worklist", scope=READ, answers=Page[WorkView])
    async def get_worklist(
        owner: Annotated[Text, Query(description="Whose; also what is of people they stand in for. None: all")] = None,
        kind: Annotated[list[Kind] | None, Query(description="Any of these")] = None,
        account_id: Text = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[WorkView]:
        """What is to be done next: alerts, tasks due, next steps promised, touches owed and risk cases.

        The first has the highest priority, and says what that is made of. Snoozed alerts are left out.
        """
        rows = await handlers.worklist.page(
            Asked(
                most=limit + 1,
                owner=owner,
                kinds=frozenset(kind or Kind),
                account_id=account_id,
                behind=decode_cursor("worklist", cursor, tuple[float, str]) if cursor is not None else None,
            )
        )
        page = rows[:limit]
        more = encode_cursor("worklist", page[-1].place) if len(rows) > limit else None
        return Page(data=[WorkView.of(row) for row in page], next_cursor=more)

    return group
