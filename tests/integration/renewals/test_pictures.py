"""Pictures of figures: they stand by themselves, show what the data say, and nothing in them can act."""

from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.integration.renewals.office import Office, scored

SVG = "{http://www.w3.org/2000/svg}"
PATHS = ("retention.svg", "retention/cohorts.svg", "forecast-accuracy.svg")


async def picture(office: Office, path: str, **query: Any) -> httpx.Response:
    await office.service.chassis.keys.refresh()
    answer = await office.http.get(f"/v1/kpis/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def texts(answer: httpx.Response) -> list[str]:
    root = ET.fromstring(answer.text)  # noqa: S314 - our own picture
    return [each.text or "" for each in root.iter(f"{SVG}text")]


async def a_year(migrated_url: str) -> Office:
    office = await Office.opened(migrated_url, "2025-01-02T09:00")
    await office.enters("stays", start="2024-07-01", term_months=12, amount="1000.00")
    await office.enters("goes", start="2024-07-01", end="2025-06-30", at_end="cancel", amount="200.00")
    await office.hears(scored("stays", 80, "green", "2025-01-02T08:00"))
    await office.it_is("2025-03-01T09:00")
    await office.enters("comes", start="2025-03-01", term_months=12, amount="50.00")
    await office.it_is("2025-07-10T09:00")
    return office


@pytest.mark.parametrize("path", PATHS)
async def test_a_picture_stands_by_itself_in_light_and_dark(office: Office, path: str) -> None:
    for theme in ("auto", "light", "dark"):
        answer = await picture(office, path, theme=theme)
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert ("prefers-color-scheme:dark" in answer.text) == (theme == "auto")
        root = ET.fromstring(answer.text)  # noqa: S314 - our own picture
        assert not [each for each in root.iter() if each.tag in {f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject"}]
        assert root.find(f"{SVG}title") is not None
        assert "nothing to show" in texts(answer)
    again = await office.http.get(f"/v1/kpis/{path}", params={"known_at": "2026-01-05T09:00:00Z"})
    tag = {"If-None-Match": again.headers["etag"]}
    same = await office.http.get(f"/v1/kpis/{path}", params={"known_at": "2026-01-05T09:00:00Z"}, headers=tag)
    assert same.status_code == 304


async def test_the_waterfall_shows_the_movements(migrated_url: str) -> None:
    office = await a_year(migrated_url)

    told = texts(await picture(office, "retention.svg", **{"from": "2025-01-02", "to": "2025-07-10"}))

    for shown in (
        "GRR 83.3 % · NRR 83.3 % · logos 50.0 %",
        "1,200",
        "−200",
        "+50",
        "1,050",
        "Churned",
        "1 customer",
        "2 customers",
    ):
        assert shown in told
    await office.close()


async def test_bars_are_as_high_as_their_amounts(migrated_url: str) -> None:
    office = await a_year(migrated_url)
    answer = await picture(office, "retention.svg", **{"from": "2025-01-02", "to": "2025-07-10"})
    root = ET.fromstring(answer.text)  # noqa: S314 - our own picture
    bars = [each for each in root.iter(f"{SVG}rect") if each.get("class") != "card"]
    heights = [Decimal(each.get("height", "0")) for each in bars]
    tops = [Decimal(each.get("y", "0")) for each in bars]

    # opening, churned, contracted, expanded, returned, new, closing: a place lower or higher as the amounts say
    assert abs(heights[1] / heights[5] - 4) < Decimal("0.1")  # 200 and 50
    assert tops[1] == tops[0]  # churn hangs from opening
    assert abs(tops[5] - tops[6]) <= Decimal("0.2")  # new ends where closing does
    await office.close()


async def test_the_heat_map_and_the_chart_show_what_the_data_say(migrated_url: str) -> None:
    office = await a_year(migrated_url)

    cohort = texts(await picture(office, "retention/cohorts.svg", measure="logo", **{"from": "2024-07-01"}))
    assert "100 %" in cohort
    assert "≥ 120 %" not in cohort
    row = cohort[cohort.index("Q3 2024") :]
    assert row[:7] == ["Q3 2024", "2", "1,200", "100", "100", "100", "100"]

    query = {"from": "2025-04-01", "to": "2025-07-01", "days_before": "90"}
    chart = texts(await picture(office, "forecast-accuracy.svg", call="automated", **query))
    assert {"Q2 2025", "2 renewals"} <= set(chart)
    none = texts(await picture(office, "forecast-accuracy.svg", call="final", **query))
    assert "nothing to show" in none
    refused = await office.http.get("/v1/kpis/forecast-accuracy.svg", params={"days_before": "45"})
    assert refused.status_code == 422
    await office.close()
