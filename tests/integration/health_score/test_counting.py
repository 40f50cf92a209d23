"""Each event counts once, on its own day, in the account's zone."""

import asyncio
import random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.integration.health_score.health import Health, fact, usage


async def test_an_event_sent_twice_counts_once(health: Health) -> None:
    event = usage("acme", user="ann", at="2026-03-01T09:00Z", id="e1")

    await health.receives(event, event)
    await health.receives(event)

    metrics = await health.metrics("acme", as_of="2026-03-01")
    assert (metrics["active_users_1d"], metrics["events_28d"]) == (1, 1)


async def test_an_event_repeated_a_week_later_still_counts_once(health: Health) -> None:
    first = usage("acme", at="2026-03-01T09:00Z", id="e1")
    again = usage("acme", at="2026-03-01T09:00Z", received="2026-03-06T09:00Z", id="e1")

    await health.receives(first)
    await health.until("2026-03-06T09:00Z")
    await health.receives(again)

    assert (await health.metrics("acme", as_of="2026-03-01"))["events_28d"] == 1


async def test_the_same_id_of_two_sources_is_two_events(health: Health) -> None:
    await health.receives(
        usage("acme", at="2026-03-01T09:00Z", id="e1", source="web"),
        usage("acme", at="2026-03-01T09:00Z", id="e1", source="app"),
    )

    assert (await health.metrics("acme"))["events_28d"] == 2


async def test_windows_are_exact_to_the_day(health: Health) -> None:
    await health.receives(
        usage("acme", user="ann", feature="a", at="2026-02-01T00:00Z"),
        usage("acme", user="bob", feature="b", at="2026-02-22T23:59Z"),
        usage("acme", user="cem", feature="c", at="2026-02-23T00:00Z"),
        usage("acme", user=None, feature="c", at="2026-02-28T12:00Z"),
    )
    await health.settle()

    def picked(metrics: dict[str, Any]) -> tuple[Any, ...]:
        names = ("active_users_1d", "active_users_7d", "active_users_28d", "features_used_28d", "events_28d")
        return tuple(metrics[name] for name in names)

    assert picked(await health.metrics("acme", as_of="2026-02-28")) == (0, 2, 3, 3, 4)
    assert picked(await health.metrics("acme", as_of="2026-03-01")) == (0, 1, 2, 2, 3)
    assert picked(await health.metrics("acme", as_of="2026-01-31")) == (0, 0, 0, 0, 0)


async def test_an_event_belongs_to_the_day_of_its_accounts_zone(health: Health) -> None:
    await health.receives(fact("acme", at="2026-02-01T00:00Z", zone="Asia/Tokyo"))
    await health.receives(usage("acme", at="2026-02-27T15:30Z"))  # 00:30 on the 28th in Tokyo

    assert (await health.metrics("acme", as_of="2026-02-27"))["events_28d"] == 0
    assert (await health.metrics("acme", as_of="2026-02-28"))["events_28d"] == 1


async def test_a_change_of_zone_moves_events_to_their_new_days(health: Health) -> None:
    await health.receives(
        usage("acme", user="ann", at="2026-02-20T15:30Z"),
        usage("acme", user="bob", at="2026-02-20T12:00Z"),
        usage("acme", user="cem", at="2026-02-20T01:00Z"),
    )
    await health.settle()

    await health.receives(fact("acme", at="2026-03-01T08:00Z", zone="Asia/Tokyo"))
    await health.settle()
    assert (await health.metrics("acme", as_of="2026-02-20"))["active_users_1d"] == 2
    assert (await health.metrics("acme", as_of="2026-02-21"))["active_users_1d"] == 1

    await health.receives(fact("acme", at="2026-03-01T08:30Z", zone="America/Los_Angeles"))
    await health.settle()
    assert (await health.metrics("acme", as_of="2026-02-19"))["active_users_1d"] == 1
    assert (await health.metrics("acme", as_of="2026-02-20"))["active_users_1d"] == 2
    history = await health.history("acme")
    assert [close["day"] for close in history] == [f"2026-02-{day}" for day in range(19, 29)]


async def test_an_event_of_tomorrow_waits_for_its_day(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-02T07:00Z", received="2026-03-01T09:00Z"))

    assert (await health.metrics("acme"))["events_28d"] == 0
    assert (await health.health("acme"))["band"] == "unknown"
    await health.until("2026-03-02T06:00Z")
    assert (await health.metrics("acme"))["active_users_1d"] == 1


async def test_bad_luck_of_one_record_leaves_the_others_alone(health: Health) -> None:
    good, bad = usage("acme", at="2026-03-01T08:00Z"), usage("acme", user="a\x00b", at="2026-03-01T08:00Z")

    with pytest.raises(DBAPIError):
        await health.receives(good, bad)
    await health.receives(good)

    assert (await health.metrics("acme"))["events_28d"] == 1


async def test_batches_that_come_at_the_same_time_lose_nothing_and_block_nobody(health: Health) -> None:
    chance = random.Random(7)
    events = [
        usage(f"account-{chance.randrange(20)}", user=f"user-{number % 30}", feature=f"f{number % 9}", at=at)
        for number in range(600)
        for at in ("2026-03-01T08:00Z", "2026-02-20T08:00Z")
    ]
    batches: list[list[Any]] = [[*events[start::8], *chance.sample(events, 40)] for start in range(8)]
    facts = [[fact(f"account-{number}", at="2026-03-01T08:00Z", zone="Asia/Tokyo")] for number in range(0, 20, 3)]

    work = [*batches, *facts]
    chance.shuffle(work)
    await asyncio.gather(*(health.receives(*batch) for batch in work), health.handlers.due.run_due())
    await health.settle()

    counted = [(await health.metrics(f"account-{number}", as_of="2026-03-01"))["events_28d"] for number in range(20)]
    assert sum(counted) == len(events)


async def test_one_id_that_comes_for_another_account_meanwhile_counts_once(health: Health) -> None:
    """The account is locked while its events are stored; of an id that another account has too, its key takes care."""
    await health.receives(usage("acme", at="2026-03-01T07:00Z"), usage("globex", at="2026-03-01T07:00Z"))
    batch = [usage("acme", at="2026-03-01T08:00Z", id=each) for each in ("own", "shared")]

    async with health.database.engine.begin() as other:
        await other.execute(
            text(
                "INSERT INTO health_score.raw_event SELECT (r).* FROM (SELECT json_populate_record(e,"
                ' \'{"event_id": "shared"}\') AS r FROM health_score.raw_event e WHERE account_no ='
                " (SELECT account_no FROM health_score.account WHERE account_id = 'globex')) AS x"
            )
        )
        receiving = asyncio.create_task(health.receives(*batch))
        async with health.database.engine.connect() as watching:
            while not (await watching.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))).scalar_one():
                assert not receiving.done()
                await asyncio.sleep(0.01)
    await receiving

    assert (await health.metrics("acme"))["events_28d"] == 2
