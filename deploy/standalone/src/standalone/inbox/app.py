"""The inbox's HTTP side: chat messages and webhooks come in, a page and JSON show what arrived."""

import json
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from standalone.inbox import slack
from standalone.inbox.mail import header, text_of
from standalone.inbox.messages import Box, Channel, Message
from standalone.inbox.page import Page
from standalone.inbox.webhooks import is_signed_right

MAX_BODY_BYTES = 65_536


class Inbox:
    """Takes messages in from each channel. `secrets` answers the webhook secrets that are known now."""

    def __init__(self, box: Box, clock: Clock, secrets: Callable[[], Sequence[str]]) -> None:
        self.box = box
        self._clock = clock
        self._secrets = secrets

    def receive_chat(self, payload: Any, to: str) -> None:
        """Keep a chat message. Raises `slack.Refused` for one that Slack would refuse."""
        text, blocks = slack.check(payload)
        self._add("chat", slack.title_of(text, blocks), f"#{to}", text=text, blocks=blocks)

    def receive_webhook(self, body: bytes, payload: Any, headers: dict[str, str], to: str) -> None:
        """Keep a webhook, and whether its signature is right."""
        secrets = self._secrets()
        delivery_id = headers.get("webhook-id")
        self._add(
            "webhook",
            _title_of(payload),
            to,
            payload=payload,
            verified=is_signed_right(body, headers, secrets) if secrets else None,
            delivery_id=delivery_id,
        )

    def receive_mail(self, mail: EmailMessage, to: list[str]) -> None:
        """Keep a mail."""
        self._add(
            "email",
            header(mail, "Subject") or "(no subject)",
            ", ".join(to),
            text=text_of(mail),
            sender=header(mail, "From"),
            delivery_id=header(mail, "Message-ID"),
        )

    def _add(self, channel: Channel, title: str, to: str, **rest: Any) -> None:
        now = self._clock.now()
        delivery_id = rest.get("delivery_id")
        repeated = delivery_id is not None and self.box.has_delivery(delivery_id)
        self.box.add(Message(new_id(now), channel, now, title[:300], to[:300], repeated=repeated, **rest))


def create_app(inbox: Inbox) -> FastAPI:
    """The inbox as an ASGI application."""
    app = FastAPI(title="Mainstay inbox", openapi_url=None)
    app.include_router(_receiving(inbox))
    app.include_router(_showing(inbox.box))
    return app


def _receiving(inbox: Inbox) -> APIRouter:
    routes = APIRouter()

    @routes.post("/chat/{to}")
    async def chat(to: str, request: Request) -> Response:
        """A Slack incoming webhook: 200 and `ok`, or 400 and Slack's word for what is wrong."""
        body = await _body(request)
        if body is None:
            return PlainTextResponse("payload_too_large", 413)
        try:
            inbox.receive_chat(json.loads(body), to)
        except slack.Refused as refused:
            return PlainTextResponse(str(refused), 400)
        except (ValueError, RecursionError):
            return PlainTextResponse("invalid_payload", 400)
        return PlainTextResponse("ok")

    @routes.post("/webhooks/{to}")
    async def webhook(to: str, request: Request) -> Response:
        """A webhook: 204, whether its signature is right or not; the page shows which."""
        body = await _body(request)
        if body is None:
            return PlainTextResponse("the body is larger than 64 KiB", 413)
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            return PlainTextResponse("the body is not JSON", 400)
        inbox.receive_webhook(body, payload, dict(request.headers), to)
        return Response(status_code=204)

    return routes


def _showing(box: Box) -> APIRouter:
    routes = APIRouter()
    page = Page(box)

    @routes.get("/messages.json")
    async def messages(channel: Channel | None = None, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Response:
        """The newest messages, newest first."""
        data = box.newest(channel, limit)
        answer = {"data": data, "next_cursor": None, "counts": box.counts()}
        return Response(msgspec.json.encode(answer), media_type="application/json")

    @routes.delete("/messages", status_code=204)
    async def clear() -> None:
        """Forget every message."""
        box.clear()

    @routes.get("/", response_class=HTMLResponse)
    async def show(channel: Channel | None = None) -> HTMLResponse:
        """The page; it looks for new messages by itself."""
        html, policy = page.render(channel)
        return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})

    @routes.get("/list", response_class=HTMLResponse)
    async def changed_list(since: str, channel: Channel | None = None) -> Response:
        """The page's list of messages, or 204 when nothing changed since the state that the page shows."""
        if since == page.state:
            return Response(status_code=204)
        return HTMLResponse(page.list(channel), headers={"X-State": page.state, "Cache-Control": "no-store"})

    @routes.get("/healthz")
    async def alive() -> dict[str, str]:
        """The loop is alive."""
        return {"status": "ok"}

    return routes


def _title_of(payload: Any) -> str:
    """What a webhook is about: the title in its data, else its type."""
    if isinstance(payload, dict):
        data = payload.get("data")
        stated = (data.get("title") if isinstance(data, dict) else None, payload.get("type"))
        for text in stated:
            if isinstance(text, str) and text:
                return text
    return "A webhook without a type"


async def _body(request: Request) -> bytes | None:
    """The request's body, or None as soon as it is larger than an inbox takes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
