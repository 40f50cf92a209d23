"""A receiver on a real port: it answers what the test says, and remembers what came."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from mainstay.web.serving import Listener, bind, serve

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Received:
    """One request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def accepts(_: Received) -> Reply:
    return 200, {}, b'{"success":true}'


@dataclass
class Receiver:
    """An HTTP server of this machine. `reply` decides what it answers."""

    url: str
    reply: Callable[[Received], Reply] = accepts
    received: list[Received] = field(default_factory=list)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            part = await receive()
            body += part.get("body", b"")
            more = part.get("more_body", False)
        request = Received(
            scope["method"],
            scope["path"],
            scope["query_string"].decode(),
            {name.decode(): value.decode() for name, value in scope["headers"]},
            body,
        )
        self.received.append(request)
        status, headers, content = self.reply(request)
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": content})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    bound = bind("127.0.0.1", 0)
    bound.listen()  # requests may come before the server has begun to take them
    port = bound.getsockname()[1]
    receiver = Receiver(f"http://127.0.0.1:{port}")
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(Listener(receiver, "127.0.0.1", port), stopping, bound=bound))
    yield receiver
    stopping.set()
    await serving
