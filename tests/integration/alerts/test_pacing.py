"""Quotas kept over restarts and workers, what is more in digests; a destination that only fails is probed."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from alerts.domain.deliveries import RETRY_AFTER
from alerts.domain.pacing import OPENS_AFTER
from mainstay.testing import eventually
from tests.integration.alerts.sinks import HANG, HttpSink, http_sink, listening
from tests.integration.alerts.test_channels import channel
from tests.integration.alerts.test_delivering import opened
from tests.integration.alerts.vendors import MINUTE, VENDORS, DingTalkServer, Vendor, WeComServer
from tests.integration.alerts.world import World, fell, known

SECOND = timedelta(seconds=1)


async def raised(alerts: World, numbers: range) -> None:
    """Alerts about so many accounts, each with a name of its own."""
    now = alerts.clock.now()
    await alerts.hears(*(known(now, account=f"a{n}", name=f"Customer {n:03}") for n in numbers))
    await alerts.hears(*(fell("green", "red", now, account=f"a{n}") for n in numbers))


def named(vendor: Vendor) -> set[int]:
    """The customers whose names were taken, in messages or digests."""
    said = json.dumps(vendor.taken, ensure_ascii=False)
    return {n for n in range(250) if f"Customer {n:03}" in said}


@pytest.mark.parametrize("server", [WeComServer, DingTalkServer])
async def test_200_alerts_in_a_minute_reach_a_robot_of_20_posts_a_minute_over_a_restart(
    alerts: World, server: type[Vendor]
) -> None:
    async with listening(server(clock=alerts.clock)) as vendor:
        kind = "wecom" if server is WeComServer else "dingtalk"
        await channel(alerts, kind=kind, url=vendor.url)
        worker, other, raised_so_far = alerts, alerts.another(), 0
        for second in range(120):
            if second < 60:
                upto = (second + 1) * 200 // 60
                await raised(alerts, range(raised_so_far, upto))
                raised_so_far = upto
            if second == 30:  # the process is killed in the middle of a call, and another begins
                vendor.answers.append(HANG)
                before = len(vendor.arrivals)
                while len(vendor.arrivals) == before:
                    await worker.application.deliverer.start_due()
                    await asyncio.sleep(0.05)
                    if len(vendor.arrivals) == before:
                        alerts.clock.advance(SECOND)
                vendor.posts.append(alerts.clock.now())  # the server hung, but it counts
                for task in worker.application.deliverer.under_way:
                    task.cancel()
                await asyncio.wait(worker.application.deliverer.under_way or [asyncio.create_task(asyncio.sleep(0))])
                worker = alerts.another()
            await worker.application.deliverer.start_due()
            await other.application.deliverer.start_due()
            await worker.application.deliverer.finish()
            await other.application.deliverer.finish()
            alerts.clock.advance(SECOND)

        assert vendor.refused == []
        assert vendor.most_in(MINUTE) <= 20
        assert len(vendor.posts) >= 10
        found = await alerts.deliveries()
        assert len(found) == 200
        assert {one["state"] for one in found} == {"delivered"}
        assert named(vendor) == set(range(200))
        digested = [one for one in found if one["digest_id"]]
        assert len(digested) > 100
        some = digested[0]["digest_id"]
        together = await alerts.deliveries(digest_id=some)
        assert 1 < len(together) <= 30
        # each attempt says in which digest it was made
        [attempt] = (await alerts.get(f"/v1/deliveries/{together[0]['id']}"))["attempts_made"][-1:]
        assert (attempt["digest_id"], attempt["outcome"]) == (some, "delivered")


@pytest.mark.parametrize("kind", sorted(VENDORS))
async def test_a_burst_keeps_each_vendor_s_quota_with_two_workers(alerts: World, kind: str) -> None:
    async with listening(VENDORS[kind](clock=alerts.clock)) as vendor:
        await channel(alerts, kind=kind, url=vendor.url)
        await raised(alerts, range(70))
        other = alerts.another()
        for _ in range(200):
            await asyncio.gather(alerts.delivers(), other.delivers())
            alerts.clock.advance(timedelta(seconds=0.25))

        assert vendor.refused == []
        assert named(vendor) == set(range(70))
        assert {one["state"] for one in await alerts.deliveries()} == {"delivered"}


async def test_what_fits_soon_is_sent_message_by_message(alerts: World) -> None:
    async with listening(WeComServer(clock=alerts.clock)) as vendor:
        await channel(alerts, kind="wecom", url=vendor.url)
        await raised(alerts, range(4))
        for _ in range(12):
            await alerts.delivers()
            alerts.clock.advance(SECOND)

        assert len(vendor.taken) == 4
        assert {one["digest_id"] for one in await alerts.deliveries()} == {None}


async def test_a_digest_names_the_worst_first_and_each_of_the_others(alerts: World) -> None:
    async with listening(WeComServer(clock=alerts.clock)) as vendor:
        await channel(alerts, kind="wecom", url=vendor.url, language="en")
        now = alerts.clock.now()
        await alerts.hears(*(known(now, account=f"a{n}", name=f"Customer {n:03}") for n in range(13)))
        await alerts.hears(*(fell("green", "yellow", now, account=f"a{n}") for n in range(13)))
        await alerts.hears(known(now, account="z", name="Worst"), fell("green", "red", now, account="z"))
        for _ in range(8):
            await alerts.delivers()
            alerts.clock.advance(SECOND)

        digest = vendor.taken[-1]["markdown"]["content"]
        assert digest.startswith("## 13 messages in one\n")
        assert digest.index("Worst") < digest.index("and 12 more:") < digest.index("Customer")
        assert len(digest.encode()) <= 4_096


async def test_the_same_digest_that_is_refused_as_a_whole_does_not_give_up_what_is_in_it(alerts: World) -> None:
    async with listening(WeComServer(clock=alerts.clock)) as vendor:
        await channel(alerts, kind="wecom", url=vendor.url)
        await raised(alerts, range(20))
        refusal: Any = (200, {}, b'{"errcode": 40058, "errmsg": "one of them is odd"}')
        await alerts.delivers()  # the first, by itself
        vendor.answers.append(refusal)
        await alerts.delivers()
        for _ in range(60):
            await alerts.delivers()
            alerts.clock.advance(SECOND)

        assert {one["state"] for one in await alerts.deliveries()} == {"delivered"}


async def test_a_blocked_robot_is_left_alone_for_ten_minutes_by_every_process(alerts: World) -> None:
    async with listening(DingTalkServer(clock=alerts.clock)) as vendor:
        await channel(alerts, kind="dingtalk", url=vendor.url)
        vendor.answers.append((200, {}, b'{"errcode": 130101, "errmsg": "send too fast"}'))
        await raised(alerts, range(3))
        await alerts.delivers()
        calls = len(vendor.arrivals)
        for _ in range(9):
            alerts.clock.advance(MINUTE)
            await alerts.another().delivers()
        assert len(vendor.arrivals) == calls == 1

        for _ in range(30):
            alerts.clock.advance(timedelta(seconds=20))
            await alerts.another().delivers()
        assert named(vendor) == {0, 1, 2}


async def test_a_dead_destination_is_probed_one_by_one_by_the_schedule(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    sink.usual = 503
    await raised(alerts, range(20))
    await alerts.delivers()
    assert len(sink.arrivals) <= OPENS_AFTER + 3  # those that were under way at the fifth

    for step in RETRY_AFTER[:4]:
        [row] = await alerts.rows("SELECT probe_at FROM alerts.pace")
        pause = row.probe_at - alerts.clock.now()
        assert 0.8 * step <= pause <= 1.2 * step
        alerts.clock.advance(pause - timedelta(milliseconds=5))
        before = len(sink.arrivals)
        await alerts.delivers()
        assert len(sink.arrivals) == before
        alerts.clock.advance(timedelta(milliseconds=10))
        await asyncio.gather(alerts.delivers(), alerts.another().delivers())
        assert len(sink.arrivals) == before + 1

    sink.usual = 204
    [row] = await alerts.rows("SELECT probe_at FROM alerts.pace")
    alerts.clock.move_to(row.probe_at)
    await alerts.delivers()
    [row] = await alerts.rows("SELECT probe_at, failures FROM alerts.pace")
    assert (row.probe_at, row.failures) == (None, 0)
    assert len(await alerts.deliveries(state="delivered")) > 10  # the one that got through lets the others through


async def test_a_test_goes_before_what_waits_and_to_a_destination_that_is_only_probed(
    alerts: World, sink: HttpSink
) -> None:
    made = await alerts.webhook(sink.url)
    sink.usual = 503
    await raised(alerts, range(12))
    await alerts.delivers()
    sink.usual = 204
    async with alerts.api() as api:
        tried = (await api.post(f"/v1/channels/{made['id']}/test")).json()
    before = len(sink.arrivals)
    await alerts.delivers()

    assert sink.ids[before] == tried["id"]
    assert (await alerts.get(f"/v1/deliveries/{tried['id']}"))["state"] == "delivered"
    assert len(sink.arrivals) > before + 1  # and its success lets the others through


async def test_a_channel_that_is_switched_on_again_is_tried_at_once(alerts: World, sink: HttpSink) -> None:
    made = await alerts.webhook(sink.url)
    sink.usual = 503
    await raised(alerts, range(12))
    await alerts.delivers()
    sink.usual = 204
    assert await alerts.delivers() == 0

    async with alerts.api() as api:
        await api.patch(f"/v1/channels/{made['id']}", json={"enabled": True})
    assert await alerts.delivers() > 0


async def test_a_dead_destination_slows_no_healthy_one(alerts: World, sink: HttpSink) -> None:
    async with http_sink() as dead:
        dead.usual = HANG
        bad = await alerts.webhook(dead.url)
        await alerts.webhook(sink.url)
        await raised(alerts, range(40))

        started = asyncio.create_task(_drain(alerts))
        await eventually(lambda: len(sink.arrivals) == 40, within=20)
        assert len(dead.arrivals) <= 8  # at most 4 at once, each of 2 s
        started.cancel()
        await asyncio.wait({started})
        assert len(await alerts.deliveries(channel_id=bad["id"], state="delivered")) == 0


async def _drain(alerts: World) -> None:
    while True:
        await alerts.application.deliverer.start_due()
        await asyncio.sleep(0.02)


async def test_a_clock_that_was_set_back_does_not_stop_a_channel(alerts: World) -> None:
    async with listening(WeComServer(clock=alerts.clock)) as vendor:
        await channel(alerts, kind="wecom", url=vendor.url)
        await opened(alerts)
        await alerts.delivers()
        alerts.clock.advance(-timedelta(hours=1))
        vendor.posts.clear()
        await opened(alerts, "globex")
        for _ in range(9):
            await alerts.delivers()
            alerts.clock.advance(SECOND)

        assert len(vendor.taken) == 2
