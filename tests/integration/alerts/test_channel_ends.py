"""When a channel is switched off by failures, by its destination or by hand, and what stays of a deleted one."""

from datetime import timedelta

from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.test_delivering import only, opened
from tests.integration.alerts.world import World


async def test_a_destination_that_is_gone_is_switched_off(alerts: World, sink: HttpSink) -> None:
    channel = await alerts.webhook(sink.url)
    sink.answers.append(410)
    await opened(alerts)
    await alerts.delivers()

    await opened(alerts, "globex")
    await alerts.delivers()

    assert len(sink.arrivals) == 1
    shown = await alerts.get(f"/v1/channels/{channel['id']}")
    assert shown["disabled_reason"] == "the destination is gone: the destination answered 410"
    assert (await only(alerts))["state"] == "failed"


async def test_five_days_of_nothing_but_failure_switch_a_channel_off(alerts: World, sink: HttpSink) -> None:
    channel = await alerts.webhook(sink.url)
    sink.usual = 500
    for day in range(6):
        await opened(alerts, f"account {day}")
        await alerts.delivers()
        alerts.clock.advance(timedelta(days=1))

    shown = await alerts.get(f"/v1/channels/{channel['id']}")
    assert shown["disabled_reason"].startswith("nothing but failures since")
    attempts = len(sink.arrivals)
    await alerts.delivers()
    assert len(sink.arrivals) == attempts
    assert {one["state"] for one in await alerts.deliveries()} == {"failed"}

    async with alerts.api() as api:
        again = (await api.patch(f"/v1/channels/{channel['id']}", json={"enabled": True})).json()
    assert (again["disabled_reason"], again["failing_since"]) == (None, None)


async def test_one_success_in_between_keeps_a_channel_on(alerts: World, sink: HttpSink) -> None:
    channel = await alerts.webhook(sink.url)
    for day in range(8):
        sink.usual = 204 if day == 4 else 500
        await opened(alerts, f"account {day}")
        await alerts.delivers()
        alerts.clock.advance(timedelta(days=1))

    assert (await alerts.get(f"/v1/channels/{channel['id']}"))["disabled_reason"] is None


async def test_switching_a_channel_off_takes_back_what_waits(alerts: World, sink: HttpSink) -> None:
    channel = await alerts.webhook(sink.url)
    await opened(alerts)

    async with alerts.api() as api:
        await api.patch(f"/v1/channels/{channel['id']}", json={"enabled": False})
    await alerts.delivers()
    await opened(alerts, "globex")

    assert sink.arrivals == []
    assert ((await only(alerts))["state"], (await only(alerts))["error"]) == (
        "suppressed",
        "the channel is switched off",
    )


async def test_a_deleted_channel_leaves_its_past_and_no_secret(alerts: World, sink: HttpSink) -> None:
    channel = await alerts.webhook(sink.url)
    await opened(alerts)

    async with alerts.api() as api:
        assert (await api.delete(f"/v1/channels/{channel['id']}")).status_code == 204
        assert (await api.get(f"/v1/channels/{channel['id']}")).status_code == 404
        assert (await api.delete(f"/v1/channels/{channel['id']}")).status_code == 404
    await alerts.delivers()

    assert sink.arrivals == []
    assert (await only(alerts))["state"] == "suppressed"
    assert [row.destination for row in await alerts.rows("SELECT destination FROM alerts.channel")] == [None]
