"""What customers use, where they need more, and what becomes of it."""

import asyncio
from datetime import date, timedelta
from itertools import count
from typing import Any

from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.facts import EntitlementFact
from mainstay.contracts.ingest import AccountFact
from mainstay.contracts.renewals import ExpansionSignalled
from mainstay.messaging.consuming import Batch
from renewals.signals_reading import customer_signal
from tests.integration.renewals.office import Office, as_record, instant
from tests.integration.renewals.test_erasure import ask, holds
from tests.integration.renewals.test_good_customers import is_of

_ids = count(1)
JANUARY = date(2026, 1, 1)


def uses(account: str, metric: str, at: str, **facts: Any) -> Event[Any]:
    return Event(
        f"u{next(_ids):05}",
        "mainstay/ingest",
        instant(at),
        EntitlementFact(account_id=account, metric=metric, occurred_at=instant(at), **facts),
    )


def part_of(account: str, parent: str, at: str) -> Event[Any]:
    fact = AccountFact(account_id=account, occurred_at=instant(at), parent_account_id=parent)
    return Event(f"u{next(_ids):05}", "mainstay/ingest", instant(at), fact)


async def hears(office: Office, *events: Event[Any]) -> None:
    said = tuple(found for event in events if (found := customer_signal(as_record(encode(event)))))
    await office.service.signals(Batch((), said))


async def read(office: Office, path: str, **query: str) -> Any:
    await office.service.chassis.keys.refresh()
    answer = await office.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


async def patches(office: Office, opportunity: dict[str, Any], **change: Any) -> Any:
    return await office.http.patch(f"/v1/opportunities/{opportunity['id']}", json=change)


async def opportunities(office: Office, **query: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = (await read(office, "/v1/opportunities", **query))["data"]
    return data


def steadily(account: str, metric: str, per_day: int, days: int, **facts: Any) -> list[Event[Any]]:
    """A level at the end of each day of January 2026 on."""
    return [
        uses(account, metric, f"{JANUARY + timedelta(days=n)}T22:00", used=float(per_day * (n + 1)), **facts)
        for n in range(days)
    ]


async def test_seats_over_nine_tenths_are_an_opportunity_once_a_term(office: Office) -> None:
    contract = await office.enters("acme", start="2025-03-01", term_months=12, seats=10)
    await is_of(office, "acme", "travel")
    await office.said()

    await hears(office, uses("acme", "seats", "2026-01-02", used=9.0))
    assert await opportunities(office) == []
    await hears(office, uses("acme", "seats", "2026-01-03", used=10.0, bought=500.0))  # the contract's seats hold
    await hears(office, uses("acme", "seats", "2026-01-04", used=12.0), uses("acme", "seats", "2026-01-05", used=11.0))

    [found] = await opportunities(office)
    assert (found["kind"], found["stage"], found["term_id"]) == ("seats", "open", f"{contract['id']}.1")
    assert found["need"] == {
        "signal": "seats_nearly_used",
        "subject": "seats",
        "used": "10",
        "bought": "10",
        "projected_on": None,
        "earliest": None,
        "latest": None,
    }
    [said] = await office.said_of(ExpansionSignalled)
    assert (said.account_id, said.opportunity_id, said.occurred_at) == ("acme", found["id"], instant("2026-01-03"))
    await office.it_is("2026-03-02T09:00")
    await hears(office, uses("acme", "seats", "2026-03-02", used=12.0))
    assert [each["term_id"][-2:] for each in await opportunities(office)] == [".1", ".2"]


async def test_two_that_see_the_same_at_once_make_one_opportunity(office: Office) -> None:
    await office.enters("acme", start="2025-03-01", term_months=12, seats=10)
    await office.said()

    await asyncio.gather(*(hears(office, uses("acme", "seats", f"2026-01-0{n}", used=10.0)) for n in range(1, 5)))

    assert len(await opportunities(office)) == 1
    assert len(await office.said_of(ExpansionSignalled)) == 1


async def test_the_same_event_again_and_an_older_one_change_nothing(office: Office) -> None:
    await office.enters("acme", start="2025-03-01", term_months=12, seats=10)
    late = uses("acme", "seats", "2026-01-02", used=10.0)
    event = uses("acme", "seats", "2026-01-03", used=5.0)

    await hears(office, event, event)
    await hears(office, late, event)

    assert await opportunities(office) == []


async def test_use_beyond_the_plan_is_seen_by_the_fact_or_by_the_contract(office: Office) -> None:
    await office.enters("stated", start="2025-06-01", term_months=12)
    await office.enters("agreed", start="2026-01-01", term_months=12, entitlements={"api_calls": 100})
    await hears(
        office,
        uses("stated", "api_calls", "2026-01-02", used=100.0, bought=100.0),
        uses("agreed", "api_calls", "2026-01-02", used=100.0),
        uses("nobody", "api_calls", "2026-01-02", used=100.0, bought=1.0),
    )
    assert await opportunities(office) == []

    await hears(
        office,
        uses("stated", "api_calls", "2026-01-03", used=101.0),
        uses("agreed", "api_calls", "2026-01-03", used=101.0),
    )

    found = await opportunities(office, kind="consumption")
    assert {(each["account_id"], each["need"]["signal"]) for each in found} == {
        ("stated", "over_plan"),
        ("agreed", "over_plan"),
    }


async def test_a_product_and_a_team_that_are_new_are_opportunities(office: Office) -> None:
    await office.enters("acme", start="2025-06-01", term_months=12, entitlements={"api_calls": 100})
    await office.enters("once", start="2025-06-01", end="2026-05-31", kind="one_time")

    await hears(
        office,
        uses("acme", "reports", "2026-01-02", used=3.0),
        uses("acme", "unknown", "2026-01-02", bought=3.0, used=2.0),
        uses("once", "reports", "2026-01-02", used=3.0, bought=0.0),
        part_of("acme-paris", "acme", "2026-01-03"),
        part_of("acme-paris", "acme", "2026-01-04"),
        part_of("other-paris", "once", "2026-01-04"),
    )

    found = await opportunities(office)
    assert sorted((each["account_id"], each["kind"], each["need"]["subject"]) for each in found) == [
        ("acme", "add_on", "reports"),
        ("acme", "seats", "acme-paris"),
    ]
    await office.it_is("2026-06-02T09:00")  # a new term, and still the same team
    await hears(office, part_of("acme-paris", "acme", "2026-06-02"))
    assert len(await opportunities(office)) == 2


async def test_a_prepaid_balance_that_will_not_last_is_an_opportunity_with_its_day(office: Office) -> None:
    for account, bought in (("short", 300), ("enough", 9_000)):
        await office.enters(account, start="2026-01-01", term_months=12, entitlements={"prepaid_balance": bought})
    await office.it_is("2026-01-22T09:00")
    await office.said()

    await hears(office, *steadily("short", "prepaid_balance", 10, 21), *steadily("enough", "prepaid_balance", 10, 21))

    [found] = await opportunities(office)
    assert (found["account_id"], found["kind"], found["expected_on"]) == ("short", "prepaid", "2026-01-30")
    assert found["need"]["projected_on"] == found["need"]["earliest"] == found["need"]["latest"] == "2026-01-30"
    [said] = await office.said_of(ExpansionSignalled)
    assert str(said.projected_on) == "2026-01-30"


async def test_an_opportunity_goes_from_stage_to_stage_and_its_credit_is_split(office: Office) -> None:
    body = {"account_id": "acme", "kind": "training", "owner": "ann", "words": "They asked twice."}
    entered = await office.http.post("/v1/opportunities", json=body, headers={"Idempotency-Key": "o1"})
    again = await office.http.post("/v1/opportunities", json=body, headers={"Idempotency-Key": "o1"})
    opportunity = entered.json()
    assert (entered.status_code, again.json()["id"], entered.headers["ETag"]) == (201, opportunity["id"], '"1"')

    early = await patches(office, opportunity, stage="won")
    proposed = await patches(office, opportunity, stage="proposed", amount=money("100.00"))
    stale = await office.http.patch(
        f"/v1/opportunities/{opportunity['id']}", json={"stage": "lost"}, headers={"If-Match": '"1"'}
    )
    won = await patches(office, opportunity, stage="won")
    third = [{"person": name, "share": share} for name, share in (("ann", "0.333334"), ("bob", "0.333333"))]
    short = await patches(office, opportunity, credits=third)
    split = await patches(
        office, opportunity, credits=[*third, {"person": "cy", "share": "0.333333", "on": "2026-02-01"}]
    )

    assert (early.status_code, early.json()["code"]) == (422, "outcome-incomplete")
    assert (stale.status_code, stale.json()["code"]) == (412, "opportunity-moved-on")
    assert (short.status_code, short.json()["code"]) == (422, "credits-invalid")
    assert (proposed.json()["version"], won.json()["closed_on"]) == (2, "2026-01-05")
    told = [(each["person"], each["amount"]["amount"], each["on"]) for each in split.json()["credits"]]
    assert told == [("ann", "33.34", "2026-01-05"), ("bob", "33.33", "2026-01-05"), ("cy", "33.33", "2026-02-01")]
    versions = (await read(office, f"/v1/opportunities/{opportunity['id']}/versions"))["data"]
    assert [(each["version"], each["stage"]) for each in versions] == [
        (4, "won"),
        (3, "won"),
        (2, "proposed"),
        (1, "open"),
    ]
    assert (await read(office, f"/v1/opportunities/{opportunity['id']}")) == split.json()


async def test_opportunities_come_in_pages_and_by_what_is_asked(office: Office) -> None:
    for number in range(5):
        body = {"account_id": f"a{number % 2}", "kind": "referral" if number else "service", "owner": f"o{number % 2}"}
        assert (await office.http.post("/v1/opportunities", json=body)).status_code == 201

    found, cursor = list[str](), None
    while True:
        page = await read(office, "/v1/opportunities", limit="2", **({"cursor": cursor} if cursor else {}))
        found += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(set(found)) == 5
    assert len(await opportunities(office, account_id="a1")) == 2
    assert len(await opportunities(office, owner="o0", kind="referral")) == 2
    assert await opportunities(office, stage="won") == []


async def test_bad_opportunities_are_refused(office: Office) -> None:
    other = await office.enters("other", start="2026-01-01", term_months=12)
    good = {"account_id": "acme", "kind": "service"}
    for wrong, status, code in (
        ({"kind": "luck"}, 422, "invalid-request"),
        ({"amount": money("-1")}, 422, "amount-invalid"),
        ({"amount": {"amount": "1", "currency": "XXX"}}, 422, "currency-unknown"),
        ({"words": "a\x00b"}, 422, "invalid-request"),
        ({"contract_id": "nothing"}, 404, "contract-unknown"),
        ({"contract_id": other["id"]}, 422, "renews-another"),
        ({"stage": "won"}, 422, "invalid-request"),
    ):
        answer = await office.http.post("/v1/opportunities", json={**good, **wrong})
        assert (answer.status_code, answer.json()["code"]) == (status, code), (wrong, answer.text)
    opportunity = (await office.http.post("/v1/opportunities", json=good)).json()
    for change in (
        {"stage": None},
        {"credits": None},
        {"credits": [{"person": "a", "share": "1.1"}]},
        {"account_id": "b"},
    ):
        answer = await patches(office, opportunity, **change)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request"), change
    missing = await office.http.patch("/v1/opportunities/nothing", json={"stage": "won"})
    assert (missing.status_code, missing.json()["code"]) == (404, "opportunity-unknown")


async def test_the_credit_for_a_renewal_is_split(office: Office) -> None:
    contract = await office.enters("acme", start="2025-01-01", term_months=12, amount="1200.01")
    path = f"/v1/renewals/{contract['id']}.1/credit"
    halves = {"credits": [{"person": "ann", "share": "0.5", "on": "2026-01-01"}, {"person": "bob", "share": "0.5"}]}

    empty = await read(office, path)
    split = await office.http.put(path, json=halves)
    running = await office.http.put(f"/v1/renewals/{contract['id']}.2/credit", json=halves)
    wrong = await office.http.put(path, json={"credits": [{"person": "ann", "share": "0.5"}]})
    unknown = await office.http.put(f"/v1/renewals/{contract['id']}.9/credit", json=halves)

    assert (empty["credits"], empty["amount"]) == ([], money("1200.01"))
    told = [(each["person"], each["amount"]["amount"], each["on"]) for each in split.json()["credits"]]
    assert told == [("ann", "600.01", "2026-01-01"), ("bob", "600.00", "2026-01-05")]
    assert (running.json()["amount"], running.json()["credits"][0]["amount"]) == (None, None)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "credits-invalid")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "term-unknown")


async def test_what_people_are_credited_with_adds_up_by_period(office: Office) -> None:
    contract = await office.enters("acme", start="2025-01-01", term_months=12, amount="1200.01")
    before = await office.enters("bolt", start="2025-01-01", end="2025-12-31", at_end="cancel")
    await office.enters("bolt", start="2026-01-01", term_months=12, amount="500", renews=before["id"])
    halves = [
        {"person": "ann", "share": "0.5", "on": "2026-01-01"},
        {"person": "bob", "share": "0.5", "on": "2026-02-01"},
    ]
    gone = await office.enters("gone", start="2025-01-01", end="2025-12-31", at_end="cancel")
    for name in (f"{contract['id']}.1", f"{before['id']}.1", f"{contract['id']}.2", f"{gone['id']}.1"):
        assert (await office.http.put(f"/v1/renewals/{name}/credit", json={"credits": halves})).status_code == 200
    for amount in ("10.00", "0.01"):
        body = {"account_id": "acme", "kind": "referral", "amount": money(amount)}
        opportunity = (await office.http.post("/v1/opportunities", json=body)).json()
        assert (await patches(office, opportunity, stage="won", credits=halves)).status_code == 200
    lost = (await office.http.post("/v1/opportunities", json={"account_id": "acme", "kind": "seats"})).json()
    await patches(office, lost, stage="lost", reason="no money", amount=money("99.00"), credits=halves)

    january = await read(office, "/v1/kpis/credits", **{"from": "2026-01-01", "to": "2026-02-01"})
    both = await read(office, "/v1/kpis/credits", limit="3", **{"from": "2026-01-01", "to": "2026-03-01"})
    rest = await read(
        office, "/v1/kpis/credits", cursor=both["next_cursor"], **{"from": "2026-01-01", "to": "2026-03-01"}
    )

    def told(answer: Any) -> list[tuple[str, str, str, int]]:
        return [(each["person"], each["what"], each["amount"]["amount"], each["successes"]) for each in answer["data"]]

    assert told(january) == [("ann", "referral", "5.01", 2), ("ann", "renewal", "850.01", 2)]
    assert [*told(both), *told(rest)] == [
        *told(january),
        ("bob", "referral", "5.00", 2),
        ("bob", "renewal", "850.00", 2),
    ]


async def test_an_erased_accounts_use_is_gone_and_its_opportunities_have_no_name(office: Office) -> None:
    contract = await office.enters("acme-canary", start="2026-01-01", term_months=12, seats=1, entitlements={"a": 9})
    await office.enters("parent", start="2026-01-01", term_months=12)
    charge = {"kind": "top_up", "metric": "a", "quantity": "1", "amount": money("1.00"), "on": "2026-01-02"}
    answer = await office.http.post(f"/v1/contracts/{contract['id']}/charges", json={**charge, "reason": "canary sang"})
    assert answer.status_code == 201
    await hears(
        office, uses("acme-canary", "seats", "2026-01-02", used=3.0), part_of("acme-canary", "parent", "2026-01-02")
    )
    seats = (await opportunities(office, kind="seats", account_id="acme-canary"))[0]
    assert (await patches(office, seats, words="canary sang", stage="lost", reason="canary silent")).status_code == 200

    await ask(office, "account", "acme-canary")
    await office.enters("other parent", start="2026-01-01", term_months=12)
    await hears(
        office,
        uses("acme-canary", "seats", "2026-01-03", used=3.0),
        part_of("acme-canary", "other parent", "2026-01-03"),
    )

    assert await holds(office, "canary") == []
    kept = await opportunities(office)
    assert len(kept) == 2
    assert {each["need"]["subject"][:7] for each in kept} == {"seats", "erased:"}
