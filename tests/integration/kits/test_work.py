"""The unit of work: offsets first, one transaction for the effect and for what is said."""

import asyncio
from datetime import UTC, datetime

import pytest

from mainstay.db.engine import copy_rows
from mainstay.db.work import NotPublishable
from mainstay.messaging.consuming import Batch, DeadLetter
from mainstay.messaging.port import MAX_VALUE_BYTES, Outgoing, Position, PositionTaken, Record
from mainstay.observability.tracing import span

from .conftest import Service


def step(partition: int, expected: int, new: int, log_id: str = "log") -> Position:
    return Position("usage-events", partition, log_id, "svc", expected, new)


def batch(*positions: Position, refused: tuple[DeadLetter, ...] = ()) -> Batch[object]:
    return Batch(positions=positions, messages=(), refused=refused)


async def begin(service: Service, *offsets: int) -> None:
    for partition, offset in enumerate(offsets):
        await service.offsets.begin("log", "svc", "usage-events", partition, offset)


async def test_a_batch_moves_its_offsets_with_its_effect(service: Service) -> None:
    await begin(service, 0, 40)

    async with service.transactions(batch(step(1, 40, 50), step(0, 0, 7))) as tx:
        await tx.connection.execute(service.note.insert().values(id="a"))

    assert await service.notes() == ["a"]
    assert await service.offsets.load("log", "svc", "usage-events", [0, 1, 2]) == {0: 7, 1: 50}


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((step(0, 5, 9),), id="another offset is stored"),
        pytest.param((step(0, 0, 9), step(1, 41, 50)), id="one of two has moved"),
        pytest.param((step(0, 0, 9), step(2, 0, 1)), id="a partition never begun"),
        pytest.param((step(0, 0, 9, log_id="another log"),), id="offsets of another log"),
    ],
)
async def test_a_batch_of_another_owner_has_no_effect(service: Service, steps: tuple[Position, ...]) -> None:
    await begin(service, 0, 40)

    with pytest.raises(PositionTaken):
        async with service.transactions(batch(*steps)) as tx:
            await tx.connection.execute(service.note.insert().values(id="never"))

    assert await service.notes() == []
    assert await service.offsets.load("log", "svc", "usage-events", [0, 1]) == {0: 0, 1: 40}


async def test_of_two_owners_of_the_same_batch_one_has_the_effect(service: Service) -> None:
    await begin(service, *([0] * 12))
    steps = [step(partition, 0, 10) for partition in range(12)]

    async def own(name: str, positions: list[Position]) -> str:
        async with service.transactions(batch(*positions)) as tx:
            await tx.connection.execute(service.note.insert().values(id=name))
        return name

    ends = await asyncio.gather(
        *(own(f"n{i}", steps if i % 2 else steps[::-1]) for i in range(8)), return_exceptions=True
    )

    winners = [end for end in ends if isinstance(end, str)]
    assert len(winners) == 1
    assert await service.notes() == winners
    assert sum(isinstance(end, PositionTaken) for end in ends) == 7


async def test_a_failing_handler_leaves_nothing(service: Service) -> None:
    await begin(service, 0)

    async def fail() -> None:
        async with service.transactions(batch(step(0, 0, 3))) as tx:
            await tx.connection.execute(service.note.insert().values(id="gone"))
            tx.publish(Outgoing("health-events", "acme", b"{}"))
            await tx.due.arm("silence", "acme", service.clock.now())
            assert await tx.first_time("app", "e1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert await service.notes() == []
    assert await service.offsets.load("log", "svc", "usage-events", [0]) == {0: 0}
    for table in ("outbox", "due", "inbox"):
        assert await service.scalar(f"SELECT count(*) FROM svc.{table}") == 0


async def test_a_copy_that_comes_first_is_rolled_back_too(service: Service) -> None:
    async def fail() -> None:
        async with service.transactions() as tx:
            await copy_rows(tx.connection, service.note, ["id"], [("a",), ("b",)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await service.notes() == []

    async with service.transactions() as tx:
        await copy_rows(tx.connection, "svc.note", ["id"], [("a",), ("b",)])
    assert await service.notes() == ["a", "b"]


async def test_what_was_refused_goes_to_the_dead_letters_of_the_group(service: Service) -> None:
    await begin(service, 0)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    record = Record("usage-events", 0, 2, "acme", b"{", (("ce_id", b"e2"),), at)

    async with service.transactions(batch(step(0, 0, 3), refused=(DeadLetter(record, "not JSON"),))):
        pass

    async with service.database.engine.connect() as connection:
        row = (await connection.execute(service.tables.outbox.select())).one()
    assert (row.topic, row.key, row.value) == ("svc.dead-letter", "acme", b"{")
    assert dict(zip(row.header_names, row.header_values, strict=True)) == {
        "ce_id": b"e2",
        "dead-letter-topic": b"usage-events",
        "dead-letter-partition": b"0",
        "dead-letter-offset": b"2",
        "dead-letter-reason": b"not JSON",
    }


async def test_an_event_is_new_once(service: Service) -> None:
    async with service.transactions() as tx:
        assert await tx.first_times([("app", "b"), ("app", "a"), ("crm", "a"), ("app", "a")]) == {
            ("app", "a"),
            ("app", "b"),
            ("crm", "a"),
        }
        assert not await tx.first_time("app", "a")
    async with service.transactions() as tx:
        assert await tx.first_times([("app", "a"), ("app", "c")]) == {("app", "c")}
        assert await tx.first_times([]) == frozenset()


@pytest.mark.parametrize(
    "record",
    [Outgoing("t", "", b"{}"), Outgoing("t", "acme", b"x" * (MAX_VALUE_BYTES + 1))],
    ids=["no key", "too large"],
)
async def test_what_no_log_would_take_is_refused_where_it_is_said(service: Service, record: Outgoing) -> None:
    with pytest.raises(NotPublishable):
        async with service.transactions() as tx:
            tx.publish(record)


async def test_a_partition_is_begun_once(service: Service) -> None:
    begun = await asyncio.gather(*(service.offsets.begin("log", "svc", "t", 0, n) for n in (5, 6, 7)))
    assert len(set(begun)) == 1
    assert await service.offsets.load("log", "svc", "t", [0]) == {0: begun[0]}


async def test_what_is_said_goes_on_with_the_trace(service: Service) -> None:
    own = ("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")
    with span("change") as here:
        async with service.transactions() as tx:
            tx.publish(Outgoing("t", "acme", b"1"), Outgoing("t", "acme", b"2", (own,)))
    async with service.transactions() as tx:
        tx.publish(Outgoing("t", "acme", b"3"))

    async with service.database.engine.connect() as connection:
        rows = (await connection.execute(service.tables.outbox.select().order_by("id"))).all()
    assert [row.header_values for row in rows] == [[here.traceparent.encode()], [own[1]], []]
