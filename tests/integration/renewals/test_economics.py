"""Costs and margins as they are stated, and what customers are worth by them."""

import csv
import io
from typing import Any
from uuid import uuid4

from mainstay.messaging.consuming import Batch
from renewals.application.inputs import AccountGroup, RecordGroups
from tests.integration.renewals.office import Office, instant

YEAR = {"from": "2025-01-01", "to": "2026-01-01"}


async def states(office: Office, day: str, *inputs: dict[str, Any]) -> None:
    answer = await office.http.put("/v1/economics", json={"date": day, "inputs": list(inputs)})
    assert answer.status_code == 200, answer.text


def costs(cost: str | None, margin: str | None, segment: str | None = None, currency: str = "EUR") -> dict[str, Any]:
    money = None if cost is None else {"amount": cost, "currency": currency}
    return {"segment": segment, "acquisition_cost": money, "gross_margin": margin}


async def figures(office: Office, path: str, **query: str) -> list[dict[str, Any]]:
    await office.service.chassis.keys.refresh()
    answer = await office.http.get(f"/v1/kpis/{path}", params={**YEAR, **query})
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def are(office: Office, segment: str, *accounts: str) -> None:
    """The accounts are of a segment since before everything."""
    said = [
        AccountGroup(name, 1, instant("2024-01-01"), segment, None, None, "tests", str(uuid4())) for name in accounts
    ]
    await RecordGroups(office.service.work)(Batch((), tuple(said)))


async def five_of_whom_one_left(office: Office) -> None:
    for name in ("a", "b", "c", "d"):
        await office.enters(name, start="2024-06-01", term_months=12)
    await office.enters("gone", start="2024-06-01", end="2025-05-31", at_end="cancel")
    # Served, and in no figure.
    await office.enters("once", start="2024-06-01", end="2026-05-31", kind="one_time", amount="90000.00")


async def test_what_a_customer_is_worth_by_costs_and_margin_that_held_as_the_period_began(office: Office) -> None:
    await five_of_whom_one_left(office)
    await states(office, "2024-01-01", costs("3051.00", "0.8"))
    await states(office, "2025-01-02", costs("1.00", "0.1"))  # later than t0

    [worth] = await figures(office, "clv")
    [even] = await figures(office, "break-even")

    assert worth["figures"] == {
        "customers": 5,
        "churned_customers": 1,
        "arpa": "1200.00",
        "gross_margin": "0.800000",
        "churn": "0.200000",
        "clv": "4800.00",  # 1200 x 0.8 ÷ 0.2
        "missing": None,
    }
    assert even["figures"] == {
        "customers": 5,
        "acquisition_cost": "3051.00",
        "gross_margin": "0.800000",
        "yearly_margin": "960.00",
        "cost_in_margins": "3.178125",
        "yearly_churn": "0.200000",
        "break_even_years": "4.524315",  # the table of the field has 4.52
        "missing": None,
    }


async def test_without_inputs_the_answer_is_null_and_says_for_whom(office: Office) -> None:
    await five_of_whom_one_left(office)

    [worth] = await figures(office, "clv")
    [even] = await figures(office, "break-even")

    assert (worth["figures"]["clv"], even["figures"]["break_even_years"]) == (None, None)
    assert worth["figures"]["missing"] == (
        "not all of costs and margin are stated on 2025-01-01 for: accounts without a segment"
    )


async def test_never_where_it_is_never_and_k_where_nobody_leaves(office: Office) -> None:
    await five_of_whom_one_left(office)
    await office.enters("loyal", start="2024-06-01", term_months=12)
    await are(office, "loyal", "loyal")
    await states(office, "2024-01-01", costs("4800.00", "0.8"), costs("2400.00", "0.8", "loyal"))

    rows = {row["group"]["segment"]: row["figures"] for row in await figures(office, "break-even", by="segment")}
    worth = {row["group"]["segment"]: row["figures"] for row in await figures(office, "clv", by="segment")}

    assert rows[None]["break_even_years"] == "never"  # K = 5, c = 0.2
    assert rows["loyal"]["break_even_years"] == "2.500000"
    assert worth["loyal"]["clv"] is None
    [together] = await figures(office, "break-even")
    assert together["figures"]["acquisition_cost"] == "4400.00"  # five of 4800, one of 2400


async def test_lifetime_value_is_shown_as_a_trend_and_as_a_table(office: Office) -> None:
    await five_of_whom_one_left(office)
    await states(office, "2024-01-01", costs("1.00", "0.5"))

    quarters = await figures(office, "clv", period="quarter")
    answer = await office.http.get("/v1/kpis/clv", params={**YEAR, "period": "quarter"}, headers={"Accept": "text/csv"})
    table = list(csv.DictReader(io.StringIO(answer.text)))

    assert [row["figures"]["clv"] for row in quarters] == [None, "750.00", None, None]  # 300 x 0.5 ÷ 0.2
    assert [row["clv"] for row in table] == ["", "750.00", "", ""]
    assert table[1]["arpa"] == "300.00"
    nobody = await office.http.get("/v1/kpis/clv", params={**YEAR, "by": "tier"}, headers={"Accept": "text/csv"})
    assert nobody.text.splitlines()[0].startswith("t0,t1,currency,tier,customers,churned_customers,arpa")


async def test_a_correction_leaves_the_report_of_before_reproducible(office: Office) -> None:
    await five_of_whom_one_left(office)
    await states(office, "2024-01-01", costs("960.00", "0.8"))
    before = office.clock.now()
    await office.it_is("2026-01-06T09:00")
    await office.service.chassis.keys.refresh()
    await states(office, "2024-01-01", costs(None, "0.4"))

    [now] = await figures(office, "clv")
    [then] = await figures(office, "clv", known_at=before.isoformat())
    [unknown] = await figures(office, "break-even")

    assert (now["figures"]["clv"], then["figures"]["clv"]) == ("2400.00", "4800.00")
    assert unknown["figures"]["break_even_years"] is None
    known = (await office.http.get("/v1/economics")).json()["data"]
    assert [(each["gross_margin"], each["acquisition_cost"]) for each in known] == [("0.4", None)]
    was = (await office.http.get("/v1/economics", params={"known_at": before.isoformat()})).json()["data"]
    assert was[0]["acquisition_cost"] == {"amount": "960.00", "currency": "EUR"}


async def test_costs_in_another_currency_go_by_the_rate_of_the_first_day(office: Office) -> None:
    await five_of_whom_one_left(office)
    await states(office, "2024-01-01", costs("1000.00", "0.8", currency="USD"))

    missing = await office.http.get("/v1/kpis/break-even", params=YEAR)
    rates = {"date": "2025-01-01", "base": "EUR", "rates": {"USD": "0.96"}}
    assert (await office.http.put("/v1/exchange-rates", json=rates)).status_code == 200
    [row] = await figures(office, "break-even")

    assert (missing.status_code, missing.json()["code"]) == (422, "rate-missing")
    assert (row["figures"]["acquisition_cost"], row["figures"]["cost_in_margins"]) == ("960.00", "1.000000")


async def test_statements_come_in_pages(office: Office) -> None:
    for day in ("2024-01-01", "2025-01-01"):
        await states(office, day, costs("1.00", "0.5"), costs("2.00", "0.5", "b"), costs("3.00", "0.5", "a"))

    found, cursor = list[tuple[str, str | None]](), None
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await office.http.get("/v1/economics", params=query)).json()
        found += [(each["date"], each["segment"]) for each in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == [(day, segment) for day in ("2024-01-01", "2025-01-01") for segment in (None, "a", "b")]


async def test_a_bad_statement_is_refused_and_nothing_is_kept(office: Office) -> None:
    good = {"date": "2025-01-01", "inputs": [costs("1.00", "0.5")]}
    for wrong, code in (
        ({"inputs": []}, "invalid-request"),
        ({"inputs": [costs("1.00", "1.1")]}, "invalid-request"),
        ({"inputs": [costs("1.00", "-0.1")]}, "invalid-request"),
        ({"inputs": [costs("1.00", "0.1234567")]}, "invalid-request"),
        ({"inputs": [costs("-1.00", "0.5")]}, "economics-invalid"),
        ({"inputs": [costs("1.001", "0.5")]}, "economics-invalid"),
        ({"inputs": [costs("1.00", "0.5"), costs("2.00", "0.5")]}, "economics-invalid"),
        ({"inputs": [costs("1.00", "0.5", currency="XXX")]}, "currency-unknown"),
        ({"inputs": [costs("1.00", "0.5", "a\x00b")]}, "invalid-request"),
        ({"date": "9999-12-31"}, "invalid-request"),
    ):
        answer = await office.http.put("/v1/economics", json={**good, **wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, code), (wrong, answer.text)
    assert (await office.http.get("/v1/economics")).json()["data"] == []
