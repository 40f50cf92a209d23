"""Senders as they are: the official client, and those who are slow, many, or gone."""

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from segment.analytics.client import Client

from mainstay.contracts.ingest import AccountFact, ContactFact
from mainstay.contracts.topics import CUSTOMER_SIGNALS, USAGE_EVENTS
from mainstay.testing import eventually
from tests.integration.ingest.door import Door, opened
from tests.integration.ingest.test_away import LogDatabase, log_database  # noqa: F401 - a fixture
from tests.integration.ingest.test_segment import track

CONTEXT = {"groupId": "acme"}


class Sdk:
    """The official client, and what it reports as failed."""

    def __init__(self, door: Door, **options: Any) -> None:
        self.failures: list[tuple[Exception, list[Any]]] = []
        self.client = Client(door.key, host=door.url, on_error=self._failed, upload_interval=0.05, **options)

    def _failed(self, error: Exception, items: list[Any]) -> None:
        self.failures.append((error, items))

    async def finish(self) -> None:
        """Send what is queued, and end the client's threads."""
        await asyncio.to_thread(self.client.flush)
        await asyncio.to_thread(self.client.join)


@pytest.fixture(autouse=True)
def _close_the_clients_connections() -> Any:
    """The client keeps one pool of connections for the whole process."""
    from segment.analytics import request  # noqa: PLC0415 - only to reach its pool

    yield
    request._session.close()
    gc.collect()


@pytest.mark.parametrize("gzip", [False, True])
async def test_the_official_client_is_understood(migrated_url: str, *, gzip: bool) -> None:
    async with opened(migrated_url) as door:
        await door.until_connected()
        sdk = Sdk(door, gzip=gzip)
        then = datetime(2013, 4, 5, 6, 7, 8, tzinfo=UTC)
        for number in range(250):
            sdk.client.track(f"user-{number % 7}", "Report Opened", {"feature": "pdf"}, CONTEXT, then)
        sdk.client.group("ann", "acme", {"name": "Acme", "plan": "gold"})
        sdk.client.identify("ann", {"email": "ann@example.com"}, CONTEXT)
        await sdk.finish()

        assert sdk.failures == []
        usage = await door.events(USAGE_EVENTS)
        assert len({event.id for event in usage}) == len(usage) == 250
        assert {event.time for event in usage} == {then}
        assert {event.data.user_id for event in usage} == {f"user-{number}" for number in range(7)}
        fact, contact = sorted(
            (event.data for event in await door.events(CUSTOMER_SIGNALS)), key=lambda data: data.TYPE
        )
        assert isinstance(fact, AccountFact)
        assert (fact.name, fact.tier) == ("Acme", "gold")
        assert isinstance(contact, ContactFact)
        assert (contact.contact_id, contact.email) == ("ann", "ann@example.com")


async def test_the_official_client_repeats_what_may_not_be_stored(migrated_url: str, log_database: LogDatabase) -> None:  # noqa: F811 - the fixture
    await log_database.goes_away()
    async with opened(migrated_url, log_url=log_database.url, append_within_seconds=0.5) as door:
        sdk = Sdk(door)
        sdk.client.track("ann", "Report Opened", {}, CONTEXT)
        await door.until_shown('status="503"')
        await log_database.comes_back()
        await door.until_connected()
        await sdk.finish()

        assert sdk.failures == []
        assert len(await door.events(USAGE_EVENTS)) == 1


async def test_the_official_client_does_not_repeat_what_is_hopeless(migrated_url: str) -> None:
    async with opened(migrated_url) as door:
        await door.until_connected()
        sdk = Sdk(door)
        sdk.client.track("undefined", "Report Opened", {})
        await sdk.finish()

        [(error, items)] = sdk.failures
        assert "user-id-invalid" in str(error)
        assert len(items) == 1
        assert (
            'mainstay_ingest_requests_total{route="/v1/batch",status="400"} 1.0'
            in (await door.http.get("/metrics")).text
        )


async def test_slow_senders_are_cut_off_and_do_not_hold_up_others(migrated_url: str) -> None:
    async with opened(migrated_url, body_within_seconds=1) as door:
        await door.until_connected()
        address = urlsplit(door.url)
        head = (
            f"POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.key}\r\nContent-Length: 100\r\n\r\n{{"
        )
        slow = [await asyncio.open_connection(address.hostname, address.port) for _ in range(200)]
        for _, writer in slow:
            writer.write(head.encode())

        assert (await door.post("/v1/track", track())).status_code == 200
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*(reader.read() for reader, _ in slow))
        for _, writer in slow:
            writer.close()
            await writer.wait_closed()
        assert all(answer.startswith(b"HTTP/1.1 408 ") and b'"body-too-slow"' in answer for answer in answers)
        assert door.service.in_flight.held == 0


async def test_a_sender_who_hangs_up_leaves_nothing_behind(door: Door) -> None:
    address = urlsplit(door.url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.key}\r\nContent-Length: 100\r\n\r\n{{"
    writer.write(head.encode())
    await eventually(lambda: door.service.in_flight.held > 0)
    writer.close()
    await writer.wait_closed()
    await eventually(lambda: door.service.in_flight.held == 0)
    assert await door.events(USAGE_EVENTS) == []


async def test_more_bytes_than_there_is_room_for_are_put_off(migrated_url: str) -> None:
    async with opened(migrated_url, max_bytes_in_flight=2_000) as door:
        await door.until_connected()
        answer = await door.post("/v1/batch", {"batch": [track()] * 50})

        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["retry-after"]) > 0
        assert (await door.post("/v1/track", track())).status_code == 200


async def test_an_account_that_takes_too_much_room_is_put_off_and_no_other(door: Door) -> None:
    in_flight = door.service.parts.in_flight
    held = in_flight.hold(["acme"], in_flight.most)  # as requests do whose partition of the log is slow

    hot = await door.post("/v1/track", track())
    other = await door.post("/v1/track", track(messageId="m2", context={"groupId": "globex"}))

    assert (hot.status_code, hot.json()["code"], hot.headers["Retry-After"]) == (429, "account-too-busy", "2")
    assert other.status_code == 200
    line = 'mainstay_ingest_events_refused_total{protocol="segment",reason="account-too-busy",source="product"} 1.0'
    assert line in (await door.http.get("/metrics")).text
    in_flight.release(held)
    assert (await door.post("/v1/track", track())).status_code == 200
