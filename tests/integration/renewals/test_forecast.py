"""Forecasts of renewals: calls that are kept apart and dated, what they add up to, and what moved."""

import csv
import io
from decimal import Decimal
from typing import Any

from tests.integration.renewals.book import money
from tests.integration.renewals.office import Office, banded, scored

SUMS = ("commit", "most_likely", "best_case", "omitted", "expected")


async def get(office: Office, path: str, **query: Any) -> Any:
    await office.service.chassis.keys.refresh()
    answer = await office.http.get(f"/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def says(office: Office, term: str, kind: str, category: str, probability: str, amount: str, **more: Any) -> Any:
    await office.service.chassis.keys.refresh()
    body = {"category": category, "probability": probability, "amount": money(amount, "EUR"), **more}
    answer = await office.http.put(f"/v1/renewals/{term}/calls/{kind}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def a_past(office: Office) -> None:
    """Of ten accounts with contracts that ended with 2025, green ones renewed and red ones did not."""
    for number in range(10):
        account, is_red = f"old{number}", number >= 7
        facts = {"at_end": "cancel"} if is_red else {}
        await office.enters(account, start="2025-01-01", end="2025-12-31", term_months=12, **facts)
        await office.hears(scored(account, 20 if is_red else 90, "red" if is_red else "green", "2025-03-01"))


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
