"""Running a service: several servers and background work, one clean end, and slow clients that stop nobody."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse

from mainstay.testing import eventually
from mainstay.web import serving
from mainstay.web.app import create_work_app
from mainstay.web.bodies import BodyLimit
from mainstay.web.serving import MAX_HEAD_BYTES, Listener, PortTaken, bind, run_service, serve


def app() -> Any:
    return create_work_app(title="t", version="1", readiness={}, info={}, registry=CollectorRegistry())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def served(application: Any) -> AsyncIterator[int]:
    bound = bind("127.0.0.1", 0)
    port: int = bound.getsockname()[1]
    stopping = asyncio.Event()
    running = asyncio.create_task(serve(Listener(application, "127.0.0.1", port), stopping, bound=bound))
    async with httpx.AsyncClient(trust_env=False) as client:
        await eventually(lambda: answers(client, port))
    try:
        yield port
    finally:
        stopping.set()
        await asyncio.wait_for(running, 10)


async def answers(client: httpx.AsyncClient, port: int) -> bool:
    with suppress(httpx.HTTPError):
        return (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code < 500
    return False


async def until_stopped(stopping: asyncio.Event) -> None:
    await stopping.wait()


async def counting(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        with suppress(ClientDisconnect):
            body = await Request(scope, receive).body()
            await PlainTextResponse(str(len(body)))(scope, receive, send)


def assert_problem(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"content-type: application/problem+json" in head
    told = json.loads(body)
    assert (told["type"], told["code"], told["status"]) == (f"urn:mainstay:problem:{code}", code, status)
    assert told["title"]
    assert told["message"] == told["detail"] != ""
    assert len(told["trace_id"]) == 32


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_everything_cleanly(number: signal.Signals) -> None:
    ports = [free_port(), free_port()]
    steps: list[str] = []

    async def work(stopping: asyncio.Event) -> None:
        await stopping.wait()
        steps.append("finished")

    async def close() -> None:
        steps.append("closed")

    running = asyncio.create_task(
        run_service(
            listeners=[Listener(app(), "127.0.0.1", port) for port in ports],
            background={"work": work},
            close=[close],
        )
    )
    async with httpx.AsyncClient(trust_env=False) as client:
        for port in ports:
            await eventually(lambda port=port: answers(client, port))  # type: ignore[misc] # a default is no annotation
    os.kill(os.getpid(), number)

    assert await asyncio.wait_for(running, 10) == 0
    assert steps == ["finished", "closed"]


async def fails(_: asyncio.Event) -> None:
    raise RuntimeError("broken")


async def ends(_: asyncio.Event) -> None:
    return


@pytest.mark.parametrize("part", [fails, ends])
async def test_work_that_ends_by_itself_ends_the_process(part: serving.Background) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("yes")

    async def cannot_close() -> None:
        raise OSError

    status = await asyncio.wait_for(
        run_service(background={"other": until_stopped, "part": part}, close=[cannot_close, close], signals=False), 10
    )
    assert (status, closed) == (1, ["yes"])


async def test_work_that_does_not_stop_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "STOPS_WITHIN", timedelta(seconds=0.2))

    async def deaf(_: asyncio.Event) -> None:
        await asyncio.sleep(60)

    stopping = asyncio.Event()
    running = asyncio.create_task(run_service(background={"deaf": deaf}, stopping=stopping, signals=False))
    await asyncio.sleep(0)
    stopping.set()
    assert await asyncio.wait_for(running, 5) == 0


async def test_a_port_that_is_taken_is_said_and_ends_the_process() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            bind("127.0.0.1", port)
        status = await run_service(listeners=[Listener(app(), "127.0.0.1", port)], signals=False)
    assert status == 1


async def test_a_request_under_way_is_finished() -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/slow":
            inside.set()
            await go_on.wait()
        if scope["type"] == "http":
            await PlainTextResponse("done")(scope, receive, send)

    async with httpx.AsyncClient(trust_env=False) as client:
        async with served(slow) as port:
            asked = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/slow"))
            await inside.wait()
            asyncio.get_running_loop().call_later(0.3, go_on.set)
        assert (await asked).text == "done"


async def test_clients_that_never_finish_their_head_are_dropped_and_stop_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "HEADERS_WITHIN", timedelta(seconds=3))
    async with served(app()) as port, httpx.AsyncClient(trust_env=False) as client:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
        for number, (_, writer) in enumerate(slow):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "[: number % 40])
        for _ in range(20):
            assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200

        ends = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in slow)), 10)

        for number, end in enumerate(ends):
            if number % 40:
                assert_problem(end, 408, "head-too-slow")
            else:
                assert end == b""  # it asked for nothing
        for _, writer in slow:
            writer.close()


async def test_a_kept_connection_outlives_the_limit_on_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEADERS_WITHIN", timedelta(seconds=0.2))
    async with served(app()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.4)
        writer.write(b"GET /healthz HT")
        assert_problem(await asyncio.wait_for(reader.read(), 5), 408, "head-too-slow")
        writer.close()


@pytest.mark.parametrize("kept", [False, True], ids=["at once", "on a kept connection"])
@pytest.mark.parametrize("piece", [1_000, MAX_HEAD_BYTES + 1])
@pytest.mark.parametrize("begin", [b"GET /healthz HTTP/1.1\r\nX-Long: ", b"GET /"])
async def test_a_head_without_end_is_refused(begin: bytes, piece: int, *, kept: bool) -> None:
    async with served(app()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if kept:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b'{"status":"ok"}')
        writer.write(begin)
        missing = MAX_HEAD_BYTES + 1 - len(begin)  # no more: what is sent to a closed connection resets it
        for sent in range(0, missing, piece):
            writer.write(b"x" * min(piece, missing - sent))
            await writer.drain()
        assert_problem(await asyncio.wait_for(reader.read(), 5), 431, "head-too-large")
        writer.close()


@pytest.mark.parametrize("together", [True, False])
async def test_a_large_body_behind_a_small_head_is_no_large_head(*, together: bool) -> None:
    async with served(counting) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n"
        for _ in range(2):
            for part in (head, b"x" * 500_000) if not together else (head + b"x" * 500_000,):
                writer.write(part)
                await writer.drain()
            assert (await asyncio.wait_for(reader.readuntil(b"500000"), 5)).startswith(b"HTTP/1.1 200")
        small = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        many = MAX_HEAD_BYTES * 2 // len(small)
        writer.write(small * many)
        for _ in range(many):
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), 5)).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize(
    "request_",
    [
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
async def test_what_is_no_http_is_told_so_by_a_problem(request_: bytes) -> None:
    async with served(counting) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_)
        assert_problem(await asyncio.wait_for(reader.read(), 5), 400, "not-http")
        writer.close()


async def test_nothing_is_said_into_the_answer_to_another_request() -> None:
    inside = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/slow":
            inside.set()
            assert (await receive())["type"] == "http.request"
            assert (await receive())["type"] == "http.disconnect"
        elif scope["type"] == "http":
            await PlainTextResponse("done")(scope, receive, send)

    async with served(slow) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await inside.wait()
        writer.write(b"BREW / HTTP/1.1\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_body_that_takes_for_ever_is_refused() -> None:
    async with served(BodyLimit(counting, within=timedelta(seconds=0.5))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"body-too-slow" in answer
