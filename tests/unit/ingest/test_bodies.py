"""Bodies: how large, how late, how compressed, and how many at once."""

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from ingest.api.bodies import Bodies, BytesInFlight, SenderGone, Share
from ingest.domain.limits import Limits
from ingest.domain.refusal import Refused
from mainstay.kernel.patience import Patience

LIMIT = 1_000
BODIES = Bodies(Limits(body_bytes=LIMIT), within=timedelta(seconds=10))


def arriving(*chunks: bytes) -> Callable[[], Awaitable[MutableMapping[str, Any]]]:
    """An ASGI receive that hands out the chunks, then nothing more."""
    messages = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]

    async def receive() -> MutableMapping[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


async def receive(
    chunks: Sequence[bytes], *, share: Share | None = None, encoding: bytes = b"", declared: bytes = b""
) -> bytes:
    share = share or Share(BytesInFlight(1 << 20))
    return await BODIES.receive(arriving(*chunks), declared=declared, encoding=encoding, share=share)


async def test_a_body_comes_in_one_piece_or_many() -> None:
    for chunks in ([b"abc"], [b"a", b"b", b"c"], [b"", b"abc", b""], [b"a" * LIMIT]):
        assert await receive(chunks) == b"".join(chunks)


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip"])
async def test_a_gzip_body_is_inflated(encoding: bytes) -> None:
    assert await receive([gzip.compress(b"a" * LIMIT)], encoding=encoding) == b"a" * LIMIT


@pytest.mark.parametrize(
    ("chunks", "encoding", "declared", "code"),
    [
        ([b"a" * (LIMIT + 1)], b"", b"", "body-too-large"),
        ([b"a" * LIMIT, b"a"], b"", b"", "body-too-large"),
        ([b"a"], b"", b"1001", "body-too-large"),
        ([gzip.compress(b"a" * (LIMIT + 1))], b"gzip", b"", "body-too-large"),
        ([gzip.compress(bytes(10 << 20), 1)[:LIMIT]], b"gzip", b"", "body-too-large"),
        ([b"not gzip"], b"gzip", b"", "gzip-malformed"),
        ([b""], b"gzip", b"", "gzip-malformed"),
        ([gzip.compress(b"abc")[:-4]], b"gzip", b"", "gzip-malformed"),
        ([gzip.compress(b"abc") + b"more"], b"gzip", b"", "gzip-malformed"),
        ([gzip.compress(b"a") + gzip.compress(b"b")], b"gzip", b"", "gzip-malformed"),
        ([gzip.compress(b"abc")[:-8] + bytes(8)], b"gzip", b"", "gzip-malformed"),
        ([zlib.compress(b"abc")], b"deflate", b"", "encoding-not-supported"),
        ([b"abc"], b"br", b"", "encoding-not-supported"),
        ([gzip.compress(b"abc")], b"gzip, gzip", b"", "encoding-not-supported"),
    ],
)
async def test_a_body_that_breaks_a_rule_is_refused(
    chunks: Sequence[bytes], encoding: bytes, declared: bytes, code: str
) -> None:
    with pytest.raises(Refused) as refusal:
        await receive(chunks, encoding=encoding, declared=declared)

    assert refusal.value.code == code


async def test_a_sender_who_leaves_gets_no_answer() -> None:
    with pytest.raises(SenderGone):
        await receive([])


async def test_a_body_that_does_not_arrive_in_time_is_cut() -> None:
    async def never() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    bodies = Bodies(Limits(), within=timedelta(milliseconds=20))
    late = [
        asyncio.create_task(bodies.receive(never, declared=b"", encoding=b"", share=Share(BytesInFlight(1))))
        for _ in range(100)
    ]
    for refusal in await asyncio.gather(*late, return_exceptions=True):
        assert isinstance(refusal, Refused)
        assert refusal.code == "body-too-slow"
    on_time = bodies.receive(arriving(b"abc"), declared=b"", encoding=b"", share=Share(BytesInFlight(3)))
    assert await on_time == b"abc"


async def test_a_request_that_is_cancelled_from_outside_is_not_late() -> None:
    patience = Patience(10)
    waiting = asyncio.Event()

    async def wait() -> bool:
        task = asyncio.current_task()
        assert task is not None
        patience.begin(task, task.get_loop())
        waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return patience.end(task)
        raise AssertionError

    task = asyncio.create_task(wait())
    await waiting.wait()
    task.cancel()
    assert await task is False


async def test_memory_is_bounded_over_all_requests() -> None:
    in_flight = BytesInFlight(1_500)
    first, second = Share(in_flight), Share(in_flight)
    await receive([b"a" * 1_000], share=first)

    with pytest.raises(Refused) as refusal:
        await receive([b"a" * 400, b"a" * 200], share=second)
    assert refusal.value.code == "busy"

    second.give_back()
    first.give_back()
    first.give_back()
    assert in_flight.held == 0
    await receive([b"a" * 1_000], share=second)
    assert in_flight.held == 1_000


async def test_an_inflated_body_counts_as_what_it_became() -> None:
    in_flight = BytesInFlight(10_000)
    packed = gzip.compress(b"a" * LIMIT)
    await receive([packed], encoding=b"gzip", share=Share(in_flight))

    assert in_flight.held == len(packed) + LIMIT
