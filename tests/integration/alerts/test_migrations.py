"""The schema of deliveries goes back and forth with what is in it."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from sqlalchemy import text

from tests.integration.alerts.sinks import HttpSink, http_sink
from tests.integration.alerts.test_channels import channel
from tests.integration.alerts.test_delivering import opened
from tests.integration.alerts.test_playbooks import post as does
from tests.integration.alerts.test_playbooks import put
from tests.integration.alerts.test_routing import falls, office, person, post, routing
from tests.integration.alerts.test_worklist import PLAN, touched
from tests.integration.alerts.world import World, fell, known

__all__ = ["office"]

STEPS = [{"after_minutes": 60, "to": [{"role": "owner"}]}]
PEOPLE: Any = import_module("alerts.migrations.versions.0005_people")
DELIVERY: Any = import_module("alerts.migrations.versions.0003_delivery")
HORIZONS: Any = import_module("alerts.migrations.versions.0007_horizons")
PLAYBOOKS: Any = import_module("alerts.migrations.versions.0006_playbooks")


async def run(alerts: World, statements: tuple[str, ...]) -> None:
    async with alerts.database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement.replace(":", r"\:")))


async def test_channels_of_before_go_on_and_those_of_after_go_back(alerts: World, sink: HttpSink) -> None:
    async with http_sink() as robot:
        await alerts.webhook(sink.url)
        await channel(alerts, kind="dingtalk", url=robot.url)
        await channel(alerts, kind="slack", url=robot.url, operator=True)
        robot.usual = (410, {}, b"")
        await opened(alerts)
        for _ in range(2):
            await alerts.delivers()

        await run(alerts, DELIVERY.DOWN)
        kinds = [row.kind for row in await alerts.rows("SELECT kind FROM alerts.channel ORDER BY kind")]
        assert kinds == ["slack", "webhook"]
        await run(alerts, DELIVERY.UP)

        assert len(await alerts.rows("SELECT 1 FROM alerts.pace")) == 2
        await opened(alerts, "globex")
        await alerts.delivers()
        assert len(sink.arrivals) == 2  # the webhook's secret is read as it was


async def test_what_is_for_channels_goes_on_without_people_and_with_them_again(office: World, sink: HttpSink) -> None:
    await office.webhook(sink.url)
    await person(office, "ann")
    await routing(office, {"to": [{"role": "owner"}, {"filters": True}], "escalation": STEPS, "group_minutes": 5})
    held = await falls(office, stage="will_churn")  # for the webhook too, without an end
    other = await falls(office, "globex")
    until = (office.clock.now() + timedelta(hours=1)).isoformat()
    await post(office, f"/v1/alerts/{other['id']}/snooze", until=until)
    for minutes in (0, 5):
        office.clock.advance(timedelta(minutes=minutes))
        await office.application.due.run_due()
        await office.delivers()

    await run(office, PEOPLE.DOWN)
    states = await office.rows("SELECT state, next_attempt_at FROM alerts.delivery ORDER BY state")
    await run(office, PEOPLE.UP)
    again = office.another()
    again.clock.move_to(datetime.now(UTC) + timedelta(hours=1))  # the migration goes by the database's clock
    await again.delivers()

    assert all((row.state == "pending") == (row.next_attempt_at is not None) for row in states)
    assert len(states) == 2  # the webhook's
    assert len(sink.arrivals) == 1  # what was snoozed; the account that leaves is still one
    assert (await office.get(f"/v1/alerts/{held['id']}"))["notifications"][0]["muted_by"] == "inhibition"


async def test_playbooks_go_with_their_messages_and_touches_are_worked_out_when_they_come(
    alerts: World, sink: HttpSink
) -> None:
    now = alerts.clock.now()
    await alerts.webhook(sink.url)
    await alerts.hears(known(now), touched(alerts, days_ago=1, next_in=3))
    await put(alerts, PLAN)
    await does(alerts, "/v1/playbooks/plan/runs", 201, account_id="acme")
    alerts.clock.advance(timedelta(days=4))
    await alerts.application.due.run_due()
    await alerts.delivers()
    assert len(sink.arrivals) == 2  # the task is overdue, and so is the step that was promised

    await run(alerts, PLAYBOOKS.DOWN)
    left = [row.kind for row in await alerts.rows("SELECT kind FROM alerts.notification")]
    await run(alerts, PLAYBOOKS.UP)
    await alerts.application.due.run_due()

    assert left == ["opened"]
    [touch] = await alerts.rows("SELECT account_id, next_due_on FROM alerts.account_touch")
    assert (touch.account_id, touch.next_due_on) == ("acme", (now + timedelta(days=3)).date())
    [owner] = await alerts.rows("SELECT owner FROM alerts.account_owner")
    assert owner.owner == "ann@example.com"


async def test_the_health_by_which_work_is_ranked_is_read_off_the_facts(alerts: World) -> None:
    now = alerts.clock.now()
    await alerts.hears(
        known(now), fell("green", "red", now), fell("green", "yellow", now, account="globex", score=None)
    )
    ranked_by = "SELECT account_id, band, score FROM alerts.account_health ORDER BY account_id"
    before = await alerts.rows(ranked_by)

    await run(alerts, HORIZONS.DOWN)
    await run(alerts, HORIZONS.UP)

    assert [tuple(row) for row in before] == [("acme", "red", 41), ("globex", "yellow", None)]
    assert await alerts.rows(ranked_by) == before
    assert await alerts.rows("SELECT 1 FROM alerts.due WHERE kind = 'forget'") == [(1,)]
