"""Routes of what people do with an alert, each done once however often it is asked for."""

from typing import Protocol

from alerts.api.action_schemas import AssignBody, CommentBody, FeedbackBody, ResolveBody
from alerts.api.handlers import WRITE, Handlers, Id
from alerts.api.schemas import AcknowledgeBody, AlertWithHistory
from alerts.api.told_schemas import SnoozeBody
from mainstay.web.routes import Caller, Routes


class Shows(Protocol):
    """Shows an alert as it is now."""

    async def __call__(self, alert_id: str, /) -> AlertWithHistory:
        """The alert with its life so far."""


def alert_actions(group: Routes, handlers: Handlers, shown: Shows) -> None:
    """Add the routes to the group of alerts."""
    handle = handlers.handle

    @group.post("/alerts/{alert_id}/acknowledge", scope=WRITE, answers=AlertWithHistory)
    async def acknowledge(alert_id: Id, caller: Caller, body: AcknowledgeBody | None = None) -> AlertWithHistory:
        """Take an alert on. Doing it twice is doing it once; a resolved alert answers 409."""
        await handle.acknowledge(alert_id, by=caller.name, comment=body.comment if body else None)
        return await shown(alert_id)

    @group.post("/alerts/{alert_id}/resolve", scope=WRITE, answers=AlertWithHistory)
    async def resolve(alert_id: Id, caller: Caller, body: ResolveBody | None = None) -> AlertWithHistory:
        """Settle an alert; whoever was told that it began is told. Doing it twice is doing it once."""
        said = body or ResolveBody()
        await handle.resolve(alert_id, by=caller.name, reason=said.reason, outcome=said.outcome)
        return await shown(alert_id)

    @group.post("/alerts/{alert_id}/snooze", scope=WRITE, answers=AlertWithHistory)
    async def snooze(alert_id: Id, caller: Caller, body: SnoozeBody) -> AlertWithHistory:
        """Nobody is told of the alert until an instant; then it is back, and whoever was told of it hears so.

        Another snooze takes the place of the first. A resolved alert answers 409.
        """
        await handle.snooze(alert_id, until=body.until, by=caller.name, comment=body.comment)
        return await shown(alert_id)

    @group.post("/alerts/{alert_id}/assign", scope=WRITE, answers=AlertWithHistory)
    async def assign(alert_id: Id, caller: Caller, body: AssignBody) -> AlertWithHistory:
        """Give the alert to somebody: it stands in their worklist. A resolved alert answers 409."""
        await handle.assign(alert_id, to=body.to, by=caller.name, comment=body.comment)
        return await shown(alert_id)

    @group.post("/alerts/{alert_id}/comment", scope=WRITE, answers=AlertWithHistory)
    async def comment(alert_id: Id, caller: Caller, body: CommentBody) -> AlertWithHistory:
        """Say something about the alert, over or not; it stands in its life."""
        await handle.comment(alert_id, by=caller.name, comment=body.comment)
        return await shown(alert_id)

    @group.post("/alerts/{alert_id}/feedback", scope=WRITE, answers=AlertWithHistory)
    async def feedback(alert_id: Id, caller: Caller, body: FeedbackBody) -> AlertWithHistory:
        """Say whether the alert was right; the last word counts. GET /v1/kpis/alerts has the precision of each rule."""
        await handle.judge(alert_id, feedback=body.feedback, by=caller.name, comment=body.comment)
        return await shown(alert_id)
