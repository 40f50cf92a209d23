"""The list of accounts: every filter, every order both ways, cursors that know their list, and CSV."""

import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from health_score.application.listing import SORTABLE
from tests.integration.health_score.health import Health, daily, fact, value
from tests.integration.health_score.running import Copy, Prepared

LISTED = ("alpha", "beta", "delta", "gamma")


async def _portfolio(health: Health) -> None:
    await health.receives(
        fact(
            "alpha", at="2026-03-01T08:00Z", name="Älpha AG", owner="ann", tier="gold", segment="ent", industry="bank"
        ),
        fact("beta", at="2026-03-01T08:01Z", name="beta", owner="bob", tier="gold", zone="Asia/Shanghai"),
        fact("gamma", at="2026-03-01T08:02Z", name="Gamma", owner="ann", tier="silver", segment="smb"),
    )
    await health.receives(*daily("alpha", "2025-11-01", "2026-02-28", users=5, features=7))
    await health.receives(*daily("beta", "2025-11-01", "2025-12-10"))
    await health.receives(*daily("delta", "2026-02-27", "2026-02-28"))
    await health.receives(
        value("alpha", at="2026-03-01T08:00Z", seats=10, arr=[(Decimal("1000.10"), "EUR"), (Decimal(50), "USD")]),
        value("beta", at="2026-03-01T08:00Z", arr=[(Decimal(900), "EUR")]),
        value("gamma", at="2026-03-01T08:00Z", arr=[(Decimal(7000), "USD")]),
    )
    await health.settle()


@pytest.fixture(scope="module")
def prepared(module_migrated_url: str) -> Prepared:
    return Prepared.by(module_migrated_url, _portfolio)


@pytest.fixture
async def portfolio(prepared: Prepared, copy_of: Copy) -> AsyncIterator[Health]:
    async with prepared.copied(copy_of) as it:
        yield it


async def _ids(health: Health, limit: int = 50, **params: Any) -> list[str]:
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await health.get("/accounts", limit=limit, **params, **cursor)
        found += [account["account_id"] for account in page["data"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"owner": "ann"}, ["alpha", "gamma"]),
        ({"owner": ["ann", "bob"]}, ["alpha", "beta", "gamma"]),
        ({"owner": ""}, ["delta"]),
        ({"owner": ["", "bob"]}, ["beta", "delta"]),
        ({"tier": "gold", "owner": "ann"}, ["alpha"]),
        ({"segment": "smb"}, ["gamma"]),
        ({"industry": "bank"}, ["alpha"]),
        ({"zone": "Asia/Shanghai"}, ["beta"]),
        ({"name": "GAM"}, ["gamma"]),
        ({"name": "g%"}, []),
        ({"silent": "true"}, ["beta"]),
        ({"silent": "false"}, ["alpha", "delta", "gamma"]),
        ({"band": ["red", "green"]}, ["alpha", "beta"]),
        ({"score_min": 60}, ["alpha", "delta"]),
        ({"score_max": 60}, ["beta"]),
        ({"coverage_max": 0}, ["gamma"]),
        ({"arr_min": "900", "currency": "EUR"}, ["alpha", "beta"]),
        ({"arr_min": "900.01", "currency": "EUR"}, ["alpha"]),
        ({"arr_max": "900", "currency": "EUR"}, ["beta"]),
        ({"arr_min": "51", "currency": "USD"}, ["gamma"]),
        ({"seats_min": 10, "seats_max": 10}, ["alpha"]),
        ({"active_from": "2026-02-28"}, ["alpha", "delta"]),
        ({"active_to": "2025-12-31"}, ["beta"]),
        ({"renewal_from": "2000-01-01"}, []),
    ],
)
async def test_filters_find_those_that_fit(portfolio: Health, params: dict[str, Any], expected: list[str]) -> None:
    assert await _ids(portfolio, **params) == expected


async def test_every_order_goes_both_ways_with_what_is_missing_last_on_pages_of_any_size(portfolio: Health) -> None:
    expected = {
        "arr": (["beta", "alpha", "delta", "gamma"], ["alpha", "beta", "gamma", "delta"]),
        "name": (["beta", "gamma", "alpha", "delta"], ["alpha", "gamma", "beta", "delta"]),
        "owner": (["alpha", "gamma", "beta", "delta"], ["beta", "gamma", "alpha", "delta"]),
        "seats": (["alpha", "beta", "delta", "gamma"], ["alpha", "gamma", "delta", "beta"]),
        "band": (["beta", "alpha", "delta", "gamma"], ["alpha", "beta", "gamma", "delta"]),
        "silent": (["alpha", "delta", "gamma", "beta"], ["beta", "gamma", "delta", "alpha"]),
        "last_active_on": (["beta", "alpha", "delta", "gamma"], ["delta", "alpha", "beta", "gamma"]),
    }
    for column in SORTABLE:
        both = [await _ids(portfolio, sort=sort, currency="EUR") for sort in (column, f"-{column}")]
        for whole, sort in zip(both, (column, f"-{column}"), strict=True):
            assert sorted(whole) == list(LISTED), sort
            for limit in (1, 3):
                assert await _ids(portfolio, limit=limit, sort=sort, currency="EUR") == whole, (sort, limit)
        if column in expected:
            assert tuple(both) == expected[column], column


async def test_a_cursor_leads_on_in_its_own_list_only(portfolio: Health) -> None:
    page = await portfolio.get("/accounts", limit=1, owner="ann", sort="-arr", currency="EUR")
    same = {"owner": "ann", "sort": "-arr", "currency": "EUR"}

    for other in ({"owner": "bob"}, {"sort": "arr"}, {"currency": "USD"}, {"tier": "gold"}):
        answer = await portfolio.api.get("/v1/accounts", params={**same, **other, "cursor": page["next_cursor"]})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-cursor"), other
    rest = await portfolio.get("/accounts", **same, cursor=page["next_cursor"])
    assert [account["account_id"] for account in rest["data"]] == ["gamma"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"arr_min": "1"}, "currency-missing"),
        ({"sort": "arr"}, "currency-missing"),
        ({"score_min": 60, "score_max": 50}, "range-reversed"),
        ({"active_from": "2026-02-01", "active_to": "2026-01-01"}, "range-reversed"),
        ({"score_min": 101}, "invalid-request"),
        ({"currency": "euro"}, "invalid-request"),
        ({"arr_min": "NaN", "currency": "EUR"}, "invalid-request"),
        ({"sort": "measures"}, "invalid-request"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_refused(health: Health, params: dict[str, Any], code: str) -> None:
    answer = await health.api.get("/v1/accounts", params=params)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_the_whole_list_comes_as_csv_that_no_spreadsheet_runs(portfolio: Health) -> None:
    await portfolio.receives(
        fact(
            "=1+1", at="2026-03-01T08:00Z", name='=HYPERLINK("http://x","a")', owner="-ann", tier='say "hi", you there'
        )
    )

    answer = await portfolio.api.get("/v1/accounts?limit=1&sort=-account_id", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.text.count("\r\n") == 6
    assert [row["account_id"] for row in rows] == ["gamma", "delta", "beta", "alpha", "'=1+1"]
    assert rows[3] | {"name": "Älpha AG", "arr_EUR": "1000.10", "arr_USD": "50", "seats": "10"} == rows[3]
    assert rows[3]["band"] == "green"
    assert rows[1]["arr_USD"] == ""
    assert rows[4]["name"] == '\'=HYPERLINK("http://x","a")'
    assert rows[4]["owner"] == "'-ann"
    assert rows[4]["tier"] == 'say "hi", you there'


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("application/json;q=0.1, text/*", "text/csv"),
        ("text/html, */*;q=0.1", "application/json"),
        ("text/csv;q=nonsense", "application/json"),
    ],
)
async def test_accept_decides_between_json_and_csv(health: Health, accept: str, kind: str) -> None:
    answer = await health.api.get("/v1/accounts", headers={"Accept": accept})

    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["vary"] == "Accept"


async def test_csv_goes_over_the_pages(health: Health) -> None:
    await health.receives(*(fact(f"a{number:04}", at="2026-03-01T08:00Z", name="x") for number in range(1_203)))

    answer = await health.api.get("/v1/accounts", headers={"Accept": "text/csv"})

    assert [row["account_id"] for row in csv.DictReader(io.StringIO(answer.text))] == [f"a{n:04}" for n in range(1_203)]


async def test_who_has_an_answer_is_told_so_until_it_changes(portfolio: Health) -> None:
    for path in (
        "/accounts",
        "/accounts/alpha",
        "/accounts/alpha/health",
        "/accounts/alpha/health/history",
        "/accounts/alpha/metrics",
        "/accounts/alpha/health.svg",
        "/portfolio/summary?by=owner",
        "/csms/ann/load",
    ):
        first = await portfolio.api.get(f"/v1{path}")
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "private, no-cache", path
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await portfolio.api.get(f"/v1{path}", headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), path
        other = await portfolio.api.get(f"/v1{path}", headers={"If-None-Match": '"other"'})
        assert (other.status_code, other.headers["etag"], other.content) == (200, tag, first.content), path

    tag = (await portfolio.api.get("/v1/accounts/alpha")).headers["etag"]
    await portfolio.receives(fact("alpha", at="2026-03-01T09:00Z", owner="cem"))
    changed = await portfolio.api.get("/v1/accounts/alpha", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["owner"]) == (200, "cem")
    missing = await portfolio.api.get("/v1/accounts/nobody", headers={"If-None-Match": "*"})
    assert missing.status_code == 404
    assert "etag" not in missing.headers
