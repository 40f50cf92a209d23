"""Facts come in from the log: alerts open and resolve, people are told once, history stays quiet."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainstay.contracts.envelope import Event
from mainstay.contracts.health_score import ScoreChanged
from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.world import (
    CARD,
    World,
    active_again,
    fell,
    known,
    renewed,
    went_silent,
    window_opened,
)

HOUR = timedelta(hours=1)


async def test_a_fall_opens_an_alert_that_tells_the_channel(alerts: World, sink: HttpSink) -> None:
    sink.secret = (await alerts.webhook(sink.url))["secret"]
    now = alerts.clock.now()

    await alerts.hears(known(now), fell("yellow", "red", now))
    await alerts.delivers()

    [alert] = await alerts.alerts()
    assert (alert["title"], alert["reason"]) == ("Acme fell from yellow to red (41)", "usage fell 64 %")
    assert (alert["state"], alert["severity"], alert["account"]["owner"]) == ("open", "critical", "ann@example.com")
    [message] = sink.verified()
    assert message["type"] == "mainstay.alert.opened"
    assert message["data"]["alert"]["id"] == alert["id"]
    assert message["data"]["account"]["next_renewal_on"] == "2027-01-01"
    assert await alerts.said() == ["mainstay.alert.opened.v1"]


async def test_an_event_heard_twice_has_its_effect_once(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    fall = fell("green", "red", alerts.clock.now())

    await alerts.hears(known(alerts.clock.now()), fall, fall)
    await alerts.hears(fall)
    await alerts.delivers()

    assert len(await alerts.alerts()) == len(sink.arrivals) == 1
    assert await alerts.said() == ["mainstay.alert.opened.v1"]


async def test_the_same_thing_again_tells_nobody(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    now = alerts.clock.now()
    await alerts.hears(known(now), fell("green", "red", now))
    await alerts.delivers()

    await alerts.hears(fell("red", "unknown", now + HOUR), fell("unknown", "red", now + 2 * HOUR))
    await alerts.delivers()

    assert len(await alerts.alerts()) == len(sink.arrivals) == 1


async def test_a_worsening_tells_again_and_replaces_the_milder_alert(alerts: World, sink: HttpSink) -> None:
    sink.secret = (await alerts.webhook(sink.url))["secret"]
    now = alerts.clock.now()
    await alerts.hears(known(now), fell("green", "yellow", now, score=60))
    await alerts.delivers()

    await alerts.hears(fell("yellow", "red", now + HOUR))
    await alerts.delivers()

    states = {alert["grade"]: (alert["state"], alert["resolution"]) for alert in await alerts.alerts()}
    assert states == {"yellow": ("resolved", "superseded"), "red": ("open", None)}
    titles = [message["data"]["title"] for message in sink.verified()]
    assert titles == ["Acme fell from green to yellow (60)", "Acme fell from yellow to red (41)"]
    [unsent] = await alerts.deliveries(state="suppressed")
    assert unsent["error"] == "superseded: the message about the worse alert says it"


async def test_whoever_heard_the_beginning_hears_the_end(alerts: World, sink: HttpSink) -> None:
    sink.secret = (await alerts.webhook(sink.url))["secret"]
    now = alerts.clock.now()
    await alerts.hears(known(now), went_silent(now), window_opened(now))
    await alerts.delivers()

    await alerts.hears(active_again(now + HOUR), renewed(now + HOUR))
    await alerts.delivers()

    told = {(message["type"], message["data"]["title"]) for message in sink.verified()}
    renewal = f"The renewal of Acme is due before {(now + timedelta(days=90)).date()}"
    assert told == {
        ("mainstay.alert.opened", "Acme has gone silent"),
        ("mainstay.alert.resolved", "Resolved: Acme has gone silent"),
        ("mainstay.alert.opened", renewal),
        ("mainstay.alert.resolved", f"Resolved: {renewal}"),
    }
    assert {alert["resolution"] for alert in await alerts.alerts(state="resolved")} == {"active-again", "renewed"}


async def test_what_is_over_before_it_was_sent_is_not_sent(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    now = alerts.clock.now()

    await alerts.hears(known(now), fell("green", "red", now))
    await alerts.hears(fell("red", "green", now + HOUR))
    await alerts.delivers()

    assert sink.arrivals == []
    assert [delivery["state"] for delivery in await alerts.deliveries()] == ["suppressed"]


async def test_a_thousand_old_transitions_notify_nobody(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    then = alerts.clock.now() - timedelta(days=180)
    history = [
        fell(
            "green" if day % 2 == 0 else "red",
            "red" if day % 2 == 0 else "green",
            then + timedelta(days=day),
            account=f"a{account}",
        )
        for account in range(10)
        for day in range(100)
    ]

    await alerts.hears(*history)
    await alerts.delivers()

    found = await alerts.alerts()
    assert len(found) == 500
    assert all(alert["quiet"] and not alert["told"] for alert in found)
    assert await alerts.deliveries() == []
    assert await alerts.rows("SELECT 1 FROM alerts.notification") == []
    assert sink.arrivals == []


async def test_a_fresh_transition_of_a_quiet_alert_tells(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    now = alerts.clock.now()
    old = now - timedelta(days=30)
    await alerts.hears(known(now), fell("green", "red", old), fell("red", "unknown", old + HOUR))
    await alerts.delivers()
    assert sink.arrivals == []

    await alerts.hears(fell("unknown", "red", now))
    await alerts.delivers()

    assert len(sink.arrivals) == 1
    [alert] = await alerts.alerts()
    steps = (await alerts.get(f"/v1/alerts/{alert['id']}"))["transitions"]
    assert [(step["step"], step["quiet"]) for step in steps] == [("opened", True), ("seen-again", False)]


async def test_an_older_record_of_an_account_changes_nothing(alerts: World) -> None:
    now = alerts.clock.now()

    await alerts.hears(known(now, name="New", sequence=7))
    await alerts.hears(known(now, name="Old", sequence=6), fell("green", "red", now))

    [alert] = await alerts.alerts()
    assert alert["account"]["name"] == "New"


async def test_a_message_waits_a_little_for_the_record_of_its_account(alerts: World, sink: HttpSink) -> None:
    sink.secret = (await alerts.webhook(sink.url, owners=["ann@example.com"]))["secret"]
    await alerts.webhook(sink.url, owners=["bob@example.com"])
    now = alerts.clock.now()

    await alerts.hears(fell("green", "red", now))
    assert await alerts.delivers() == 0
    await alerts.hears(known(now))
    alerts.clock.advance(timedelta(seconds=6))
    await alerts.delivers()

    [message] = sink.verified()
    assert message["data"]["title"] == "Acme fell from green to red (41)"
    assert sorted(one["state"] for one in await alerts.deliveries()) == ["delivered", "suppressed"]


async def test_channels_take_what_they_asked_for(alerts: World, sink: HttpSink) -> None:
    wants: list[dict[str, Any]] = [
        {},
        {"owners": ["ann@example.com"]},
        {"owners": ["bob@example.com"]},
        {"categories": ["renewal"]},
        {"min_severity": "warning"},
    ]
    channels = [(await alerts.webhook(sink.url, **want))["id"] for want in wants]
    now = alerts.clock.now()

    await alerts.hears(known(now), fell("green", "red", now), window_opened(now))

    taken = [len(await alerts.deliveries(channel_id=channel)) for channel in channels]
    assert taken == [2, 2, 0, 1, 1]


async def test_a_score_that_moves_within_its_band_is_not_this_service_s_business(alerts: World) -> None:
    now = alerts.clock.now()
    data = ScoreChanged("acme", now, 70, 72, "yellow", 1.0, CARD)

    await alerts.hears(Event("s1", "mainstay/health-score", now, data))

    assert await alerts.alerts() == []


def story(alerts: World) -> list[Event[Any]]:
    """Two accounts' lives as health-score and renewals tell them."""
    now = alerts.clock.now() - timedelta(hours=20)
    events: list[Event[Any]] = []
    for account in ("acme", "globex"):
        bands = [None, "green", "yellow", "red", "yellow", "red", "green", "yellow"]
        events += [
            fell(before, after, now + hour * HOUR, account=account, event_id=f"{account}{hour}")
            for hour, (before, after) in enumerate(pairwise(bands))
            if after is not None
        ]
        events += [went_silent(now + 2 * HOUR, account=account), active_again(now + 3 * HOUR, account=account)]
        events += [window_opened(now, account=account), renewed(now + 9 * HOUR, account=account)]
    return events


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_order_and_repetition_ends_in_the_same_state_and_the_same_notifications(
    alerts: World, data: st.DataObject
) -> None:
    events = story(alerts)
    repeated = [event for event in events for _ in range(data.draw(st.integers(1, 3)))]

    shuffled = data.draw(st.permutations(repeated))
    found = await after(alerts, shuffled, one_by_one=data.draw(st.booleans()))

    assert found == await after(alerts, events)


async def after(alerts: World, events: list[Event[Any]], *, one_by_one: bool = False) -> tuple[Any, Any]:
    """The state and the notifications that events leave in an empty database."""
    async with alerts.database.engine.begin() as connection:
        await connection.exec_driver_sql("TRUNCATE alerts.account, alerts.inbox CASCADE")
    await alerts.hears(*events, one_by_one=one_by_one)
    state = await alerts.rows(
        "SELECT id, identity, state, told, opened_at, resolved_at, resolution FROM alerts.alert ORDER BY 1"
    )
    told = await alerts.rows("SELECT id, kind FROM alerts.notification ORDER BY 1")
    return [tuple(row) for row in state], [tuple(row) for row in told]
