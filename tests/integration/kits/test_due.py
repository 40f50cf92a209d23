"""Durable timers: done once, by one runner, late rather than never; poison holds up nobody."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from mainstay.db.due_runner import DueHandler, DueItem, DueRunner
from mainstay.db.work import Transaction
from mainstay.testing import eventually

from .conftest import NOON, Service

HOUR = timedelta(hours=1)


class Writes:
    """A handler that writes a note for each item, and re-arms what it is told to."""

    def __init__(self, service: Service, again: Mapping[str, datetime] | None = None, poison: str = "") -> None:
        self.service = service
        self.again = again or {}
        self.poison = poison
        self.batches: list[list[str]] = []
        self.items: list[DueItem] = []

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        self.batches.append([item.key for item in items])
        self.items.extend(items)
        for item in items:
            await tx.connection.execute(self.service.note.insert().values(id=f"{item.key} at {item.due_at:%H:%M}"))
        if any(item.key == self.poison for item in items):
            raise RuntimeError("poison")
        return {item.key: self.again[item.key] for item in items if item.key in self.again}


def runner(service: Service, handlers: Mapping[str, DueHandler], batch: int = 100) -> DueRunner:
    return DueRunner(
        service.database, service.transactions, service.tables, service.clock, handlers, batch=batch,
        poll=timedelta(milliseconds=20), registry=CollectorRegistry(),
    )  # fmt: skip


async def arm(service: Service, *items: tuple[str, datetime], kind: str = "silence") -> None:
    async with service.transactions() as tx:
        await tx.due.arm_many(kind, items)


async def armed(service: Service) -> str:
    return str(
        await service.scalar(
            "SELECT coalesce(string_agg(key || to_char(due_at AT TIME ZONE 'UTC', ' HH24:MI'), ', ' ORDER BY key), '')"
            " FROM svc.due"
        )
    )


async def test_a_timer_is_done_when_it_is_due_and_not_before(service: Service) -> None:
    handler = Writes(service)
    await arm(service, ("acme", NOON + HOUR), ("beta", NOON + 2 * HOUR))

    assert await runner(service, {"silence": handler}).run_due() == 0
    service.clock.advance(HOUR)
    assert await runner(service, {"silence": handler}).run_due() == 1
    assert await runner(service, {"silence": handler}).run_due() == 0

    assert await service.notes() == ["acme at 13:00"]
    assert await armed(service) == "beta 14:00"


async def test_after_downtime_everything_is_done_once_and_late(service: Service) -> None:
    handler = Writes(service)
    await arm(service, *((f"a{n:03}", NOON + n * timedelta(minutes=1)) for n in range(250)))
    service.clock.advance(timedelta(days=3))

    assert await runner(service, {"silence": handler}).run_due() == 250

    assert len(await service.notes()) == 250
    assert [len(batch) for batch in handler.batches] == [100, 100, 50]
    assert handler.batches == [sorted(batch) for batch in handler.batches]


async def test_an_armed_timer_is_never_postponed(service: Service) -> None:
    await arm(service, ("acme", NOON + HOUR))
    async with service.transactions() as tx:
        await tx.due.arm("silence", "acme", NOON + 5 * HOUR, {"late": True})
        await tx.due.arm("silence", "acme", NOON)
    assert await armed(service) == "acme 13:00"

    async with service.transactions() as tx:
        await tx.due.set("silence", "acme", NOON + 5 * HOUR, {"late": True})
        await tx.due.set("silence", "beta", NOON + 6 * HOUR)
    assert await armed(service) == "acme 17:00, beta 18:00"

    async with service.transactions() as tx:
        await tx.due.cancel("silence", "acme")
    assert await armed(service) == "beta 18:00"


async def test_a_payload_comes_back(service: Service) -> None:
    handler = Writes(service)
    async with service.transactions() as tx:
        await tx.due.arm("silence", "acme", NOON, {"days": 3, "why": "é"})

    await runner(service, {"silence": handler}).run_due()

    assert [(item.payload, item.attempts) for item in handler.items] == [({"days": 3, "why": "é"}, 0)]


async def test_a_handler_says_when_it_wants_to_look_again(service: Service) -> None:
    handler = Writes(service, again={"acme": NOON + HOUR})
    await arm(service, ("acme", NOON), ("beta", NOON))

    assert await runner(service, {"silence": handler}).run_due() == 2

    assert await armed(service) == "acme 13:00"


async def test_two_runners_share_the_work_and_do_nothing_twice(service: Service) -> None:
    await arm(service, *((f"a{n:03}", NOON) for n in range(300)))
    handlers = [Writes(service) for _ in range(4)]

    await asyncio.gather(*(runner(service, {"silence": handler}, batch=10).run_due() for handler in handlers))

    assert sorted(key for handler in handlers for batch in handler.batches for key in batch) == [
        f"a{n:03}" for n in range(300)
    ]
    assert sum(bool(handler.batches) for handler in handlers) > 1


async def test_a_runner_passes_over_what_another_has_in_hand(service: Service) -> None:
    await arm(service, ("acme", NOON), ("beta", NOON))
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Transaction, __: Sequence[DueItem]) -> Mapping[str, datetime]:
        inside.set()
        await go_on.wait()
        return {}

    first = asyncio.create_task(runner(service, {"silence": slow}, batch=1).run_due())
    await inside.wait()
    quick = Writes(service)
    assert await asyncio.wait_for(runner(service, {"silence": quick}).run_due(), 5) == 1
    go_on.set()

    assert await first == 1
    assert quick.batches == [["beta"]]
    assert await armed(service) == ""


async def test_poison_holds_up_nobody_and_is_tried_again_later(service: Service) -> None:
    handler = Writes(service, poison="beta")
    registry = CollectorRegistry()
    due = DueRunner(
        service.database, service.transactions, service.tables, service.clock, {"silence": handler}, registry=registry
    )
    await arm(service, ("acme", NOON), ("beta", NOON), ("coda", NOON))

    assert await due.run_due() == 3

    assert await service.notes() == ["acme at 12:00", "coda at 12:00"]
    assert await service.scalar("SELECT attempts FROM svc.due WHERE key = 'beta'") == 1
    assert await service.scalar("SELECT due_at FROM svc.due") == NOON + timedelta(seconds=10)
    assert registry.get_sample_value("mainstay_due_items_failed_total", {"kind": "silence"}) == 1
    assert registry.get_sample_value("mainstay_due_items_done_total", {"kind": "silence"}) == 2

    handler.poison = ""
    service.clock.advance(timedelta(seconds=10))
    assert await due.run_due() == 1
    assert handler.items[-1].attempts == 1
    assert await armed(service) == ""


async def test_the_pause_between_attempts_grows_to_an_hour(service: Service) -> None:
    handler = Writes(service, poison="acme")
    await arm(service, ("acme", NOON))
    pauses = []
    for _ in range(11):
        await runner(service, {"silence": handler}).run_due()
        due_at = await service.scalar("SELECT due_at FROM svc.due")
        assert isinstance(due_at, datetime)
        pauses.append((due_at - service.clock.now()).total_seconds())
        service.clock.move_to(due_at)

    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


async def test_arming_does_not_wait_for_a_runner_that_waits_for_the_armers_account(service: Service) -> None:
    """Consumers lock account, then timer; the runner has the timer, then wants the account: nobody may deadlock."""
    await arm(service, ("acme", NOON))
    async with service.transactions() as tx:
        await tx.connection.execute(service.note.insert().values(id="account"))
    claimed = asyncio.Event()
    lock = service.note.select().where(service.note.c.id == "account").with_for_update()

    async def looks_at_the_account(tx: Transaction, _: Sequence[DueItem]) -> Mapping[str, datetime]:
        claimed.set()
        await tx.connection.execute(lock)
        return {"acme": NOON + HOUR}

    async with service.transactions() as tx:
        await tx.connection.execute(lock)
        running = asyncio.create_task(runner(service, {"silence": looks_at_the_account}).run_due())
        await claimed.wait()
        await asyncio.wait_for(tx.due.arm("silence", "acme", NOON + 9 * HOUR), 5)

    assert await running == 1
    assert await armed(service) == "acme 13:00"


async def test_run_works_until_told_to_stop_also_past_an_absence_of_the_table(service: Service) -> None:
    handler = Writes(service)
    async with service.transactions() as tx:
        await tx.connection.exec_driver_sql("ALTER TABLE svc.due RENAME TO away")
    stopping = asyncio.Event()
    with capture_logs() as logs:
        running = asyncio.create_task(runner(service, {"silence": handler}).run(stopping))
        await eventually(lambda: [entry for entry in logs if entry["event"] == "timers wait for the database"])
    async with service.transactions() as tx:
        await tx.connection.exec_driver_sql("ALTER TABLE svc.away RENAME TO due")
    await arm(service, ("acme", NOON))

    await eventually(service.notes)
    stopping.set()

    await asyncio.wait_for(running, 5)
    assert handler.batches == [["acme"]]


@pytest.mark.parametrize("kinds", [("silence", "close")])
async def test_each_kind_has_its_own_handler(service: Service, kinds: tuple[str, ...]) -> None:
    handlers = {kind: Writes(service) for kind in kinds}
    for kind in (*kinds, "of another version"):
        await arm(service, (kind, NOON), kind=kind)

    assert await runner(service, handlers).run_due() == 2

    assert [handlers[kind].batches for kind in kinds] == [[["silence"]], [["close"]]]
    assert await armed(service) == "of another version 12:00"
