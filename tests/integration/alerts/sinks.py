"""Destinations for notifications: a real HTTP server and a real mail server on loopback, which can behave badly."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, TypeVar

from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks.webhooks import Webhook

from mainstay.web.serving import Listener, bind, serve

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
HANG = "hang"
DRIP = "drip"
FLOOD = "flood"


@dataclass(frozen=True)
class Arrival:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    query: str = ""

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class HttpSink:
    """Answers from `answers` one after the other, else 204. A number is a status; a pair adds headers."""

    url: str = ""
    secret: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    answers: deque[Any] = field(default_factory=deque)
    usual: Any = 204
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> list[str]:
        return [arrival.id for arrival in self.arrivals]

    def verified(self) -> list[Any]:
        """The JSON of every arrival, by the format's own library; raises where a signature is wrong."""
        return [Webhook(self.secret).verify(arrival.body, arrival.headers) for arrival in self.arrivals]

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError  # uvicorn takes this for: no lifespan here
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.arrivals.append(Arrival(scope["path"], headers, body, scope["query_string"].decode()))
        answer = self.answers.popleft() if self.answers else self.judge(self.arrivals[-1])
        await self._answer(answer, receive, send)

    def judge(self, arrival: Arrival) -> Any:  # noqa: ARG002 - a vendor's server looks at it
        """What is answered where nothing else was asked for."""
        return self.usual

    async def _answer(self, answer: Any, receive: Receive, send: Send) -> None:
        if answer == HANG:
            with suppress(asyncio.CancelledError):
                await self.leave.wait()
            return
        if answer in (DRIP, FLOOD):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            gone = asyncio.ensure_future(receive())  # the next thing to receive is the client's going
            while not (gone.done() or self.leave.is_set()):
                chunk = b"x" if answer == DRIP else b"x" * 65_536
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await asyncio.wait({gone}, timeout=0.1 if answer == DRIP else 0.001)
            gone.cancel()
            return
        status, headers, body = answer if isinstance(answer, tuple) else (answer, {}, b"")
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})


S = TypeVar("S", bound=HttpSink)


@asynccontextmanager
async def http_sink() -> AsyncIterator[HttpSink]:
    async with listening(HttpSink()) as sink:
        yield sink


@asynccontextmanager
async def listening(sink: S) -> AsyncIterator[S]:
    stopping = asyncio.Event()
    bound = bind("127.0.0.1", 0)
    sink.url = f"http://127.0.0.1:{bound.getsockname()[1]}/hook"
    running = asyncio.create_task(serve(Listener(sink, "127.0.0.1", 0), stopping, bound=bound))
    try:
        yield sink
    finally:
        sink.leave.set()
        stopping.set()
        await running


@dataclass
class MailSink:
    """Keeps mails; answers from `answers` one after the other at the end of DATA, else 250."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    answers: deque[str] = field(default_factory=deque)

    refusing: set[str] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002 - aiosmtpd's arguments
        session: Session,  # noqa: ARG002 - likewise
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002 - likewise
    ) -> str:
        if address in self.refusing:
            return "550 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's name and arguments
        if self.answers:
            return self.answers.popleft()
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"


@asynccontextmanager
async def mail_sink(tls: ssl.SSLContext | None = None) -> AsyncIterator[MailSink]:
    """A mail server; with `tls` it takes nothing before STARTTLS."""
    sink = MailSink()

    def speak() -> SMTP:
        return SMTP(sink, tls_context=tls, require_starttls=tls is not None, hostname="localhost")

    server = await asyncio.get_running_loop().create_server(speak, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()
