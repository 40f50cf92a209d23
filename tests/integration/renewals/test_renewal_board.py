"""The board of renewals over HTTP: filters, totals, the past as it was known, one renewal, and whose it is."""

import asyncio
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from mainstay.contracts.health_score import TeamMember
from renewals.domain.renewal import RenewalState
from tests.integration.renewals.office import Office, account_record, instant, scored

YEAR = {"start": "2026-01-01", "end": "2026-12-31"}
WIDE = {"from": "2026-01-01", "to": "2028-12-31"}
EVERY_STATE = [state.value for state in RenewalState]


async def board(office: Office, **query: Any) -> list[str]:
    """The accounts on the board, by name."""
    return sorted(each["account_id"] for each in (await office.reads("/v1/renewals", **query))["data"])


async def portfolio(office: Office) -> dict[str, str]:
    """A renewal in every state as of 2026-12-31, by account."""
    notice = {"amount": 1, "unit": "months"}
    facts: dict[str, dict[str, Any]] = {
        "active": {"start": "2026-06-01", "term_months": 12},
        "window_open": {"start": "2026-03-01", "term_months": 12},
        "notice_passed": {"start": "2026-01-20", "term_months": 12, "notice": notice},
        "due": {"start": "2026-01-01", "term_months": 12},
        "grace": {"start": "2026-01-01", "end": "2026-12-15", "at_end": "cancel", "grace_days": 30},
        "renewed": {"start": "2025-12-01", "term_months": 12},
        "churned": {"start": "2026-01-01", "end": "2026-12-15", "at_end": "cancel"},
    }
    for state, stated in facts.items():
        await office.enters(state, **stated)
    await office.enters("once", **YEAR, kind="one_time")
    await office.it_is("2026-12-31T09:00")
    return {state: state for state in facts}


async def test_each_renewal_stands_where_its_days_put_it(office: Office) -> None:
    expected = await portfolio(office)

    found = (await office.reads("/v1/renewals", **WIDE))["data"]

    first = {each["account_id"]: each["state"] for each in reversed(found)}
    assert first == expected
    for state in EVERY_STATE:
        here = await board(office, state=state, **WIDE)
        assert state in here
        assert {each["state"] for each in found if each["account_id"] in here} >= {state}
    assert await board(office, state="grace") == ["grace"]  # it was due before today


async def test_totals_add_up_to_the_renewals_by_state_and_currency(office: Office) -> None:
    for number in range(9):
        currency = ("EUR", "USD", "JPY")[number % 3]
        amount = {"amount": str(100 * (number + 1)), "currency": currency}
        start = f"2026-{1 + number % 4:02}-01"
        answer = await office.http.post(
            "/v1/contracts",
            json={"account_id": f"a{number % 4}", "kind": "recurring", "start": start, "term_months": 12}
            | {"amount": amount},
        )
        assert answer.status_code == 201
    await office.it_is("2027-01-02")

    answer = await office.reads("/v1/renewals", limit=2, **WIDE)
    rows = list(answer["data"])
    cursor = answer["next_cursor"]
    while cursor:
        page = await office.reads("/v1/renewals", limit=2, cursor=cursor, **WIDE)
        assert page["totals"] is None
        rows += page["data"]
        cursor = page["next_cursor"]

    sums = defaultdict[tuple[str, str], Decimal](Decimal)
    for row in rows:
        sums[row["state"], row["arr"]["currency"]] += Decimal(row["arr"]["amount"])
    told = {
        (total["state"], money["currency"]): Decimal(money["amount"])
        for total in answer["totals"]
        for money in total["arr"]
    }
    assert told == sums
    assert sum(total["renewals"] for total in answer["totals"]) == len(rows) == 12
    assert [total["state"] for total in answer["totals"]] == EVERY_STATE
    assert [row["end"] for row in rows] == sorted(row["end"] for row in rows)


async def test_the_board_filters_by_owner_tier_and_segment(office: Office) -> None:
    for account in ("acme", "bolt", "core"):
        await office.enters(account, **YEAR)
    await office.learns(
        account_record("acme", tier="gold", segment="enterprise", owner="ann"),
        account_record("bolt", tier="gold", segment="scale", owner="bea"),
        account_record("core", segment="scale", team=(TeamMember("csm", "ann", instant("2026-01-01").date()),)),
    )
    await office.it_is("2026-01-06")

    assert await board(office, **WIDE, tier="gold") == ["acme", "bolt"]
    assert await board(office, **WIDE, segment="scale") == ["bolt", "core"]
    assert await board(office, **WIDE, owner="ann") == ["acme", "core"]
    assert await board(office, **WIDE, owner="ann", tier="gold") == ["acme"]
    assert await board(office, **WIDE, account_id="bolt", tier="gold", segment="scale", owner="bea") == ["bolt"]
    assert await board(office, **WIDE, owner="nobody") == []


async def test_the_past_is_as_it_stood_and_as_it_was_known(office: Office) -> None:
    contract = await office.enters(**YEAR, at_end="cancel", grace_days=20)
    await office.learns(account_record("acme", tier="silver", owner="ann", at="2026-01-05"))
    await office.it_is("2026-11-15")
    await office.learns(account_record("acme", tier="gold", owner="bea", at="2026-11-15"))
    await office.it_is("2027-01-10")
    path = f"/v1/contracts/{contract['id']}/renewals"
    assert (await office.http.post(path, json={"term_months": 12})).status_code == 200
    await office.it_is("2027-02-01")

    async def stood(**when: str) -> list[Any]:
        shown = await office.reads("/v1/renewals", **WIDE, **when)
        return [(row["end"], row["state"], row["tier"], row["owner"]["owner"]) for row in shown["data"]]

    ended = "2026-12-31"
    assert await stood(as_of="2026-09-30") == [(ended, "active", "silver", "ann")]
    assert await stood(as_of="2026-12-31") == [(ended, "due", "gold", "bea")]
    assert await stood(as_of="2027-01-05") == [(ended, "grace", "gold", "bea"), ("2027-12-31", "active", "gold", "bea")]
    assert (await stood(as_of="2027-01-10"))[0] == (ended, "renewed", "gold", "bea")
    known_before = {"known_at": "2027-01-09T12:00:00Z"}
    assert await stood(**known_before) == [(ended, "grace", "gold", "bea")]
    assert await stood(**known_before, as_of="2027-01-25") == [(ended, "churned", "gold", "bea")]
    assert await stood(known_at="2026-01-05T08:59:59Z") == []


async def test_the_past_as_of_today_is_the_present(office: Office) -> None:
    await portfolio(office)
    await office.it_is("2027-01-03")

    now = await office.reads("/v1/renewals", **WIDE)
    then = await office.reads("/v1/renewals", **WIDE, known_at="2027-01-03T00:00:00Z")

    def without_health(answer: Any) -> Any:
        return [{**row, "health": None, "risk": None} for row in answer["data"]], answer["totals"]

    assert without_health(now) == without_health(then)
    by_page = [
        (await office.reads("/v1/renewals", **WIDE, as_of="2027-01-03", limit=3))["next_cursor"],
    ]
    while by_page[-1]:
        by_page.append(
            (await office.reads("/v1/renewals", **WIDE, as_of="2027-01-03", limit=3, cursor=by_page[-1]))["next_cursor"]
        )
    assert len(by_page) == -(-len(now["data"]) // 3)


async def test_a_renewal_shows_everything_about_it(office: Office) -> None:
    contract = await office.enters(**YEAR, notice={"amount": 1, "unit": "months"}, zone="Europe/Berlin", grace_days=5)
    await office.hears(scored("acme", 30, "red", "2026-09-20"))
    await office.it_is("2026-11-03T09:00")

    shown = await office.reads(f"/v1/renewals/{contract['id']}.1")

    assert (shown["state"], shown["risk"], shown["days_left"]) == ("window_open", "at_risk", 59)
    assert shown["health"]["as_of"] == "2026-09-20T00:00:00Z"
    assert (shown["notice_by"], shown["late_from"]) == ("2026-11-30", "2027-01-06")
    assert shown["contract"]["id"] == contract["id"]
    assert shown["term"]["number"] == 1
    assert [(each["name"], each["on"], bool(each["reached_at"])) for each in shown["milestones"]] == [
        ("window", "2026-10-01", True),
        ("days_60", "2026-11-02", True),
        ("notice_deadline", "2026-11-30", False),
        ("days_30", "2026-12-02", False),
        ("due", "2026-12-31", False),
    ]
    assert shown["history"] == [{"state": "window_open", "on": "2026-10-01", "since": "2026-09-30T22:00:00Z"}]
    assert [(each["step"], each["is_possible"]) for each in shown["steps"]] == [
        ("renew", True),
        ("cancel", True),
        ("withdraw_cancellation", False),
        ("hand_over", True),
    ]
    before = await office.reads(f"/v1/renewals/{contract['id']}.1", known_at="2026-09-01T00:00:00Z")
    assert (before["state"], [each["name"] for each in before["milestones"] if each["reached_at"]]) == ("active", [])


async def test_what_is_no_renewal_is_not_found(office: Office) -> None:
    once = await office.enters("once", **YEAR, kind="one_time")
    contract = await office.enters(**YEAR)

    for name in ("nothing", "nothing.1", f"{contract['id']}.2", f"{contract['id']}.x", f"{once['id']}.1", "a.9" * 30):
        for answer in (
            await office.http.get(f"/v1/renewals/{name}"),
            await office.http.put(f"/v1/renewals/{name}/owner", json={"owner": "ann", "reason": "leave"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "term-unknown"), name


# Whose a renewal is


async def test_a_renewal_is_handed_over_and_back_and_its_history_is_kept(office: Office) -> None:
    contract = await office.enters(**YEAR)
    await office.learns(account_record("acme", owner="ann"))
    await office.it_is("2026-10-01")
    path = f"/v1/renewals/{contract['id']}.1/owner"

    given = (await office.http.put(path, json={"owner": "max", "reason": "Ann is on leave"})).json()
    again = (await office.http.put(path, json={"owner": "max", "reason": "once more"})).json()
    assert given["owner"] == {"owner": "max", "co_owner": None, "role": "csm", "source": "handover"}
    assert await board(office, **WIDE, owner="max") == ["acme"]
    await office.it_is("2026-10-02")
    back = (await office.http.put(path, json={"owner": None, "reason": "she is back"})).json()

    assert len(given["handovers"]) == len(again["handovers"]) == 1
    assert back["owner"]["owner"] == "ann"
    assert [(each["owner"], each["reason"], each["at"]) for each in back["handovers"]] == [
        ("max", "Ann is on leave", "2026-10-01T00:00:00Z"),
        (None, "she is back", "2026-10-02T00:00:00Z"),
    ]
    past = await office.reads(f"/v1/renewals/{contract['id']}.1", known_at="2026-10-01T12:00:00Z")
    assert past["owner"]["owner"] == "max"


async def test_a_renewal_that_is_closed_is_not_handed_over(office: Office) -> None:
    contract = await office.enters(**YEAR)
    await office.it_is("2027-01-02")

    answer = await office.http.put(f"/v1/renewals/{contract['id']}.1/owner", json={"owner": "max", "reason": "leave"})

    assert (answer.status_code, answer.json()["code"]) == (409, "step-refused")
    assert answer.json()["detail"] == "the term was renewed: term 2 follows it"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"owner": "max"},
        {"owner": "", "reason": "x"},
        {"owner": "a\x00", "reason": "x"},
        {"owner": 1, "reason": "x"},
        {"owner": "m" * 201, "reason": "x"},
        {"owner": "max", "reason": ""},
        {"owner": "max", "reason": "x", "till": "soon"},
    ],
)
async def test_a_hand_over_that_is_none_is_refused(office: Office, body: Any) -> None:
    contract = await office.enters(**YEAR)

    answer = await office.http.put(f"/v1/renewals/{contract['id']}.1/owner", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


async def test_the_owner_follows_the_dated_team_and_the_policy(office: Office) -> None:
    await office.enters(**YEAR)
    first, later = instant("2026-01-01").date(), instant("2026-03-01").date()
    team = (
        TeamMember("csm", "ann", first, instant("2026-02-28").date()),
        TeamMember("csm", "bea", later),
        TeamMember("sales", "sam", first),
    )
    await office.learns(account_record("acme", owner="ann", team=team))
    both = {"rules": [{"name": "all", "owner": "csm_and_sales"}]}
    assert (await office.http.put("/v1/renewal-policy", json=both)).status_code == 201
    await office.it_is("2026-01-06")

    async def owners() -> tuple[str | None, str | None]:
        (row,) = (await office.reads("/v1/renewals", **WIDE))["data"]
        return row["owner"]["owner"], row["owner"]["co_owner"]

    assert await owners() == ("ann", "sam")
    await office.it_is("2026-03-01")
    assert await owners() == ("bea", "sam")
    team_of_renewals = {"rules": [{"name": "all", "owner": "renewal_team", "team": "renewals-emea"}]}
    await office.http.put("/v1/renewal-policy", json=team_of_renewals)
    await office.it_is("2026-03-01T00:01")
    assert await owners() == ("renewals-emea", None)


# The policy as a document


async def test_a_policy_has_versions_and_is_replaced_only_as_it_was_read(office: Office) -> None:
    shipped = await office.http.get("/v1/renewal-policy")
    assert (shipped.json()["version"], shipped.json()["policy"]["rules"]) == (0, [])
    body = {"about": "since the merger", "rules": [{"name": "gold", "tiers": ["gold"], "window_days": 200}]}

    saved = await office.http.put("/v1/renewal-policy", json=body, headers={"If-Match": shipped.headers["ETag"]})
    same = await office.http.put("/v1/renewal-policy", json=body)
    stale = await office.http.put("/v1/renewal-policy", json={"rules": []}, headers={"If-Match": '"0"'})
    second = await office.http.put("/v1/renewal-policy", json={"rules": []})

    assert (saved.status_code, same.status_code, second.status_code) == (201, 200, 201)
    assert saved.json()["policy"]["rules"][0]["milestone_days"] == [60, 30]
    assert (stale.status_code, stale.json()["code"]) == (412, "policy-moved-on")
    assert same.json()["version"] == 1
    versions = await office.reads("/v1/renewal-policy/versions", limit=2)
    rest = await office.reads("/v1/renewal-policy/versions", limit=2, cursor=versions["next_cursor"])
    assert [each["version"] for each in versions["data"] + rest["data"]] == [2, 1, 0]
    assert rest["next_cursor"] is None
    assert (await office.reads("/v1/renewal-policy", version=1))["policy"]["about"] == "since the merger"
    missing = await office.http.get("/v1/renewal-policy", params={"version": 9})
    assert (missing.status_code, missing.json()["code"]) == (404, "policy-unknown")


WRONG: list[tuple[list[dict[str, Any]], list[tuple[str, str]]]] = [
    (
        [{"name": "a", "tiers": ["gold"]}, {"name": "a", "tiers": ["silver"]}],
        [("/rules/1/name", "rule 0 has this name already")],
    ),
    (
        [{"name": "a", "window_days": 30, "window_months": 2, "milestone_days": [7, 7]}],
        [
            ("/rules/0/window_days", "a window is counted in months or in days: state one of the two"),
            ("/rules/0/milestone_days", "a number of days stands there twice"),
        ],
    ),
    (
        [{"name": "a", "window_days": 45}],
        [("/rules/0/milestone_days", "60: not within a window of 45 days, so never reached")],
    ),
    (
        [{"name": "a", "milestone_days": [120, 60]}],
        [("/rules/0/milestone_days", "120: not within a window of 3 months, so never reached")],
    ),
    (
        [{"name": "a", "team": "emea"}],
        [("/rules/0/team", "a team is named where the owner is renewal_team")],
    ),
    (
        [{"name": "everybody"}, {"name": "gold", "tiers": ["gold"]}],
        [("/rules/1", "no account ever reaches it: everybody stands before it and takes all of its accounts")],
    ),
]


@pytest.mark.parametrize(("rules", "errors"), WRONG)
async def test_what_is_wrong_with_a_policy_is_told_at_its_place(office: Office, rules: Any, errors: Any) -> None:
    answer = await office.http.put("/v1/renewal-policy", json={"rules": rules})

    assert (answer.status_code, answer.json()["code"]) == (422, "policy-invalid")
    assert [(each["pointer"], each["detail"]) for each in answer.json()["errors"]] == errors
    assert (await office.reads("/v1/renewal-policy"))["version"] == 0


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"name": "a", "window_months": 0},
        {"name": "a", "window_months": 37},
        {"name": "a", "window_days": "30"},
        {"name": "a", "milestone_days": [0]},
        {"name": "a", "owner": "somebody"},
        {"name": "a", "tiers": [""]},
        {"name": "a\x00"},
        {"name": "a", "colour": "red"},
    ],
)
async def test_a_rule_that_is_none_is_refused(office: Office, rule: Any) -> None:
    answer = await office.http.put("/v1/renewal-policy", json={"rules": [rule]})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert answer.json()["errors"][0]["pointer"].startswith("/rules/0")


async def test_two_who_save_at_once_make_two_versions(office: Office) -> None:
    bodies = [{"rules": [{"name": f"rule {number}"}]} for number in range(4)]

    answers = await asyncio.gather(*(office.http.put("/v1/renewal-policy", json=body) for body in bodies))

    assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4]
