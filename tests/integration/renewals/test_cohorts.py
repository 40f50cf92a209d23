"""Cohorts by hand: what is left of them, each customer from its own first day."""

import csv
import io
from typing import Any

from tests.integration.renewals.book import money
from tests.integration.renewals.office import Office


async def cohorts(office: Office, **query: Any) -> list[Any]:
    await office.service.chassis.keys.refresh()
    answer = await office.http.get("/v1/kpis/retention/cohorts", params=query)
    assert answer.status_code == 200, answer.text
    data: list[Any] = answer.json()["data"]
    return data


async def a_quarter(migrated_url: str) -> Office:
    """Three customers of the first quarter of 2024, and one of the second, looked at on January 10, 2026."""
    office = await Office.opened(migrated_url, "2024-01-02T09:00")
    await office.enters("grows", start="2024-01-31", term_months=12, amount="1000.00")
    await office.enters("leaves", start="2024-02-10", end="2025-02-09", at_end="cancel", amount="500.00")
    await office.enters("back", start="2024-03-31", end="2025-03-30", at_end="cancel", amount="200.00", grace_days=20)
    await office.enters("later", start="2024-04-01", term_months=12, amount="100.00")
    await office.it_is("2025-01-31T09:00")
    await office.service.chassis.keys.refresh()
    [grows] = (await office.http.get("/v1/contracts", params={"account_id": "grows"})).json()["data"]
    change = {"effective": "2025-01-31", "amount": money("1300", "EUR")}
    await office.http.post(f"/v1/contracts/{grows['id']}/changes", json=change)
    await office.it_is("2025-10-01T09:00")
    await office.service.chassis.keys.refresh()
    await office.enters("back", start="2025-10-01", term_months=12, amount="300.00")
    await office.it_is("2026-01-10T09:00")
    return office


async def test_cohorts_are_followed_from_each_customers_first_day(migrated_url: str) -> None:
    office = await a_quarter(migrated_url)
    query: dict[str, Any] = {"from": "2024-01-01", "to": "2024-07-01", "step": 6}

    first, second = await cohorts(office, **query)

    assert (first["from"], first["to"], first["customers"], first["opening"]) == (
        "2024-01-01",
        "2024-03-31",
        3,
        "1700.00",
    )
    shares = [
        (p["months"], p["customers"], p["closing"], p["grr"], p["nrr"], p["logo_retention"]) for p in first["points"]
    ]
    assert shares == [
        (0, 3, "1700.00", "1.000000", "1.000000", "1.000000"),
        (6, 3, "1700.00", "1.000000", "1.000000", "1.000000"),
        # After a year `grows` (on January 31) pays 1300; the other two are gone. `back` has come back by the 18th
        # month of its own, after a gap of half a year, and so stays lost; the 24th of the last has not come yet.
        (12, 1, "1300.00", "0.588235", "0.764706", "0.333333"),
        (18, 1, "1300.00", "0.588235", "0.764706", "0.333333"),
    ]
    assert [point["months"] for point in second["points"]] == [0, 6, 12, 18]
    stayed, _ = await cohorts(office, **query, returning="stayed")
    # On the last day of September 2025 it was not back yet: 18 months after March 31, 2024 is September 30.
    assert stayed["points"][3]["customers"] == 1
    finer, _ = await cohorts(office, **{**query, "step": 3}, months=21, returning="stayed")
    assert [(p["months"], p["closing"]) for p in finer["points"]][-2:] == [(18, "1300.00"), (21, "1600.00")]
    separate, _ = await cohorts(office, **{**query, "step": 3}, months=21)
    assert separate["points"][-1]["closing"] == "1300.00"
    await office.close()


async def test_cohorts_are_read_as_known_in_pages_and_as_a_table(migrated_url: str) -> None:
    office = await a_quarter(migrated_url)
    query: dict[str, Any] = {"from": "2024-01-01", "to": "2024-07-01", "size": "month", "step": 12}
    whole = await cohorts(office, **query)
    assert [each["from"] for each in whole] == ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]

    page = (await office.http.get("/v1/kpis/retention/cohorts", params={**query, "limit": 3})).json()
    rest = await cohorts(office, **query, cursor=page["next_cursor"])
    assert page["data"] + rest == whole
    before = await cohorts(office, **query, known_at="2025-02-01T00:00:00Z")
    assert [len(each["points"]) for each in before] == [2, 1, 1, 1]  # January's had come to a year the day before
    assert [len(each["points"]) for each in whole] == [2, 2, 2, 2]
    answer = await office.http.get("/v1/kpis/retention/cohorts", params=query, headers={"Accept": "text/csv"})
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["nrr"] for row in table] == [point["nrr"] for each in whole for point in each["points"]]
    too_much: list[dict[str, Any]] = [{"months": 120, "step": 1}, {"from": "1970-01-01", "size": "month"}]
    for asked in too_much:
        refused = await office.http.get("/v1/kpis/retention/cohorts", params=asked)
        assert (refused.status_code, refused.json()["code"]) == (422, "too-many-rows")
    await office.close()
