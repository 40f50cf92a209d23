"""The worked book: every figure as computed by hand, to the cent, and every month's report again after corrections."""

import csv
import io
import json
import os
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.integration.renewals.book import WORTH, keep
from tests.integration.renewals.office import Office

YEARS = {
    # At the rates of January 1, 2024: USD 0.90, GBP 1.20, JPY 0.0070. Churned: b11 1000, b15 1200, b28 60,000 x 0.0070.
    # Contracted: b20 600 x 1.20, b31 50. Expanded: b13 300 x 0.90, b14 100 x 1.20, b17 200 x 0.90, b19 600, b21 600,
    # b27 500. Returned: b15 1200, b16 600. New: b12 700, b35 480 x 0.90, b38 120.
    "2024": {
        "opening": "39689.82",
        "churned": "2620.00",
        "contracted": "770.00",
        "expanded": "2270.00",
        "returned": "1800.00",
        "new": "1252.00",
        "closing": "41621.82",
        "rate_effect": "-8.35",
        "customers": {
            "opening": 30,
            "churned": 3,
            "contracted": 2,
            "expanded": 6,
            "returned": 2,
            "new": 3,
            "closing": 32,
        },
        "grr": "0.914588",  # (39689.82 − 2620 − 770) ÷ 39689.82
        "nrr": "0.971781",  # + 2270
        "logo_retention": "0.900000",  # 27 of 30
        "due": "39809.82",
        "renewed": "38029.82",
        "renewed_up_to_due": "37139.82",
        "due_customers": 30,
        "renewed_customers": 27,
        "renewal_rate": "0.955287",
        "gross_renewal_rate": "0.932931",
        "customer_renewal_rate": "0.900000",
    },
    # At the rates of January 1, 2025: USD 0.95, GBP 1.16 (as corrected), JPY 0.0060. Churned: b17 1400 x 0.95, b30 240
    # x 1.16, b35 480 x 0.95. Contracted: b25, which is b24 too since May, 600 x 0.95. New: b36 1000 x 1.16, b37 60.
    "2025": {
        "opening": "41613.47",
        "churned": "2064.40",
        "contracted": "570.00",
        "expanded": "0.00",
        "returned": "0.00",
        "new": "1220.00",
        "closing": "40199.07",
        "rate_effect": "929.25",
        "customers": {
            "opening": 31,
            "churned": 3,
            "contracted": 1,
            "expanded": 0,
            "returned": 0,
            "new": 2,
            "closing": 30,
        },
        "grr": "0.936694",
        "nrr": "0.936694",
        "logo_retention": "0.903226",  # 28 of 31
        "due": "42729.47",
        "renewed": "40665.07",
        "renewed_up_to_due": "40665.07",
        "due_customers": 29,
        "renewed_customers": 26,
        "renewal_rate": "0.951687",
        "gross_renewal_rate": "0.951687",
        "customer_renewal_rate": "0.896552",
    },
}


async def figures(office: Office, year: str, path: str = "retention", **query: str) -> list[dict[str, Any]]:
    await office.service.chassis.keys.refresh()
    asked = {"from": f"{year}-01-01", "to": f"{int(year) + 1}-01-01", "currency": "EUR", **query}
    answer = await office.http.get(f"/v1/kpis/{path}", params=asked)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_the_book_gives_the_figures_computed_by_hand_and_each_months_report_again(migrated_url: str) -> None:
    office = await Office.opened(migrated_url, "2023-01-02T08:00")
    reports = await keep(office)

    for year, expected in YEARS.items():
        [row] = await figures(office, year)
        assert row["figures"] == expected, year
    assert page_example()["data"][0]["figures"] == YEARS["2024"]
    await the_pages_pictures_are_the_books(office)
    await each_customer_is_worth_what_the_table_says(office)
    await the_lineage_adds_up_to_the_figures(office)
    await months_chain_into_the_year(office)
    await groups_and_csv_add_up(office)
    # What was corrected since is in the restated reports, and not in those asked for as they were known.
    restated = 0
    for report in reports:
        await office.service.chassis.keys.refresh()
        then = await office.http.get("/v1/kpis/retention", params={**report.query, "known_at": report.known_at})
        assert then.json()["data"] == report.data, report.query
        restated += (await office.http.get("/v1/kpis/retention", params=report.query)).json()["data"] != report.data
    # b28's of June 2024; b27's from August to January; b14's is January's too; the rate's of February.
    assert restated == 8
    [known] = await figures(office, "2024", known_at="2025-01-10T12:00:00Z")
    # Before the late renewal of b14 (800 x 1.20 more churned, 100 x 1.20 less expanded) and b27's correction (500).
    assert (known["figures"]["churned"], known["figures"]["expanded"]) == ("3580.00", "1650.00")
    [stayed] = await figures(office, "2024", returning="stayed")
    assert (stayed["figures"]["churned"], stayed["figures"]["returned"]) == ("1420.00", "600.00")
    await office.close()


def page_example() -> dict[str, Any]:
    """The answer that docs/retention.md shows."""
    page = (Path(__file__).parents[3] / "docs/retention.md").read_text(encoding="utf-8")
    shown: dict[str, Any] = json.loads(page.split("```json\n")[1].split("```")[0])
    return shown


PICTURES = {
    "retention": ("retention.svg", {"from": "2024-01-01", "to": "2025-01-01"}),
    "cohorts": ("retention/cohorts.svg", {"from": "2023-01-01", "to": "2026-02-01"}),
    "forecast-accuracy": ("forecast-accuracy.svg", {"from": "2024-01-01", "to": "2026-01-01"}),
}


async def the_pages_pictures_are_the_books(office: Office) -> None:
    """With MAINSTAY_DRAW=1 they are drawn anew: look at them before they go on."""
    for name, (path, query) in PICTURES.items():
        drawn = await office.http.get(f"/v1/kpis/{path}", params={**query, "currency": "EUR"})
        file = Path(__file__).parents[3] / f"docs/images/{name}.svg"
        if os.environ.get("MAINSTAY_DRAW"):
            file.write_text(drawn.text + "\n", encoding="utf-8")
        assert file.read_text(encoding="utf-8") == drawn.text + "\n", name


async def each_customer_is_worth_what_the_table_says(office: Office) -> None:
    for year, place in (("2024", 1), ("2025", 2)):
        found: dict[str, list[Decimal]] = {}
        for row in await figures(office, year, "retention/customers", limit="500"):
            own = defaultdict[str, list[Decimal]](lambda: [Decimal(0)] * 2)
            for entry in (each for each in row["entries"] if each["kind"] == "runs"):
                held = (entry["start"] <= f"{year}-01-01" <= entry["end"], f"{int(year) + 1}-01-01" <= entry["end"])
                arr = Decimal(entry["arr"])
                own[entry["currency"]] = [
                    s + (arr if runs else 0) for s, runs in zip(own[entry["currency"]], held, strict=True)
                ]
            found[row["account_id"]] = [sum((each[n] for each in own.values()), Decimal(0)) for n in (0, 1)]
        by_hand = {key: [Decimal(row[place]), Decimal(row[place + 1])] for key, row in WORTH.items()}
        if year == "2025":  # merged in May
            gone = by_hand.pop("b24")
            by_hand["b25"] = [a + b for a, b in zip(by_hand["b25"], gone, strict=True)]
        assert found == {key: worth for key, worth in by_hand.items() if any(worth)}


async def the_lineage_adds_up_to_the_figures(office: Office) -> None:
    for year in YEARS:
        [row] = await figures(office, year)
        customers = await figures(office, year, "retention/customers", limit="500")
        for name in ("opening", "closing", "rate_effect"):
            assert sum(Decimal(each[name]) for each in customers) == Decimal(row["figures"][name])
        counted = Counter(each["movement"] for each in customers)
        expected = row["figures"]["customers"]
        # Who came back after a gap has churned and returned, and is shown once, as returned.
        back = sum(each["movement"] == "returned" and Decimal(each["opening"]) > 0 for each in customers)
        assert counted["churned"] + back == expected["churned"]
        for name in ("contracted", "expanded", "returned", "new"):
            assert counted[name] == expected[name]
        churned = await figures(office, year, "retention/customers", movement="churned")
        assert {each["movement"] for each in churned} == {"churned"}


async def months_chain_into_the_year(office: Office) -> None:
    months = [row["figures"] for row in await figures(office, "2025", period="month")]
    assert len(months) == 12
    for row in months:
        moved = [Decimal(row[name]) for name in ("churned", "contracted", "expanded", "returned", "new")]
        assert Decimal(row["opening"]) - moved[0] - moved[1] + sum(moved[2:]) == Decimal(row["closing"])
    for before, after in pairwise(months):
        assert Decimal(before["closing"]) + Decimal(before["rate_effect"]) == Decimal(after["opening"])


async def groups_and_csv_add_up(office: Office) -> None:
    [whole] = await figures(office, "2025")
    groups = await figures(office, "2025", by="cohort")
    assert {"2023-02", "2024-02", "2025-12"} <= {row["group"]["cohort"] for row in groups}
    for name in ("opening", "churned", "contracted", "new", "closing", "due", "renewed"):
        assert sum(Decimal(row["figures"][name]) for row in groups) == Decimal(whole["figures"][name])
    query = {"from": "2025-01-01", "to": "2026-01-01", "currency": "EUR", "by": "cohort"}
    answer = await office.http.get("/v1/kpis/churn", params=query, headers={"Accept": "text/csv"})
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["churned"] for row in table] == [row["figures"]["churned"] for row in groups]
    assert len(table) == len(groups)
