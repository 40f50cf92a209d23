"""How what was bought is burnt down, and what is paid beside it."""

from datetime import date
from random import Random
from typing import Any

from tests.integration.renewals.office import Office
from tests.integration.renewals.test_expansion import hears, money, read, steadily, uses


async def test_a_balance_is_shown_by_day_with_the_day_on_which_it_will_be_gone(office: Office) -> None:
    contract = await office.enters("acme", start="2026-01-01", term_months=12, entitlements={"prepaid_balance": 300})
    await office.it_is("2026-01-22T09:00")
    await office.service.chassis.keys.refresh()
    await hears(office, *steadily("acme", "prepaid_balance", 10, 21))
    path = f"/v1/contracts/{contract['id']}"
    top_up = {
        "kind": "top_up",
        "metric": "prepaid_balance",
        "quantity": "50",
        "amount": money("25.00"),
        "on": "2026-01-10",
    }
    overage = {**top_up, "kind": "overage", "quantity": "7", "amount": money("9.50"), "on": "2026-01-20"}

    before = await read(office, f"{path}/burn-down")
    arr = (await read(office, path))["terms"][0]["arr"]
    for body in (top_up, overage):
        assert (await office.http.post(f"{path}/charges", json=body)).status_code == 201
    after = await read(office, f"{path}/burn-down", limit="2")

    assert (before["bought"], before["used"], before["balance"]) == ("300.000000", "210.000000", "90.000000")
    assert (before["exhausted_on"], before["falls_due_on"]) == ("2026-01-30", "2026-01-30")
    assert before["projection"] == {
        "exhausted_on": "2026-01-30",
        "earliest": "2026-01-30",
        "latest": "2026-01-30",
        "per_day": "10.000000",
        "weeks": 3,
    }
    assert before["data"][0] == {"date": "2026-01-01", "used": "10.000000", "balance": "290.000000"}
    assert len(before["data"]) == 21
    assert (after["topped_up"], after["balance"], after["exhausted_on"]) == ("50.000000", "140.000000", "2026-02-04")
    assert after["charged"] == {"top_ups": money("25.00"), "overage": money("9.50")}
    assert (await read(office, path))["terms"][0]["arr"] == arr
    days, cursor = len(after["data"]), after["next_cursor"]
    while cursor:
        page = await read(office, f"{path}/burn-down", limit="8", cursor=cursor)
        days, cursor = days + len(page["data"]), page["next_cursor"]
    assert days == 21
    early = await read(office, f"{path}/burn-down", as_of="2026-01-05")
    assert (early["used"], early["topped_up"], early["projection"]) == ("50.000000", "0.000000", None)
    charges = await read(office, f"{path}/charges", limit="1")
    rest = await read(office, f"{path}/charges", cursor=charges["next_cursor"])
    assert {each["kind"] for each in (*charges["data"], *rest["data"])} == {"top_up", "overage"}


async def test_a_burn_down_is_the_same_in_whatever_order_and_however_often_it_was_stated(office: Office) -> None:
    shown = []
    for seed in range(4):
        random, account = Random(seed), f"account {seed}"
        contract = await office.enters(
            account, start="2026-01-01", term_months=12, entitlements={"prepaid_balance": 900}
        )
        events = steadily(account, "prepaid_balance", 10, 5, starts_on=date(2026, 1, 1))
        for number, event in enumerate(events[:3]):  # corrected the same day, and once too late to matter
            at = f"2026-01-0{number + 1}T23:00"
            events += [uses(account, "prepaid_balance", at, used=event.data.used + 5), event]
        if seed:
            random.shuffle(events)
        for event in events:
            await hears(office, event)
        told = await read(office, f"/v1/contracts/{contract['id']}/burn-down")
        shown.append({name: value for name, value in told.items() if name not in {"contract_id", "term_id"}})

    assert [each["used"] for each in shown[0]["data"]] == [f"{n}.000000" for n in (15, 10, 10, 5, 10)]
    assert all(each == shown[0] for each in shown)


async def test_contracts_that_entitle_to_the_same_share_the_use(office: Office) -> None:
    one = await office.enters("acme", start="2026-01-01", term_months=12, entitlements={"api_calls": 300})
    two = await office.enters("acme", start="2026-01-01", term_months=12, entitlements={"api_calls": 100})
    await hears(office, uses("acme", "api_calls", "2026-01-04", used=80.0))

    shown = [await read(office, f"/v1/contracts/{each['id']}/burn-down") for each in (one, two)]

    assert [(each["share"], each["used"]) for each in shown] == [("0.750000", "60.000000"), ("0.250000", "20.000000")]


async def test_bad_questions_and_charges_are_refused(office: Office) -> None:
    bare = await office.enters("bare", start="2026-01-01", term_months=12)
    many = await office.enters("many", start="2026-01-01", term_months=12, entitlements={"a": 1, "b": 2})
    for contract, query, code in (
        (bare, {}, "nothing-bought"),
        (bare, {"metric": "api_calls"}, "nothing-bought"),
        (many, {}, "metric-needed"),
        (many, {"metric": "a", "as_of": "2025-12-31"}, "effective-outside-terms"),
        (many, {"metric": "a" * 101}, "invalid-request"),
    ):
        answer = await office.http.get(f"/v1/contracts/{contract['id']}/burn-down", params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, code), query
    good = {"kind": "top_up", "metric": "a", "quantity": "1", "amount": money("1.00"), "on": "2026-01-02"}
    path = f"/v1/contracts/{many['id']}/charges"
    for wrong, code in (
        ({"kind": "gift"}, "invalid-request"),
        ({"amount": money("0.001")}, "amount-invalid"),
        ({"amount": {"amount": "1", "currency": "USD"}}, "currency-differs"),
        ({"quantity": "1e3"}, "invalid-request"),
        ({"on": "0001-01-01"}, "invalid-request"),
    ):
        answer = await office.http.post(path, json={**good, **wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, code), (wrong, answer.text)
    assert (await office.http.post("/v1/contracts/nothing/charges", json=good)).status_code == 404
    key = {"Idempotency-Key": "top-up-1"}
    assert len({(await office.http.post(path, json=good, headers=key)).text for _ in range(2)}) == 1
    assert len((await read(office, path))["data"]) == 1


async def test_charges_are_lines_of_their_own_as_they_were_known(office: Office) -> None:
    contract = await office.enters("acme", start="2025-06-01", term_months=12, entitlements={"a": 9, "b": 9})
    path = f"/v1/contracts/{contract['id']}/charges"
    charge = {"kind": "top_up", "metric": "a", "quantity": "10", "amount": money("5.00"), "on": "2025-12-01"}
    retention = await read(office, "/v1/kpis/retention", **{"from": "2025-07-01", "to": "2026-01-05"})
    for change in ({}, {"metric": "b"}, {"kind": "overage"}, {"on": "2026-01-05"}):
        assert (await office.http.post(path, json={**charge, **change})).status_code == 201
    then = office.clock.now()
    await office.it_is("2026-01-06T09:00")
    await office.service.chassis.keys.refresh()
    correction = {**charge, "quantity": "-4", "amount": money("-2.00"), "reason": "billed twice"}
    assert (await office.http.post(path, json=correction)).status_code == 201
    period = {"from": "2025-07-01", "to": "2026-01-05"}

    now = await read(office, "/v1/kpis/charges", **period)
    was = await read(office, "/v1/kpis/charges", known_at=then.isoformat(), limit="1", **period)
    rest = await read(office, "/v1/kpis/charges", cursor=was["next_cursor"], **period)

    def told(answer: Any) -> list[tuple[str, str, str, str]]:
        return [(each["kind"], each["metric"], each["quantity"], each["amount"]["amount"]) for each in answer["data"]]

    assert told(now) == [("overage", "a", "10", "5.00"), ("top_up", "a", "6", "3.00"), ("top_up", "b", "10", "5.00")]
    assert told(was) == told(now)[:1]
    all_then = await read(office, "/v1/kpis/charges", known_at=then.isoformat(), **period)
    assert told(rest) == told(all_then)[1:]  # the page after speaks of the same instant
    assert told(all_then)[1] == ("top_up", "a", "10", "5.00")
    again = await read(office, "/v1/kpis/retention", **{"from": "2025-07-01", "to": "2026-01-05"})
    assert again["data"] == retention["data"]
