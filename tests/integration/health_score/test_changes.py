"""The stream of changes over real HTTP: in the order of commits, resumable, and ended when it should be."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from health_score.api import changes as route
from health_score.application import changes
from health_score.application.changes import KEPT, Changes, Following, OrderChanges
from health_score.store.changes import ChangeTable
from mainstay.db.errors import is_transient
from mainstay.testing import eventually
from mainstay.web.keys import create_key, key_id, revoke_key
from mainstay.web.serving import Listener, bind, serve
from tests.integration.health_score.health import SECRET, Health, fact, usage
from tests.integration.health_score.test_erasure import asked, erase

CHANGED = "mainstay.account.changed.v1"


@dataclass
class Stream:
    """What a client of the stream has taken so far."""

    events: list[tuple[int, str, Any]] = field(default_factory=list)
    last_id: int | None = None
    status: int = 0
    ended: bool = False
    body: str = ""

    def subjects(self) -> list[str]:
        return [data.get("subject") for _, _, data in self.events]

    async def has(self, count: int) -> None:
        await eventually(lambda: len(self.events) >= count, within=10)


@dataclass
class Served:
    """health-score listening on a port, with its work of ordering going on."""

    url: str
    key: str
    stopping: asyncio.Event

    @asynccontextmanager
    async def stream(self, *, seen: int | None = None, key: str = "", **params: str) -> AsyncIterator[Stream]:
        it = Stream()
        headers = {"Authorization": f"Bearer {key or self.key}"}
        if seen is not None:
            headers["Last-Event-ID"] = str(seen)
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            reading = asyncio.create_task(_read(client, f"{self.url}/v1/changes", headers, params, it))
            await eventually(lambda: it.last_id is not None or it.ended)
            try:
                yield it
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)


async def _read(client: httpx.AsyncClient, url: str, headers: Any, params: Any, into: Stream) -> None:
    async with client.stream("GET", url, headers=headers, params=params) as answer:
        into.status = answer.status_code
        if answer.status_code != 200:
            into.body = (await answer.aread()).decode()
        kind, place, data = "", None, None
        async for line in answer.aiter_lines():
            name, _, told = line.partition(": ")
            if name == "event":
                kind = told
            elif name == "id":
                place = into.last_id = int(told)
            elif name == "data":
                data = json.loads(told)
            elif not line:
                if data is not None and place is not None:
                    into.events.append((place, kind, data))
                kind, data = "", None
    into.ended = True


@pytest.fixture
async def served(health: Health) -> AsyncIterator[Served]:
    stopping = asyncio.Event()
    app = health.api._transport.app  # type: ignore[attr-defined]  # the application that the client calls
    key = await create_key(health.database, SECRET, "tool", ["health:read"])
    await health.keys.refresh()
    bound = bind("127.0.0.1", 0)
    running = [
        asyncio.create_task(work)
        for work in (
            serve(Listener(app, "127.0.0.1", 0), stopping, bound=bound),
            health.handlers.changes.run(stopping),
            health.handlers.order_changes.run(stopping),
        )
    ]
    yield Served(f"http://127.0.0.1:{bound.getsockname()[1]}", key, stopping)
    stopping.set()
    await asyncio.wait_for(asyncio.gather(*running), 10)


async def test_what_happens_is_told_as_cloudevents_at_once(health: Health, served: Served) -> None:
    async with served.stream() as stream:
        await health.receives(fact("acme", at="2026-03-01T08:00Z", name="Acme", owner="ann"))
        await stream.has(1)

    place, kind, event = stream.events[0]
    assert (place, kind) == (stream.last_id, CHANGED)
    assert (
        event | {"specversion": "1.0", "type": CHANGED, "subject": "acme", "source": "mainstay/health-score"} == event
    )
    assert (event["data"]["name"], event["data"]["owner"], event["data"]["sequence"]) == ("Acme", "ann", 1)
    assert event["id"]
    assert event["time"] == "2026-03-01T09:00:00Z"


async def test_a_client_goes_on_where_it_was(health: Health, served: Served) -> None:
    async with served.stream() as stream:
        await health.receives(fact("a", at="2026-03-01T08:00Z", name="A"))
        await stream.has(1)
    await health.receives(*(fact(f"b{n}", at="2026-03-01T08:00Z", name="B") for n in range(3)))
    await health.receives(usage("a", at="2026-03-01T08:30Z"))

    async with served.stream(seen=stream.last_id) as again:
        await again.has(4)
        assert sorted(set(again.subjects())) == ["a", "b0", "b1", "b2"]
        places = [place for place, _, _ in again.events]
        assert places == sorted(set(places))
        assert min(places) > stream.events[0][0]
    async with served.stream(last_event_id=str(stream.last_id)) as by_address:
        await by_address.has(4)
        assert by_address.events == again.events


async def _placed(health: Health) -> bool:
    """Whether all that was said so far has its place."""
    (row,) = await health.rows("SELECT count(*) AS waiting FROM health_score.change_waiting")
    return bool(row.waiting == 0)


async def test_a_change_committed_late_is_not_passed_over(health: Health, served: Served) -> None:
    """The lower number is given first, and is committed last."""
    await health.receives(fact("early", at="2026-03-01T08:00Z"), fact("late", at="2026-03-01T08:00Z"))
    await eventually(lambda: _placed(health))
    async with served.stream() as stream:
        async with health.handlers.works() as work:
            accounts = await work.accounts.lock(["early"])
            accounts["early"].next_sequence()
            await work._tx.connection.execute(  # a change as the outbox's trigger writes it
                text(
                    "INSERT INTO health_score.change_waiting"
                    " (account_id, type, event_id, source, occurred_at, said_at, data)"
                    " VALUES ('early', 't', 'e', 's', '', now(), '{}')"
                )
            )
            await health.receives(fact("late", at="2026-03-01T08:10Z", name="Late"))
            await stream.has(1)
            assert stream.subjects() == ["late"]
        await stream.has(2)
        assert stream.subjects() == ["late", "early"]


async def test_writers_at_once_and_several_orderers_lose_and_double_nothing(health: Health) -> None:
    table = ChangeTable(health.database.engine)
    stopping = asyncio.Event()
    orderers = [OrderChanges(table, health.clock, is_transient) for _ in range(3)]
    source = Changes(ChangeTable(health.database.engine), is_transient)
    source.streams = 1
    running = [asyncio.create_task(run(stopping)) for run in (*(each.run for each in orderers), source.run)]
    taken: list[tuple[int, str, int]] = []

    async def follow() -> None:
        async for step in source.follow(0, Following(), timedelta(seconds=1)):
            taken.extend(
                (change.place, change.account_id or "", json.loads(change.data)["sequence"]) for change in step.changes
            )

    following = asyncio.create_task(follow())
    accounts = [f"a{n}" for n in range(6)]
    for turn in range(15):
        await asyncio.gather(
            *(
                health.receives(
                    *(fact(account, at=f"2026-03-01T08:{turn:02}Z", name=f"{turn}-{half}") for account in of)
                )
                for half, of in enumerate((accounts[:4], accounts[2:]))
            )
        )
    (row,) = await health.rows("SELECT count(*) AS n FROM health_score.outbox WHERE topic = 'account-events'")
    await eventually(lambda: len(taken) >= row.n, within=10)
    stopping.set()
    await asyncio.gather(*running)
    await asyncio.wait_for(following, 5)

    assert [place for place, _, _ in taken] == list(range(1, row.n + 1))
    for account in accounts:
        sequences = [sequence for _, of, sequence in taken if of == account]
        assert sequences == list(range(1, len(sequences) + 1))


async def test_a_stream_may_be_one_of_an_owner_or_an_account(health: Health, served: Served) -> None:
    async with (
        served.stream(owner="ann") as anns,
        served.stream(account_id="b") as of_b,
        served.stream(owner="bob") as bobs,
    ):
        await health.receives(
            fact("a", at="2026-03-01T08:00Z", owner="ann"), fact("b", at="2026-03-01T08:00Z", owner="bob")
        )
        await health.receives(fact("b", at="2026-03-01T08:01Z", owner="ann"))
        await health.receives(fact("b", at="2026-03-01T08:02Z", name="B"))
        await of_b.has(3)
        await anns.has(3)
        await bobs.has(2)

    assert [(event["subject"], event["data"].get("owner")) for _, _, event in anns.events] == [
        ("a", "ann"),
        ("b", "ann"),
        ("b", "ann"),
    ]
    assert of_b.subjects() == ["b", "b", "b"]
    # That it was taken from him is the last he hears of it.
    assert [event["data"].get("owner") for _, _, event in bobs.events] == ["bob", "ann"]


async def test_who_was_away_too_long_is_told_to_look_again(health: Health, served: Served) -> None:
    await health.receives(fact("a", at="2026-03-01T08:00Z", name="A"))
    async with served.stream(seen=0) as stream:
        await stream.has(1)
    health.clock.advance(KEPT + timedelta(minutes=1))
    await health.handlers.order_changes.forget()
    await health.receives(fact("a", at="2026-03-08T08:00Z", name="B"))

    for seen, name in ((0, "C"), (10_000, "D")):
        async with served.stream(seen=seen) as again:
            await again.has(1)
            place, kind, data = again.events[0]
            assert (kind, data) == ("reset", {"reason": "too-old"})
        async with served.stream(seen=place) as after_reset:
            await health.receives(fact("a", at=health.clock.now(), name=name))
            await eventually(_named(after_reset, name))


def _named(stream: Stream, name: str) -> Callable[[], bool]:
    return lambda: any(event["data"]["name"] == name for _, _, event in stream.events)


async def test_an_erasure_leaves_nothing_and_has_every_client_look_again(health: Health, served: Served) -> None:
    await health.receives(fact("acme", at="2026-03-01T08:00Z", name="Acme"), fact("b", at="2026-03-01T08:00Z"))
    await eventually(lambda: _placed(health))
    async with served.stream(owner="somebody") as stream:
        await erase(health, asked("account", "acme"))
        await stream.has(1)

    assert [(kind, data) for _, kind, data in stream.events] == [("reset", {"reason": "erased"})]
    kept = await health.rows("SELECT account_id FROM health_score.change ORDER BY place")
    assert [row.account_id for row in kept] == ["b", None]


async def test_a_revoked_key_ends_its_stream(health: Health, served: Served) -> None:
    key = await create_key(health.database, SECRET, "gone soon", ["health:read"])
    await health.keys.refresh()
    async with served.stream(key=key) as stream, served.stream() as other:
        await revoke_key(health.database, key_id(key))
        await health.keys.refresh()
        await eventually(lambda: stream.ended, within=5)
        assert not other.ended


async def test_streams_end_cleanly_with_the_process(health: Health, served: Served) -> None:
    async with served.stream() as stream:
        served.stopping.set()
        await eventually(lambda: stream.ended, within=5)
    assert (stream.status, health.handlers.changes.streams) == (200, 0)


async def test_a_client_that_leaves_is_forgotten(health: Health, served: Served) -> None:
    async with served.stream():
        assert health.handlers.changes.streams == 1
    await eventually(lambda: health.handlers.changes.streams == 0)


async def test_a_client_that_takes_nothing_is_cut(
    health: Health, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "CUT_AFTER", timedelta(seconds=0.5))
    long = {f"system-{n}": "x" * 200 for n in range(45)}
    await health.receives(*(fact(f"a{n}", at="2026-03-01T08:00Z", external_ids=long) for n in range(1_500)))
    host, port = served.url.removeprefix("http://").split(":")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, (host, int(port)))
        asking = (
            f"GET /v1/changes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.key}\r\nLast-Event-ID: 0\r\n\r\n"
        )
        await loop.sock_sendall(slow, asking.encode())
        await eventually(lambda: health.handlers.changes.streams == 1)
        await eventually(lambda: health.handlers.changes.streams == 0, within=10)


@pytest.mark.usefixtures("served")
async def test_a_reader_far_behind_reads_the_table_and_then_the_memory(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE", 7)
    source = Changes(ChangeTable(health.database.engine), is_transient)
    source._newest = type(source._newest)(maxlen=20)
    monkeypatch.setattr(changes, "REMEMBERED", 20)
    source.streams = 1
    stopping = asyncio.Event()
    running = asyncio.create_task(source.run(stopping))
    taken: list[int] = []

    async def follow() -> None:
        async for step in source.follow(0, Following(), timedelta(seconds=1)):
            taken.extend(change.place for change in step.changes)

    following = asyncio.create_task(follow())
    for turn in range(5):
        await health.receives(*(fact(f"a{turn}-{n}", at="2026-03-01T08:00Z") for n in range(30)))
    await eventually(lambda: len(taken) == 150, within=10)
    stopping.set()
    await asyncio.gather(running, following)
    assert taken == list(range(1, 151))


async def test_what_is_no_place_of_the_stream_is_refused(served: Served) -> None:
    for seen in ("x", "-1", "1.5", "9" * 20, "²"):
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(
                f"{served.url}/v1/changes",
                params={"last_event_id": seen},
                headers={"Authorization": f"Bearer {served.key}"},
            )
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-last-event-id"), seen


async def test_there_is_an_end_to_the_streams_of_a_process(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "MOST_STREAMS", 1)
    async with served.stream(), served.stream() as refused:
        await eventually(lambda: refused.ended)
    assert (refused.status, json.loads(refused.body)["code"]) == (503, "too-many-streams")
