"""A CSM's week over the demo's accounts, through the real services: only HTTP goes in, and only HTTP comes out."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from standalone.demo.calls import batch_body, group_call
from standalone.demo.cast import CAST, JONAS, MAYA, SOFIA, Account
from tests.e2e.running import Running, eventually, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

DAY = timedelta(days=1)
MAYAS = [account for account in CAST if account.owner == MAYA]
JONASS = [account for account in CAST if account.owner == JONAS]


def put(mainstay: Running, service: str, path: str, body: Any, method: str = "PUT") -> Any:
    answer = mainstay.http(service).request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def worklist(mainstay: Running, owner: str) -> Sequence[Any]:
    rows: Sequence[Any] = mainstay.get("alerts", "/v1/worklist", owner=owner, limit="500")["data"]
    return rows


def row(mainstay: Running, owner: str, kind: str, account: Account) -> Any:
    """Somebody's row of a kind about an account; None: there is none."""
    return next(
        (one for one in worklist(mainstay, owner) if (one["kind"], one["account"]["id"]) == (kind, account.id)), None
    )


def comes(found: Callable[[], Any], what: str) -> Any:
    """What is found, once it is there."""
    seen: list[Any] = []

    def is_there() -> bool:
        seen.append(found())
        return bool(seen[-1])

    eventually(is_there, what, 20)
    return seen[-1]


def goes(found: Callable[[], Any], what: str) -> None:
    eventually(lambda: not found(), what, 20)


def run_of(mainstay: Running, account: Account, playbook: str) -> Any:
    query = {"account_id": account.id, "playbook": playbook}
    runs = mainstay.get("alerts", "/v1/playbook-runs", **query)["data"]
    return runs[0] if runs else None


def test_a_week(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    visited, at_risk, asked = MAYAS[:3]
    with running(tmp_path / "home") as mainstay:
        calls = [group_call(account, now) for account in (*MAYAS[:3], *JONASS[:2])]
        answer = mainstay.http("ingest").post("/v1/batch", content=batch_body(calls, now))
        assert answer.status_code == httpx.codes.OK, answer.text
        mine = partial(row, mainstay, MAYA)

        # Monday: somebody who carried the product has left; it stands first, with its reasons.
        for role, status in (("champion", "active"), ("champion", "left")):
            contact = f"/v1/accounts/{at_risk.id}/contacts/c1"
            put(mainstay, "ingest", contact, {"role": role, "status": status})
        alert = comes(lambda: mine("alert", at_risk), "the alert stands in the worklist")
        comes(lambda: alert["account"]["owner"] or mine("alert", at_risk)["account"]["owner"], "its owner is known")
        assert worklist(mainstay, MAYA)[0]["account"]["id"] == at_risk.id
        assert {part["name"] for part in alert["parts"]} >= {"itself", "band", "renewal", "arr"}
        put(mainstay, "alerts", f"/v1/alerts/{alert['id']}/acknowledge", {"comment": "calling them"}, "POST")

        # Tuesday: a visit is written down with its next step.
        touch = {
            "touchpoint_id": "visit-1",
            "kind": "visit",
            "result": "held",
            "minutes": 90,
            "next_step": {"what": "send the numbers", "due_on": str((now + 2 * DAY).date())},
        }
        put(mainstay, "ingest", f"/v1/accounts/{visited.id}/touchpoints", touch, "POST")
        comes(lambda: mine("next-step", visited), "the next step that was promised stands in the worklist")

        # Wednesday: the account at risk is saved by the playbook that the alert has started, and by a case.
        run = comes(lambda: run_of(mainstay, at_risk, "lost-sponsor"), "the playbook has started")
        assert comes(lambda: mine("task", at_risk), "its tasks stand in the worklist")["assignee"] == MAYA
        case = put(
            mainstay,
            "alerts",
            "/v1/cases",
            {"account_id": at_risk.id, "reason": "lost-sponsor", "plan": "meet the new sponsor", "run_id": run["id"]},
            "POST",
        )
        for _ in range(3):
            for task in run_of(mainstay, at_risk, "lost-sponsor")["tasks"]:
                if task["state"] == "open":
                    put(mainstay, "alerts", f"/v1/tasks/{task['id']}/done", {"note": "done"}, "POST")
        put(mainstay, "alerts", f"/v1/playbook-runs/{run['id']}/end", {"outcome": "won"}, "POST")
        recovered = {"state": "recovered", "outcome": "a sponsor again"}
        put(mainstay, "alerts", f"/v1/cases/{case['id']}", recovered, "PATCH")
        settled = {"outcome": "action-taken", "reason": "we have a sponsor again"}
        put(mainstay, "alerts", f"/v1/alerts/{alert['id']}/resolve", settled, "POST")
        put(mainstay, "alerts", f"/v1/alerts/{alert['id']}/feedback", {"feedback": "true"}, "POST")
        goes(lambda: mine("task", at_risk) or mine("case", at_risk) or mine("alert", at_risk), "all of it is settled")

        # Thursday: Jonas is away, and Maya sees what is his; then one of his accounts gets another owner.
        put(mainstay, "alerts", "/v1/people/" + MAYA, {"person": {"name": "Maya"}})
        away = {"first": str((now - DAY).date()), "last": str((now + DAY).date()), "deputy": MAYA}
        put(mainstay, "alerts", "/v1/people/" + JONAS, {"person": {"name": "Jonas", "leaves": [away]}})
        theirs = {**touch, "touchpoint_id": "visit-2"}
        put(mainstay, "ingest", f"/v1/accounts/{JONASS[0].id}/touchpoints", theirs, "POST")
        comes(lambda: mine("next-step", JONASS[0]), "what is of a colleague on leave stands in the deputy's list")
        put(mainstay, "ingest", f"/v1/accounts/{JONASS[1].id}/owner", {"owner": SOFIA})
        handover = comes(lambda: run_of(mainstay, JONASS[1], "handover"), "the handover has started")
        assert {task["assignee"] for task in handover["tasks"]} == {SOFIA}

        # Friday: a customer hears that what they asked for was released, and the week is looked back upon.
        wish = f"/v1/accounts/{asked.id}/feedback/f1"
        released_at = (now - 2 * DAY).isoformat()
        asked_for = {"kind": "request", "words": "a dark mode", "state": "released", "occurred_at": released_at}
        put(mainstay, "ingest", wish, asked_for)
        untold = comes(lambda: mine("alert", asked), "that they were not told yet stands in the worklist")
        put(mainstay, "ingest", wish, {"customer_told_at": now.isoformat(), "occurred_at": now.isoformat()})
        goes(lambda: mine("alert", asked), "it is settled by the telling")
        assert mainstay.get("alerts", f"/v1/alerts/{untold['id']}")["state"] == "resolved"
        of_alerts = mainstay.get("alerts", "/v1/kpis/alerts", by="rule", period="none")["data"]
        by_rule = {each["group"]["rule"]: each["figures"] for each in of_alerts}
        assert (by_rule["champion-left"]["actioned"], by_rule["champion-left"]["precision"]) == (1, 1.0)
        assert by_rule["feedback-untold"]["ignored"] == 1
        of_runs = mainstay.get("alerts", "/v1/kpis/playbooks", by="playbook,owner", period="none")["data"]
        won = {tuple(each["group"].values()): each["figures"]["won"] for each in of_runs}
        assert won[("lost-sponsor", MAYA)] == 1
