"""Backtests and previews over HTTP, on what health-score itself recorded."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from health_score.domain.backtest.scoring import AsReported
from health_score.domain.facts.known import Facts
from health_score.domain.scoring import Scorer
from health_score.scorecards.reading import read_scorecard
from mainstay.contracts.common import MoneyData
from mainstay.contracts.facts import SurveyResponseFact, TicketFact
from mainstay.contracts.renewals import AccountValueChanged
from tests.integration.health_score.health import Health, daily, instant, stated, usage

DOCUMENT = read_scorecard().body


async def _run(health: Health, **body: Any) -> Any:
    answer = await health.api.post("/v1/scorecards/backtest", json=body)
    assert answer.status_code == 202, answer.text
    started = answer.json()
    assert started["state"] == "running"
    await _finish(health)
    return await health.get(answer.headers["Location"].removeprefix("/v1"))


async def _finish(health: Health) -> None:
    while await health.rows("SELECT key FROM health_score.due WHERE kind = 'study'"):
        health.clock.advance(timedelta(seconds=1))
        await health.handlers.studies_due.run_due()


async def _portfolio(health: Health, accounts: int = 12) -> None:
    """Half of the accounts stop in the middle of 2025, after they have come ever less."""
    events = []
    for number in range(accounts):
        name = f"account-{number:02}"
        leaves = number % 2 == 0
        events += daily(name, "2025-01-01", "2025-04-30", users=3 + number % 3, features=4)
        if leaves:
            for week in range(6):
                events += daily(name, *[f"{date(2025, 5, 5) + timedelta(days=7 * week)}"] * 2, users=1)
        else:
            events += daily(name, "2025-05-01", "2025-12-31", users=3, features=4)
    for event in events:
        assert event.data.received_at == event.data.occurred_at
    for start in range(0, len(events), 2_000):
        await health.receives(*events[start : start + 2_000])
    await health.settle()


async def test_a_backtest_foretells_who_falls_silent_and_repeats_itself(health: Health) -> None:
    await _portfolio(health)
    asked = {"from": "2025-03-31", "to": "2025-08-31", "outcome": {"kind": "silent", "days": 60}}

    found = await _run(health, **asked)

    assert (found["state"], found["progress"]["accounts_done"]) == ("done", 12)
    figures = found["figures"]
    assert figures["outcomes"] > 0
    assert sum(band["cases"] for band in figures["bands"]) == figures["cases"]
    assert sum(row["cases"] for row in figures["calibration"]) == figures["cases"]
    assert figures["auc"] > 0.9
    assert (figures["lead"]["outcomes"], figures["lead"]["warned"]) == (6, 6)
    again = await _run(health, **asked)
    assert (again["hash"], again["figures"]) == (found["hash"], found["figures"])
    other = await _run(health, **asked | {"to": "2025-07-31"})
    assert other["hash"] != found["hash"]


async def test_a_backtest_fits_weights_that_can_be_saved_and_judges_them_later(health: Health) -> None:
    await _portfolio(health)

    found = await _run(
        health,
        **{"from": "2025-02-28", "to": "2025-08-31", "outcome": {"kind": "silent", "days": 30}, "every": "week"},
        fit={"through": "2025-07-20"},
    )

    fit = found["fit"]
    assert fit["failure"] is None
    assert fit["cross_validated_auc"] > 0.8
    assert all(weight["after"] >= 0 for weight in fit["weights"])
    assert "seat_utilisation" in {weight["measure"] for weight in fit["weights"] if not weight["fitted"]}
    assert found["judged"]["card"]["cases"] == found["judged"]["fitted"]["cases"] > 0
    preview = await health.api.post("/v1/scorecards/preview", json={"document": fit["document"]})
    assert preview.status_code == 200, preview.text


async def test_a_backtest_goes_on_where_it_was_and_can_be_cancelled(health: Health) -> None:
    await _portfolio(health, accounts=4)
    step = health.handlers.backtests._studies._steps  # one account a step, so that there are steps
    for each in step.values():
        each.accounts = 1
    asked = {"from": "2025-03-31", "to": "2025-08-31"}
    whole = await _run(health, **asked)

    begun = (await health.api.post("/v1/scorecards/backtest", json=asked)).json()
    await health.handlers.studies_due.run_due()
    half = await health.get(f"/backtests/{begun['id']}")
    assert (half["state"], half["progress"]["accounts_done"], half["hash"]) == ("running", 1, None)
    await _finish(health)  # any process would: all that counts is in the rows
    assert (await health.get(f"/backtests/{begun['id']}"))["hash"] == whole["hash"]

    begun = (await health.api.post("/v1/scorecards/backtest", json=asked)).json()
    await health.handlers.studies_due.run_due()
    assert (await health.api.delete(f"/v1/backtests/{begun['id']}")).status_code == 204
    await _finish(health)
    cancelled = await health.get(f"/backtests/{begun['id']}")
    assert (cancelled["state"], cancelled["progress"]["accounts_done"]) == ("cancelled", 1)
    assert (await health.api.delete(f"/v1/previews/{begun['id']}")).status_code == 404


def _anything_stated(chance: random.Random, account: str, at: datetime) -> Any:
    """A fact that the scorecard which ships looks at."""
    number = chance.randint(1, 6)
    kind = chance.choice(("opened", "resolved", "survey"))
    if kind == "survey":
        return stated(SurveyResponseFact(account, f"r{at}", at, kind="nps", score=chance.randint(0, 10)))
    if kind == "resolved":
        return stated(TicketFact(account, f"t{number}", at, resolved_at=at))
    return stated(TicketFact(account, f"t{number}", at, opened_at=at, resolved_at=None, priority="urgent"))


@pytest.mark.parametrize("seed", range(3))
async def test_the_backtest_of_a_day_is_what_was_reported_on_it(health: Health, seed: int) -> None:
    """Also where events and facts came late, as long as they came within a week: what comes later is history."""
    chance = random.Random(seed)
    came: list[tuple[datetime, Any]] = []
    for day in range(90):
        for account in ("acme", "zeta"):
            for _ in range(chance.choice((0, 0, 1, 2, 5))):
                at = instant("2026-03-01T09:30Z") + timedelta(days=day, minutes=chance.randint(0, 800))
                late = timedelta(hours=chance.choice((0, 0, 0, 0, 1, 20, 50, 140)))
                user, feature = f"user-{chance.randint(0, 5)}", f"feature-{chance.randint(0, 3)}"
                came.append((at + late, usage(account, at=at, received=at + late, user=user, feature=feature)))
            if chance.random() < 0.3:
                at = instant("2026-03-01T09:30Z") + timedelta(days=day, minutes=chance.randint(0, 800))
                came.append(
                    (at + timedelta(hours=chance.choice((0, 0, 30, 100))), _anything_stated(chance, account, at))
                )
    for received, event in sorted(came, key=lambda each: each[0]):
        await health.until(received)
        await health.receives(event)
    await health.until("2026-06-15T00:00Z")

    last = date(2026, 6, 13)
    async with health.handlers.works() as work:
        pasts = await work.pasts.after("", 10, date(2026, 3, 1), last, Scorer(read_scorecard().card).needs)
    assert any(past.incomplete_days() for past in pasts)
    for past in pasts:
        assert any(said.known_at > said.at + timedelta(days=1) for said in past.facts.statements)
        scorer = Scorer(read_scorecard().card)
        then = AsReported(past, scorer, last)
        assert then.closes != AsReported(replace(past, facts=Facts()), scorer, last).closes
        reported = {close["day"]: close["reported"] for close in await health.history(past.account_id)}
        found = {str(day): (close.score, close.band.value) for day, close in then.closes.items()}
        assert found == {day: (close["score"], close["band"]) for day, close in reported.items() if day in found}
        assert len(found) > 80


async def _state_values(health: Health, *values: tuple[str, str, str | None]) -> None:
    """Facts of the kind `value`, as they are kept: (account, day, ARR in EUR)."""
    async with health.database.engine.begin() as connection:
        for account, day, amount in values:
            at = instant(f"{day}T12:00Z")
            data = AccountValueChanged(account, 1, at, arr=(MoneyData(Decimal(amount), "EUR"),) if amount else ())
            await connection.execute(
                text(
                    "INSERT INTO health_score.fact"
                    " SELECT account_no, 'value', 'value', :at, :id, 'renewals', :at, CAST(:body AS jsonb)"
                    " FROM health_score.account WHERE account_id = :account"
                ),
                {"at": at, "id": f"{account} {day}", "account": account, "body": msgspec.json.encode(data).decode()},
            )


async def test_a_preview_says_who_would_move_and_why(health: Health) -> None:
    await health.receives(*daily("busy", "2025-12-01", "2026-02-28", users=5, features=6))
    await health.receives(*daily("gone", "2025-10-01", "2026-01-10", users=5, features=6))
    await health.settle()
    strict = DOCUMENT | {"bands": DOCUMENT["bands"] | {"green": {"begins": 99, "enter": 99, "leave": 99}}}

    answer = await health.api.post("/v1/scorecards/preview", json={"document": strict})

    assert answer.status_code == 200, answer.text
    preview = answer.json()
    before = {account: (await health.health(account))["band"] for account in ("busy", "gone")}
    assert (before, preview["state"]) == ({"busy": "green", "gone": "red"}, "done")
    assert {(move["band_before"], move["band_after"]): move["accounts"] for move in preview["moves"]} == {
        ("green", "yellow"): 1,
        ("red", "red"): 1,
    }
    (change,) = (await health.get(f"/previews/{preview['id']}/changes"))["data"]
    assert (change["account_id"], change["band_after"], change["because"]) == ("busy", "yellow", [])

    names = [measure["name"] for group in DOCUMENT["groups"] for measure in group["measures"]]
    heavy = DOCUMENT | {"groups": [group | {"weight": 1} for group in DOCUMENT["groups"]][:1]}
    preview = (await health.api.post("/v1/scorecards/preview", json={"document": heavy})).json()
    page = await health.get(f"/previews/{preview['id']}/changes")
    assert all(reason["measure"] in names for change in page["data"] for reason in change["because"])


async def test_a_large_preview_goes_on_behind(health: Health) -> None:
    await health.receives(*[usage(f"account-{number}", at="2026-03-01T08:00Z") for number in range(7)])
    await health.settle()
    for each in health.handlers.previews._studies._steps.values():
        each.accounts = 2

    answer = await health.api.post("/v1/scorecards/preview", json={"document": DOCUMENT})
    assert answer.status_code == 202, answer.text
    await _finish(health)

    preview = await health.get(answer.headers["Location"].removeprefix("/v1"))
    assert sum(move["accounts"] for move in preview["moves"]) == 7


async def test_outcomes_can_be_a_list_or_what_renewals_said(health: Health) -> None:
    await _portfolio(health, accounts=6)
    asked = {"from": "2025-03-31", "to": "2025-09-30"}
    left = [{"account_id": f"account-{number:02}", "day": "2025-09-15"} for number in (0, 2, 4)]

    found = await _run(health, **asked, outcome={"kind": "listed", "days": 90, "listed": left})
    assert (found["figures"]["outcomes"], found["figures"]["lead"]["outcomes"]) == (9, 3)
    assert found["figures"]["auc"] > 0.9

    (study,) = await health.rows("SELECT spec::text AS spec, after FROM health_score.study")
    assert (await health.rows("SELECT part FROM health_score.study_part"), study.after) == ([], "")
    assert "account-00" not in study.spec

    await _state_values(
        health,
        ("account-00", "2025-01-01", "100"),
        ("account-00", "2025-09-15", None),
        ("account-01", "2025-01-01", "100"),
    )
    found = await _run(health, **asked, outcome={"kind": "churned", "days": 90})
    assert (found["figures"]["cases"], found["figures"]["outcomes"]) == (6 + 7, 3)
    refused = await health.api.post("/v1/scorecards/backtest", json=asked | {"outcome": {"kind": "listed"}})
    assert (refused.status_code, refused.json()["code"]) == (422, "outcomes-missing")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"from": "2025-02-01", "to": "2025-01-01"}, "days-reversed"),
        ({"from": "2025-02-02", "to": "2025-02-03"}, "no-days"),
        ({"from": "2020-01-01", "to": "2025-01-01", "every": "day"}, "too-many-days"),
        ({"from": "2025-01-01", "to": "2025-02-01", "document": {"id": "x"}}, "scorecard-invalid"),
        ({"from": "2025-01-01", "to": "2025-02-01", "what": 1}, "invalid-request"),
    ],
)
async def test_what_cannot_be_tested_is_refused(health: Health, body: dict[str, Any], code: str) -> None:
    answer = await health.api.post("/v1/scorecards/backtest", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await health.api.get("/v1/backtests/none")).status_code == 404
