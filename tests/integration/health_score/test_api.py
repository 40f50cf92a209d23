"""Bad questions get a clear answer, and no door is open without a key."""

from typing import Any
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute

from health_score.api.routes import ROUTES
from tests.integration.health_score.health import Health, daily, usage

RULES = ("stage-rules", "tier-rules", "service-policies")

KPIS = ("nps", "csat", "support", "training", "adoption", "active-users", "outcomes")
PATHS = (
    "/accounts",
    "/accounts/acme",
    "/accounts/acme/health",
    "/accounts/acme/health/history",
    "/accounts/acme/metrics",
    "/accounts/acme/sentiment",
    "/accounts/acme/timeline",
    "/metrics",
    "/metrics/seat_utilisation",
    "/portfolio/summary",
    "/accounts/acme/health.svg",
    "/accounts/acme/health.svg/link",
    "/accounts/acme/health/explain",
    "/accounts/acme/report",
    "/csms/acme/load",
    "/schemas/scorecard",
    "/scorecards",
    "/active-scorecards",
    "/scorecards/default",
    "/scorecards/default/versions",
    "/disagreement",
    "/accounts/acme/lifecycle",
    "/accounts/acme/success-plan",
    "/feedback",
    "/feedback/items",
    *(f"/kpis/{name}" for name in KPIS),
    *(f"/{kind}" for kind in RULES),
    *(f"/{kind}/versions" for kind in RULES),
    *(f"/schemas/{kind}" for kind in RULES),
)

WRITES = (
    ("PUT", "/accounts/acme/override"),
    ("DELETE", "/accounts/acme/override"),
    ("PUT", "/accounts/acme/overrides/recency"),
    ("DELETE", "/accounts/acme/overrides/recency"),
    ("PUT", "/accounts/acme/sentiment"),
    ("DELETE", "/accounts/acme/sentiment"),
    ("POST", "/accounts/acme/health.svg/link"),
    ("DELETE", "/accounts/acme/health.svg/link/a-link"),
    ("PUT", "/metrics/custom.exports"),
    ("DELETE", "/metrics/custom.exports"),
    ("PUT", "/scorecards/default"),
    ("POST", "/scorecards/default/activate"),
    ("POST", "/scorecards/default/deactivate"),
    ("POST", "/scorecards/backtest"),
    ("DELETE", "/backtests/a-study"),
    ("POST", "/scorecards/preview"),
    ("DELETE", "/previews/a-study"),
    ("DELETE", "/rules-previews/a-study"),
    ("PUT", "/accounts/acme/success-plan"),
    *(("PUT", f"/{kind}") for kind in RULES),
    *(("POST", f"/{kind}/preview") for kind in RULES),
)

STUDIES = (
    "/backtests/a-study",
    "/previews/a-study",
    "/previews/a-study/changes",
    "/rules-previews/a-study",
    "/rules-previews/a-study/changes",
)
"""They are there once somebody began one: test_backtests.py reads them."""

STREAM = "/changes"
"""It does not end by itself: test_changes.py reads it over real HTTP."""


def declared(path: str) -> str:
    """The path as the routes declare it."""
    path = path.replace("csms/acme", "csms/{csm_id}")
    for name, parameter in (
        ("acme", "account_id"),
        ("recency", "measure"),
        ("default", "card_id"),
        ("seat_utilisation", "name"),
        ("custom.exports", "name"),
        ("a-link", "link_id"),
        ("a-study", "study_id"),
    ):
        path = path.replace(name, f"{{{parameter}}}")
    return f"/v1{path}"


def test_these_are_all_the_routes() -> None:
    routes = [each for group in ROUTES for each in group.router.routes if isinstance(each, APIRoute)]
    assert {(method, each.path_format) for each in routes for method in each.methods or ()} == {
        *(("GET", declared(path)) for path in (*PATHS, *STUDIES, STREAM)),
        *((method, declared(path)) for method, path in WRITES),
    }


@pytest.mark.parametrize("path", PATHS)
async def test_every_route_wants_a_key_with_the_scope(health: Health, path: str) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    assert (await health.api.get(f"/v1{path}")).status_code == 200

    answer = await health.api.get(f"/v1{path}", headers={"Authorization": ""})
    assert (answer.status_code, answer.json()["code"]) == (401, "key-missing")


@pytest.mark.parametrize("path", STUDIES)
async def test_a_study_that_nobody_began_is_not_there_for_those_who_may_ask(health: Health, path: str) -> None:
    answer = await health.api.get(f"/v1{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "study-unknown")

    answer = await health.api.get(f"/v1{path}", headers={"Authorization": ""})
    assert (answer.status_code, answer.json()["code"]) == (401, "key-missing")


async def test_a_key_of_another_scope_does_not_open(health: Health, other_key: str) -> None:
    for method, path in (*(("GET", path) for path in (*PATHS, *STUDIES, STREAM)), *WRITES):
        answer = await health.api.request(method, f"/v1{path}", headers={"Authorization": f"Bearer {other_key}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")


@pytest.mark.parametrize("path", [path for path in PATHS if "accounts/acme" in path])
async def test_an_unknown_account_is_a_problem_of_its_own(health: Health, path: str) -> None:
    answer = await health.api.get(f"/v1{path}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "account-unknown"


@pytest.mark.parametrize(
    "account_id",
    ["a/b", "a/b/c", "/a", "a/", "a//b", "../a", ".", "..", "a.b", "health/metrics/a", "Ünïcode 会社?#%2F"],
)
async def test_an_account_is_read_under_whatever_id_it_was_written(health: Health, account_id: str) -> None:
    await health.receives(usage("decoy", at="2026-03-01T08:00Z"), usage(account_id, at="2026-03-01T08:00Z"))
    await health.until("2026-03-02T09:00Z")
    path = f"/accounts/{quote(account_id, safe='').replace('.', '%2E')}"

    assert (await health.get(path))["account_id"] == account_id
    assert (await health.get(f"{path}/health"))["account_id"] == account_id
    assert (await health.get(f"{path}/metrics"))["account_id"] == account_id
    assert [close["day"] for close in (await health.get(f"{path}/health/history"))["data"]] == ["2026-03-01"]


async def test_the_document_names_the_id_plainly(health: Health) -> None:
    paths = (await health.api.get("/openapi.json")).json()["paths"]

    assert {path for path in paths if "accounts/" in path} == {
        declared(path) for path in (*PATHS, *(path for _, path in WRITES)) if "accounts/acme" in path
    }


async def test_figures_of_requests_go_by_the_route_whatever_the_id(health: Health) -> None:
    await health.api.get("/v1/accounts/a%2Fb/metrics")

    figures = (await health.api.get("/metrics")).text

    assert 'route="/v1/accounts/{account_id}/metrics"' in figures
    assert "a/b" not in figures


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("/accounts", {"band": "purple"}, 422, "invalid-request"),
        ("/accounts", {"sort": "shoe_size"}, 422, "invalid-request"),
        ("/accounts", {"limit": 0}, 422, "invalid-request"),
        ("/accounts", {"limit": 501}, 422, "invalid-request"),
        ("/accounts", {"cursor": "?"}, 400, "bad-cursor"),
        ("/accounts", {"cursor": "W10"}, 400, "bad-cursor"),
        ("/accounts", {"owner": "a\x00b"}, 400, "nul-in-address"),
        ("/accounts/acme/metrics", {"as_of": "yesterday"}, 422, "invalid-request"),
        ("/accounts/acme/metrics", {"as_of": "2026-02-30"}, 422, "invalid-request"),
        ("/accounts/acme/metrics", {"as_of": "0"}, 422, "invalid-request"),
        ("/accounts/acme/metrics", {"as_of": "2026-03-01T00:00:00Z"}, 422, "invalid-request"),
        ("/accounts/acme/metrics", {"as_of": "2026-03-02"}, 422, "as-of-in-future"),
        ("/accounts/acme/metrics", {"as_of": "9999-12-31"}, 422, "as-of-in-future"),
        ("/accounts/acme/health/history", {"from": "0"}, 422, "invalid-request"),
        ("/accounts/acme/health/history", {"to": "1767225600"}, 422, "invalid-request"),
        ("/accounts/acme/health/history", {"from": "2026-03-02", "to": "2026-03-01"}, 422, "days-reversed"),
        ("/accounts/acme/health/history", {"from": "x"}, 422, "invalid-request"),
        ("/accounts/acme/health/history", {"cursor": "WyJ4Il0"}, 400, "bad-cursor"),
        ("/nothing", {}, 404, "not-found"),
    ],
)
async def test_bad_questions_get_a_clear_answer(
    health: Health, path: str, params: dict[str, Any], status: int, code: str
) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))

    answer = await health.api.get(f"/v1{path}", params=params)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["message"] == answer.json()["detail"] != ""


async def test_a_cursor_of_another_order_is_refused(health: Health) -> None:
    await health.receives(*(usage(f"account-{n}", at="2026-03-01T08:00Z") for n in range(3)))
    page = await health.get("/accounts", limit=1, sort="name")

    answer = await health.api.get("/v1/accounts", params={"cursor": page["next_cursor"], "sort": "score"})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad-cursor")


async def test_any_day_between_the_first_and_the_last_of_the_calendar_is_answered(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))

    for day in ("0001-01-01", "1970-01-01", "2026-03-01"):
        answer = await health.api.get("/v1/accounts/acme/metrics", params={"as_of": day})
        assert answer.status_code == 200, answer.text


async def test_history_is_paged_and_bounded(health: Health) -> None:
    await health.receives(*daily("acme", "2026-01-01", "2026-02-28"))
    await health.settle()

    whole = [close["day"] for close in await health.history("acme")]
    assert (len(whole), whole[0], whole[-1]) == (59, "2026-01-01", "2026-02-28")
    some = await health.get("/accounts/acme/health/history", **{"from": "2026-01-05", "to": "2026-01-09", "limit": 3})
    assert [close["day"] for close in some["data"]] == whole[4:7]
    rest = await health.get(
        "/accounts/acme/health/history", **{"from": "2026-01-05", "to": "2026-01-09", "cursor": some["next_cursor"]}
    )
    assert [close["day"] for close in rest["data"]] == whole[7:9]
    assert rest["next_cursor"] is None
