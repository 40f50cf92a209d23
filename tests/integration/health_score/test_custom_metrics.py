"""Metrics of the operator's own: over the raw past, and kept up as events come."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from health_score.application import customs
from mainstay.service.subjects import USER, Subjects
from tests.integration.health_score.health import SECRET, Health, fact, usage, value

EXPORTS: dict[str, Any] = {"figure": "count", "window_days": 28, "filter": {"events": ["Export"]}}
ROWS: dict[str, Any] = {
    "figure": "sum",
    "property": "rows",
    "window_days": 7,
    "filter": {"properties": [{"property": "format", "in": ["pdf", "csv"]}, {"property": "rows", "at_least": 10}]},
}
PEOPLE: dict[str, Any] = {
    "figure": "users",
    "window_days": 28,
    "filter": {"features": ["export"]},
    "divided_by": {"over": "metric", "name": "active_users_28d"},
}
DOCUMENTS = {"custom.exports": EXPORTS, "custom.rows": ROWS, "custom.people": PEOPLE}


async def put(health: Health, name: str, document: dict[str, Any]) -> Any:
    answer = await health.api.put(f"/v1/metrics/{name}", json=document)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def computed(health: Health, *names: str) -> None:
    """Let the timers work until these metrics are computed over the past. Others' transactions are waited for."""
    for _ in range(200):
        await health.until(health.clock.now() + timedelta(seconds=1))
        told = [(await health.get(f"/metrics/{name}"))["computed"]["state"] for name in names]
        if set(told) <= {"ready"}:
            return
        await asyncio.sleep(0.02)  # a transaction of another test on the same server goes on meanwhile
    raise AssertionError(told)


def past(seed: int, accounts: int = 6, events: int = 400) -> list[Any]:
    """Two months of use that differs in all that filters ask for."""
    chance = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        usage(
            f"account-{chance.randrange(accounts)}",
            at=start + timedelta(minutes=chance.randrange(59 * 24 * 60)),
            user=chance.choice(["ann", "bob", "cem", None]),
            event=chance.choice(["Export", "Login"]),
            feature=chance.choice(["export", "reports"]),
            properties=chance.choice(
                [b"{}", b'{"format":"pdf","rows":10.25}', b'{"format":"csv","rows":3}', b'{"format":"csv","rows":100}']
            ),
            received="2026-03-01T09:00Z",
        )
        for _ in range(events)
    ]


async def readings(health: Health, accounts: int = 6) -> list[Any]:
    return [
        {name: found.get(name) for name in DOCUMENTS}
        for number in range(accounts)
        for day in ("2026-01-05", "2026-01-31", "2026-02-15", "2026-02-28", "2026-03-01")
        for found in [await health.metrics(f"account-{number}", as_of=day)]
    ]


async def test_a_metric_defined_today_equals_one_defined_before_the_events(health: Health) -> None:
    events = past(1)
    early = {f"{name}_early": document for name, document in DOCUMENTS.items()}
    for name, document in early.items():
        await put(health, name, document)
    await computed(health, *early)
    await health.receives(*(fact(f"account-{number}", at="2026-01-01T00:00Z", zone="Asia/Tokyo") for number in (0, 1)))

    for start in range(0, len(events), 90):  # with repetitions, in no order
        await health.receives(*events[start : start + 120])
    # Another series than that of the early ones, or nothing would be computed over the past.
    for name, document in DOCUMENTS.items():
        also = [{"property": "nothing", "exists": False}]
        filters = {**document["filter"], "properties": [*document["filter"].get("properties", []), *also]}
        await put(health, name, {**document, "filter": filters})
    await computed(health, *DOCUMENTS)
    await health.settle()

    for number in range(6):
        for day in ("2026-01-05", "2026-02-15", "2026-02-28", "2026-03-01"):
            found = await health.metrics(f"account-{number}", as_of=day)
            assert [found[name] for name in DOCUMENTS] == [found[name] for name in early]
    (series,) = await health.rows(
        "SELECT count(*) AS n, count(*) FILTER (WHERE state = 'ready') AS ready FROM health_score.custom_series"
    )
    assert (series.n, series.ready) == (6, 6)


async def test_a_metric_is_what_a_recount_says(health: Health) -> None:
    await put(health, "custom.rows", ROWS)
    await computed(health, "custom.rows")
    await health.receives(
        usage("acme", at="2026-02-20T12:00Z", properties=b'{"format":"pdf","rows":0.1}'),
        usage("acme", at="2026-02-26T12:00Z", properties=b'{"format":"pdf","rows":10.1}'),
        usage("acme", at="2026-02-28T12:00Z", properties=b'{"format":"csv","rows":20.2}'),
        usage("acme", at="2026-02-28T12:00Z", properties=b'{"format":"xls","rows":1000}'),
        usage("acme", at="2026-02-28T12:00Z", properties=b'{"format":"csv","rows":"1000"}'),
    )
    await health.settle()

    assert (await health.metrics("acme"))["custom.rows"] == 30.3
    assert (await health.metrics("acme", as_of="2026-02-27"))["custom.rows"] == 10.1
    assert (await health.metrics("acme", as_of="2026-02-25"))["custom.rows"] == 0
    (day,) = await health.rows("SELECT * FROM health_score.custom_day WHERE day = '2026-02-28'")
    assert (day.events, str(day.amount)) == (1, "20.2")


async def test_events_that_come_while_the_past_is_counted_count_once(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customs, "ACCOUNTS_AT_ONCE", 3)
    events = past(2, accounts=20)
    await health.receives(*events[:200])

    async def build() -> None:
        await put(health, "custom.exports", EXPORTS)
        await computed(health, "custom.exports")

    batches = [events[start : start + 25] for start in range(150, 400, 20)]
    await asyncio.gather(build(), *(health.receives(*batch) for batch in batches))
    await health.settle()

    (counted,) = await health.rows("SELECT sum(events) AS n FROM health_score.custom_day")
    assert counted.n == sum(event.data.event == "Export" for event in events)


async def test_a_transaction_that_began_before_the_definition_is_waited_for(health: Health) -> None:
    await health.receives(usage("acme", event="Export", at="2026-03-01T08:00Z"))
    async with health.database.engine.connect() as older:
        await older.execute(text("SELECT pg_current_xact_id()"))  # as one that counts, and knows no series
        await put(health, "custom.exports", EXPORTS)
        await health.until(health.clock.now() + timedelta(seconds=5))
        assert (await health.get("/metrics/custom.exports"))["computed"]["state"] == "building"
        await older.rollback()

    await computed(health, "custom.exports")
    assert (await health.metrics("acme"))["custom.exports"] == 1


async def test_progress_is_told_and_a_restart_goes_on(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customs, "ACCOUNTS_AT_ONCE", 2)
    await health.receives(*(usage(f"account-{n}", event="Export", at="2026-03-01T08:00Z") for n in range(5)))
    await put(health, "custom.exports", EXPORTS)

    async def interrupted(*_: Any) -> None:
        raise RuntimeError("the process was killed")

    told = []
    for step in range(60):
        with monkeypatch.context() as patch:
            if step % 2:
                patch.setattr(customs.BuildSeries, "_count", interrupted)
            await health.until(health.clock.now() + timedelta(seconds=11))
        progress = (await health.get("/metrics/custom.exports"))["computed"]
        told.append((progress["state"], progress["accounts"]))
        if progress["state"] == "ready":
            break
        await asyncio.sleep(0.02)  # older transactions of other tests on this server end meanwhile
    assert told[-1] == ("ready", 5)
    assert [(await health.metrics(f"account-{n}"))["custom.exports"] for n in range(5)] == [1] * 5


async def test_late_events_change_their_day_and_a_change_of_zone_moves_it(health: Health) -> None:
    await put(health, "custom.exports", {**EXPORTS, "window_days": 1})
    await computed(health, "custom.exports")
    await health.receives(usage("acme", event="Export", at="2026-02-20T15:30Z"))
    await health.settle()
    assert (await health.metrics("acme", as_of="2026-02-20"))["custom.exports"] == 1

    await health.receives(fact("acme", at="2026-03-01T08:00Z", zone="Asia/Tokyo"))
    await health.settle()

    assert (await health.metrics("acme", as_of="2026-02-20"))["custom.exports"] == 0
    assert (await health.metrics("acme", as_of="2026-02-21"))["custom.exports"] == 1


async def test_a_new_definition_holds_once_it_is_computed_and_the_old_one_until_then(health: Health) -> None:
    await health.receives(
        usage("acme", event="Export", at="2026-03-01T08:00Z"), usage("acme", event="Share", at="2026-03-01T08:00Z")
    )
    first = await put(health, "custom.exports", EXPORTS)
    await computed(health, "custom.exports")
    assert (first["version"], first["version_in_force"]) == (1, None)

    both = {**EXPORTS, "filter": {"events": ["Export", "Share"]}}
    second = await put(health, "custom.exports", both)
    assert (second["version"], second["version_in_force"], second["computed"]["state"]) == (2, 1, "building")
    assert (await health.metrics("acme"))["custom.exports"] == 1
    await computed(health, "custom.exports")
    assert (await health.metrics("acme"))["custom.exports"] == 2
    assert (await put(health, "custom.exports", both))["version"] == 2

    # Another window of the same filter needs no new count.
    third = await put(health, "custom.exports", {**both, "window_days": 1})
    assert (third["version"], third["version_in_force"]) == (3, 3)
    await computed(health, "custom.exports")
    for _ in range(50):
        if len(await health.rows("SELECT 1 FROM health_score.custom_series")) == 1:
            break
        await health.until(health.clock.now() + timedelta(seconds=1))
        await asyncio.sleep(0.02)
    (left,) = await health.rows("SELECT count(DISTINCT series_no) AS n FROM health_score.custom_day")
    assert left.n == 1


async def test_a_retired_metric_is_gone_with_its_days_and_can_come_back(health: Health) -> None:
    await health.receives(usage("acme", event="Export", at="2026-03-01T08:00Z"))
    await put(health, "custom.exports", EXPORTS)
    await put(health, "custom.share", {**PEOPLE, "divided_by": {"over": "metric", "name": "custom.exports"}})
    await computed(health, "custom.exports", "custom.share")

    kept = await health.api.delete("/v1/metrics/custom.exports")
    assert (kept.status_code, kept.json()["code"]) == (409, "metric-in-use")
    for name in ("custom.share", "custom.exports"):
        assert (await health.api.delete(f"/v1/metrics/{name}")).status_code == 204
    assert (await health.api.get("/v1/metrics/custom.exports")).status_code == 404
    assert "custom.exports" not in await health.metrics("acme")
    for _ in range(50):
        if not await health.rows("SELECT 1 FROM health_score.custom_series"):
            break
        await health.until(health.clock.now() + timedelta(seconds=1))
        await asyncio.sleep(0.02)
    assert not await health.rows("SELECT 1 FROM health_score.custom_day")

    assert (await put(health, "custom.exports", EXPORTS))["version"] == 3
    await computed(health, "custom.exports")
    assert (await health.metrics("acme"))["custom.exports"] == 1


async def test_a_metric_can_be_divided_by_the_seats_of_the_day(health: Health) -> None:
    await put(health, "custom.per_seat", {**EXPORTS, "divided_by": {"over": "seats"}})
    await computed(health, "custom.per_seat")
    await health.receives(*(usage("acme", event="Export", at="2026-03-01T08:00Z") for _ in range(3)))
    assert (await health.metrics("acme"))["custom.per_seat"] is None

    await health.receives(value("acme", at="2026-03-01T08:00Z", seats=12))

    assert (await health.metrics("acme"))["custom.per_seat"] == 0.25


async def test_what_an_erased_user_sent_counts_without_its_properties(health: Health) -> None:
    await put(health, "custom.rows", {**ROWS, "filter": None})
    await put(health, "custom.people", {**PEOPLE, "divided_by": None})
    await computed(health, "custom.rows", "custom.people")
    async with health.handlers.works() as work:
        await work.erased.remember(USER, Subjects(SECRET).hash(USER, "ann"), "e1", health.clock.now())
    await health.receives(usage("acme", feature="export", at="2026-03-01T08:00Z", properties=b'{"rows":5}'))

    found = await health.metrics("acme")
    assert (found["custom.rows"], found["custom.people"], found["events_28d"]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("name", "document", "status", "code", "pointer"),
    [
        ("custom.x", {"window_days": 1}, 422, "invalid-request", "/figure"),
        ("custom.x", {**EXPORTS, "window_days": 0}, 422, "invalid-request", "/window_days"),
        ("custom.x", {**EXPORTS, "window_days": 366}, 422, "invalid-request", "/window_days"),
        ("custom.x", {**EXPORTS, "windw": 3}, 422, "invalid-request", "/windw"),
        ("custom.x", {**EXPORTS, "filter": {"events": []}}, 422, "invalid-request", "/filter/events"),
        ("custom.x", {**EXPORTS, "figure": "sum"}, 422, "metric-invalid", "/property"),
        (
            "custom.x",
            {**EXPORTS, "divided_by": {"over": "metric", "name": "custom.x"}},
            422,
            "metric-invalid",
            "/divided_by/name",
        ),
        ("seat_utilisation", EXPORTS, 409, "metric-built-in", None),
        ("Custom.X", EXPORTS, 422, "invalid-request", None),
    ],
)
async def test_what_is_wrong_with_a_document_is_said_precisely(
    health: Health, name: str, document: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    answer = await health.api.put(f"/v1/metrics/{name}", json=document)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert pointer is None or pointer in [error.get("pointer") for error in answer.json()["errors"]]
    assert (await health.api.get("/v1/metrics/custom.x")).status_code == 404


async def test_every_metric_is_listed_with_its_unit_and_definition(health: Health) -> None:
    await put(health, "custom.people", {**PEOPLE, "title": "Exporters"})

    data = (await health.get("/metrics"))["data"]

    names = [each["name"] for each in data]
    assert names == sorted(names)
    assert {"active_users_28d", "activation", "usage_deviation", "custom.people"} <= set(names)
    assert all(each["unit"] and each["definition"] for each in data)
    (own,) = [each for each in data if each["kind"] == "custom"]
    assert own["definition"] == "Distinct users of events of the feature export in 28 days ÷ active_users_28d"
    assert (own["title"], own["document"]["divided_by"]["name"]) == ("Exporters", "active_users_28d")
    assert (await health.api.delete("/v1/metrics/usage_trend_7d")).json()["code"] == "metric-built-in"
    assert (await health.api.delete("/v1/metrics/custom.none")).json()["code"] == "metric-unknown"
