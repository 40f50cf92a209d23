"""Rules are documents: versions with who and why, switched on and off, tried before; and their timers come true."""

from datetime import timedelta
from typing import Any

from alerts.rulebook import shipped_documents
from mainstay.contracts.envelope import Event
from mainstay.contracts.facts import InvoiceFact, TicketFact
from mainstay.contracts.health_score import ScoreChanged
from mainstay.contracts.ingest import ContactFact
from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.test_erasure import asked, holds
from tests.integration.alerts.world import CARD, World, known

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOW = {
    "id": "mine",
    "kind": "metric-threshold",
    "category": "risk",
    "levels": {"warning": 50, "critical": 25},
    "when": {"metric": "health_score"},
    "for": "2h",
    "title": "$account has $value",
    "text": "below $level",
    "next_steps": ["Call them."],
}


def scored(alerts: World, score: int, *, hours: float = 0, account: str = "acme") -> Event[ScoreChanged]:
    at = alerts.clock.now() + hours * HOUR
    return Event(f"{account} {score} {at}", "test", at, ScoreChanged(account, at, score, 80, "red", 1.0, CARD))


async def put(alerts: World, rule: dict[str, Any], **more: Any) -> Any:
    async with alerts.api() as api:
        return await api.put(f"/v1/alert-rules/{rule['id']}", json={"rule": rule, **more.pop("body", {})}, **more)


async def of_rule(alerts: World, rule: str) -> list[tuple[str, str]]:
    return [(alert["grade"], alert["state"]) for alert in await alerts.alerts(rule=rule)]


async def test_a_condition_that_holds_opens_by_a_timer_that_another_process_finds(alerts: World) -> None:
    assert (await put(alerts, LOW)).status_code == 201
    alerts.clock.advance(DAY)
    await alerts.hears(known(alerts.clock.now()), scored(alerts, 45))
    assert await of_rule(alerts, "mine") == []

    alerts.clock.advance(2 * HOUR)
    await alerts.another().application.due.run_due()
    await alerts.application.due.run_due()

    assert await of_rule(alerts, "mine") == [("warning", "open")]


async def test_what_nobody_pays_becomes_overdue_and_worse_by_itself(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    now = alerts.clock.now()
    invoice = InvoiceFact("acme", "i1", now, due_on=now.date())
    await alerts.hears(known(now), Event("e1", "crm", now, invoice))

    for _ in range(35):
        alerts.clock.advance(DAY)
        await alerts.application.due.run_due()
    await alerts.delivers()

    assert sorted(await of_rule(alerts, "invoice-overdue")) == [("info", "resolved"), ("warning", "open")]


async def test_versions_say_who_why_and_what_changed(alerts: World) -> None:
    first = await put(alerts, LOW, body={"reason": "we had none"})
    again = await put(alerts, LOW)
    changed = await put(alerts, LOW | {"for": "4h"}, headers={"if-match": first.headers["etag"]})
    late = await put(alerts, LOW | {"for": "9h"}, headers={"if-match": first.headers["etag"]})

    assert [answer.status_code for answer in (first, again, changed, late)] == [201, 200, 201, 412]
    versions = (await alerts.get("/v1/alert-rules/mine/versions"))["data"]
    assert [(one["version"], one["saved_by"], one["reason"]) for one in versions] == [
        (2, "the tests", None),
        (1, "the tests", "we had none"),
    ]
    assert versions[0]["changes"] == [{"path": "/for", "before": "2h", "after": "4h"}]
    assert (await alerts.get("/v1/alert-rules/mine", version=1))["rule"]["for"] == "2h"


async def test_a_bad_rule_is_refused_with_everything_that_is_wrong(alerts: World) -> None:
    answer = await put(alerts, LOW | {"for": "soon", "kind": "metric-treshold"})

    assert (answer.status_code, answer.json()["code"]) == (422, "rule-invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/rule/kind"]
    async with alerts.api() as api:
        assert (await api.get("/v1/alert-rules/mine")).status_code == 404


async def test_a_rule_switched_off_ends_its_alerts_and_tells_whoever_was_told(alerts: World, sink: HttpSink) -> None:
    sink.secret = (await alerts.webhook(sink.url))["secret"]
    now = alerts.clock.now()
    ticket = TicketFact("acme", "t1", now, priority="urgent", first_response_at=now)
    await alerts.hears(known(now), Event("e1", "desk", now, ticket))
    await alerts.delivers()

    async with alerts.api() as api:
        off = await api.post("/v1/alert-rules/ticket-urgent/disable", json={"reason": "too many"})
        assert (off.status_code, off.json()["version"], off.json()["rule"]["enabled"]) == (200, 2, False)
    await alerts.application.due.run_due()
    await alerts.delivers()

    assert await of_rule(alerts, "ticket-urgent") == [("urgent", "resolved")]
    assert [message["type"] for message in sink.verified()] == ["mainstay.alert.opened", "mainstay.alert.resolved"]


async def test_a_rule_switched_on_finds_the_past_and_tells_nobody_of_it(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    await alerts.hears(known(alerts.clock.now()), scored(alerts, 45, hours=-5))

    await put(alerts, LOW)
    await alerts.application.due.run_due()
    await alerts.delivers()

    assert await of_rule(alerts, "mine") == [("warning", "open")]
    assert sink.arrivals == []


async def test_a_preview_says_what_then_comes(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    body = {"rule": LOW | {"for": "0s"}, "days": 90}
    await put(alerts, body["rule"])  # type: ignore[arg-type]  # a rule
    alerts.clock.advance(DAY)
    now = alerts.clock.now()
    await alerts.hears(known(now), known(now, account="globex", owner="ben@example.com"))
    swings = [scored(alerts, score, hours=hours) for hours, score in enumerate((45, 60, 20, 70, 40, 20, 90))]
    await alerts.hears(*swings, scored(alerts, 45, account="globex"))
    alerts.clock.advance(10 * HOUR)

    async with alerts.api() as api:
        preview = (await api.post("/v1/alert-rules/preview", json=body)).json()

    fired = await alerts.alerts(rule="mine")
    assert preview["firings"] == len(fired) == 5
    assert preview["by_severity"] == {"warning": 3, "critical": 2}
    assert [(one["owner"], one["firings"], one["messages"]) for one in preview["owners"]] == [
        ("ann@example.com", 4, 4),
        ("ben@example.com", 1, 1),
    ]
    assert (preview["messages"], preview["in_digests"], preview["muted"], preview["unheard"]) == (5, 0, 0, 0)


async def test_a_condition_in_cel_is_looked_at_with_each_fact_it_uses(alerts: World) -> None:
    assert (await put(alerts, dict(shipped_documents()["red-before-renewal"]) | {"enabled": True})).status_code == 201
    alerts.clock.advance(HOUR)
    await alerts.hears(known(alerts.clock.now()), scored(alerts, 30))

    assert await of_rule(alerts, "red-before-renewal") in [[("warning", "open")], [("critical", "open")]]


async def test_an_erased_person_s_departure_is_forgotten(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    now = alerts.clock.now()
    left = ContactFact("acme", "canary-user", now, role="champion", status="left")
    await alerts.hears(known(now), Event("e1", "crm", now, left))
    assert await of_rule(alerts, "champion-left") == [("champion", "open")]

    await alerts.hears(asked(alerts, "user", "canary-user"))
    await alerts.hears(Event("e2", "crm", now, left))

    assert await holds(alerts, "canary") == []
    assert await of_rule(alerts, "champion-left") == []
