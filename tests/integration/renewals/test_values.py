"""What an account is worth: said when it changes, on the day it changes, with a rising number."""

import asyncio

from mainstay.contracts.common import MoneyData
from mainstay.contracts.renewals import AccountValueChanged, TermEnded
from tests.integration.renewals.office import Office, euro, instant


async def test_a_new_contract_changes_the_value(office: Office) -> None:
    await office.enters(start="2026-01-01", term_months=24, amount="2400.00", seats=10)

    assert await office.said() == [
        AccountValueChanged(
            account_id="acme",
            sequence=1,
            occurred_at=instant("2026-01-05T09:00"),
            arr=(euro("1200.00"),),
            seats=10,
            next_renewal_on=instant("2028-01-01").date(),
        )
    ]


async def test_currencies_are_kept_apart(office: Office) -> None:
    await office.enters(start="2026-01-01", term_months=12)
    await office.enters(start="2026-01-01", term_months=12, amount="800")
    answer = await office.http.post(
        "/v1/contracts",
        json={
            "account_id": "acme",
            "kind": "recurring",
            "start": "2026-01-01",
            "term_months": 1,
            "amount": {"amount": "1000", "currency": "JPY"},
        },
    )

    assert answer.status_code == 201
    assert (await office.said_of(AccountValueChanged))[-1].arr == (
        euro("2000.00"),
        MoneyData(euro("12000").amount, "JPY"),
    )


async def test_what_changes_nothing_is_not_said(office: Office) -> None:
    contract = await office.enters(start="2026-01-01", term_months=12, seats=5)
    await office.said()

    await office.amends(contract, seats=5)
    await office.amends(contract, external_id="crm-1", at_end="cancel")
    await office.amends(contract)
    await office.passes(30)

    assert await office.said() == []


async def test_the_value_changes_on_the_day_a_term_starts_and_ends(office: Office) -> None:
    await office.enters(start="2026-02-01", end="2026-04-30", at_end="cancel", amount="300", zone="Asia/Tokyo")

    for day in ("2026-01-31T14:59", "2026-01-31T15:00", "2026-04-30T14:59", "2026-04-30T15:00"):
        await office.it_is(day)

    values = await office.said_of(AccountValueChanged)
    assert [(f"{value.occurred_at:%m-%d %H:%M}", value.sequence, value.arr) for value in values] == [
        ("01-05 09:00", 1, ()),
        ("01-31 15:00", 2, (euro("1200.00"),)),
        ("04-30 15:00", 3, ()),
    ]
    assert [value.next_renewal_on for value in values] == [instant("2026-05-01").date()] * 2 + [None]


async def test_an_amended_amount_changes_the_value_and_past_terms_keep_theirs(office: Office) -> None:
    contract = await office.enters(start="2025-01-01", term_months=12)

    amended = await office.amends(contract, amount={"amount": "1500", "currency": "EUR"})

    assert [term["amount"]["amount"] for term in amended["terms"]] == ["1200.00", "1500.00"]
    assert [value.arr for value in await office.said_of(AccountValueChanged)] == [
        (euro("1200.00"),),
        (euro("1500.00"),),
    ]


async def test_a_cancelled_contract_ends_now(office: Office) -> None:
    contract = await office.enters(start="2026-01-01", term_months=12, seats=3)
    await office.said()

    cancelled = await office.amends(contract, status="cancelled", reason="the company closed")
    await office.passes(400)

    ended, value, *more = await office.said()
    assert isinstance(ended, TermEnded)
    assert (ended.reason, ended.occurred_at) == ("the company closed", instant("2026-01-05T09:00"))
    assert (value.arr, value.seats, value.next_renewal_on) == ((), None, None)
    assert more == []
    assert (cancelled["state"], cancelled["terms"][0]["end"]) == ("cancelled", "2026-12-31")


async def test_changes_at_the_same_time_have_different_numbers_and_the_last_one_is_right(office: Office) -> None:
    await asyncio.gather(
        *(office.enters(start="2026-01-01", term_months=12, seats=1, amount="100") for _ in range(12)),
        office.it_is("2026-01-06"),
    )

    values = await office.said_of(AccountValueChanged)
    assert [value.sequence for value in values] == list(range(1, 13))
    assert (values[-1].seats, values[-1].arr) == (12, (euro("1200.00"),))
