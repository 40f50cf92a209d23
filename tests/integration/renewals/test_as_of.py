"""Each answer as of a day and as it was known, page by page: what people put on record, outcomes, and burn-downs."""

from typing import Any

import pytest

from tests.integration.renewals.office import Office, account_record
from tests.integration.renewals.test_churn import DONE, LEFT
from tests.integration.renewals.test_erasure import ask, holds
from tests.integration.renewals.test_expansion import hears, money, uses

YEARS = {"from": "2025-01-01", "to": "2027-01-01"}


async def sends(office: Office, method: str, path: str, body: Any = None) -> Any:
    """Send it a minute later: what is recorded at an instant is known at it."""
    await office.it_is(office.clock.now().replace(minute=(office.clock.now().minute + 1) % 60))
    answer = await office.http.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def pages(office: Office, path: str, **query: str) -> list[Any]:
    """Every row, one a page; the moment is said for the first page alone."""
    found: list[Any] = []
    page = await office.reads(path, limit=1, **query)
    while True:
        assert len(page["data"]) <= 1
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        more = {name: said for name, said in query.items() if name not in {"as_of", "known_at"}}
        page = await office.reads(path, limit=1, cursor=page["next_cursor"], **more)


async def outcomes(office: Office, **moment: str) -> dict[str, tuple[str, str]]:
    rows = await pages(office, "/v1/outcomes", **YEARS, **moment)
    return {row["account_id"]: (row["outcome"], row["due"]["amount"]) for row in rows}


UNDATED = {
    "/v1/calendar-links",
    "/v1/renewals/calendar.ics",
    "/v1/contract-conflicts",
    "/v1/contract-imports",
    "/v1/contract-imports/{import_id}",
    "/v1/contract-imports/{import_id}/rows",
}
"""What is no fact about a contract: as it is now."""


async def test_every_read_takes_both_axes_of_time(office: Office) -> None:
    for path, operations in office.app.openapi()["paths"].items():
        if path.startswith("/v1/") and "get" in operations:
            taken = {each["name"] for each in operations["get"].get("parameters", ())} & {"as_of", "known_at"}
            assert taken == (set() if path in UNDATED else {"as_of", "known_at"}), path


async def test_outcomes_are_those_that_had_come_about_by_contracts_as_they_were_known(office: Office) -> None:
    gone = await office.enters("gone", **LEFT)
    late = await office.enters("late", **{**LEFT, "grace_days": 30})
    then = office.clock.now().isoformat()
    assert await outcomes(office) == {"gone": ("churned", "1200.00")}

    await office.it_is("2026-01-10T09:00")
    await sends(office, "POST", f"/v1/contracts/{late['id']}/renewals", {"term_months": 12})
    correction = {"effective": "2025-01-01", "amount": money("600.00"), "reason": "a typing error"}
    await sends(office, "POST", f"/v1/contracts/{gone['id']}/changes", correction)

    both = {"gone": ("churned", "600.00"), "late": ("renewed", "1200.00")}
    assert await outcomes(office) == both
    assert await outcomes(office, known_at=then) == {"gone": ("churned", "1200.00")}
    for day, expected in (
        ("2025-12-31", {}),
        ("2026-01-01", {"gone": ("churned", "600.00")}),
        ("2026-01-09", {"gone": ("churned", "600.00")}),
        ("2026-01-10", both),
        ("2030-01-01", both),
    ):
        assert await outcomes(office, as_of=day) == expected, day
    as_feared = await outcomes(office, as_of="2026-01-31", known_at=then)
    assert as_feared == {"gone": ("churned", "1200.00"), "late": ("churned", "1200.00")}


async def test_an_early_renewal_is_an_outcome_from_the_day_on_which_it_was_signed(office: Office) -> None:
    contract = await office.enters("acme", start="2025-03-01", term_months=12)
    await office.it_is("2026-01-20T09:00")
    await sends(office, "POST", f"/v1/contracts/{contract['id']}/renewals", {"term_months": 12})

    assert list(await outcomes(office)) == ["acme"]
    assert await outcomes(office, as_of="2026-01-19") == {}
    assert list(await outcomes(office, as_of="2026-01-20")) == ["acme"]


async def test_an_outcome_belongs_to_who_had_the_contract_and_leaving_goes_by_what_they_had(office: Office) -> None:
    lost = await office.enters("acme", **LEFT)
    kept = await office.enters("acme", start="2025-06-01", term_months=12)
    then = office.clock.now().isoformat()
    await office.it_is("2026-02-01T09:00")
    await sends(
        office, "POST", f"/v1/contracts/{kept['id']}/assignment", {"account_id": "bolt", "effective": "2025-07-01"}
    )
    await sends(office, "POST", "/v1/accounts/acme/merger", {"into": "core", "effective": "2026-01-20"})

    async def left(**query: str) -> list[tuple[str, str]]:
        return [(row["account_id"], row["contract_id"]) for row in await pages(office, "/v1/churn-reviews", **query)]

    assert await left() == [("core", lost["id"])]
    assert await left(as_of="2026-01-19") == [("acme", lost["id"])]
    assert await left(known_at=then) == []  # the other contract was theirs, as far as anybody knew
    assert await left(account_id="acme", as_of="2026-01-19") == [("acme", lost["id"])]
    assert await left(account_id="acme") == []


async def test_reviews_are_those_on_record_and_judged_by_what_was_known(office: Office) -> None:
    await office.learns(account_record("gone", at="2026-01-02T09:00", segment="large", industry="travel"))
    gone = await office.enters("gone", **LEFT)
    path = f"/v1/renewals/{gone['id']}.1/review"
    criteria = {"criteria": [{"name": "field", "fact": "industry", "among": ["travel"]}]}
    await sends(office, "PUT", "/v1/good-customer-criteria", criteria)
    await sends(office, "PUT", path, {**DONE, "is_done": False})
    then, was = office.clock.now().isoformat(), await office.reads(path)

    await office.it_is("2026-02-01T09:00")
    await sends(office, "PUT", path, {**DONE, "reason": "competitor", "win_back_on": "2026-12-01"})
    await office.learns(account_record("gone", at="2026-02-01T09:00", segment="large", industry="mining"))

    now = await office.reads(path)
    assert (was["review"]["reason"], was["good_customer"]["verdict"]) == ("price", "good")
    assert (now["review"]["reason"], now["good_customer"]["verdict"]) == ("competitor", "not_good")
    assert await office.reads(path, known_at=then) == was
    assert (await office.reads(path, as_of="2026-01-31"))["good_customer"]["verdict"] == "good"
    for state, by in (("open", then), ("done", None)):
        moment = {"known_at": by} if by else {}
        assert len(await pages(office, "/v1/churn-reviews", state=state, **moment)) == 1
    assert len(await pages(office, "/v1/churn-reviews", win_back_by="2026-08-01", known_at=then)) == 1
    assert await pages(office, "/v1/churn-reviews", win_back_by="2026-08-01") == []
    for moment in ({"as_of": "2025-12-31"}, {"known_at": "2026-01-01T00:00:00Z"}):
        answer = await office.http.get(path, params=moment)
        assert answer.json()["code"] == ("not-churned" if "as_of" in moment else "term-unknown")


async def test_opportunities_are_the_versions_on_record(office: Office) -> None:
    made = []
    for account in ("a", "b", "c"):
        body = {"account_id": account, "kind": "service", "owner": "ann"}
        made.append(await sends(office, "POST", "/v1/opportunities", body))
    then = office.clock.now().isoformat()
    await office.it_is("2026-01-08T09:00")
    won = {"stage": "won", "amount": money("100.00"), "owner": "bob"}
    shares = [
        {"person": "bob", "share": "0.5", "on": "2026-01-08"},
        {"person": "eve", "share": "0.5", "on": "2026-02-01"},
    ]
    await sends(office, "PATCH", f"/v1/opportunities/{made[1]['id']}", {**won, "credits": shares})
    await sends(office, "POST", "/v1/opportunities", {"account_id": "d", "kind": "training"})

    async def told(**query: str) -> list[tuple[str, str, str | None]]:
        rows = await pages(office, "/v1/opportunities", **query)
        return [(row["account_id"], row["stage"], row["owner"]) for row in rows]

    before = [("a", "open", "ann"), ("b", "open", "ann"), ("c", "open", "ann")]
    assert await told(known_at=then) == await told(as_of="2026-01-07") == before
    after = [("a", "open", "ann"), ("b", "won", "bob"), ("c", "open", "ann"), ("d", "open", None)]
    assert await told() == await told(as_of="2026-01-08") == after
    assert await told(owner="ann", known_at=then) == before
    assert await told(stage="won", known_at=then) == await told(as_of="2026-01-04") == []
    path = f"/v1/opportunities/{made[1]['id']}"
    assert (await office.reads(path, known_at=then)) == made[1]
    shown = await office.reads(path, as_of="2026-01-08")
    assert [(share["person"], share["amount"]) for share in shown["credits"]] == [("bob", money("50.00"))]
    assert [row["version"] for row in await pages(office, f"{path}/versions")] == [2, 1]
    assert [row["version"] for row in await pages(office, f"{path}/versions", known_at=then)] == [1]
    assert (await office.http.get(path, params={"known_at": "2026-01-05T09:00:00Z"})).status_code == 404


async def test_a_page_speaks_of_the_moment_of_the_one_before(office: Office) -> None:
    for account in ("a", "b", "c"):
        await office.enters(account, start="2026-01-01", term_months=12)
        await sends(office, "POST", "/v1/opportunities", {"account_id": account, "kind": "service"})
    paths = ("/v1/contracts", "/v1/opportunities")
    first = {path: await office.reads(path, limit=2) for path in paths}
    await sends(office, "POST", "/v1/opportunities", {"account_id": "d", "kind": "service"})
    await office.enters("d", start="2026-01-01", term_months=12)

    for path in paths:
        cursor = first[path]["next_cursor"]
        assert [row["account_id"] for row in (await office.reads(path, cursor=cursor))["data"]] == ["c"], path
        for wrong in ({"as_of": "2026-01-02"}, {"known_at": "2026-01-05T09:00:00Z"}):
            answer = await office.http.get(path, params={"cursor": cursor, **wrong})
            assert (answer.status_code, answer.json()["code"]) == (400, "bad-cursor"), path
    asked = {
        "as_of": "2026-01-04",
        "known_at": office.clock.now().isoformat(),
        "from": "2026-01-01",
        "to": "2027-12-31",
    }
    board = await office.reads("/v1/renewals", limit=2, **asked)
    rest = await office.reads(
        "/v1/renewals", limit=2, cursor=board["next_cursor"], **{"from": "2026-01-01", "to": "2027-12-31"}
    )
    assert [row["account_id"] for row in (*board["data"], *rest["data"])] == ["a", "b", "c", "d"]


async def test_credit_is_the_split_on_record_and_the_shares_whose_day_has_come(office: Office) -> None:
    contract = await office.enters("acme", start="2025-01-01", end="2025-12-31")
    path = f"/v1/renewals/{contract['id']}.1/credit"
    shares = [
        {"person": "ann", "share": "0.5", "on": "2026-01-01"},
        {"person": "bob", "share": "0.5", "on": "2026-02-01"},
    ]
    await sends(office, "PUT", path, {"credits": shares})
    then = office.clock.now().isoformat()
    await sends(office, "PUT", path, {"credits": [{"person": "eve", "share": "1", "on": "2026-01-03"}]})

    async def split(**moment: str) -> list[tuple[str, str]]:
        told = (await office.reads(path, **moment))["credits"]
        return [(share["person"], share["amount"] and share["amount"]["amount"]) for share in told]

    async def people(**moment: str) -> list[tuple[str, str]]:
        rows = await pages(office, "/v1/kpis/credits", **{"from": "2025-06-01", "to": "2026-03-01", **moment})
        return [(row["person"], row["amount"]["amount"]) for row in rows]

    both = [("ann", "600.00"), ("bob", "600.00")]
    assert await split() == await people() == [("eve", "1200.00")]
    assert await split(known_at=then) == await people(known_at=then) == both
    assert await split(known_at=then, as_of="2026-01-20") == both[:1]
    assert await people(known_at=then, as_of="2026-01-20") == both[:1]
    assert await split(as_of="2025-12-31") == await people(as_of="2025-12-31") == []


async def test_charges_are_those_of_days_by_then_as_they_were_known(office: Office) -> None:
    contract = await office.enters("acme", start="2025-06-01", term_months=12, entitlements={"a": 9})
    path = f"/v1/contracts/{contract['id']}/charges"
    charge = {"kind": "top_up", "metric": "a", "amount": money("5.00")}
    for day in ("2025-07-01", "2025-09-01", "2025-12-01"):
        await sends(office, "POST", path, {**charge, "on": day, "quantity": "10"})
    then = office.clock.now().isoformat()
    await sends(office, "POST", path, {**charge, "on": "2025-08-01", "quantity": "-4"})

    async def told(**moment: str) -> list[str]:
        return [row["quantity"] for row in await pages(office, path, **moment)]

    assert await told() == ["10", "10", "10", "-4"]
    assert await told(known_at=then) == ["10"] * 3
    assert await told(as_of="2025-09-01") == ["10", "10", "-4"]
    assert await told(as_of="2025-09-01", known_at=then) == ["10", "10"]
    for day, quantity in (("2025-09-01", "6"), ("2025-09-02", "16")):  # as `to`, the day itself is not among them
        assert [row["quantity"] for row in await pages(office, "/v1/kpis/charges", as_of=day)] == [quantity]


async def test_a_burn_down_is_what_had_been_stated_charged_and_agreed(office: Office) -> None:
    contract = await office.enters("acme", start="2026-01-01", term_months=12, entitlements={"prepaid_balance": 300})
    path = f"/v1/contracts/{contract['id']}"
    await hears(office, uses("acme", "prepaid_balance", "2026-01-02T20:00", used=20.0))
    await hears(office, uses("acme", "prepaid_balance", "2026-01-04T20:00", used=40.0))
    moments = [(office.clock.now().isoformat(), await office.reads(f"{path}/burn-down"))]

    async def goes_on() -> None:
        moments.append((office.clock.now().isoformat(), await office.reads(f"{path}/burn-down")))
        await office.it_is(office.clock.now().replace(hour=office.clock.now().hour + 1))

    await office.it_is("2026-01-05T10:00")
    again = uses("acme", "prepaid_balance", "2026-01-02T21:00", used=20.0)  # the same once more
    await hears(office, again, uses("acme", "prepaid_balance", "2026-01-04T23:00", used=60.0))
    await goes_on()
    await hears(office, uses("acme", "prepaid_balance", "2026-01-02T23:00", used=30.0), again)
    await goes_on()
    top_up = {"kind": "top_up", "metric": "prepaid_balance", "quantity": "50", "amount": money("5.00")}
    await sends(office, "POST", f"{path}/charges", {**top_up, "on": "2026-01-03"})
    await goes_on()
    await office.enters("acme", start="2026-01-01", term_months=12, entitlements={"prepaid_balance": 100})
    await goes_on()

    assert [shown["used"] for _, shown in moments] == [f"{n}.000000" for n in (40, 60, 60, 60, 45)]
    second_day = [shown["data"][1]["used"] for _, shown in moments]
    assert second_day == ["10.000000", "10.000000", "15.000000", "15.000000", "11.250000"]
    for instant, was in moments:
        assert await office.reads(f"{path}/burn-down", known_at=instant) == was
        assert await pages(office, f"{path}/burn-down", known_at=instant) == was["data"]
    early = await office.reads(f"{path}/burn-down", as_of="2026-01-02", known_at=moments[0][0])
    assert (early["used"], early["topped_up"]) == ("20.000000", "0.000000")
    answer = await office.http.get(f"{path}/burn-down", params={"known_at": "2026-01-05T08:59:00Z"})
    assert answer.json()["code"] == "contract-unknown"


async def test_what_was_corrected_of_an_erased_accounts_use_is_gone_too(office: Office) -> None:
    await office.enters("acme-canary", start="2026-01-01", term_months=12, entitlements={"prepaid_balance": 300})
    await hears(office, uses("acme-canary", "prepaid_balance", "2026-01-04T20:00", used=20.0))
    await office.it_is("2026-01-05T10:00")
    await hears(office, uses("acme-canary", "prepaid_balance", "2026-01-04T21:00", used=30.0))

    await ask(office, "account", "acme-canary")

    assert await holds(office, "canary") == []


@pytest.mark.parametrize("path", ["/v1/exchange-rates", "/v1/economics"])
async def test_inputs_are_those_that_held_on_a_day(office: Office, path: str) -> None:
    async def states(day: str, figure: str | None) -> None:
        rates = {"date": day, "base": "EUR", "rates": {"USD": figure, "GBP": "1.2"}}
        inputs = {"date": day, "inputs": [{"gross_margin": figure}, {"segment": "large", "gross_margin": "1"}]}
        await sends(office, "PUT", path, rates if "rates" in path else inputs)

    await states("2025-01-01", "0.8")
    await states("2025-07-01", "0.9")
    then = office.clock.now().isoformat()
    await states("2025-01-01", "0.7")
    await states("2025-07-01", None)

    async def told(**moment: str) -> list[str | None]:
        rows = await pages(office, path, **moment)
        return [
            row.get("rate", row.get("gross_margin"))
            for row in rows
            if row.get("currency", row.get("segment")) in {"USD", None}
        ]

    is_rate = (
        "rates" in path
    )  # a rate that is withdrawn leaves the one of before; costs that are not known are not known
    assert await told() == (["0.7"] if is_rate else ["0.7", None])
    assert await told(known_at=then) == ["0.8", "0.9"]
    assert await told(as_of="2025-03-01") == ["0.7"]
    assert await told(as_of="2025-08-01") == (["0.7"] if is_rate else [None])
    assert await told(as_of="2025-08-01", known_at=then) == ["0.9"]
    assert await told(as_of="2024-12-31") == []
    assert len(await pages(office, path, as_of="2025-08-01")) == 2


async def test_documents_are_those_in_force(office: Office) -> None:
    criteria = {"criteria": [{"name": "ours", "fact": "segment", "among": ["large"]}]}
    other = {"criteria": [{"name": "theirs", "fact": "segment", "among": ["small"]}]}
    documents: dict[str, list[dict[str, Any]]] = {
        "/v1/good-customer-criteria": [criteria, other],
        "/v1/renewal-policy": [{"rules": [{"name": name}]} for name in ("one", "two")],
    }
    for path, (first, second) in documents.items():
        await office.it_is("2026-01-05T10:00")
        await sends(office, "PUT", path, first)
        then = office.clock.now().isoformat()
        await office.it_is("2026-01-06T10:00")
        await sends(office, "PUT", path, second)

        assert (await office.reads(path))["version"] == 2
        assert (await office.reads(path, known_at=then))["version"] == 1
        assert (await office.reads(path, as_of="2026-01-05"))["version"] == 1
        assert (await office.http.get(path, params={"version": 2, "known_at": then})).status_code == 404
        versions = [row["version"] for row in await pages(office, f"{path}/versions", known_at=then)]
        assert versions == ([1] if "criteria" in path else [1, 0])


async def test_revisions_and_calls_are_those_on_record(office: Office) -> None:
    contract = await office.enters("acme", start="2024-03-01", term_months=12)
    calls = f"/v1/renewals/{contract['id']}.2/calls"
    body = {"category": "commit", "probability": "0.9", "amount": money("1000.00"), "note": "asked them"}
    await sends(office, "PUT", f"{calls}/csm", body)
    then = office.clock.now().isoformat()
    await office.it_is("2026-01-07T09:00")
    await sends(office, "PUT", f"{calls}/csm", {**body, "probability": "0.1"})
    await office.amends(contract, amount=money("1300.00"))
    path = f"/v1/contracts/{contract['id']}/revisions"

    said = [row["probability"] for row in await pages(office, calls) if row["kind"] == "csm"]
    assert said == ["0.1", "0.9"]
    for moment in ({"known_at": then}, {"as_of": "2026-01-06"}):
        rows = await pages(office, calls, **moment)
        assert [row["probability"] for row in rows if row["kind"] == "csm"] == ["0.9"], moment
    known = await pages(office, path, known_at=then)
    assert known == (await pages(office, path))[: len(known)]
    assert len(await pages(office, path)) > len(known)
    assert {len(row["contract"]["terms"]) for row in await pages(office, path)} == {2}
    assert {len(row["contract"]["terms"]) for row in await pages(office, path, as_of="2025-02-28")} == {1}
