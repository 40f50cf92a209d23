"""The relay: what was said reaches the log, in order within a key, at least once, through one relay at a time."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import pairwise

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from mainstay.db.engine import asyncpg_dsn
from mainstay.db.outbox import Hint, Relay
from mainstay.db.work import Transactions
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, LogUnavailable, Outgoing, RecordRefused, Topic
from mainstay.observability.tracing import span
from mainstay.testing import eventually

from .conftest import Service

TOPIC = Topic("health-events", 6, timedelta(days=90))


class Failing:
    """A real log in front of which things go wrong: `plan` says, call by call, how."""

    def __init__(self, log: EventLog, plan: Sequence[str] = ()) -> None:
        self.log = log
        self.plan = list(plan)
        self.calls = 0

    async def append(self, records: Sequence[Outgoing], *, within: timedelta = timedelta(seconds=10)) -> None:
        self.calls += 1
        fate = self.plan.pop(0) if self.plan else "well"
        if fate == "before":
            raise LogUnavailable("away", range(len(records)))
        if fate == "some":
            keys = sorted({record.key for record in records})
            lost = set(keys[::2])
            await self.log.append([record for record in records if record.key not in lost], within=within)
            raise LogUnavailable("half away", [i for i, record in enumerate(records) if record.key in lost])
        await self.log.append(records, within=within)
        if fate == "after":
            raise LogUnavailable("the acknowledgement was lost", range(len(records)))
        if fate == "dies":
            raise asyncio.CancelledError


@pytest.fixture
async def log(migrated_url: str) -> AsyncIterator[EventLog]:
    opened = open_log(migrated_url, client_name="test")
    await opened.start()
    await opened.ensure_topics([TOPIC])
    yield opened
    await opened.close()


def relay(service: Service, log: object, **options: object) -> Relay:
    return Relay(service.database, service.tables, log, service.clock, **options)  # type: ignore[arg-type] # also Failing


async def say(service: Service, *values: tuple[str, str]) -> None:
    async with service.transactions() as tx:
        tx.publish(*(Outgoing(TOPIC.name, key, value.encode(), (("ce_id", value.encode()),)) for key, value in values))


async def heard(log: EventLog) -> dict[str, list[str]]:
    """What the log holds: the values of each key, in order."""
    found: dict[str, list[str]] = {}
    for partition in range(TOPIC.partitions):
        for record in await log.read(TOPIC.name, partition, 0, 10_000):
            assert record.header("ce_id") == record.value.decode()
            found.setdefault(record.key, []).append(record.value.decode())
    return found


def without_repetitions(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


async def left(service: Service) -> object:
    return await service.scalar("SELECT count(*) FROM svc.outbox")


async def test_what_is_committed_is_said_in_order(service: Service, log: EventLog) -> None:
    for n in range(30):
        await say(service, ("acme", f"a{n}"), ("beta", f"b{n}"))

    assert await relay(service, log, batch=7).drain() == 60

    assert await heard(log) == {"acme": [f"a{n}" for n in range(30)], "beta": [f"b{n}" for n in range(30)]}
    assert await left(service) == 0


async def test_nothing_is_lost_and_order_holds_over_a_failing_log(service: Service, log: EventLog) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    print(f"seed {seed}")
    failing = Failing(log, [chance.choice(["before", "after", "some", "well"]) for _ in range(40)])
    relaying = relay(service, failing, batch=10)
    said: dict[str, list[str]] = {}
    for n in range(150):
        key = chance.choice(["acme", "beta", "coda", "dune"])
        said.setdefault(key, []).append(f"{key}{n}")
        await say(service, (key, f"{key}{n}"))

    for _ in range(60):
        try:
            await relaying.drain()
        except LogUnavailable:
            continue

    assert await left(service) == 0
    in_log = await heard(log)
    assert {key: without_repetitions(values) for key, values in in_log.items()} == said
    # A repetition repeats a whole run, so that the last record of a key stays its last.
    assert {key: values[-1] for key, values in in_log.items()} == {key: values[-1] for key, values in said.items()}


async def test_a_relay_that_dies_between_append_and_delete_says_it_again(service: Service, log: EventLog) -> None:
    await say(service, ("acme", "a1"), ("acme", "a2"))

    with pytest.raises(asyncio.CancelledError):
        await relay(service, Failing(log, ["dies"])).drain()
    assert await left(service) == 2
    await relay(service, log).drain()

    assert await heard(log) == {"acme": ["a1", "a2", "a1", "a2"]}
    assert await left(service) == 0


async def test_of_two_relays_one_is_at_work(service: Service, log: EventLog) -> None:
    await say(service, ("acme", "a1"))
    inside, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Failing):
        async def append(self, records: Sequence[Outgoing], *, within: timedelta = timedelta(seconds=10)) -> None:
            inside.set()
            await go_on.wait()
            await super().append(records, within=within)

    first = asyncio.create_task(relay(service, Slow(log)).drain())
    await inside.wait()
    second = Failing(log)
    assert await relay(service, second).drain() == 0
    assert second.calls == 0
    go_on.set()

    assert await first == 1
    assert await heard(log) == {"acme": ["a1"]}


async def test_two_running_relays_share_the_outbox_without_doubling_it(service: Service, log: EventLog) -> None:
    stopping = asyncio.Event()
    quickly = timedelta(milliseconds=5)
    relays = [asyncio.create_task(relay(service, log, batch=5, poll=quickly).run(stopping)) for _ in range(2)]
    for n in range(100):
        await say(service, ("acme", f"a{n:02}"))

    async def is_empty() -> bool:
        return await left(service) == 0

    await eventually(is_empty)
    stopping.set()
    await asyncio.wait_for(asyncio.gather(*relays), 5)

    assert await heard(log) == {"acme": [f"a{n:02}" for n in range(100)]}


async def test_a_record_that_the_log_refuses_is_kept_with_the_reason(service: Service, log: EventLog) -> None:
    class Refusing(Failing):
        async def append(self, records: Sequence[Outgoing], *, within: timedelta = timedelta(seconds=10)) -> None:
            for index, record in enumerate(records):
                if record.value == b"bad":
                    raise RecordRefused(index, "the header is too long")
            await super().append(records, within=within)

    registry = CollectorRegistry()
    async with service.transactions() as tx:
        tx.publish(Outgoing(TOPIC.name, "acme", b"bad"))
    await say(service, ("acme", "a1"), ("acme", "a2"))

    assert await relay(service, Refusing(log), registry=registry).drain() >= 2

    assert await heard(log) == {"acme": ["a1", "a2"]}
    assert await service.scalar("SELECT refused FROM svc.outbox") == "record 0: the header is too long"
    assert registry.get_sample_value("mainstay_outbox_refused_total") == 1
    assert registry.get_sample_value("mainstay_outbox_relayed_total") == 2


async def test_a_hint_wakes_the_relay_long_before_its_poll(service: Service, log: EventLog) -> None:
    hint = Hint(service.database, service.tables)
    hinting = Transactions(service.database, service.tables, clock=service.clock, hint=hint)
    stopping = asyncio.Event()
    running = asyncio.create_task(relay(service, log, poll=timedelta(seconds=60)).run(stopping))

    async def is_listening() -> object:
        return await service.scalar("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'svc relay'")

    await eventually(is_listening)
    await asyncio.sleep(0.1)  # its first look at the empty outbox
    async with hinting() as tx:
        tx.publish(Outgoing(TOPIC.name, "acme", b"a1", (("ce_id", b"a1"),)))

    await eventually(lambda: heard(log), within=5)
    stopping.set()
    await asyncio.wait_for(running, 5)
    await hint.close()


async def test_hints_come_at_most_fifty_times_a_second(service: Service) -> None:
    hint = Hint(service.database, service.tables)
    arrivals: list[float] = []
    loop = asyncio.get_running_loop()
    connection = await asyncpg.connect(asyncpg_dsn(service.database.url))
    await connection.add_listener("svc.outbox", lambda *_: arrivals.append(loop.time()))

    until = loop.time() + 1
    while loop.time() < until:
        hint.wake()
        await asyncio.sleep(0)
    await hint.close()
    await connection.close()

    assert 20 <= len(arrivals) <= 52
    assert sum(later - earlier for earlier, later in pairwise(arrivals)) <= 1.2


async def test_a_hint_without_a_database_is_lost_quietly(service: Service) -> None:
    hint = Hint(service.database, service.tables)
    hint._dsn = "postgresql://nobody@127.0.0.1:1/none"
    hint.wake()
    await asyncio.sleep(0.05)
    await hint.close()


async def test_a_relay_survives_the_end_of_its_connections(service: Service, log: EventLog) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(relay(service, log, poll=timedelta(milliseconds=10)).run(stopping))
    await say(service, ("acme", "a1"))
    await eventually(lambda: heard(log))

    await service.scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'svc%'"
    )
    await say(service, ("acme", "a2"))

    async def both() -> bool:
        return without_repetitions((await heard(log)).get("acme", [])) == ["a1", "a2"]

    await eventually(both)
    stopping.set()
    await asyncio.wait_for(running, 5)


async def test_the_trace_of_whoever_spoke_reaches_the_log(service: Service, log: EventLog) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    with span("request", traceparent=f"00-{trace_id}-00f067aa0ba902b7-01"):
        await say(service, ("acme", "a1"))
    await relay(service, log).drain()

    found = [record for partition in range(TOPIC.partitions) for record in await log.read(TOPIC.name, partition, 0, 10)]
    assert [str(record.header("traceparent"))[:35] for record in found] == [f"00-{trace_id}"]
