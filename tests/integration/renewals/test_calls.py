"""Forecast calls: the automated one with its reason, and those of people; dated, and none overwritten."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tests.integration.renewals.book import money
from tests.integration.renewals.forecasting import a_past, get, says
from tests.integration.renewals.office import Office, scored
from tests.integration.renewals.test_erasure import ask, holds

FORECAST = import_module("renewals.migrations.versions.0005_forecast")
SUMS = ("commit", "most_likely", "best_case", "omitted", "expected")


async def test_an_automated_call_says_how_it_was_come_by(migrated_url: str) -> None:
    office = await Office.opened(migrated_url, "2025-03-01T09:00")
    await a_past(office)
    await office.it_is("2025-03-02T00:00")
    await office.it_is("2026-01-05T09:00")
    contract = await office.enters("acme", start="2026-01-01", term_months=12)
    term = f"{contract['id']}.1"

    [unknown] = (await get(office, f"renewals/{term}/calls"))["data"]
    # Health is not known, and the call says so: the overall rate, (7 + 2) ÷ (10 + 4) = 0.64.
    assert (unknown["band"], unknown["probability"], unknown["category"]) == (None, "0.64", "most_likely")
    assert unknown["reason"] == [
        {
            "name": "overall",
            "level": None,
            "terms": 10,
            "renewed": 7,
            "rate": "0.700000",
            "probability": "0.642857",
            "prior": None,
        }
    ]
    assert unknown["amount"] == money("1200.00", "EUR")

    await office.hears(scored("acme", 30, "red", "2026-01-05T09:00"))
    await office.it_is("2026-01-05T09:00")
    newest, _ = (await get(office, f"renewals/{term}/calls"))["data"]
    # Red: (0 + 20 x 0.6429) ÷ (3 + 20) = 0.5590; within red, in the first year, again none of 3: 20 x 0.5590 ÷ 23.
    assert [(step["name"], step["level"], step["terms"], step["renewed"]) for step in newest["reason"]] == [
        ("overall", None, 10, 7),
        ("band", "red", 3, 0),
        ("tenure", "first_year", 3, 0),
    ]
    assert [step["probability"] for step in newest["reason"]] == ["0.642857", "0.559006", "0.486092"]
    assert (newest["probability"], newest["category"], newest["band"]) == ("0.49", "best_case", "red")
    await office.close()


async def test_a_new_call_is_made_only_when_it_differs(office: Office) -> None:
    contract = await office.enters("acme", start="2026-01-01", term_months=12)
    path = f"renewals/{contract['id']}.1/calls"
    await office.hears(scored("acme", 80, "green", "2026-01-05T08:00"))
    await office.passes(3)
    assert [call["band"] for call in (await get(office, path))["data"]] == ["green", None]

    # The score falls by 10 within 28 days: the trend is known as soon as there is a score of 28 days before.
    await office.hears(scored("acme", 70, "green", "2026-01-20T08:00"))
    await office.it_is("2026-02-02T07:00")
    assert len((await get(office, path))["data"]) == 2
    await office.it_is("2026-02-03T00:00")
    newest, *_ = (await get(office, path))["data"]
    assert (newest["trend"], newest["said_at"]) == ("falling", "2026-02-03T00:00:00Z")
    # 28 days later it has stood still.
    await office.it_is("2026-02-18T00:00")
    newest, *_ = (await get(office, path))["data"]
    assert newest["trend"] == "steady"

    await office.amends(contract, amount=money("1500", "EUR"))
    newest, *_ = (await get(office, path))["data"]
    assert newest["amount"] == money("1500.00", "EUR")
    await office.http.post(
        f"/v1/contracts/{contract['id']}/cancellation", json={"effective": "2027-01-01", "reason": "too dear"}
    )
    newest, *_ = (await get(office, path))["data"]
    assert (newest["probability"], newest["category"]) == ("0.00", "omitted")
    assert [step["name"] for step in newest["reason"]] == ["cancelled"]
    assert (await get(office, path, known_at="2026-01-06T10:00:00Z"))["data"][0]["band"] == "green"


async def test_calls_of_people_prevail_and_none_is_overwritten(office: Office) -> None:
    contract = await office.enters("acme", start="2025-04-01", term_months=12)
    term = f"{contract['id']}.1"
    await office.it_is("2026-01-06T09:00")
    first = await says(office, term, "csm", "best_case", "0.5", "1000", author="ann", note="new sponsor")
    assert (first["author"], first["note"], first["recorded_by"] != "ann") == ("ann", "new sponsor", True)
    await office.it_is("2026-01-07T09:00")
    await says(office, term, "csm", "commit", "0.9", "1100", author="ann")
    again = await says(office, term, "csm", "commit", "0.9", "1100", author="ann")
    await office.it_is("2026-01-08T09:00")
    await says(office, term, "final", "most_likely", "0.7", "900", author="ben")

    calls = (await get(office, f"renewals/{term}/calls"))["data"]
    assert [(call["kind"], call["category"]) for call in calls] == [
        ("final", "most_likely"),
        ("csm", "commit"),
        ("csm", "best_case"),
        ("automated", "best_case"),
    ]
    assert again["id"] == calls[1]["id"]
    [row] = (await get(office, "renewals/forecast", period="none"))["data"]
    sums = row["forecast"]
    assert {name: sums[name] for name in SUMS} == {
        "commit": "0.00",
        "most_likely": "900.00",
        "best_case": "900.00",
        "omitted": "0.00",
        "expected": "630.00",
    }
    assert (sums["by_call"]["csm"]["commit"], sums["by_call"]["csm"]["expected"]) == ("1100.00", "990.00")
    assert (sums["by_call"]["automated"]["best_case"], sums["by_call"]["automated"]["called"]) == ("1200.00", 1)


async def test_what_cannot_be_forecast_is_refused(office: Office) -> None:
    once = await office.enters("once", kind="one_time", start="2026-01-01", end="2026-12-31")
    over = await office.enters("over", start="2025-01-01", end="2025-12-31", at_end="cancel")
    runs = await office.enters("runs", start="2026-01-01", term_months=12)
    body = {"category": "commit", "probability": "1", "amount": money("10", "EUR")}

    async def refused(term: str, kind: str = "csm", **other: Any) -> tuple[int, str]:
        answer = await office.http.put(f"/v1/renewals/{term}/calls/{kind}", json={**body, **other})
        return answer.status_code, answer.json()["code"]

    assert await refused(f"{once['id']}.1") == (409, "renewal-decided")
    assert await refused(f"{over['id']}.1") == (409, "renewal-decided")
    assert await refused(f"{runs['id']}.7") == (404, "term-unknown")
    assert await refused("nothing.1") == (404, "contract-unknown")
    assert await refused("nothing") == (404, "term-unknown")
    assert await refused(f"{runs['id']}.1", amount=money("10", "USD")) == (422, "currency-differs")
    assert await refused(f"{runs['id']}.1", amount=money("-1", "EUR")) == (422, "amount-invalid")
    for probability in ("1.01", "-0.1", "0.12345", True, "NaN", None):
        assert (await refused(f"{runs['id']}.1", probability=probability))[0] == 422
    assert (await refused(f"{runs['id']}.1", kind="automated"))[0] == 422
    later = await office.http.get("/v1/renewals/forecast", params={"since": "2030-01-01T00:00:00Z"})
    assert later.json()["code"] == "since-later"


async def test_scores_come_in_any_order_and_are_kept_for_as_long_as_a_trend_looks_back(office: Office) -> None:
    contract = await office.enters("acme", start="2026-01-01", term_months=12)
    await office.hears(scored("acme", 90, "green", "2025-10-01"), scored("acme", 70, "green", "2025-11-20"))
    await office.hears(scored("acme", 55, "yellow", "2026-01-05"))
    await office.hears(scored("acme", 60, "yellow", "2025-12-01"))  # came late
    await office.it_is("2026-01-06T00:00")

    newest, *_ = (await get(office, f"renewals/{contract['id']}.1/calls"))["data"]
    assert (newest["band"], newest["trend"]) == ("yellow", "steady")  # 60 on December 9, 55 now
    async with office.service.chassis.database.engine.connect() as connection:
        kept = await connection.execute(text("SELECT day FROM renewals.account_score ORDER BY day"))
        # October's is older than 60 days, and nothing between it and then is known: it holds until November 20.
        assert [str(day) for day in kept.scalars()] == ["2025-10-01", "2025-11-20", "2025-12-01", "2026-01-05"]
    await office.hears(scored("acme", 55, "yellow", "2026-03-01"))
    async with office.service.chassis.database.engine.connect() as connection:
        kept = await connection.execute(text("SELECT day FROM renewals.account_score ORDER BY day"))
        assert [str(day) for day in kept.scalars()] == ["2025-12-01", "2026-01-05", "2026-03-01"]


async def test_what_is_heard_while_an_account_is_looked_at_is_looked_at_too(office: Office) -> None:
    """Two reports within one second are two looks: the second may come in while the first is in hand."""
    contract = await office.enters("acme", start="2026-01-01", term_months=12)
    await office.hears(scored("acme", 90, "green", "2026-01-05T09:00:00.1"))
    async with office.service.chassis.database.engine.begin() as connection:
        first = {"at": office.clock.now()}
        await connection.execute(text("SELECT FROM renewals.due WHERE due_at = :at FOR UPDATE"), first)
        office.clock.advance(timedelta(milliseconds=200))
        await office.hears(scored("acme", 20, "red", "2026-01-05T09:00:00.2"))
        await connection.execute(text("DELETE FROM renewals.due WHERE due_at = :at"), first)
    await office.service.timers.run_due()
    newest, *_ = (await get(office, f"renewals/{contract['id']}.1/calls"))["data"]
    assert newest["band"] == "red"


async def test_the_erased_leave_no_words_in_calls_and_no_scores(office: Office) -> None:
    contract = await office.enters("acme-canary", start="2026-01-01", term_months=12)
    await office.hears(scored("acme-canary", 55, "yellow", "2026-01-05T08:00"))
    await says(office, f"{contract['id']}.1", "csm", "commit", "0.9", "1200", note="says Canary of acme-canary")

    await ask(office, "account", "acme-canary")

    assert await holds(office, "canary") == await holds(office, "Canary") == []
    calls = (await get(office, f"renewals/{contract['id']}.1/calls"))["data"]
    assert [(call["kind"], call["note"]) for call in calls] == [("csm", ""), ("automated", "")]
    refused = await office.http.put(
        f"/v1/renewals/{contract['id']}.1/calls/csm",
        json={"category": "commit", "probability": 1, "amount": money("10", "EUR")},
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "account-erased")
    await office.passes(2)  # no timer wakes it
    assert len((await get(office, f"renewals/{contract['id']}.1/calls"))["data"]) == 2


async def test_calls_are_only_added_to(office: Office) -> None:
    await office.enters("acme", start="2026-01-01", term_months=12)
    for statement in ("UPDATE renewals.forecast_call SET probability = 1", "DELETE FROM renewals.forecast_call"):
        with pytest.raises(DBAPIError, match="forecast calls are only added to"):
            async with office.service.chassis.database.engine.begin() as connection:
                await connection.execute(text(statement))


def _back_and_forth(connection: Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        FORECAST.downgrade()
        FORECAST.upgrade()


async def test_contracts_of_before_have_calls_after_the_upgrade(office: Office) -> None:
    contract = await office.enters("acme", start="2026-01-01", term_months=12)
    await office.enters("gone", start="2025-01-01", end="2025-12-31", at_end="cancel")
    await office.hears(scored("acme", 55, "yellow", "2026-01-05T08:00"))
    async with office.service.chassis.database.engine.begin() as connection:
        await connection.run_sync(_back_and_forth)

    await office.it_is("2026-01-05T09:00")

    [call] = (await get(office, f"renewals/{contract['id']}.1/calls"))["data"]
    # The past was counted first: of one term none was renewed.
    overall = call["reason"][0]
    assert (overall["name"], overall["terms"], overall["renewed"]) == ("overall", 1, 0)
    assert call["band"] == "yellow"


async def test_the_past_is_told_by_how_accounts_stood_90_days_before(migrated_url: str) -> None:
    office = await Office.opened(migrated_url, "2025-01-02T09:00")
    await office.enters("fell", start="2025-01-01", end="2025-12-31", at_end="cancel")
    await office.enters("late", start="2025-01-01", end="2025-12-31", term_months=12)
    await office.hears(scored("fell", 90, "green", "2025-01-02T08:00"))
    await office.it_is("2025-01-03T00:00")
    await office.it_is("2025-10-03T09:00")  # 89 days before December 31
    await office.hears(scored("fell", 10, "red", "2025-10-03T09:00"), scored("late", 60, "yellow", "2025-10-03T09:00"))
    await office.it_is("2025-10-04T00:00")
    await office.it_is("2026-01-02T00:00")

    async with office.service.work() as work:
        past = await work.calls.past()

    # `fell` was green when that could still be acted on; of `late` nothing was known by then.
    assert {standing.band: (found.terms, found.renewed) for standing, found in past.cells.items()} == {
        "green": (1, 0),
        None: (1, 1),
    }
    await office.close()
