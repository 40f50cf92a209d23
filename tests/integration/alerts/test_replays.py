"""What was given up can be looked into and sent again: one, a filter, a time range, as a job over a restart."""

from datetime import timedelta
from typing import Any

from alerts.application import replaying
from tests.integration.alerts.sinks import HttpSink, http_sink
from tests.integration.alerts.test_delivering import only, opened, until_next_attempt
from tests.integration.alerts.world import World, fell, known

HOUR = timedelta(hours=1)
GONE_WRONG: Any = (422, {}, b"not like this")


async def given_up(alerts: World, sink: HttpSink, numbers: range) -> str:
    """A Slack channel that refused a message about each account."""
    async with alerts.api() as api:
        made = (await api.post("/v1/channels", json={"name": "chat", "kind": "slack", "url": sink.url})).json()
    await refused(alerts, sink, numbers)
    channel_id: str = made["id"]
    return channel_id


async def refused(alerts: World, sink: HttpSink, numbers: range) -> None:
    sink.usual = GONE_WRONG
    for number in numbers:
        now = alerts.clock.now()
        await alerts.hears(known(now, account=f"a{number}"), fell("green", "red", now, account=f"a{number}"))
        await alerts.delivers()
        alerts.clock.advance(timedelta(seconds=20))
    sink.usual = (200, {}, b"ok")


async def begun(alerts: World, **wanted: Any) -> Any:
    async with alerts.api() as api:
        answer = await api.post("/v1/deliveries/replay", json=wanted)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/replays/{answer.json()['id']}"
    return answer.json()


async def drained(alerts: World) -> None:
    for _ in range(80):
        await alerts.delivers()
        alerts.clock.advance(timedelta(seconds=1))


async def test_one_delivery_is_replayed_under_its_id_with_the_whole_schedule(alerts: World, sink: HttpSink) -> None:
    await given_up(alerts, sink, range(1))
    before = await only(alerts)
    assert before["state"] == "failed"
    sink.answers.append(500)

    async with alerts.api() as api:
        answer = await api.post(f"/v1/deliveries/{before['id']}/replay")
        again = await api.post(f"/v1/deliveries/{before['id']}/replay")
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    assert (again.status_code, again.json()["code"]) == (409, "delivery-not-failed")
    await alerts.delivers()
    assert await until_next_attempt(alerts) <= timedelta(seconds=6)  # the first pause again
    await alerts.delivers()

    one = await alerts.get(f"/v1/deliveries/{before['id']}")
    assert (one["state"], one["attempts"]) == ("delivered", 3)
    assert [(made["number"], made["outcome"], made["status"]) for made in one["attempts_made"]] == [
        (1, "failed", 422),
        (2, "failed", 500),
        (3, "delivered", 200),
    ]
    assert one["attempts_made"][0]["answer"] == "not like this"
    assert all(made["took_ms"] is not None for made in one["attempts_made"])


async def test_a_filter_and_a_time_range_are_replayed_as_a_job_over_a_restart(
    alerts: World, sink: HttpSink, monkeypatch: Any
) -> None:
    monkeypatch.setattr(replaying, "AT_ONCE", 3)
    channel_id = await given_up(alerts, sink, range(8))
    async with http_sink() as elsewhere:
        other = await given_up(alerts, elsewhere, range(8, 10))
        oldest = sorted(await alerts.deliveries(state="failed"), key=lambda one: one["created_at"])
        assert [one["channel_id"] for one in oldest] == [channel_id] * 8 + [other] * 2
        before = {one["id"] for one in await alerts.deliveries(state="delivered")}

        job = await begun(alerts, channel_id=channel_id, since=oldest[2]["created_at"], until=oldest[7]["created_at"])
        assert (job["state"], job["total"]) == ("running", 5)
        async with alerts.application.open_work() as work:  # the first part, and then the process is gone
            assert await alerts.application.handlers.replays.go_on(work, job["id"]) is True
        shown = await alerts.get(f"/v1/replays/{job['id']}")
        assert (shown["state"], shown["replayed"], shown["finished_at"]) == ("running", 3, None)

        survivor = alerts.another()
        await survivor.application.due.run_due()
        shown = await alerts.get(f"/v1/replays/{job['id']}")
        assert (shown["state"], shown["replayed"], shown["passed_over"]) == ("done", 5, 0)
        assert shown["created_by"] == "the tests"
        await drained(alerts)

        delivered = {one["id"] for one in await alerts.deliveries(state="delivered")} - before
        assert delivered == {one["id"] for one in oldest[2:7]}
        assert [one["id"] for one in (await alerts.get("/v1/replays"))["data"]] == [job["id"]]


async def test_a_replay_can_be_cancelled(alerts: World, sink: HttpSink, monkeypatch: Any) -> None:
    monkeypatch.setattr(replaying, "AT_ONCE", 2)
    channel_id = await given_up(alerts, sink, range(5))
    job = await begun(alerts, channel_id=channel_id)
    async with alerts.application.open_work() as work:
        await alerts.application.handlers.replays.go_on(work, job["id"])

    async with alerts.api() as api:
        answers = [await api.post(f"/v1/replays/{job['id']}/cancel") for _ in range(2)]
    await alerts.application.due.run_due()

    assert [answer.json()["state"] for answer in answers] == ["cancelled", "cancelled"]
    assert len(await alerts.deliveries(state="pending")) == 2
    assert len(await alerts.deliveries(state="failed")) == 3
    assert await alerts.rows("SELECT 1 FROM alerts.due WHERE kind <> 'forget'") == []


async def test_what_a_channel_cannot_take_is_passed_over_and_said(alerts: World, sink: HttpSink) -> None:
    channel_id = await given_up(alerts, sink, range(2))
    [first, _] = await alerts.deliveries()
    async with alerts.api() as api:
        await api.patch(f"/v1/channels/{channel_id}", json={"enabled": False})
        one = await api.post(f"/v1/deliveries/{first['id']}/replay")
    job = await begun(alerts, channel_id=channel_id)
    await alerts.application.due.run_due()

    assert (one.status_code, one.json()["code"]) == (409, "channel-not-usable")
    shown = await alerts.get(f"/v1/replays/{job['id']}")
    assert (shown["state"], shown["replayed"], shown["passed_over"]) == ("done", 0, 2)


async def test_a_replayed_opening_that_is_over_meanwhile_is_not_sent(alerts: World, sink: HttpSink) -> None:
    await given_up(alerts, sink, range(1))
    calls = len(sink.arrivals)
    await alerts.hears(fell("red", "green", alerts.clock.now() + HOUR, account="a0"))
    await begun(alerts, account_id="a0")
    await alerts.application.due.run_due()
    await drained(alerts)

    assert len(sink.arrivals) == calls
    assert [(one["kind"], one["state"]) for one in await alerts.deliveries()] == [("opened", "suppressed")]


async def test_an_attempt_whose_process_died_is_on_record(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    sink.answers.append("hang")
    await opened(alerts)
    await alerts.application.deliverer.start_due()
    one = await alerts.get(f"/v1/deliveries/{(await only(alerts))['id']}")
    assert [(made["number"], made["outcome"]) for made in one["attempts_made"]] == [(1, None)]
    for task in alerts.application.deliverer.under_way:
        task.cancel()
    alerts.clock.advance(timedelta(seconds=31))
    await alerts.another().delivers()

    one = await alerts.get(f"/v1/deliveries/{one['id']}")
    assert [(made["number"], made["outcome"]) for made in one["attempts_made"]] == [(1, None), (2, "delivered")]


async def test_a_message_that_was_not_needed_made_no_attempt(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    now = alerts.clock.now()
    await alerts.hears(known(now), fell("green", "red", now))
    await alerts.rows("UPDATE alerts.alert SET state = 'resolved', resolved_at = now() RETURNING id", commit=True)
    await alerts.delivers()

    one = await alerts.get(f"/v1/deliveries/{(await only(alerts))['id']}")
    assert (one["state"], one["attempts"], one["attempts_made"]) == ("suppressed", 0, [])
