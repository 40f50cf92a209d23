"""Bodies and answers in one step: the same bytes as ASGI's messages bring, or those messages in their place."""

import asyncio
from typing import Any

import pytest

from mainstay.web.serving import WHOLE
from tests.integration.kits.test_serving import served

POST = b"POST /%b HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n%b\r\n{}"


class Told:
    """Answers by the extension where the path says so, and notes whether it could."""

    def __init__(self) -> None:
        self.whole: list[bool] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await receive()
        if scope["path"] == "/whole":
            self.whole.append(scope["extensions"][WHOLE].answer(b"content-type: text/plain\r\n", b"well"))
            if self.whole[-1]:
                return
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"well"})


async def said(port: int, request: bytes, answers: int = 1) -> list[bytes]:
    """The heads of the answers without their dates, which may differ by a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    heads = []
    for _ in range(answers):
        async with asyncio.timeout(5):
            head = b"HTTP/1.1 100"
            while head.startswith(b"HTTP/1.1 100"):
                head = await reader.readuntil(b"\r\n\r\n")
            if not request.startswith(b"HEAD"):
                assert await reader.readexactly(4) == b"well"
        heads.append(b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"date: ")))
    writer.close()
    return heads


@pytest.mark.parametrize(
    ("request_", "in_one"),
    [
        (POST % (b"%b", b""), True),
        (POST % (b"%b", b"Expect: 100-continue\r\n"), True),
        (POST % (b"%b", b"Connection: close\r\n"), False),
        (POST.replace(b"1.1", b"1.0") % (b"%b", b""), False),
        (b"HEAD /%b HTTP/1.1\r\nHost: t\r\n\r\n", False),
    ],
)
async def test_both_ways_say_the_same(request_: bytes, *, in_one: bool) -> None:
    told = Told()
    async with served(told) as port:
        plain, whole = [await said(port, request_.replace(b"%b", path)) for path in (b"plain", b"whole")]

    assert sorted(whole[0].split(b"\r\n")) == sorted(plain[0].split(b"\r\n"))
    assert told.whole == [in_one]


async def test_requests_behind_each_other_are_answered_in_order() -> None:
    told = Told()
    async with served(told) as port:
        heads = await said(port, b"".join(POST % (path, b"") for path in (b"whole", b"plain", b"whole")), answers=3)

    assert len(heads) == 3
    assert told.whole == [True, True]


async def test_a_client_that_left_is_told_nothing_and_stops_nobody() -> None:
    told, left = Told(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/whole":
            await left.wait()
        await told(scope, receive, send)

    async with served(slow) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST % (b"whole", b""))
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(0.1)
        left.set()
        assert await said(port, POST % (b"whole", b""))


class Echo:
    """Answers with the body, taken in one step where it is there, and notes whether it was."""

    def __init__(self) -> None:
        self.whole: list[bool] = []
        self.begun = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        found = scope["extensions"][WHOLE].body()
        if scope["path"] == "/":
            self.whole.append(found is not None)
            self.begun.set()
        body, more = found or b"", found is None
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    ("pieces", "in_one"),
    [
        ([b"Content-Length: 4\r\n\r\nwell"], True),
        ([b"Content-Length: 4\r\n\r\nwe", b"ll"], False),
        ([b"Content-Length: 4\r\n\r\n", b"well"], False),
        ([b"Transfer-Encoding: chunked\r\n\r\n2\r\nwe\r\n2\r\nll\r\n0\r\n\r\n"], True),
        ([b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\nwell"], False),
    ],
)
async def test_a_body_is_the_same_in_one_step_or_received(pieces: list[bytes], *, in_one: bool) -> None:
    echo = Echo()
    async with served(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):  # also as the second request on a connection
            writer.write(b"POST / HTTP/1.1\r\nHost: t\r\n" + pieces[0])
            async with asyncio.timeout(5):
                await echo.begun.wait()
                echo.begun.clear()
                for piece in pieces[1:]:
                    writer.write(piece)
                head = b"HTTP/1.1 100"
                while head.startswith(b"HTTP/1.1 100"):
                    head = await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(4) == b"well"
        writer.close()

    assert echo.whole == [in_one] * 2
