"""Fault 13: 1,000 clients that never finish what they begin are closed within 15 s, and the others are served."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.e2e.ingest_process import ingest_process, track

SLOW = 1_000
CLOSED_WITHIN = 15.0
"""Seconds."""
DRIP_EVERY = 1.0
CALLERS = 8
CALL_EVERY = 0.05
SPARE = 200
"""Open files besides the slow connections."""

HEAD = b"POST /v1/batch HTTP/1.1\r\nHost: ingest\r\nContent-Type: application/json\r\nAuthorization: Bearer %b\r\n"


def half_a_head(_key: bytes) -> bytes:
    return b"POST /v1/batch HTTP/1.1\r\nHost: in"


def nothing(_key: bytes) -> bytes:
    return b""


def half_a_body(key: bytes) -> bytes:
    return HEAD % key + b'Content-Length: 100000\r\n\r\n{"batch": ['


def endless_chunks(key: bytes) -> bytes:
    return HEAD % key + b"Transfer-Encoding: chunked\r\n\r\n5\r\n     \r\n"


def half_a_body_without_a_key(_key: bytes) -> bytes:
    return b"POST /v1/batch HTTP/1.1\r\nHost: ingest\r\nContent-Length: 100000\r\n\r\n{"


DRIPS: dict[Callable[[bytes], bytes], bytes] = {
    half_a_head: b"g",
    nothing: b"",
    half_a_body: b" ",
    endless_chunks: b"1\r\n \r\n",
    half_a_body_without_a_key: b" ",
}
"""How a client begins -> what it sends each second from then on."""


@dataclass
class Served:
    """The legitimate requests made meanwhile; delays in seconds."""

    delays: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return len(self.delays) / (len(self.delays) + len(self.failed))


async def slow_client(port: int, start: bytes, drip: bytes) -> float:
    """Begin a request and drip it in; answers the seconds after which the server closed the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(start)
    closed = asyncio.create_task(until_closed(reader))
    try:
        while not closed.done():
            if drip and not writer.is_closing():
                writer.write(drip)
            await asyncio.wait([closed], timeout=DRIP_EVERY)
            if time.monotonic() - began > 2 * CLOSED_WITHIN:
                break
        return time.monotonic() - began
    finally:
        closed.cancel()
        writer.transport.abort()


async def until_closed(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        while await reader.read(65_536):
            pass


@asynccontextmanager
async def legitimate(http: httpx.AsyncClient, served: Served) -> AsyncIterator[None]:
    """Callers that send one event after the other for as long as the block lasts."""
    ends = asyncio.Event()
    numbers = count()

    async def calls() -> None:
        while not ends.is_set():
            began = time.monotonic()
            try:
                answer = await http.post("/v1/track", json=track(messageId=f"legitimate-{next(numbers)}"))
            except httpx.TransportError as error:
                served.failed.append(repr(error))
                continue
            if answer.status_code == httpx.codes.OK:
                served.delays.append(time.monotonic() - began)
            else:
                served.failed.append(answer.text)
            with suppress(TimeoutError):
                await asyncio.wait_for(ends.wait(), CALL_EVERY)

    callers = [asyncio.create_task(calls()) for _ in range(CALLERS)]
    try:
        yield
    finally:
        ends.set()
        await asyncio.gather(*callers)


@pytest.fixture
def enough_files() -> None:
    """Open files for both ends; the process that is started inherits the limit."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SLOW + SPARE
    if most != resource.RLIM_INFINITY and most < wanted:
        pytest.skip(f"a process may open {most} files here; {wanted} are needed (ulimit -n)")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("enough_files")
async def test_slow_clients_are_closed_and_the_others_served(migrated_url: str, tmp_path: Path) -> None:
    with ingest_process(migrated_url, tmp_path) as ingest:
        served = Served()
        beginnings = list(DRIPS.items())
        headers = {"Authorization": f"Bearer {ingest.key}"}
        base = f"http://127.0.0.1:{ingest.port}"
        async with (
            httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=10) as http,
            legitimate(http, served),
        ):
            closed = await asyncio.gather(
                *(
                    slow_client(ingest.port, start(ingest.key.encode()), drip)
                    for start, drip in (beginnings[number % len(beginnings)] for number in range(SLOW))
                )
            )

        delays = sorted(served.delays)
        print(
            f"{SLOW} slow clients closed after at most {max(closed):.1f} s; {served.share:.2%} of"
            f" {len(delays)} legitimate requests served, p99 {delays[len(delays) * 99 // 100] * 1000:.0f} ms"
        )
        late = [
            beginnings[number % len(beginnings)][0].__name__
            for number, seconds in enumerate(closed)
            if seconds > CLOSED_WITHIN
        ]
        assert not late, f"{len(late)} not closed in time: {sorted(set(late))}"
        assert served.share >= 0.99, served.failed[:3]
        assert len(delays) > CALLERS * 10
        assert ingest.failures() == []
