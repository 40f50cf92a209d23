from typing import Any

import pytest

from standalone.demo import http
from standalone.demo.services import Refused, Services, Unreachable
from tests.unit.standalone.demo.conftest import Received, Receiver


class Waits:
    """Stands in for the passing of time: remembers how long somebody would have waited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def services(waits: Waits) -> Services:
    return Services(http.request, "mst_key", waits)


async def test_a_request_carries_the_key_and_its_body(services: Services, receiver: Receiver) -> None:
    receiver.reply = lambda _: (201, {}, b'{"id":"c1"}')

    answer = await services.post(f"{receiver.url}/v1/contracts?x=1", {"seats": 3}, "demo-1")

    (request,) = receiver.received
    assert answer == {"id": "c1"}
    assert (request.method, request.path, request.query, request.json) == ("POST", "/v1/contracts", "x=1", {"seats": 3})
    assert request.headers["authorization"] == "Bearer mst_key"
    assert request.headers["idempotency-key"] == "demo-1"


async def test_503_is_repeated_after_the_pause_that_was_asked_for(
    services: Services, receiver: Receiver, waits: Waits
) -> None:
    answers = iter([(503, {"retry-after": "7"}, b""), (429, {}, b""), (500, {}, b""), (200, {}, b"{}")])
    receiver.reply = lambda _: next(answers)

    await services.post_bytes(f"{receiver.url}/v1/batch", b"{}")

    assert waits.seconds == [7.0, 0.5, 0.5]
    assert [request.body for request in receiver.received] == [b"{}"] * 4


@pytest.mark.parametrize(
    ("asked", "waited"), [("0", 0.1), ("3600", 30.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.5), ("soon", 0.5)]
)
async def test_an_odd_retry_after_is_kept_within_reason(
    services: Services, receiver: Receiver, waits: Waits, asked: str, waited: float
) -> None:
    answers = iter([(503, {"retry-after": asked}, b""), (200, {}, b"{}")])
    receiver.reply = lambda _: next(answers)

    await services.get(f"{receiver.url}/v1/x")

    assert waits.seconds == [waited]


async def test_patience_ends_after_two_minutes(services: Services, receiver: Receiver, waits: Waits) -> None:
    receiver.reply = lambda _: (503, {"retry-after": "30"}, b'{"detail":"The log is away."}')

    with pytest.raises(Unreachable, match=r"GET .*/v1/x was answered with 503: The log is away\."):
        await services.get(f"{receiver.url}/v1/x")

    assert sum(waits.seconds) == 120


async def test_silence_is_waited_out_for_two_minutes_too(services: Services, waits: Waits) -> None:
    with pytest.raises(Unreachable):
        await services.get("http://127.0.0.1:9/v1/x")  # the discard port: nobody listens

    assert sum(waits.seconds) == 120


async def test_who_only_looks_does_not_wait(receiver: Receiver, waits: Waits) -> None:
    receiver.reply = lambda _: (503, {}, b"")

    with pytest.raises(Unreachable):
        await Services(http.request, "key", waits, patience_seconds=0).get(f"{receiver.url}/v1/x")

    assert waits.seconds == []


@pytest.mark.parametrize("body", [b'{"detail":"No such key."}', b'{"title":"No such key."}', b"No such key."])
async def test_a_refusal_is_final_and_says_why(
    services: Services, receiver: Receiver, waits: Waits, body: bytes
) -> None:
    receiver.reply = lambda _: (401, {}, body)

    with pytest.raises(Refused, match="401: No such key"):
        await services.get(f"{receiver.url}/v1/x")

    assert waits.seconds == []


async def test_all_pages_are_read_to_the_last(services: Services, receiver: Receiver) -> None:
    pages: dict[str, tuple[int, dict[str, str], bytes]] = {
        "limit=2": (200, {}, b'{"data":[1,2],"next_cursor":"abc"}'),
        "limit=2&cursor=abc": (200, {}, b'{"data":[3],"next_cursor":null}'),
    }

    def reply(request: Received) -> Any:
        return pages[request.query]

    receiver.reply = reply

    assert await services.all_pages(f"{receiver.url}/v1/x?limit=2") == [1, 2, 3]


async def test_readiness_is_asked_once(services: Services, receiver: Receiver, waits: Waits) -> None:
    assert await services.is_ready(receiver.url)
    receiver.reply = lambda _: (503, {}, b"{}")
    assert not await services.is_ready(receiver.url)
    assert not await services.is_ready("http://127.0.0.1:9")
    assert waits.seconds == []


async def test_the_key_stays_with_the_services_it_is_for(services: Services, receiver: Receiver) -> None:
    receiver.reply = lambda _: (200, {}, b'{"counts":{}}')

    assert await services.get_openly(f"{receiver.url}/messages.json") == {"counts": {}}
    assert "authorization" not in receiver.received[0].headers
    receiver.reply = lambda _: (404, {}, b"")
    assert await services.get_openly(f"{receiver.url}/messages.json") is None
    assert await services.get_openly("http://127.0.0.1:9/") is None
