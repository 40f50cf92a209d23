"""The list of renewals: which terms are on it, what it says of each, and its pages."""

from typing import Any

from tests.integration.renewals.office import Office, scored
from tests.integration.renewals.test_api import MONEY


async def all_pages(office: Office, path: str, **parameters: str) -> list[dict[str, Any]]:
    answer = (await office.http.get(path, params=parameters)).json()
    found: list[dict[str, Any]] = answer["data"]
    while answer["next_cursor"]:
        answer = (await office.http.get(path, params={**parameters, "cursor": answer["next_cursor"]})).json()
        assert len(answer["data"]) <= int(parameters["limit"])
        found += answer["data"]
    return found


async def test_renewals_are_the_terms_whose_last_day_is_in_the_range(office: Office) -> None:
    march = await office.enters("acme", start="2025-04-01", end="2026-03-31", seats=7, zone="Europe/Berlin")
    await office.enters("bolt", start="2026-01-01", end="2026-12-31")
    await office.enters("once", start="2026-01-01", end="2026-03-31", kind="one_time")
    await office.hears(scored("acme", 62, "yellow", "2026-01-03"))

    answer = await office.http.get("/v1/renewals", params={"from": "2026-03-31", "to": "2026-03-31"})
    outside = await office.http.get("/v1/renewals", params={"from": "2026-04-01", "to": "2026-12-30"})

    assert outside.json()["data"] == []
    assert {each["renewals"] for each in outside.json()["totals"]} == {0}
    assert answer.json() == {
        "data": [
            {
                "account_id": "acme",
                "contract_id": march["id"],
                "term_id": f"{march['id']}.1",
                "external_id": None,
                "start": "2025-04-01",
                "end": "2026-03-31",
                "ends_before": "2026-04-01",
                "amount": MONEY,
                "arr": MONEY,
                "seats": 7,
                "state": "window_open",
                "at_end": "renew",
                "window_opens_on": "2026-01-01",
                "days_left": 86,
                "owner": {"owner": None, "co_owner": None, "role": "csm", "source": "nobody"},
                "tier": None,
                "segment": None,
                "risk": "none",
                "health": {
                    "is_known": True,
                    "score": 62,
                    "band": "yellow",
                    "coverage": 0.75,
                    "as_of": "2026-01-03T00:00:00Z",
                },
            }
        ],
        "next_cursor": None,
        "totals": [
            {"state": state, "renewals": int(state == "window_open"), "arr": [MONEY] if state == "window_open" else []}
            for state in ("active", "window_open", "notice_passed", "due", "grace", "renewed", "churned")
        ],
    }


async def test_renewals_come_soonest_first_in_pages(office: Office) -> None:
    ends = ["2026-05-31", "2026-02-28", "2026-03-31", "2026-02-28", "2026-04-30"]
    for number, end in enumerate(ends):
        await office.enters(f"account-{number}", start="2026-01-01", end=end)

    year = {"from": "2026-01-01", "to": "2026-12-31", "limit": "2"}
    found = [renewal["end"] for renewal in await all_pages(office, "/v1/renewals", **year)]
    ahead = (await office.http.get("/v1/renewals")).json()
    of_one = (await office.http.get("/v1/renewals", params={"account_id": "account-0", "to": "2026-06-01"})).json()

    assert found == sorted(ends)
    assert [renewal["end"] for renewal in ahead["data"]] == sorted(ends)[:4]  # within 120 days
    assert [renewal["account_id"] for renewal in of_one["data"]] == ["account-0"]
