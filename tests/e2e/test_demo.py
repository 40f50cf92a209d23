"""The demo as a newcomer meets it: a real Mainstay, the real inbox, `mainstay demo`, twice."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from standalone.demo import state
from standalone.demo.cast import CAST
from standalone.demo.history import History
from tests.e2e.running import Running, eventually, free_ports, running

CHECKED = [account for account in CAST if account.id in {"castellan-bank", "stellwerk-rail", "ember-and-oak"}]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@contextmanager
def started(mainstay: Running, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program beside the services, stopped as the supervisor would stop it."""
    output = mainstay.home / f"{command[-1]}.out"
    with output.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, *command], env=mainstay.environment, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0, output.read_text()[-3000:]


@contextmanager
def demonstrated(mainstay: Running) -> Iterator[str]:
    """The demo, once it has shown the portfolio and lives; what it said."""
    output = mainstay.home / "standalone.demo.out"
    output.unlink(missing_ok=True)
    with started(mainstay, "-m", "standalone.demo") as process:

        def lives() -> bool:
            assert process.poll() is None, output.read_text()[-3000:]
            return "See what the team receives" in output.read_text()

        eventually(lives, "the demo has shown the portfolio", 150)
        yield output.read_text()


def messages(mainstay: Running) -> list[dict[str, Any]]:
    answer = httpx.get(f"http://127.0.0.1:{mainstay.ports['inbox']}/messages.json?limit=500", trust_env=False)
    data: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
    return data


def openings(mainstay: Running) -> list[str]:
    """What mail said of alerts that opened; a silent customer may come back meanwhile."""
    mail = [message["title"] for message in messages(mainstay) if message["channel"] == "email"]
    others = ("Resolved", "已解除", "Your day", "Your week", "今日概览", "本周概览")
    return sorted(title for title in mail if not title.startswith(others))


def are_everywhere(mainstay: Running, told: list[dict[str, Any]]) -> bool:
    """Whether every alert reached all three channels: the chat may have had several in one digest."""
    delivered = mainstay.get("alerts", "/v1/deliveries", limit="500", state="delivered")["data"]
    reached = {(delivery["alert_id"], delivery["channel_id"]) for delivery in delivered}
    return all(len([one for one, _ in reached if one == alert["id"]]) == 3 for alert in told)


def assert_history_is_exact(mainstay: Running) -> None:
    """Every event of the days before today counted, once."""
    told = state.load(mainstay.home / "demo.json")
    assert told is not None
    history = History(told.first_day, told.seed)
    for account in CHECKED:
        as_of = datetime.now(ZoneInfo(account.zone)).date() - timedelta(days=1)
        uses = [use for back in range(28) for use in history.on(account, as_of - timedelta(days=back))]
        metrics = mainstay.get("health_score", f"/v1/accounts/{account.id}/metrics", as_of=as_of.isoformat())["metrics"]
        assert metrics["events_28d"] == len(uses)
        assert metrics["active_users_28d"] == len({use.user_id for use in uses})


def assert_commands_work(mainstay: Running, said: str) -> None:
    """What the demo offers to copy and paste, copied and pasted."""
    lines = said.splitlines()
    if shutil.which("curl"):
        for command in filter(lambda line: line.startswith("curl"), lines):
            answer = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=20)
            assert {"data", "account_id"} & json.loads(answer.stdout).keys()
    first = next(place for place, line in enumerate(lines) if line.startswith("import"))
    snippet = "\n".join(lines[first : first + 5])
    subprocess.run([sys.executable, "-c", snippet], env=mainstay.environment, check=True, timeout=20)
    eventually(lambda: "my-first-account" in known(mainstay), "the snippet's account is known", 20)


def known(mainstay: Running) -> set[str]:
    return {account["account_id"] for account in mainstay.get("health_score", "/v1/accounts", limit="500")["data"]}


def test_a_newcomer_sees_a_portfolio_and_its_messages_and_a_second_start_repeats_nothing(tmp_path: Path) -> None:
    (smtp,) = free_ports(1)
    towards_inbox = {
        "MAINSTAY_INBOX_SMTP_PORT": str(smtp),
        "MAINSTAY_ALERTS_SMTP_HOST": "127.0.0.1",
        "MAINSTAY_ALERTS_SMTP_PORT": str(smtp),
        "MAINSTAY_ALERTS_SMTP_INSECURE": "true",
        "MAINSTAY_ALERTS_SMTP_FROM": "mainstay@example.com",
    }
    with running(tmp_path / "home", **towards_inbox) as mainstay, started(mainstay, "-m", "standalone.inbox"):
        with demonstrated(mainstay) as said:
            summary = mainstay.get("health_score", "/v1/portfolio/summary")
            assert summary["accounts"] == len(CAST)
            bands = {totals["band"]: totals["accounts"] for totals in summary["bands"]}
            assert bands["green"] > bands["yellow"] > 0 < bands["red"]
            assert bands["unknown"] == 2
            assert f"The portfolio   {len(CAST)} accounts" in said
            for heading in (
                "Accounts that need somebody",
                "Open alerts",
                "Playbooks at work",
                "amelia.hart's worklist",
                "Renewals ahead",
                "Ask the services yourself",
            ):
                assert heading in said
            assert_history_is_exact(mainstay)
            assert_commands_work(mainstay, said)

            assert "Nothing is to be done." not in said
            assert "No playbook runs." not in said

            alerts = mainstay.get("alerts", "/v1/alerts", limit="500")["data"]
            told = [alert for alert in alerts if alert["told"]]
            rules = {"band-worsened", "silent", "renewal-window", "renewal-milestone", "metric-deviated"}
            assert {alert["rule"] for alert in told} == rules
            assert len([alert for alert in alerts if alert["quiet"]]) > len(told)
            eventually(lambda: are_everywhere(mainstay, told), "every alert is in every channel", 60)
            assert {message["channel"] for message in messages(mainstay)} == {"chat", "email", "webhook"}
            assert len([one for one in messages(mainstay) if one["channel"] == "email"]) >= len(told)
            webhooks = [message for message in messages(mainstay) if message["channel"] == "webhook"]
            assert all(message["verified"] for message in webhooks)

        contracts = mainstay.get("renewals", "/v1/contracts", limit="500")["data"]
        assert len(contracts) == len(CAST)
        before = openings(mainstay)

        with demonstrated(mainstay):
            assert_history_is_exact(mainstay)
            assert len(mainstay.get("renewals", "/v1/contracts", limit="500")["data"]) == len(contracts)
            assert len(mainstay.get("alerts", "/v1/channels")["data"]) == 3
            assert openings(mainstay) == before
