"""The worked book's forecasts: each month's said again after later corrections, adding up in every cut."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from renewals.domain.civil import add_months
from tests.integration.renewals.book import keep
from tests.integration.renewals.office import Office, scored

BANDS = ((90, "green"), (60, "yellow"), (20, "red"))


@dataclass(frozen=True)
class Forecast:
    """What was answered on a day, and how it was asked for."""

    query: dict[str, str]
    known_at: str
    data: list[dict[str, Any]]


async def ask(office: Office, path: str, **query: str) -> dict[str, Any]:
    await office.service.chassis.keys.refresh()
    answer = await office.http.get(f"/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_each_months_forecast_is_said_again_and_adds_up(migrated_url: str) -> None:
    office = await Office.opened(migrated_url, "2023-01-02T08:00")
    said: list[Forecast] = []

    async def look(office: Office, day: str) -> None:
        """Health changes, somebody says a call, and the forecast of the year from this month on is asked for."""
        number = len(said)
        for place, account in enumerate(("a01", "a02", "b12", "b19", "b32")):
            score, band = BANDS[(number // 3 + place) % len(BANDS)]
            await office.hears(scored(account, score - number % 3, band, f"{day}T08:00"))
        await office.it_is(f"{day}T09:01")
        month = date.fromisoformat(day).replace(day=1)
        query = {"from": str(month), "to": str(add_months(month, 12)), "period": "month", "by": "owner"}
        renewals = await ask(office, "renewals/forecast/renewals", **{"from": query["from"], "to": query["to"]})
        open_ones = [each for each in renewals["data"] if each["state"]["status"] == "open"]
        chosen = open_ones[number % len(open_ones)]
        body = {
            "category": ("commit", "most_likely", "best_case", "omitted")[number % 4],
            "probability": "0.5",
            "amount": chosen["state"]["due"],
        }
        kind = ("csm", "final")[number % 2]
        answer = await office.http.put(f"/v1/renewals/{chosen['term_id']}/calls/{kind}", json=body)
        assert answer.status_code == 200, answer.text
        found = await ask(office, "renewals/forecast", **query)
        said.append(Forecast(query, found["known_at"], found["data"]))

    await keep(office, look)

    changed = 0
    for each in said:
        again = await ask(office, "renewals/forecast", **each.query, known_at=each.known_at)
        assert again["data"] == each.data, each.query
        changed += (await ask(office, "renewals/forecast", **each.query))["data"] != each.data
    assert changed > len(said) / 2  # much has been decided since

    for each in said:
        for row in each.data:
            sums = row["forecast"]
            for by in (sums, *sums["by_call"].values()):
                commit, likely, best = (Decimal(by[name]) for name in ("commit", "most_likely", "best_case"))
                assert commit <= likely <= best
                assert Decimal(by["expected"]) <= best + Decimal(by["omitted"])
            parts = Decimal(sums["open_due"]) + Decimal(sums["churned"])
            assert parts <= Decimal(sums["due"])
            assert sums["renewals"] == (sums["open_renewals"] + sums["closed_won_renewals"] + sums["churned_renewals"])

    await the_forecast_agrees_with_retention(office)
    await periods_and_cuts_add_up(office, said[-1])
    for before, after in pairwise(said):
        since = {"since": before.known_at, "known_at": after.known_at, "from": after.query["from"]}
        moved = await ask(office, "renewals/forecast/changes", **since, to=after.query["to"], limit="500")
        assert all(change["was"] != change["now"] for change in moved["data"])
    await office.close()


async def the_forecast_agrees_with_retention(office: Office) -> None:
    """What came due in 2025, and what it went on with, is what retention figures say, at that year's rates."""
    year = {"from": "2025-01-01", "to": "2026-01-01"}
    [row] = (await ask(office, "kpis/retention", **year, currency="EUR"))["data"]
    by_currency = (await ask(office, "renewals/forecast", **year, period="none"))["data"]
    rates = {"EUR": Decimal(1), "USD": Decimal("0.95"), "GBP": Decimal("1.16"), "JPY": Decimal("0.0060")}
    for name, figure in (("due", "due"), ("closed_won", "renewed")):
        converted = sum(Decimal(each["forecast"][name]) * rates[each["currency"]] for each in by_currency)
        assert abs(converted - Decimal(row["figures"][figure])) < Decimal("0.05"), name  # rounded by renewal


async def periods_and_cuts_add_up(office: Office, forecast: Forecast) -> None:
    whole = {**forecast.query, "period": "none", "known_at": forecast.known_at}
    del whole["by"]
    total = {row["currency"]: row["forecast"] for row in (await ask(office, "renewals/forecast", **whole))["data"]}
    for name in ("due", "open_due", "commit", "most_likely", "best_case", "expected", "closed_won", "churned"):
        for currency, sums in total.items():
            months = [row["forecast"] for row in forecast.data if row["currency"] == currency]
            assert sum(Decimal(month[name]) for month in months) == Decimal(sums[name])
