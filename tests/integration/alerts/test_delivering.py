"""Messages leave, come back, are tried again, and stop: with destinations that behave well and badly."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text

from alerts.domain.deliveries import RETRY_AFTER
from alerts.jobs import deliver
from alerts.sealing import Seal
from mainstay.db.engine import asyncpg_dsn
from mainstay.testing import eventually
from mainstay.web.serving import bind
from tests.integration.alerts.sinks import DRIP, FLOOD, HANG, HttpSink, http_sink
from tests.integration.alerts.world import LIMITS, SECRET_KEY, World, fell, known

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


async def opened(alerts: World, account: str = "acme") -> None:
    now = alerts.clock.now()
    await alerts.hears(known(now, account=account), fell("green", "red", now, account=account))


async def only(alerts: World) -> Any:
    [delivery] = await alerts.deliveries()
    return delivery


async def until_next_attempt(alerts: World) -> timedelta:
    """Move the clock to just after the next attempt; answers how far."""
    [row] = await alerts.rows("SELECT next_attempt_at FROM alerts.delivery WHERE state = 'pending'")
    pause: timedelta = row.next_attempt_at - alerts.clock.now()
    alerts.clock.advance(pause + timedelta(milliseconds=1))
    return pause


async def test_a_failed_delivery_is_repeated_on_schedule_under_the_same_id(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    sink.answers.extend([500, 502, 404])
    await opened(alerts)

    await alerts.delivers()
    for pause in RETRY_AFTER[:3]:
        assert await alerts.delivers() == 0
        assert 0.8 * pause <= await until_next_attempt(alerts) <= 1.2 * pause
        await alerts.delivers()

    assert len(sink.ids) == 4
    assert len(set(sink.ids)) == 1
    delivery = await only(alerts)
    assert (delivery["state"], delivery["attempts"], delivery["error"]) == ("delivered", 4, None)
    assert delivery["id"] == sink.ids[0]


async def test_after_the_eighth_failure_it_is_given_up_and_said(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    sink.usual = (500, {}, b"<b>no</b>\r\nway")
    await opened(alerts)

    await alerts.delivers()
    for _ in RETRY_AFTER:
        await until_next_attempt(alerts)
        await alerts.delivers()
    alerts.clock.advance(timedelta(days=2))
    await alerts.delivers()

    delivery = await only(alerts)
    assert (delivery["state"], delivery["attempts"]) == ("failed", 8)
    assert delivery["error"] == "the destination answered 500: <b>no</b> way"
    assert await alerts.said() == ["mainstay.alert.opened.v1", "mainstay.alert.delivery_failed.v1"]


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_busy_destination_is_given_the_time_it_asks_for(alerts: World, sink: HttpSink, form: str) -> None:
    await alerts.webhook(sink.url)
    at = (alerts.clock.now() + timedelta(minutes=40)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    sink.answers.append((429, {"retry-after": "2400" if form == "seconds" else at}, b""))
    await opened(alerts)
    await alerts.delivers()
    await opened(alerts, "globex")

    alerts.clock.advance(timedelta(minutes=39))
    assert await alerts.delivers() == 0  # the other message waits with it
    alerts.clock.advance(timedelta(minutes=2))
    await alerts.delivers()

    assert len(sink.arrivals) == 3


async def test_a_process_that_dies_between_the_call_and_the_mark_repeats_under_the_same_id(
    alerts: World, sink: HttpSink
) -> None:
    await alerts.webhook(sink.url)
    sink.answers.append(HANG)
    await opened(alerts)
    await alerts.application.deliverer.start_due()
    await eventually(lambda: bool(sink.arrivals), within=5)
    for task in alerts.application.deliverer.under_way:  # what SIGKILL does to it
        task.cancel()

    survivor = alerts.another()
    assert await survivor.delivers() == 0  # the lease holds
    alerts.clock.advance(31 * SECOND)
    await survivor.delivers()

    assert len(sink.ids) == 2
    assert len(set(sink.ids)) == 1
    assert ((await only(alerts))["state"], (await only(alerts))["attempts"]) == ("delivered", 2)


async def test_a_database_that_is_away_at_the_mark_makes_no_second_message(
    alerts: World, sink: HttpSink, migrated_url: str
) -> None:
    await alerts.webhook(sink.url)
    sink.answers.append(HANG)
    await opened(alerts)
    await alerts.application.deliverer.start_due()
    await eventually(lambda: bool(sink.arrivals), within=5)
    url = make_url(migrated_url)
    admin = await asyncpg.connect(asyncpg_dsn(url.set(database="postgres").render_as_string(hide_password=False)))

    await admin.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false")
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", url.database)
    sink.usual = 204
    sink.leave.set()  # the call ends while nobody can write that down
    await asyncio.sleep(0.5)  # the mark is tried and fails: nobody is told of that
    await admin.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true")
    await admin.close()
    await alerts.application.deliverer.finish()

    assert ((await only(alerts))["state"], (await only(alerts))["attempts"]) == ("pending", 1)


async def test_a_process_that_slept_past_its_lease_marks_nothing(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    sink.answers.append(HANG)
    await opened(alerts)
    await alerts.application.deliverer.start_due()
    await eventually(lambda: bool(sink.arrivals), within=5)

    alerts.clock.advance(31 * SECOND)
    await alerts.another().delivers()
    await (
        alerts.application.deliverer.finish()
    )  # the first one's call times out now: a failure, and not its own any more

    assert ((await only(alerts))["state"], (await only(alerts))["attempts"]) == ("delivered", 2)


async def test_two_processes_send_each_message_once(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    other = alerts.another()
    for number in range(12):
        await opened(alerts, f"account {number}")

    await asyncio.gather(alerts.delivers(), other.delivers())

    assert len(sink.ids) == len(set(sink.ids)) == 12


@pytest.mark.parametrize("behaviour", [HANG, DRIP, FLOOD])
async def test_a_destination_that_misbehaves_stops_no_other(alerts: World, sink: HttpSink, behaviour: str) -> None:
    async with http_sink() as bad:
        bad.usual = behaviour
        channel = await alerts.webhook(bad.url)
        await alerts.webhook(sink.url)
        for number in range(10):
            await opened(alerts, f"account {number}")
        stopping = asyncio.Event()
        worker = asyncio.create_task(deliver(alerts.application.deliverer, stopping))

        await eventually(lambda: len(sink.arrivals) == 10, within=10)
        if behaviour in {HANG, DRIP}:
            await eventually(lambda: len(bad.arrivals) >= 4, within=10)
            assert len(bad.arrivals) == 4  # bounded: the others wait their turn
        stopping.set()
        await worker

        failed = await alerts.deliveries(channel_id=channel["id"])
        assert {one["state"] for one in failed} == {"pending"}
        assert sum(one["error"] is not None for one in failed) >= 4


async def many(alerts: World, name: str, count: int) -> None:
    now, names = alerts.clock.now(), [f"{name} {number}" for number in range(count)]
    await alerts.hears(*(known(now, account=each) for each in names))
    await alerts.hears(*(fell("green", "red", now, account=each) for each in names))


async def test_who_answers_soon_is_given_many_and_what_was_not_begun_when_it_failed_is_given_back(
    alerts: World, sink: HttpSink
) -> None:
    await alerts.webhook(sink.url)
    await many(alerts, "first", 4)
    assert await alerts.application.deliverer.start_due() == 4  # nobody knows yet how it answers
    await alerts.application.deliverer.finish()
    await many(alerts, "second", 40)
    sink.answers.extend([500, 500, 500, 500])

    assert await alerts.application.deliverer.start_due() > 4
    await alerts.application.deliverer.finish()

    assert len(sink.arrivals) == 4 + 4
    pending = [one for one in await alerts.deliveries() if one["state"] == "pending"]
    assert sorted(one["attempts"] for one in pending) == [0] * 36 + [1] * 4
    [on_record] = await alerts.rows("SELECT count(*) AS attempts FROM alerts.attempt")
    assert on_record.attempts == 4 + 4

    await alerts.delivers()
    assert len(sink.arrivals) == 4 + 4 + 36
    alerts.clock.advance(6 * SECOND)
    await alerts.delivers()
    assert len(set(sink.ids)) == 4 + 40
    assert {one["state"] for one in await alerts.deliveries()} == {"delivered"}


async def test_no_more_calls_at_once_by_two_processes_however_much_they_hold(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    other = alerts.another()
    await many(alerts, "first", 4)
    await alerts.delivers()
    await many(alerts, "second", 30)
    sink.usual = HANG

    await alerts.application.deliverer.start_due()
    await other.application.deliverer.start_due()
    await eventually(lambda: len(sink.arrivals) >= 4 + 4, within=5)
    await asyncio.sleep(0.2)  # a fifth call would be there by now

    assert len(sink.arrivals) == 4 + 4
    sink.usual = 204
    sink.leave.set()
    await alerts.application.deliverer.finish()
    await other.application.deliverer.finish()


async def test_a_mark_that_cannot_be_written_takes_none_of_the_others_with_it(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    await many(alerts, "account", 4)
    first = min(one["id"] for one in await alerts.deliveries())
    async with alerts.database.engine.begin() as connection:
        broken = f"ALTER TABLE alerts.delivery ADD CHECK (id <> '{first}' OR state <> 'delivered')"
        await connection.execute(text(broken))
    process = alerts.another(replace(LIMITS, lease=LIMITS.call_within + SECOND))

    await process.application.deliverer.start_due()
    await process.application.deliverer.finish()

    assert len(sink.arrivals) == 4
    states = {one["id"]: one["state"] for one in await alerts.deliveries()}
    assert states.pop(first) == "delivering"  # its lease runs out, and it goes again
    assert set(states.values()) == {"delivered"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((302, {"location": "http://169.254.169.254/"}, b""), "the destination answered 302"),
        ((301, {"location": "/elsewhere"}, b"moved"), "the destination answered 301: moved"),
    ],
)
async def test_a_redirect_is_a_failure_and_is_not_followed(
    alerts: World, sink: HttpSink, answer: Any, error: str
) -> None:
    await alerts.webhook(sink.url)
    sink.answers.append(answer)
    await opened(alerts)

    await alerts.delivers()

    assert [arrival.path for arrival in sink.arrivals] == ["/hook"]
    assert (await only(alerts))["error"] == error


async def test_a_destination_that_is_not_there_is_tried_again(alerts: World) -> None:
    free = bind("127.0.0.1", 0)
    port = free.getsockname()[1]
    free.close()
    await alerts.webhook(f"http://127.0.0.1:{port}/")
    await opened(alerts)

    await alerts.delivers()

    delivery = await only(alerts)
    assert (delivery["state"], delivery["attempts"]) == ("pending", 1)
    assert "no connection" in delivery["error"]


async def test_a_mistake_of_ours_is_a_failed_attempt_and_not_an_endless_one(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    broken = Seal(SECRET_KEY).close(json.dumps({"url": sink.url, "secret": "whsec_é"}))
    await alerts.rows("UPDATE alerts.channel SET destination = :broken RETURNING id", commit=True, broken=broken)
    await opened(alerts)

    await alerts.delivers()

    delivery = await only(alerts)
    assert (delivery["state"], delivery["attempts"]) == ("pending", 1)
    assert delivery["error"] == "the message could not be sent: ValueError"


async def test_attempts_that_never_end_have_an_end(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    await opened(alerts)
    await alerts.rows("UPDATE alerts.delivery SET attempts = 16 RETURNING id", commit=True)

    await alerts.delivers()

    assert sink.arrivals == []
    assert (await only(alerts))["state"] == "failed"


async def test_an_end_is_told_where_the_beginning_may_have_arrived_and_nowhere_else(
    alerts: World, sink: HttpSink
) -> None:
    async with http_sink() as silent, http_sink() as refusing:
        silent.usual, refusing.usual = HANG, 500
        for destination in (sink, silent, refusing):
            await alerts.webhook(destination.url)
        now = alerts.clock.now()
        await opened(alerts)
        await alerts.delivers()
        silent.usual = refusing.usual = 204

        await alerts.hears(fell("red", "green", now + HOUR))
        alerts.clock.advance(HOUR)
        await alerts.delivers()

        assert [len(one.arrivals) for one in (sink, silent, refusing)] == [2, 2, 1]
        states = sorted((one["kind"], one["state"]) for one in await alerts.deliveries())
        assert states == [
            ("opened", "delivered"),
            ("opened", "suppressed"),
            ("opened", "suppressed"),
            ("resolved", "delivered"),
            ("resolved", "delivered"),
        ]
