"""The routes of channels."""

from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Response

from alerts.api.channel_schemas import (
    ChannelCreated,
    ChannelPatch,
    ChannelView,
    NewChannel,
    NewDingTalk,
    NewEmail,
    NewFeishu,
    NewSlack,
    NewTeams,
    NewWebhook,
    NewWeCom,
    RotateBody,
)
from alerts.api.delivery_schemas import DeliveryView
from alerts.api.handlers import READ, WRITE, Handlers, Id, after, following
from alerts.api.problems import DESTINATION_REFUSED, NO_WEBHOOK
from alerts.application.channels import new_secret
from alerts.domain.destinations import (
    Destination,
    DestinationRefused,
    DingTalk,
    Email,
    Feishu,
    Slack,
    Teams,
    Webhook,
    WeCom,
)
from alerts.domain.messages import TEST
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Routes

T = TypeVar("T")


def channels(handlers: Handlers) -> Routes:
    """Make, read, change, delete and try channels."""
    group = Routes(tag="channels")

    @group.post("/channels", scope=WRITE, answers=ChannelCreated, status=201)
    async def create_channel(body: NewChannel) -> ChannelCreated:
        """Make a channel. A webhook's signing secret is in this answer and in no other."""
        made = handlers.channels.create(
            body.name, _destination(body), body.filter, language=body.language, operator=body.operator
        )
        return ChannelCreated.of(await _checked(made))

    @group.get("/channels", scope=READ, answers=Page[ChannelView])
    async def list_channels(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ChannelView]:
        """Channels, the newest first."""
        rows = await handlers.reading.channels(limit=limit + 1, after=after("channels", cursor))
        data = [ChannelView.of(channel) for channel in rows[:limit]]
        return Page(
            data=data,
            next_cursor=following("channels", rows, limit, data[-1].created_at, data[-1].id) if data else None,
        )

    @group.get("/channels/{channel_id}", scope=READ, answers=ChannelView)
    async def get_channel(channel_id: Id) -> ChannelView:
        """One channel."""
        return ChannelView.of(await handlers.reading.channel(channel_id))

    @group.patch("/channels/{channel_id}", scope=WRITE, answers=ChannelView)
    async def change_channel(channel_id: Id, body: ChannelPatch) -> ChannelView:
        """Change a channel. `enabled: true` also forgives past failures; `enabled: false` takes back what waits."""
        return ChannelView.of(await _checked(handlers.channels.change(channel_id, body.change)))

    @group.post("/channels/{channel_id}/rotate-secret", scope=WRITE, answers=ChannelCreated)
    async def rotate_secret(channel_id: Id, body: RotateBody | None = None) -> ChannelCreated:
        """Give a webhook a new signing secret, shown in this answer only.

        Until `previous_secret_until` every message is signed with both; a second rotation ends the first.
        """
        keep_for = (body or RotateBody()).keep_for
        try:
            return ChannelCreated.of(await handlers.channels.rotate_secret(channel_id, keep_for=keep_for))
        except DestinationRefused as refused:
            raise ProblemError(NO_WEBHOOK, str(refused)) from refused

    @group.delete("/channels/{channel_id}", scope=WRITE)
    async def delete_channel(channel_id: Id) -> Response:
        """Delete a channel and its secrets. Its deliveries stay on record."""
        await handlers.channels.delete(channel_id)
        return Response(status_code=204)

    @group.post("/channels/{channel_id}/test", scope=WRITE, answers=DeliveryView, status=202)
    async def test_channel(channel_id: Id) -> DeliveryView:
        """Send a test message, in one attempt, before what waits. `GET /v1/deliveries/{id}` shows what came of it."""
        return DeliveryView.about(await handlers.channels.test(channel_id), TEST)

    return group


def _destination(
    body: NewWebhook | NewSlack | NewTeams | NewWeCom | NewDingTalk | NewFeishu | NewEmail,
) -> Destination:
    match body:
        case NewWebhook():
            return Webhook(body.url, new_secret())
        case NewSlack():
            return Slack(body.url)
        case NewTeams():
            return Teams(body.url)
        case NewWeCom():
            return WeCom(body.url)
        case NewDingTalk():
            return DingTalk(body.url, body.secret)
        case NewFeishu():
            return Feishu(body.url, body.secret)
        case NewEmail():
            return Email(body.to, body.fallback)


async def _checked(command: Awaitable[T]) -> T:
    """A refused destination names the member of the body that says it."""
    try:
        return await command
    except DestinationRefused as refused:
        errors = [{"pointer": f"/{refused.field}", "detail": str(refused)}]
        raise ProblemError(DESTINATION_REFUSED, str(refused), errors=errors) from refused
