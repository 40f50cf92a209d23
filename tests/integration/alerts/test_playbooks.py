"""Playbooks: documents with versions; what happens starts them once; tasks fall due, remind, escalate and end."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from mainstay.contracts.alerts import FactStated
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.health_score import AccountValue, StageChanged
from mainstay.messaging.port import Record
from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.test_erasure import asked, holds
from tests.integration.alerts.test_people import save
from tests.integration.alerts.world import World, close, fell, known, went_silent, window_opened, world

DAY = timedelta(days=1)
ALWAYS = {"hours": {"since": "00:00", "until": "24:00"}, "workdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
MINE: dict[str, Any] = {
    "id": "mine",
    "name": "Mine",
    "category": "risk",
    "triggers": [{"alert": {"rules": ["silent"]}}],
    "mutes": {"categories": ["risk", "activity"], "up_to": "critical"},
    "steps": [
        {"key": "call", "title": "Call them", "role": "csm", "due": {"days": 1}},
        {"key": "plan", "title": "Plan", "role": "csm", "after": "call", "due": {"workdays": 2}},
        {"key": "red", "title": "Still red", "role": "sales", "due": {"days": 2}, "condition": "health_band == 'red'"},
    ],
}


@pytest.fixture
async def alerts(migrated_url: str) -> AsyncIterator[World]:
    """A world in which the playbooks that come with Mainstay are in force."""
    made = await world(migrated_url, None).open()
    yield made
    await close(made)


async def put(alerts: World, playbook: dict[str, Any], status: int = 201, **more: Any) -> Any:
    async with alerts.api() as api:
        answer = await api.put(f"/v1/playbooks/{playbook['id']}", json={"playbook": playbook, **more})
    assert answer.status_code == status, answer.text
    return answer.json()


async def post(alerts: World, path: str, status: int = 200, **body: Any) -> Any:
    async with alerts.api() as api:
        answer = await api.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def runs(alerts: World, **query: Any) -> list[Any]:
    data: list[Any] = (await alerts.get("/v1/playbook-runs", **query))["data"]
    return data


async def only_mine(alerts: World, **changed: Any) -> None:
    """My playbook in force since yesterday, and none of the shipped ones."""
    for playbook in (await alerts.get("/v1/playbooks"))["data"]:
        await post(alerts, f"/v1/playbooks/{playbook['id']}/disable")
    await put(alerts, {**MINE, **changed})
    alerts.clock.advance(DAY)


def by_step(run: Any) -> dict[str, str]:
    return {task["step"]: task["state"] for task in run["tasks"]}


def stage(alerts: World, name: str, event_id: str = "s1") -> Event[StageChanged]:
    now = alerts.clock.now()
    return Event(event_id, "mainstay/health-score", now, StageChanged("acme", now, name, None, now, "rule"))


async def test_an_alert_starts_a_run_once_and_tasks_fall_due_by_timers(alerts: World) -> None:
    await only_mine(alerts)
    silent = went_silent(alerts.clock.now())
    await alerts.hears(known(alerts.clock.now()), silent, silent, one_by_one=True)
    [run] = await runs(alerts)
    assert by_step(run) == {"call": "open", "plan": "waiting", "red": "waiting"}
    assert {task["assignee"] for task in run["tasks"] if task["role"] == "csm"} == {"ann@example.com"}

    await post(alerts, f"/v1/tasks/{run['tasks'][0]['id']}/done", note="they were on holiday")
    again = await post(alerts, f"/v1/tasks/{run['tasks'][0]['id']}/done")
    alerts.clock.advance(3 * DAY)
    await alerts.another().application.due.run_due()
    await alerts.application.due.run_due()

    [run] = await runs(alerts)
    assert again["tasks"][0]["note"] == "they were on holiday"
    assert by_step(run) == {"call": "done", "plan": "open", "red": "not-needed"}
    done = [event for event in await alerts.said() if event.startswith(("mainstay.task", "mainstay.playbook"))]
    assert done == ["mainstay.playbook.started.v1", "mainstay.task.done.v1"]


async def test_a_shipped_playbook_begins_with_a_stage_and_is_won_when_all_is_done(alerts: World) -> None:
    await alerts.hears(known(alerts.clock.now()), stage(alerts, "onboarding"))
    await alerts.hears(stage(alerts, "onboarding"), stage(alerts, "onboarding", "s2"))

    [run] = await runs(alerts, playbook="onboarding")
    for _ in range(10):
        for task in run["tasks"]:
            if task["state"] == "open":
                await post(alerts, f"/v1/tasks/{task['id']}/skip")
        alerts.clock.advance(31 * DAY)
        await alerts.application.due.run_due()
        [run] = await runs(alerts, playbook="onboarding")

    assert (run["state"], run["ended_by"], run["cause"]) == ("won", "mainstay", "stage:onboarding:s1")
    assert by_step(run)["check"] == "not-needed"


async def test_an_owner_who_changes_is_a_handover_and_the_first_one_is_none(alerts: World) -> None:
    now = alerts.clock.now()
    await alerts.hears(known(now, sequence=1))
    assert await runs(alerts) == []

    for _ in range(2):
        await alerts.hears(known(now, owner="bob@example.com", sequence=2), one_by_one=True)

    [run] = await runs(alerts)
    assert (run["playbook"], run["cause"], run["owner"]) == ("handover", "handover:2", "bob@example.com")


async def test_a_date_a_window_and_another_playbook_start_runs_too(alerts: World) -> None:
    chained = {"key": "next", "title": "Go on", "action": {"playbook": "second"}}
    await only_mine(alerts)
    second = {**MINE, "id": "second", "triggers": [], "mutes": None, "when_done": "won"}
    await put(alerts, {name: value for name, value in second.items() if value is not None})
    await put(alerts, {**MINE, "id": "dated", "triggers": [{"date": {"of": "renewal", "days": -60}}]})
    await put(alerts, {**MINE, "id": "windowed", "triggers": [{"renewal_window": {}}], "steps": [chained]})
    alerts.clock.advance(DAY)
    now = alerts.clock.now()
    await alerts.hears(known(now), window_opened(now))  # its renewal is on 2027-01-01
    started = {run["playbook"]: run["cause"] for run in await runs(alerts)}

    await alerts.hears(known(now, sequence=2, value=_renewal_in(alerts, 61)))
    assert "dated" not in {run["playbook"] for run in await runs(alerts)}
    alerts.clock.advance(2 * DAY)
    await alerts.another().application.due.run_due()

    assert started["windowed"] == "window:t1"
    assert started["second"].startswith("run:")
    [dated] = await runs(alerts, playbook="dated")
    assert dated["cause"].endswith(":-60")


def _renewal_in(alerts: World, days: int) -> Any:
    return AccountValue((), None, (alerts.clock.now() + days * DAY).date())


async def test_overdue_tasks_remind_whoever_has_them_and_then_their_manager(alerts: World, sink: HttpSink) -> None:
    await only_mine(alerts)
    channel = await alerts.webhook(sink.url, categories=["renewal"])
    chat: dict[str, Any] = {"channel_id": channel["id"]}
    always: dict[str, Any] = {"digests": {"daily_at": None, "weekly_at": None}, **ALWAYS}
    await save(alerts, "boss", chat={**chat, "mention": "boss"}, **always)
    await save(alerts, "ann@example.com", manager="boss", chat={**chat, "mention": "ann"}, **always)
    await alerts.hears(known(alerts.clock.now()))
    await post(alerts, "/v1/playbooks/mine/runs", 201, account_id="acme")

    for _ in range(6):
        alerts.clock.advance(DAY)
        await alerts.application.due.run_due()
        await alerts.delivers()

    told = [(body["type"], body["data"].get("mention")) for body in map(json.loads, (a.body for a in sink.arrivals))]
    assert told == [("mainstay.task.overdue", "ann"), ("mainstay.task.escalated", "boss")]


async def test_alerts_are_muted_while_a_playbook_runs_and_told_when_it_ends_and_they_are_open(
    alerts: World, sink: HttpSink
) -> None:
    await only_mine(alerts)
    await alerts.webhook(sink.url)
    now = alerts.clock.now()
    await alerts.hears(known(now), went_silent(now))  # starts the run, and is told itself
    await alerts.delivers()
    alerts.clock.advance(timedelta(hours=1))
    await alerts.hears(fell("green", "red", alerts.clock.now()))
    await alerts.delivers()
    [red] = [alert for alert in await alerts.alerts() if alert["rule"] == "band-worsened"]
    held = await alerts.get(f"/v1/alerts/{red['id']}")
    muted = len(sink.arrivals)
    [run] = await runs(alerts)

    async with alerts.api() as api:
        unclear = await api.post(f"/v1/playbook-runs/{run['id']}/end", json={"outcome": "lost"})
    for _ in range(2):
        await post(alerts, f"/v1/playbook-runs/{run['id']}/end", outcome="lost", reason="price")
    await alerts.delivers()

    assert muted == 1
    assert "playbook" in str(held["notifications"])
    assert unclear.status_code == 422
    assert len(sink.arrivals) == 2
    [run] = await runs(alerts)
    assert (run["state"], run["reason"], set(by_step(run).values())) == ("lost", "price", {"cancelled"})


async def test_a_run_ends_once_and_its_tasks_stay_as_they_are(alerts: World) -> None:
    await alerts.hears(known(alerts.clock.now()))
    run = await post(alerts, "/v1/playbooks/low-adoption/runs", 201, account_id="acme")
    call = next(task for task in run["tasks"] if task["step"] == "call")
    await post(alerts, f"/v1/tasks/{call['id']}/done", 409)
    await post(alerts, "/v1/playbooks/low-adoption/runs", 409, account_id="acme")
    await post(alerts, f"/v1/tasks/{run['tasks'][0]['id']}/done")
    reopened = await post(alerts, f"/v1/tasks/{run['tasks'][0]['id']}/reopen")
    await post(alerts, f"/v1/playbook-runs/{run['id']}/end", outcome="won")

    assert by_step(reopened)["look"] == "open"
    await post(alerts, f"/v1/tasks/{run['tasks'][0]['id']}/done", 409)
    await post(alerts, f"/v1/playbook-runs/{run['id']}/end", 409, outcome="abandoned")
    await post(alerts, "/v1/tasks/none/done", 404)
    await post(alerts, "/v1/playbooks/none/runs", 404, account_id="acme")
    await post(alerts, "/v1/playbooks/handover/runs", 404, account_id="globex")


async def test_a_playbook_is_refused_with_everything_that_is_wrong_with_it(alerts: World) -> None:
    wrong = {
        **MINE,
        "triggers": [{"alert": {"rules": ["silant"]}}, {"stages": "growth"}],
        "steps": [
            {"key": "a", "title": "A", "role": "csn", "due": {"weeks": 1}, "after": "b"},
            {"key": "b", "title": {"de": "B"}, "role": "csm", "condition": "health_bund == 'red'"},
            {"key": "c", "title": "C", "action": {"fact": {"account": {"stage": "grown"}}}},
            {"key": "d", "title": "D", "action": {"playbook": "handovar"}},
        ],
    }
    answer = await put(alerts, wrong, 422)

    told = {error["pointer"]: error["detail"] for error in answer["errors"]}
    assert set(told) == {
        "/playbook/triggers/0/alert/rules/0",
        "/playbook/triggers/1/stages",
        "/playbook/steps/0/role",
        "/playbook/steps/0/due",
        "/playbook/steps/0/after",
        "/playbook/steps/1/title",
        "/playbook/steps/1/condition",
        "/playbook/steps/2/action/fact/account/stage",
        "/playbook/steps/3/action/playbook",
    }
    assert "did you mean silent?" in told["/playbook/triggers/0/alert/rules/0"]
    assert "did you mean handover?" in told["/playbook/steps/3/action/playbook"]


async def test_versions_of_a_playbook_say_who_and_what_and_what_runs_stays_as_it_was(alerts: World) -> None:
    await put(alerts, MINE, reason="we had none")
    await alerts.hears(known(alerts.clock.now()))
    run = await post(alerts, "/v1/playbooks/mine/runs", 201, account_id="acme")

    await put(alerts, {**MINE, "steps": MINE["steps"][:1]})
    versions = (await alerts.get("/v1/playbooks/mine/versions"))["data"]

    assert [(one["version"], one["reason"]) for one in versions] == [(2, None), (1, "we had none")]
    assert [change["path"] for change in versions[0]["changes"]] == ["/steps"]
    assert len((await alerts.get(f"/v1/playbook-runs/{run['id']}"))["tasks"]) == 3


async def test_runs_of_an_erased_account_go_with_it(alerts: World) -> None:
    now = alerts.clock.now()
    await alerts.hears(known(now, account="acme-canary"))
    await post(alerts, "/v1/playbooks/low-adoption/runs", 201, account_id="acme-canary")
    await alerts.hears(asked(alerts, "account", "acme-canary"))
    await alerts.application.due.run_due()

    assert await holds(alerts, "canary") == []


def states(*facts: Any, **more: Any) -> dict[str, Any]:
    """A playbook that states facts at once, one after the other."""
    steps = [{"key": f"s{number}", "title": "State it", "action": {"fact": fact}} for number, fact in enumerate(facts)]
    return {"id": "mine", "name": "Mine", "category": "lifecycle", "when_done": "won", "steps": steps, **more}


async def stated(alerts: World) -> list[FactStated]:
    rows = await alerts.rows("SELECT key, value, header_names, header_values FROM alerts.outbox ORDER BY id")
    decode = Decoder(FactStated)
    found: list[FactStated] = []
    for number, row in enumerate(rows):
        headers = tuple(zip(row.header_names, row.header_values, strict=True))
        event = decode(Record("alert-events", 0, number, row.key, row.value, headers, alerts.clock.now()))
        found += [event.data] if event is not None else []
    return found


async def test_a_playbook_states_facts_with_the_day_and_a_thing_of_its_own(alerts: World) -> None:
    objective = {"objective": {"words": "Live in spring", "state": "active", "due_on": "$today"}}
    await put(alerts, states({"account": {"stage": "will_churn", "tier": None}}, objective))
    await alerts.hears(known(alerts.clock.now(), zone="Pacific/Kiritimati"))

    run = await post(alerts, "/v1/playbooks/mine/runs", 201, account_id="acme")

    assert (run["state"], [task["state"] for task in run["tasks"]]) == ("won", ["done", "done"])
    account, plan = await stated(alerts)
    assert (account.account_id, account.kind, account.step) == ("acme", "account", "s0")
    assert msgspec.json.decode(account.fact) == {"stage": "will_churn", "tier": None, "by": "playbook mine"}
    assert msgspec.json.decode(plan.fact) == {
        "objective_id": run["tasks"][1]["id"],
        "words": "Live in spring",
        "state": "active",
        "due_on": str(alerts.clock.now().astimezone(ZoneInfo("Pacific/Kiritimati")).date()),
        "by": "playbook mine",
    }


@pytest.mark.parametrize(
    ("fact", "pointer", "detail"),
    [
        ({"account": {"stage": "grown"}}, "/account/stage", "Invalid enum value 'grown'"),
        ({"account": {"stge": "growth"}}, "/account/stge", "did you mean stage?"),
        ({"account": {"owner": "ben"}}, "/account/owner", "is changed by POST /v1/reassignments"),
        ({"account": {"occurred_at": "2026-01-01T00:00:00Z"}}, "/account/occurred_at", "is the instant"),
        ({"account": {}}, "/account", "states nothing"),
        ({"account": {"tier": "a\u0001b"}}, "/account/tier", "matching regex"),
        ({"objective": {"words": "w", "due_on": "tomorrow"}}, "/objective/due_on", "Invalid RFC3339"),
        ({"objective": {"words": "w", "state": "$today"}}, "/objective/state", "Invalid enum value"),
        ({"advocacy": {"state": "asked"}}, "/advocacy", "missing required field `kind`"),
        ({"handover": {"steps": [{"what": "x"}]}}, "/handover/steps", "missing required field `step_id`"),
        ({"ticket": {"priority": "high"}}, "/ticket", "people state others to ingest"),
        ({"acount": {"stage": "growth"}}, "/acount", "did you mean account?"),
        ({"account": {"stage": "growth"}, "objective": {}}, "", "names one kind of fact"),
        ("growth", "", "names one kind of fact"),
    ],
)
async def test_a_fact_is_checked_by_its_schema_when_the_playbook_is_saved(
    alerts: World, fact: Any, pointer: str, detail: str
) -> None:
    answer = await put(alerts, states(fact), 422)

    (error,) = answer["errors"]
    assert error["pointer"].startswith(f"/playbook/steps/0/action/fact{pointer}")
    assert detail in error["detail"]
