"""The routes of alerts, rules, channels and deliveries: translation between HTTP and the application."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Path, Query, Response
from msgspec import Meta

from alerts.api.problems import DESTINATION_REFUSED
from alerts.api.schemas import (
    AcknowledgeBody,
    AlertView,
    AlertWithHistory,
    ChannelCreated,
    ChannelPatch,
    ChannelView,
    DeliveryView,
    NewChannel,
    NewEmail,
    NewSlack,
    NewWebhook,
    ResolveBody,
    RuleView,
    TransitionView,
)
from alerts.application.channels import ManageChannels, new_secret
from alerts.application.handling import HandleAlerts
from alerts.application.reading import After, AlertQuery, DeliveryQuery, Reading
from alerts.domain.alerts import State
from alerts.domain.channels import Destination, DestinationRefused, Email, Slack, Webhook
from alerts.domain.deliveries import DeliveryState
from alerts.domain.messages import TEST
from alerts.domain.rules import Rulebook
from alerts.domain.words import Severity
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Caller, Routes

T = TypeVar("T")

Id = Annotated[str, Path(min_length=1, max_length=200)]
Text = Annotated[str | None, Query(min_length=1, max_length=200)]

READ = "alerts:read"
WRITE = "alerts:write"


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the routes call."""

    reading: Reading
    rulebook: Rulebook
    handle: HandleAlerts
    channels: ManageChannels


def routes(handlers: Handlers) -> Sequence[Routes]:
    """Every group of routes."""
    return (_alerts(handlers), _channels(handlers), _deliveries(handlers))


def _alerts(handlers: Handlers) -> Routes:
    group = Routes(tag="alerts")

    @group.get("/alerts", scope=READ, answers=Page[AlertView])
    async def list_alerts(
        state: Annotated[list[State] | None, Query(description="Any of these")] = None,
        account_id: Text = None,
        owner: Annotated[Text, Query(description="The account's present owner")] = None,
        rule: Text = None,
        severity: Severity | None = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[AlertView]:
        """Alerts, the one that began last first."""
        query = AlertQuery(frozenset(state or ()), account_id, owner, rule, severity)
        rows = await handlers.reading.alerts(query, limit=limit + 1, after=_after("alerts", cursor))
        data = [AlertView.of(alert, account, handlers.rulebook) for alert, account in rows[:limit]]
        return Page(
            data=data, next_cursor=_next("alerts", rows, limit, data[-1].opened_at, data[-1].id) if data else None
        )

    @group.get("/alerts/{alert_id}", scope=READ, answers=AlertWithHistory)
    async def get_alert(alert_id: Id) -> AlertWithHistory:
        """One alert with its life so far."""
        alert, account, steps = await handlers.reading.alert(alert_id)
        view = AlertWithHistory.of(alert, account, handlers.rulebook)
        return view.model_copy(update={"transitions": [TransitionView.of(step) for step in steps]})

    @group.post("/alerts/{alert_id}/acknowledge", scope=WRITE, answers=AlertWithHistory)
    async def acknowledge(alert_id: Id, caller: Caller, body: AcknowledgeBody | None = None) -> AlertWithHistory:
        """Take an alert on. Doing it twice is doing it once; a resolved alert answers 409."""
        await handlers.handle.acknowledge(alert_id, by=caller.name, comment=body.comment if body else None)
        return await get_alert(alert_id)

    @group.post("/alerts/{alert_id}/resolve", scope=WRITE, answers=AlertWithHistory)
    async def resolve(alert_id: Id, caller: Caller, body: ResolveBody | None = None) -> AlertWithHistory:
        """Settle an alert; whoever was told that it began is told. Doing it twice is doing it once."""
        await handlers.handle.resolve(alert_id, by=caller.name, reason=body.reason if body else None)
        return await get_alert(alert_id)

    @group.get("/alert-rules", scope=READ, answers=Page[RuleView])
    async def list_rules() -> Page[RuleView]:
        """The rules in force."""
        rules = sorted(handlers.rulebook.rules.values(), key=lambda rule: rule.id)
        return Page(data=[RuleView.of(rule) for rule in rules])

    return group


def _channels(handlers: Handlers) -> Routes:
    group = Routes(tag="channels")

    @group.post("/channels", scope=WRITE, answers=ChannelCreated, status=201)
    async def create_channel(body: NewChannel) -> ChannelCreated:
        """Make a channel. A webhook's signing secret is in this answer and in no other."""
        channel = await _checked(handlers.channels.create(body.name, _destination(body), body.filter))
        return ChannelCreated.of(channel)

    @group.get("/channels", scope=READ, answers=Page[ChannelView])
    async def list_channels(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ChannelView]:
        """Channels, the newest first."""
        rows = await handlers.reading.channels(limit=limit + 1, after=_after("channels", cursor))
        data = [ChannelView.of(channel) for channel in rows[:limit]]
        return Page(
            data=data, next_cursor=_next("channels", rows, limit, data[-1].created_at, data[-1].id) if data else None
        )

    @group.get("/channels/{channel_id}", scope=READ, answers=ChannelView)
    async def get_channel(channel_id: Id) -> ChannelView:
        """One channel."""
        return ChannelView.of(await handlers.reading.channel(channel_id))

    @group.patch("/channels/{channel_id}", scope=WRITE, answers=ChannelView)
    async def change_channel(channel_id: Id, body: ChannelPatch) -> ChannelView:
        """Change a channel. `enabled: true` also forgives past failures; `enabled: false` takes back what waits."""
        return ChannelView.of(await _checked(handlers.channels.change(channel_id, body.change)))

    @group.delete("/channels/{channel_id}", scope=WRITE)
    async def delete_channel(channel_id: Id) -> Response:
        """Delete a channel and its secrets. Its deliveries stay on record."""
        await handlers.channels.delete(channel_id)
        return Response(status_code=204)

    @group.post("/channels/{channel_id}/test", scope=WRITE, answers=DeliveryView, status=202)
    async def test_channel(channel_id: Id) -> DeliveryView:
        """Send a test message, in one attempt. `GET /v1/deliveries?channel_id=…` shows what came of it."""
        return DeliveryView.about(await handlers.channels.test(channel_id), TEST)

    return group


def _deliveries(handlers: Handlers) -> Routes:
    group = Routes(tag="deliveries")

    @group.get("/deliveries", scope=READ, answers=Page[DeliveryView])
    async def list_deliveries(
        alert_id: Text = None,
        channel_id: Text = None,
        state: DeliveryState | None = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[DeliveryView]:
        """Deliveries, the newest first."""
        query = DeliveryQuery(alert_id, channel_id, state)
        rows = await handlers.reading.deliveries(query, limit=limit + 1, after=_after("deliveries", cursor))
        data = [DeliveryView.of(record) for record in rows[:limit]]
        return Page(
            data=data, next_cursor=_next("deliveries", rows, limit, data[-1].created_at, data[-1].id) if data else None
        )

    return group


def _destination(body: NewWebhook | NewSlack | NewEmail) -> Destination:
    match body:
        case NewWebhook():
            return Webhook(body.url, new_secret())
        case NewSlack():
            return Slack(body.url)
        case NewEmail():
            return Email(body.to, body.fallback)


async def _checked(command: Awaitable[T]) -> T:
    """A refused destination names the member of the body that says it."""
    try:
        return await command
    except DestinationRefused as refused:
        errors = [{"pointer": f"/{refused.field}", "detail": str(refused)}]
        raise ProblemError(DESTINATION_REFUSED, str(refused), errors=errors) from refused


def _after(kind: str, cursor: str | None) -> After | None:
    return decode_cursor(kind, cursor, tuple[Annotated[datetime, Meta(tz=True)], str]) if cursor is not None else None


def _next(kind: str, rows: Sequence[object], limit: int, at: datetime, row_id: str) -> str | None:
    return encode_cursor(kind, (at, row_id)) if len(rows) > limit else None
