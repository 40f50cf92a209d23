"""Route: the stream of changes, as server-sent events (WHATWG HTML, section 9.2) with CloudEvents in them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any, Final

import msgspec
import structlog
from fastapi import Header, Query, Request, Response
from starlette.types import Receive, Scope, Send

from health_score.api.asking import READ
from health_score.application.changes import RESET, Changes, Following, StoredChange
from mainstay.web.keys import KeyRefused, KeyRing
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Routes

routes = Routes(tag="changes")

HEARTBEAT: Final = timedelta(seconds=2.5)
"""A silent stream says this often that it is alive, and how far it is; a revoked key ends it then at the latest."""

CUT_AFTER: Final = timedelta(seconds=20)
"""A client that takes nothing for so long is let go; it comes back with its Last-Event-ID."""

MOST_STREAMS: Final = 500
"""Streams of one process, at most."""

RETRY_MILLISECONDS: Final = 2_000

BAD_PLACE: Final = Problem(400, "bad-last-event-id", "The Last-Event-ID is not one of this stream")
TOO_MANY: Final = Problem(503, "too-many-streams", "Too many streams are open", retry_after=10)

_EVENTS: Final = "text/event-stream"
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger(__name__)

_Place = Annotated[
    str | None, Query(max_length=20, description="The same as the header, for clients that cannot set it")
]


@routes.get(
    "/changes",
    scope=READ,
    summary="Changes as they happen",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events, until either side ends them",
            "content": {_EVENTS: {}},
        },
    },
)
async def changes(
    request: Request,
    owner: Annotated[str | None, Query(max_length=200, description="Only accounts of this owner")] = None,
    account_id: Annotated[str | None, Query(max_length=200, description="Only this account")] = None,
    seen: Annotated[
        str | None, Header(alias="Last-Event-ID", max_length=20, description="Go on after this one")
    ] = None,
    last_event_id: _Place = None,
) -> Response:
    """What is published about accounts, in the order of its commits, from now on or after a Last-Event-ID.

    `event` is the event's type, `data` a CloudEvent as JSON. The event `reset` means that changes were missed (older
    than seven days, or an account was erased): read the lists again, the stream goes on after it.
    """
    source: Changes = request.app.state.handlers.changes
    if source.streams >= MOST_STREAMS or source.ended:
        raise ProblemError(TOO_MANY, f"{source.streams} streams are open here")
    place, lost = await source.begin(_place(seen or last_event_id))
    return _Stream(request, source, place, Following(owner, account_id), lost=lost)


def _place(stated: str | None) -> int | None:
    if stated is None or stated == "":
        return None
    if not (stated.isascii() and stated.isdigit()) or int(stated) >= 1 << 63:
        raise ProblemError(BAD_PLACE, "Last-Event-ID is the id of an event of this stream, a number")
    return int(stated)


class _Stream(Response):
    """An answer that goes on until the client leaves, takes nothing, or may read no longer, or the process ends."""

    def __init__(self, request: Request, source: Changes, place: int, following: Following, *, lost: bool) -> None:
        super().__init__(
            media_type=_EVENTS,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        del self.headers["content-length"]
        self._request = request
        self._source = source
        self._place = place
        self._following = following
        self._lost = lost

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what happens."""
        del scope
        self._source.streams += 1
        leaving = asyncio.create_task(_left(receive))
        sending = asyncio.create_task(self._send(send))
        try:
            await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._source.streams -= 1
            for task in (leaving, sending):
                task.cancel()
            ends = await asyncio.gather(leaving, sending, return_exceptions=True)
        if isinstance(ends[1], Exception):
            raise ends[1]

    async def _send(self, send: Send) -> None:
        head: Any = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(head)
        try:
            async for told in self._told():
                async with asyncio.timeout(CUT_AFTER.total_seconds()):
                    await send({"type": "http.response.body", "body": told, "more_body": True})
        except TimeoutError:
            _log.info("a stream of changes was cut: its client takes nothing", place=self._place)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _told(self) -> AsyncIterator[bytes]:
        yield b"retry: %d\nid: %d\n\n" % (RETRY_MILLISECONDS, self._place)
        if self._lost:
            yield _event(self._place, RESET, b'{"reason":"too-old"}')
        async for step in self._source.follow(self._place, self._following, HEARTBEAT):
            if not self._may_read():
                return
            self._place = step.place
            if step.lost:
                yield _event(step.place, RESET, b'{"reason":"too-old"}')
            elif step.changes:
                yield b"".join(_change(change) for change in step.changes)
            else:
                yield b": still here\nid: %d\n\n" % step.place

    def _may_read(self) -> bool:
        """Whether the key is still good: it may have been revoked since."""
        keys: KeyRing = self._request.app.state.keys
        _, _, presented = self._request.headers.get("authorization", "").partition(" ")
        try:
            keys.authorize(presented.strip(), READ)
        except KeyRefused as refused:
            _log.info("a stream of changes ended: its key does not open any more", reason=str(refused))
            return False
        return True


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        """A GET may have a body; nobody wants it."""


def _change(change: StoredChange) -> bytes:
    data = change.data.encode()
    if change.type == RESET:
        return _event(change.place, RESET, data)
    event = {
        "specversion": "1.0",
        "id": change.event_id,
        "source": change.source,
        "type": change.type,
        "subject": change.account_id,
        "time": change.occurred_at,
        "datacontenttype": "application/json",
        "data": msgspec.Raw(data),
    }
    return _event(change.place, change.type, _encode(event))


def _event(place: int, kind: str, data: bytes) -> bytes:
    # JSON from msgspec has no line breaks, and a type of ours has none.
    return b"event: %s\nid: %d\ndata: %s\n\n" % (kind.encode(), place, data)
