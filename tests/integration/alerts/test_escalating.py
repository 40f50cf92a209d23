"""When nobody reacts, and when it grows worse: who hears next, what waits, and what shows that it is late."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.alerts.sinks import HttpSink, MailSink
from tests.integration.alerts.test_routing import (
    ALWAYS,
    MONDAY,
    NIGHT,
    falls,
    office,
    person,
    post,
    routing,
    to,
)
from tests.integration.alerts.test_rules import scored
from tests.integration.alerts.world import World, known

__all__ = ["office"]


async def test_nobody_acknowledges_so_the_next_in_line_hears_and_each_step_is_on_record(
    office: World, mail: MailSink
) -> None:
    await person(office, "max", **ALWAYS)
    await person(office, "boss", **ALWAYS)
    await person(office, "ann", manager="max", **ALWAYS)
    steps = [
        {"after_minutes": 60, "to": [{"manager_of": "owner"}]},
        {"after_minutes": 30, "to": [{"person": "boss"}]},
    ]
    await routing(office, {"to": [{"role": "owner"}], "escalation": steps})
    alert = await falls(office)
    other = await falls(office, "globex")
    await office.delivers()
    await post(office, f"/v1/alerts/{other['id']}/acknowledge")

    late = []
    for minutes in (59, 61, 90, 92):
        office.clock.move_to(MONDAY + timedelta(minutes=minutes))
        if minutes == 92:
            late = (await office.get("/v1/escalations/overdue"))["data"]
        await office.application.due.run_due()
        await office.delivers()
    await post(office, f"/v1/alerts/{alert['id']}/resolve")
    await office.delivers()

    assert to(mail)[2:4] == ["max", "boss"]
    assert sorted(to(mail)[4:]) == ["ann", "boss", "max"]
    assert late == []
    shown = await office.get(f"/v1/alerts/{alert['id']}")
    assert [(each["step"], each["told"]) for each in shown["escalation"]["taken"]] == [(1, ["max"]), (2, ["boss"])]
    assert shown["escalation"]["ended_because"] == "every step was taken"
    assert [each["step"] for each in shown["transitions"]] == ["opened", "escalated", "escalated", "resolved"]
    ended = (await office.get(f"/v1/alerts/{other['id']}"))["escalation"]
    assert (ended["ended_because"], ended["taken"]) == ("acknowledged", [])


async def test_an_escalation_waits_while_nobody_can_have_heard(office: World, mail: MailSink, sink: HttpSink) -> None:
    await office.webhook(sink.url)  # it hears at once, and acknowledges nothing
    await person(office, "max", **ALWAYS)
    await person(office, "ann", manager="max")
    await routing(
        office,
        {
            "to": [{"role": "owner"}, {"filters": True}],
            "escalation": [{"after_minutes": 60, "to": [{"manager_of": "owner"}]}],
        },
    )
    office.clock.move_to(NIGHT)
    await falls(office)
    heard = []
    for at in (
        NIGHT + timedelta(minutes=61),
        datetime(2026, 3, 3, 8, tzinfo=UTC),
        datetime(2026, 3, 3, 9, 1, tzinfo=UTC),
    ):
        await office.delivers()
        office.clock.move_to(at)
        await office.delivers()
        await office.application.due.run_due()
        await office.delivers()
        heard.append(to(mail))

    assert heard == [[], ["ann"], ["ann", "max"]]


async def test_a_branch_that_does_not_wait_escalates_at_night_too(office: World, mail: MailSink) -> None:
    await person(office, "max")
    await person(office, "ann", manager="max")
    steps = [{"after_minutes": 10, "to": [{"manager_of": "owner"}]}]
    await routing(office, {"to": [{"role": "owner"}], "quiet_hours": "ignore", "escalation": steps})
    office.clock.move_to(NIGHT)
    await falls(office)
    await office.delivers()

    office.clock.advance(timedelta(minutes=10))
    await office.application.due.run_due()
    await office.delivers()

    assert to(mail) == ["ann", "max"]


async def test_a_step_that_is_late_shows_in_the_audit(office: World) -> None:
    await person(office, "ann", **ALWAYS)
    steps = [{"after_minutes": 10, "to": [{"person": "ann"}]}]
    await routing(office, {"to": [{"role": "owner"}], "escalation": steps})
    alert = await falls(office)
    office.clock.move_to(MONDAY + timedelta(minutes=16))

    late: Sequence[Any] = (await office.get("/v1/escalations/overdue"))["data"]

    assert [each["alert_id"] for each in late] == [alert["id"]]
    assert await office.application.audit.look() == 1


async def test_a_score_that_sinks_further_is_told_again_and_one_that_swings_is_not(
    office: World, mail: MailSink
) -> None:
    await person(office, "ann", **ALWAYS)
    await office.hears(known(MONDAY, owner="ann"))
    async with office.api() as api:
        document = (await api.get("/v1/alert-rules/low-score")).json()["rule"]
        levels = {"levels": {"warning": 50, "critical": 30}, "for": "0h", "keep_firing_for": "24h"}
        saved = await api.put("/v1/alert-rules/low-score", json={"rule": {**document, **levels}})
    assert saved.status_code == 201, saved.text

    counts = []
    for half_hours in range(48):
        office.clock.advance(timedelta(minutes=30))
        await office.hears(scored(office, 49 if half_hours % 2 else 51))
        await office.application.due.run_due()
        await office.delivers()
    counts.append(sum("The health score" in str(each["Subject"]) for each in mail.mails))
    for score in (45, 20, 20):
        office.clock.advance(timedelta(minutes=30))
        await office.hears(scored(office, score))
        await office.application.due.run_due()
        await office.delivers()
        counts.append(sum("The health score" in str(each["Subject"]) for each in mail.mails))

    assert counts == [1, 1, 2, 2]
