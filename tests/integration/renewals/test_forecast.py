"""Forecasts of renewals: what calls add up to, what moved, and how right they were."""

import csv
import io
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.integration.renewals.book import money
from tests.integration.renewals.forecasting import a_past, get, says
from tests.integration.renewals.office import Office, banded
from tests.integration.renewals.test_amendments import says as records

HOSTILE: list[Any] = [
    *("9999-12-31", "0001-01-01", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00", "\ud800", "a\0b"),
    *(2**40, 2**70, -1),
]


async def test_a_forecast_says_what_moved_since_and_why(migrated_url: str) -> None:
    office = await Office.opened(migrated_url, "2025-03-01T09:00")
    await a_past(office)
    await office.it_is("2025-03-02T00:00")
    await office.it_is("2026-01-05T09:00")
    await office.service.chassis.keys.refresh()
    moved = await office.enters("acme", start="2025-04-01", term_months=12)
    quiet = await office.enters("bolt", start="2025-04-01", term_months=12, amount="600.00")
    lost = await office.enters("cord", start="2025-02-01", end="2026-01-31", at_end="cancel", amount="300.00")
    won = await office.enters("dune", start="2025-02-01", end="2026-01-31", term_months=12, amount="400.00")
    await office.it_is("2026-01-20T09:00")
    before = "2026-01-20T10:00:00Z"
    await office.it_is("2026-01-21T09:00")
    await office.hears(banded("acme", 40, "red", "2026-01-21T08:00"))
    await office.it_is("2026-01-22T09:00")
    await says(office, f"{quiet['id']}.1", "csm", "commit", "0.95", "650", note="signed, on its way")
    await office.it_is("2026-02-02T09:00")
    await office.service.chassis.keys.refresh()
    new = await office.enters("echo", start="2025-05-01", term_months=12)

    query = {"from": "2026-01-05", "to": "2026-07-01"}
    page = (await get(office, "renewals/forecast/changes", since=before, **query))["data"]
    assert {change["term_id"].partition(".")[0]: [why["what"] for why in change["why"]] for change in page} == {
        moved["id"]: ["band"],
        quiet["id"]: ["whose", "amount"],
        lost["id"]: ["status"],
        won["id"]: ["status"],
        new["id"]: ["forecast"],
    }
    [band] = [change for change in page if change["account_id"] == "acme"]
    assert band["why"] == [{"what": "band", "before": None, "now": "red"}]
    assert band["was"]["calls"][0]["band"] is None
    one = await get(office, "renewals/forecast/changes", since=before, limit=1, **query)
    rest = await get(office, "renewals/forecast/changes", since=before, cursor=one["next_cursor"], **query)
    assert one["data"] + rest["data"] == page

    [first, second] = (await get(office, "renewals/forecast", since=before, **query))["data"]
    assert (first["forecast"]["closed_won"], first["forecast"]["churned"]) == ("400.00", "300.00")
    assert (first["was"]["open_renewals"], first["forecast"]["open_renewals"]) == (4, 2)
    assert (first["was"]["best_case"], second["was"]["renewals"]) == ("2500.00", 0)
    # What was said then is said again.
    [then] = (await get(office, "renewals/forecast", known_at=before, **query))["data"]
    assert then["forecast"] == first["was"]
    await office.close()


async def test_the_renewals_behind_a_forecast_add_up_to_it(office: Office) -> None:
    for number, amount in enumerate(("1200.00", "333.33", "50.01")):
        start = f"2025-0{number + 3}-01"
        for account in ("acme", "bolt"):
            await office.enters(account, start=start, term_months=12, amount=amount)
    await office.hears(banded("acme", 90, "green", "2026-01-05T08:00"))
    await office.it_is("2026-01-06T00:00")
    query = {"from": "2026-01-01", "to": "2027-01-01"}
    rows = (await get(office, "renewals/forecast", by="owner,segment", **query))["data"]
    assert [row["group"] for row in rows] == [{"owner": None, "segment": None}] * 2

    page = await get(office, "renewals/forecast/renewals", limit=4, **query)
    rest = await get(office, "renewals/forecast/renewals", cursor=page["next_cursor"], **query)
    renewals = page["data"] + rest["data"]

    assert [renewal["state"]["end"] for renewal in renewals] == sorted(r["state"]["end"] for r in renewals)
    for name, categories in (
        ("commit", {"commit"}),
        ("most_likely", {"commit", "most_likely"}),
        ("best_case", {"commit", "most_likely", "best_case"}),
    ):
        calls = [renewal["state"]["calls"][0] for renewal in renewals]
        own = sum(Decimal(call["amount"]["amount"]) for call in calls if call["category"] in categories)
        assert own == sum(Decimal(row["forecast"][name]) for row in rows), name
    assert sum(Decimal(row["forecast"]["due"]) for row in rows) == Decimal("3166.68")
    answer = await office.http.get("/v1/renewals/forecast", params=query, headers={"Accept": "text/csv"})
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["due"] for row in table] == [row["forecast"]["due"] for row in rows]
    assert {"commit", "by_call.csm.commit"} <= table[0].keys()


async def test_currencies_stay_apart_unless_one_is_asked_for(office: Office) -> None:
    await office.enters("acme", start="2025-04-01", term_months=12)
    body = {"account_id": "bolt", "kind": "recurring", "start": "2025-04-01", "term_months": 12}
    await office.http.post("/v1/contracts", json={**body, "amount": money("100.01", "USD")})
    rates = {"date": "2026-01-01", "base": "EUR", "rates": {"USD": "0.5"}}

    rows = (await get(office, "renewals/forecast"))["data"]
    assert [(row["currency"], row["forecast"]["due"]) for row in rows] == [("EUR", "1200.00"), ("USD", "100.01")]
    missing = await office.http.get("/v1/renewals/forecast", params={"currency": "EUR"})
    assert missing.json()["code"] == "rate-missing"
    await office.http.put("/v1/exchange-rates", json=rates)
    [row] = (await get(office, "renewals/forecast", currency="EUR"))["data"]
    assert (row["currency"], row["forecast"]["due"]) == ("EUR", "1250.00")  # 100.01 x 0.5 = 50.005, half to even


async def test_within_grace_a_renewal_is_open_and_after_it_has_churned(office: Office) -> None:
    contract = await office.enters("acme", start="2025-02-01", end="2026-01-31", at_end="cancel", grace_days=10)
    query = {"from": "2026-01-01", "to": "2026-04-01", "period": "none"}

    async def status() -> str:
        [renewal] = (await get(office, "renewals/forecast/renewals", **query))["data"][:1]
        told: str = renewal["state"]["status"]
        return told

    await office.it_is("2026-02-10T09:00")
    assert await status() == "open"
    await says(office, f"{contract['id']}.1", "csm", "commit", "0.9", "1200")
    await office.it_is("2026-02-11T09:00")
    assert await status() == "churned"
    [then] = (await get(office, "renewals/forecast", as_of="2026-02-10", **query))["data"]
    assert (then["forecast"]["commit"], then["forecast"]["churned"]) == ("1200.00", "0.00")


async def test_accuracy_holds_what_was_said_against_what_happened(migrated_url: str) -> None:
    office = await Office.opened(migrated_url, "2025-01-06T09:00")
    kept = await office.enters("kept", start="2025-01-01", term_months=6, amount="600.00")  # to June 30: ARR 1200
    lost = await office.enters("lost", start="2025-01-01", end="2025-06-30", at_end="cancel", amount="200.00")
    await says(office, f"{kept['id']}.1", "csm", "best_case", "0.5", "1200")
    await says(office, f"{lost['id']}.1", "csm", "commit", "0.9", "400")
    # 60 days before June 30 is May 1: what is said on that day counts for it, what is said on the next does not.
    await office.it_is("2025-05-01T20:00")
    await says(office, f"{kept['id']}.1", "csm", "most_likely", "0.75", "1300")
    await office.it_is("2025-05-02T01:00")
    await says(office, f"{lost['id']}.1", "final", "omitted", "0.2", "400")
    await office.it_is("2025-07-05T09:00")

    answer = await get(office, "kpis/forecast-accuracy", **{"from": "2025-04-01", "to": "2025-07-01"})
    rows = {(row["call"], row["days_before"]): row["figures"] for row in answer["data"]}

    def told(*key: Any) -> tuple[Any, ...]:
        figures = rows[key]
        names = ("n", "missing", "actual", "forecast", "error", "absolute_error", "expected", "brier")
        return tuple(figures[name] for name in names)

    # Both had a CSM's call 90 days before: of `kept` nothing was most likely, and 1200 came; of `lost` 400, and 0 came.
    # Expected 0.5 x 1200 + 0.9 x 400; Brier ((0.5 − 1)² + 0.9²) ÷ 2.
    assert told("csm", 90) == (2, 0, "1200.00", "400.00", "-800.00", "1600.00", "960.00", "0.530000")
    # 60 days before 1300 was most likely of `kept`: errors of 100 and 400. Brier (0.25² + 0.9²) ÷ 2 = 0.43625.
    assert told("csm", 60) == (2, 0, "1200.00", "1700.00", "500.00", "500.00", "1335.00", "0.436250")
    # The final call was not there 60 days before. 30 days before it prevails: nothing of `lost` was likely any more.
    assert told("final", 60) == (0, 2, "0.00", "0.00", "0.00", "0.00", "0.00", None)
    assert told("final", 30) == (1, 1, "0.00", "0.00", "0.00", "0.00", "80.00", "0.040000")
    assert told("prevailing", 30) == (2, 0, "1200.00", "1300.00", "100.00", "100.00", "1055.00", "0.051250")
    assert rows["prevailing", 30]["error_share"] == "0.083333"
    assert rows["automated", 90]["n"] == 2
    # Of what was not decided by a day nothing is held against anything; as it was known then, no less.
    before = await get(
        office, "kpis/forecast-accuracy", **{"from": "2025-04-01", "to": "2025-07-01"}, as_of="2025-06-30"
    )
    assert before["data"] == []
    known = await get(
        office, "kpis/forecast-accuracy", **{"from": "2025-04-01", "to": "2025-07-01"}, known_at=answer["known_at"]
    )
    assert known["data"] == answer["data"]
    table = await office.http.get(
        "/v1/kpis/forecast-accuracy", params={"from": "2025-04-01", "to": "2025-07-01"}, headers={"Accept": "text/csv"}
    )
    assert len(list(csv.DictReader(io.StringIO(table.text)))) == len(answer["data"]) == 12
    await office.close()


async def test_groups_are_those_of_the_last_day_as_far_as_anything_was_said(office: Office) -> None:
    await office.enters("acme", start="2025-02-01", term_months=12)
    await office.enters("bolt", start="2025-08-01", term_months=12, amount="600.00")
    await records(office, ("acme", 1, "2026-01-02", "smb", "kim"), ("bolt", 1, "2026-01-02", "smb", "kim"))
    await office.it_is("2026-03-01T09:00")
    # From March on both are Lee's: acme's first renewal was Kim's, bolt's is still to come.
    await records(office, ("acme", 2, "2026-03-01", "smb", "lee"), ("bolt", 2, "2026-03-01", "smb", "lee"))
    query = {"from": "2026-01-01", "to": "2026-12-01", "period": "none", "by": "owner,segment"}

    rows = (await get(office, "renewals/forecast", **query))["data"]
    then = (await get(office, "renewals/forecast", known_at="2026-02-28T09:00:00Z", **query))["data"]

    assert {row["group"]["owner"]: row["forecast"]["due"] for row in rows} == {"kim": "1200.00", "lee": "600.00"}
    assert {row["group"]["owner"]: row["forecast"]["due"] for row in then} == {"kim": "1800.00"}
    assert {row["group"]["segment"] for row in rows} == {"smb"}
    page = await get(office, "renewals/forecast", limit=1, **query)
    rest = await get(office, "renewals/forecast", cursor=page["next_cursor"], **query)
    assert page["data"] + rest["data"] == rows
    other = await office.http.get("/v1/renewals/forecast", params={"cursor": page["next_cursor"]})
    assert (other.status_code, other.json()["code"]) == (400, "bad-cursor")


async def test_cursors_that_no_answer_gave_are_refused(office: Office) -> None:
    for account in ("acme", "bolt", "cord"):
        await office.enters(account, start="2025-02-01", term_months=12)
    await office.it_is("2026-02-02T09:00")
    lists = {
        "renewals/forecast/renewals": {},
        "renewals/forecast/changes": {"since": "2026-01-05T08:00:00Z"},
        "kpis/forecast-accuracy": {"from": "2026-01-01", "to": "2026-02-01"},
    }
    for path, query in lists.items():
        given = (await get(office, path, limit=1, **query))["next_cursor"]
        assert given, path
        kind, values = json.loads(urlsafe_b64decode(given + "=="))
        for changed in tampered(values):
            cursor = urlsafe_b64encode(json.dumps([kind, changed]).encode()).decode().rstrip("=")
            await office.service.chassis.keys.refresh()
            answer = await office.http.get(f"/v1/{path}", params={**query, "cursor": cursor})
            assert answer.status_code in {200, 400, 422}, (path, changed, answer.text)


def tampered(values: list[Any]) -> Iterator[list[Any]]:
    """A cursor's values with one that is hostile, at each place, and within the last where that is a list."""
    for place, value in enumerate(values):
        for hostile in HOSTILE if place else ():
            yield [*values[:place], hostile, *values[place + 1 :]]
        if isinstance(value, list):
            for within in range(len(value)):
                for hostile in HOSTILE:
                    yield [*values[:place], [*value[:within], hostile, *value[within + 1 :]], *values[place + 1 :]]
