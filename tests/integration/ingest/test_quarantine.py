"""What is put aside is durable, counted once, bounded, and can be looked at."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from ingest.application.ports import NotKept
from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.db.engine import Database
from mainstay.kernel.clock import ManualClock
from mainstay.testing import eventually
from tests.integration.ingest.door import Door
from tests.integration.ingest.ward import Ward, opened_ward, refused, usage


@pytest.fixture
async def ward(migrated_url: str, clock: ManualClock) -> AsyncIterator[Ward]:
    async with opened_ward(migrated_url, clock) as ward:
        yield ward


@pytest.fixture
async def reader(door: Door) -> dict[str, str]:
    """Headers of a key that may read."""
    return {"Authorization": f"Bearer {await door.another_key(['ingest:read', 'ingest:write'])}"}


async def test_a_repetition_counts_once(ward: Ward, clock: ManualClock) -> None:
    came_at = clock.now()
    await ward.keeper.refuse(ward.delivery(), [refused("m1", b'{"a":1}')])
    clock.advance(timedelta(minutes=1))
    await ward.keeper.refuse(ward.delivery(), [refused("m1", b'{"a":1,"sentAt":2}'), refused("m1", b'{"a":1}')])

    [row] = await ward.rows()

    assert (row.times, row.received_at, row.last_at, row.document) == (3, came_at, clock.now(), b'{"a":1}')


async def test_without_an_id_the_bytes_tell_events_apart(ward: Ward) -> None:
    await ward.keeper.refuse(ward.delivery(), [refused(None, b"1"), refused(None, b"2"), refused(None, b"1")])

    assert [(row.document, row.times) for row in await ward.rows()] == [(b"1", 2), (b"2", 1)]


async def test_requests_at_once_are_kept_in_order_with_few_transactions(ward: Ward, clock: ManualClock) -> None:
    loads = [ward.keeper.wait(ward.delivery(), [(usage(f"m{n}", "ann", clock), "account-unknown")]) for n in range(200)]

    await asyncio.gather(*loads)

    rows = await ward.query("SELECT event_id, xmin::text AS transaction FROM ingest.quarantine ORDER BY id")
    assert [row.event_id for row in rows] == [f"m{n}" for n in range(200)]
    assert len({row.transaction for row in rows}) <= 3


async def test_a_text_that_no_database_takes_is_kept_all_the_same(ward: Ward) -> None:
    await ward.keeper.refuse(ward.delivery(), [refused("a\x00b\ud800", b"\x00\xff", code="event-id-invalid")])

    [row] = await ward.rows()
    assert (row.event_id, row.document) == ("a\N{REPLACEMENT CHARACTER}b?", b"\x00\xff")


async def test_a_full_quarantine_counts_what_it_refuses_and_takes_nothing_that_waits(
    migrated_url: str, clock: ManualClock
) -> None:
    async with opened_ward(migrated_url, clock, most_bytes=4_400) as ward:
        for number in range(20):
            await ward.keeper.refuse(ward.delivery(), [refused(f"m{number}", b"x" * 600)])
        assert len(await ward.rows()) == 4
        with pytest.raises(NotKept):
            await ward.keeper.wait(ward.delivery(), [(usage("m1", "ann", clock), "account-unknown")])

        overflow = ward.registry.get_sample_value("mainstay_ingest_quarantine_overflow_total", {"source": "product"})
        assert overflow == 17


async def test_deleting_makes_room_again(migrated_url: str, clock: ManualClock) -> None:
    async with opened_ward(migrated_url, clock, most_bytes=1_500, weighed_again_after=timedelta(0)) as ward:
        await ward.keeper.refuse(ward.delivery(), [refused("m1", b"x" * 1_000)])
        await ward.keeper.refuse(ward.delivery(), [refused("m2", b"x" * 1_000)])
        await ward.query("DELETE FROM ingest.quarantine")

        await ward.keeper.refuse(ward.delivery(), [refused("m3", b"x" * 1_000)])

        assert [row.event_id for row in await ward.rows()] == ["m3"]


async def test_a_database_that_hangs_is_told_and_memory_stays_bounded(migrated_url: str, clock: ManualClock) -> None:
    async with opened_ward(migrated_url, clock, within=timedelta(seconds=0.3), most_pending=10_000) as ward:
        await ward.keeper.refuse(ward.delivery(), [refused("m0")])
        other = Database(migrated_url, application_name="lock")
        async with other.engine.begin() as holding:
            await holding.exec_driver_sql("LOCK TABLE ingest.quarantine IN SHARE MODE")
            loads = [ward.keeper.refuse(ward.delivery(), [refused(f"a{n}", b"x" * 600)]) for n in range(50)]
            answers = await asyncio.gather(*loads, return_exceptions=True)
            assert all(isinstance(answer, NotKept) for answer in answers)
            assert any("memory" in str(answer) for answer in answers)
        await other.close()

        async def kept() -> bool:
            try:
                await ward.keeper.refuse(ward.delivery(), [refused("m1")])
            except NotKept:
                return False
            return True

        await eventually(kept)
        assert ward.keeper._pending_bytes == 0


async def test_an_event_without_an_account_goes_through_the_door_when_it_is_known(
    door: Door, clock: ManualClock, reader: dict[str, str]
) -> None:
    call = {"messageId": "m1", "userId": "ann", "event": "Opened", "timestamp": "2026-03-01T09:00:00Z"}
    assert (await door.post("/v1/track", call)).status_code == 200
    [waits] = (await door.http.get("/v1/quarantine", headers=reader)).json()["data"]
    assert (waits["state"], waits["reason"], waits["user_id"]) == ("waiting", "account-unknown", "ann")
    came_at = clock.now()
    clock.advance(timedelta(hours=1))

    assert (await door.post("/v1/group", {"userId": "ann", "groupId": "acme", "traits": {}})).status_code == 200

    async def arrived() -> list[Any]:
        return await door.events(USAGE_EVENTS)

    [event] = await eventually(arrived)
    assert (event.id, event.source, event.data.account_id) == ("m1", "product", "acme")
    assert event.data.received_at == came_at

    async def gone() -> bool:  # It leaves quarantine once the log has it, never before
        return (await door.http.get(f"/v1/quarantine/{waits['id']}", headers=reader)).status_code == 404

    await eventually(gone)


async def test_pages_filters_and_deletion(door: Door, reader: dict[str, str]) -> None:
    get, delete = door.http.get, door.http.delete
    for number in range(5):
        await door.post("/v1/track", {"messageId": f"r{number}", "userId": "ann", "context": {"groupId": "acme"}})
    await door.post("/v1/track", {"messageId": "w1", "userId": "bob", "event": "Opened"})
    await door.post("/v1/track", content=b"\xff\xfe")

    first = (await get("/v1/quarantine?state=refused&limit=4", headers=reader)).json()
    rest = (await get(f"/v1/quarantine?state=refused&limit=4&cursor={first['next_cursor']}", headers=reader)).json()
    found = first["data"] + rest["data"]
    assert [one["event_id"] for one in found[1:]] == ["r4", "r3", "r2", "r1", "r0"]
    assert (found[0]["document"], found[0]["document_encoding"]) == ("//4=", "base64")
    assert rest["next_cursor"] is None

    one = (await get(f"/v1/quarantine/{found[1]['id']}", headers=reader)).json()
    assert one == found[1]
    assert '"messageId":"r4"' in one["document"]
    [waits] = (await get("/v1/quarantine?user=bob", headers=reader)).json()["data"]
    counts = (await get("/v1/quarantine/summary", headers=reader)).json()["data"]
    assert {(each["reason"], each["events"]) for each in counts} >= {("account-unknown", 1), (one["reason"], 5)}

    assert (await get("/v1/quarantine?to=2026-03-02T09:00:00Z", headers=reader)).json()["data"] == []
    assert (await delete("/v1/quarantine", headers=reader)).json()["code"] == "filter-missing"
    assert (await delete(f"/v1/quarantine/{waits['id']}", headers=reader)).status_code == 204
    assert (await delete(f"/v1/quarantine/{waits['id']}", headers=reader)).status_code == 404
    assert (await delete(f"/v1/quarantine?reason={one['reason']}", headers=reader)).json() == {"deleted": 5}


async def test_replays_are_asked_for_over_http(door: Door, reader: dict[str, str]) -> None:
    call = {"messageId": "m1", "userId": "ann", "context": {"groupId": "acme"}}
    await door.post("/v1/track", call)
    [row] = (await door.http.get("/v1/quarantine", headers=reader)).json()["data"]

    answer = await door.http.post(f"/v1/quarantine/{row['id']}/replay", headers=reader)
    assert answer.json() == {"outcome": "refused", "event": row}
    nothing = await door.http.post("/v1/quarantine/replay", headers=reader, json={})
    assert (nothing.status_code, nothing.json()["code"]) == (422, "filter-missing")
    marked = await door.http.post("/v1/quarantine/replay", headers=reader, json={"reason": row["reason"]})
    assert (marked.status_code, marked.json()) == (202, {"marked": 1})

    async def is_refused_again() -> bool:
        [again] = (await door.http.get("/v1/quarantine", headers=reader)).json()["data"]
        return bool(again["state"] == "refused")

    await eventually(is_refused_again)
    assert (await door.http.get("/v1/quarantine", headers={"Authorization": f"Bearer {door.key}"})).status_code == 403
