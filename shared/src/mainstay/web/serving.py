"""Running a service: HTTP servers and background work in one process, until a signal, with a clean end."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast
from weakref import ref

import structlog
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mainstay.observability.tracing import child_of, entered
from mainstay.web.problems import (
    HEAD_TOO_LARGE,
    HEAD_TOO_SLOW,
    MEDIA_TYPE,
    NOT_HTTP,
    Problem,
    problem_bytes,
)

STOPS_WITHIN = timedelta(seconds=8)
"""Requests and background work that are not done by then are cancelled; two seconds remain to close resources."""
HEADERS_WITHIN = timedelta(seconds=10)
MAX_HEAD_BYTES = 64 << 10
KEEP_ALIVE = timedelta(seconds=15)
GATHERED_BYTES = 64 << 10
WHOLE = "mainstay.whole"
"""The name of an extension of the ASGI scope, a `Whole`: bodies and answers in one step."""

_log = structlog.get_logger(__name__)

Background = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set. Ending earlier, with or without an error, ends the process with status 1."""


@dataclass(frozen=True)
class Listener:
    """An ASGI application and where it listens. Port 0 takes a free one."""

    app: Any
    host: str
    port: int


class PortTaken(OSError):
    """Another program listens on the port."""


class _GatheredWrites:
    """A transport that writes at once what is said within one turn of the event loop.

    uvicorn writes the head of an answer and its body apart, and each is a system call of 9 µs; a whole request to
    ingest takes 84.
    """

    __slots__ = ("_gathered", "_loop", "_size", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._gathered: list[bytes] = []
        self._size = 0
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write soon; at once where a lot has gathered, so that the transport can tell its writer to pause."""
        if not self._gathered:
            self._loop.call_soon(self._flush)
        self._gathered.append(data)
        self._size += len(data)
        if self._size >= GATHERED_BYTES:
            self._flush()

    def write_now(self, data: bytes) -> None:
        """Write at once, after what has gathered."""
        self._flush()
        self._transport.write(data)

    def close(self) -> None:
        """Write what has gathered and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._gathered:
            data = b"".join(self._gathered)
            self._gathered.clear()
            self._size = 0
            if not self.is_closing():  # its peer may have gone in the meantime
                self._transport.write(data)


class Whole:
    """One request's body in one step, and its answer in another, where ASGI's messages and waits cost 15 µs.

    It refers to uvicorn's cycle weakly: that holds the scope, which holds this, and such a ring would keep the body of
    each request until the garbage collector's next turn.
    """

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = ref(cycle)

    def body(self) -> bytes | None:
        """The body where all of it has arrived, as it mostly has with the head; else None, and it is to be received."""
        cycle: Any = self._cycle()
        if cycle is None or cycle.more_body or cycle.waiting_for_100_continue or cycle.disconnected:
            return None
        found, cycle.body = bytes(cycle.body), bytearray()
        cycle.message_event.clear()
        cycle.flow.resume_reading()
        return found

    def answer(self, headers: bytes, body: bytes) -> bool:
        """Send a whole 200; False, and nothing sent, where that takes more than a write. `headers` are whole lines."""
        cycle: Any = self._cycle()
        if cycle is None:  # its connection is over, and nobody listens
            return True
        if cycle.flow.write_paused or cycle.response_started or not cycle.keep_alive or cycle.scope["method"] == "HEAD":
            return False
        if not cycle.disconnected:
            cycle.response_started = cycle.response_complete = True
            cycle.message_event.set()
            ours = b"".join([b"%b: %b\r\n" % header for header in cycle.default_headers])
            cycle.transport.write_now(
                b"HTTP/1.1 200 OK\r\n%b%bcontent-length: %d\r\n\r\n%b" % (ours, headers, len(body), body)
            )
            cycle.on_response()
        return True


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol with limits on the head of a request, which uvicorn lacks, and with problems for answers."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    """What has arrived of a head that is not whole yet."""
    _in_body = False
    _idle_since: float | None = None
    """When the last answer was complete; None while a request is under way."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(cast("asyncio.Transport", _GatheredWrites(transport, self.loop)))
        self._await_head()

    def data_received(self, data: bytes) -> None:
        # The parser never sees more of a head than it may have: what it gathers of one header costs the square.
        while len(data) > (room := MAX_HEAD_BYTES - self._head_bytes) and not self._in_body:
            self._feed(data[:room])
            data = data[room:]
            if self._head_bytes >= MAX_HEAD_BYTES:
                self._refuse(HEAD_TOO_LARGE, f"the head of the request has more than {MAX_HEAD_BYTES} bytes")
            if self.transport.is_closing():
                return
        self._feed(data)

    def on_headers_complete(self) -> None:
        self._forget_head()
        scope: Any = self.scope
        super().on_headers_complete()
        scope["extensions"] = {WHOLE: Whole(self.cycle)}
        self._in_body = True

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_body = False
        self._head_bytes = 0

    def on_response_complete(self) -> None:
        # As uvicorn's own, which makes a timer for each request and cancels it with the next (5 µs of 250).
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._await_next(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection where it has been idle for long enough, else look again when that may be."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return  # the end of the request that is under way begins anew
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._await_next(left)
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused: a method, a length, a chunk or a target that is none."""
        del msg  # uvicorn's words
        self._refuse(NOT_HTTP, "the request is not valid HTTP/1.1")

    def _feed(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_body:
            self._head_bytes = 0
        in_request: Any = self.cycle  # None before the first request; uvicorn's annotation does not say so
        if self._head_timer is None and (in_request is None or in_request.response_complete):
            self._await_head()  # the next request on a kept connection has begun, and its head is not whole yet

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _await_next(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEADERS_WITHIN.total_seconds(), self._head_is_late)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        if self._head_bytes:
            self._refuse(HEAD_TOO_SLOW, "the head of the request took too long to arrive")
        else:
            self.transport.close()  # nothing was asked

    def _refuse(self, problem: Problem, detail: str) -> None:
        """Answer in the application's stead, and close; say nothing where it would answer another request."""
        cycle: Any = self.cycle
        under_way = cycle is not None and not cycle.response_complete
        if not under_way or (self._in_body and not cycle.response_started and not self.pipeline):
            with entered(child_of(None)):
                body = problem_bytes(problem, detail)
                _log.info("request refused", code=problem.code)
            head = (
                f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n"
                f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode("ascii") + body)
        self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: one process may have several servers, and work besides them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening address, taken now. Raises `PortTaken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise PortTaken(f"port {port} on {host} cannot be used: {error.strerror}") from error
    return bound


async def serve(listener: Listener, stopping: asyncio.Event, *, bound: socket.socket | None = None) -> None:
    """Answer requests until told to stop; then finish those that are under way, for up to `STOPS_WITHIN`."""
    bound = bound or bind(listener.host, listener.port)
    server = _Server(
        uvicorn.Config(
            listener.app,
            http=_Protocol,
            ws="none",
            lifespan="auto",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(KEEP_ALIVE.total_seconds()),
            timeout_graceful_shutdown=int(STOPS_WITHIN.total_seconds()) - 2,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[bound]))
    stopper = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, stopper}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await running
    finally:
        stopper.cancel()
        bound.close()


async def run_service(
    *,
    listeners: Sequence[Listener] = (),
    background: Mapping[str, Background] | None = None,
    close: Sequence[Callable[[], Awaitable[object]]] = (),
    stopping: asyncio.Event | None = None,
    signals: bool = True,
) -> int:
    """Run servers and background work until SIGTERM or SIGINT (or `stopping`); answers the exit status.

    Work that ends by itself is logged and ends the process with 1: the supervisor starts it anew, nothing here does so
    in silence. `close` is called at the end, in order, whatever happened.
    """
    stopping = stopping or asyncio.Event()
    if signals:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    status = 0
    try:
        bound = [(listener, bind(listener.host, listener.port)) for listener in listeners]
        work: dict[str, Awaitable[None]] = {
            f"http on port {place.getsockname()[1]}": serve(listener, stopping, bound=place)
            for listener, place in bound
        }
        work |= {name: run(stopping) for name, run in (background or {}).items()}
        status = await _run_all(work, stopping)
    except PortTaken as error:
        _log.critical(str(error))
        status = 1
    finally:
        for release in close:
            try:
                async with asyncio.timeout(2):
                    await release()
            except Exception:  # noqa: BLE001 - the others are to be closed too
                _log.exception("closing failed")
    return status


async def _run_all(work: Mapping[str, Awaitable[None]], stopping: asyncio.Event) -> int:
    tasks = {asyncio.ensure_future(running): name for name, running in work.items()}
    stopper = asyncio.create_task(stopping.wait())
    _log.info("started", parts=sorted(tasks.values()))
    await asyncio.wait({*tasks, stopper}, return_when=asyncio.FIRST_COMPLETED)
    ended_early = [] if stopping.is_set() else [task for task in tasks if task.done()]
    stopping.set()
    stopper.cancel()
    _, late = await asyncio.wait(tasks, timeout=STOPS_WITHIN.total_seconds())
    for task in late:
        _log.warning("cancelled, because it did not stop in time", part=tasks[task])
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    status = 0
    for (task, name), end in zip(tasks.items(), ends, strict=True):
        if isinstance(end, Exception):
            _log.critical("a part of the service failed", part=name, exc_info=end)
            status = 1
        elif task in ended_early:
            _log.critical("a part of the service ended by itself", part=name)
            status = 1
    _log.info("stopped", status=status)
    return status


def run_process(main: Coroutine[Any, Any, int]) -> None:
    """Run a service's main coroutine on uvloop, and leave with its status."""
    status = uvloop.run(main)
    logging.shutdown()
    sys.exit(status)
