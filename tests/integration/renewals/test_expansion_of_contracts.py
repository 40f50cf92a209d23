"""Needs are seen also when it is the contract that changes, and not what is used."""

from typing import Any

import pytest

from mainstay.contracts.envelope import encode
from mainstay.contracts.renewals import ExpansionSignalled
from mainstay.messaging.consuming import Batch
from renewals.signals_reading import customer_signal
from tests.integration.renewals.office import Office, as_record
from tests.integration.renewals.test_expansion import hears, opportunities, uses
from tests.integration.renewals.test_imports import sends
from tests.integration.renewals.test_signals import fact, term


async def changes(office: Office, contract: dict[str, Any], path: str = "changes", **body: Any) -> None:
    answer = await office.http.post(f"/v1/contracts/{contract['id']}/{path}", json=body)
    assert answer.status_code == 200, answer.text


async def seen(office: Office) -> list[tuple[str, str, str]]:
    found = await opportunities(office)
    return [(each["term_id"][-2:], each["need"]["signal"], each["need"]["bought"]) for each in found]


async def test_fewer_seats_than_are_used_are_seen_at_once_and_once(office: Office) -> None:
    contract = await office.enters("acme", start="2025-03-01", term_months=12, seats=20)
    await hears(office, uses("acme", "seats", "2026-01-02", used=12.0))
    await office.said()
    assert await seen(office) == []

    await changes(office, contract, effective="2026-01-05", seats=10)

    assert await seen(office) == [(".1", "seats_nearly_used", "10")]
    [said] = await office.said_of(ExpansionSignalled)
    assert said.occurred_at == office.clock.now()
    await office.amends(contract, seats=11)
    await hears(office, uses("acme", "seats", "2026-01-05T08:00", used=13.0))
    assert len(await seen(office)) == 1


async def test_an_upsell_that_covers_the_need_raises_nothing(office: Office) -> None:
    contract = await office.enters("acme", start="2025-03-01", term_months=12, seats=10)
    await hears(office, uses("acme", "seats", "2026-01-02", used=12.0))
    assert len(await seen(office)) == 1
    await office.said()

    await changes(office, contract, effective="2026-01-05", seats=20)
    await changes(office, contract, "renewals", start="2026-02-01", seats=20)
    await office.it_is("2026-02-02T09:00")

    assert len(await seen(office)) == 1
    assert await office.said_of(ExpansionSignalled) == []


async def test_a_change_ahead_is_seen_on_its_day_and_a_term_that_begins_with_fewer_too(office: Office) -> None:
    contract = await office.enters("acme", start="2025-03-01", term_months=12, seats=20)
    await office.enters("bolt", start="2025-03-01", end="2026-01-31", at_end="cancel", seats=20)
    await office.enters("bolt", start="2025-03-01", term_months=12, seats=5)
    await hears(office, uses("acme", "seats", "2026-01-02", used=12.0), uses("bolt", "seats", "2026-01-02", used=6.0))
    await changes(office, contract, effective="2026-01-20", seats=13)
    assert await seen(office) == []

    await office.it_is("2026-01-20T09:00")
    assert [each["account_id"] for each in await opportunities(office)] == ["acme"]
    await office.it_is("2026-02-01T09:00")
    assert [each["account_id"] for each in await opportunities(office)] == ["acme", "bolt"]


async def test_a_smaller_plan_and_one_without_what_is_used_are_seen(office: Office) -> None:
    bought = {"api_calls": 100, "reports": 5}
    contract = await office.enters("acme", start="2026-01-01", term_months=12, entitlements=bought)
    for metric, used in (("api_calls", 80.0), ("reports", 3.0)):
        await hears(office, uses("acme", metric, "2026-01-02", used=used))
    assert await seen(office) == []

    await changes(office, contract, effective="2026-01-05", entitlements={"api_calls": 50})

    assert sorted(await seen(office)) == [(".1", "over_plan", "50"), (".1", "product_in_use", "0")]


async def test_what_was_used_in_another_term_says_nothing_of_this_one(office: Office) -> None:
    await office.enters("acme", start="2025-02-01", term_months=12, entitlements={"sso": 1})
    await hears(office, uses("acme", "api_calls", "2026-01-02", used=120.0, bought=100.0))
    await hears(office, uses("acme", "reports", "2026-01-02", used=3.0))
    assert len(await seen(office)) == 2

    await office.it_is("2026-02-02T09:00")

    assert len(await seen(office)) == 2


@pytest.mark.parametrize("way", ["fact", "file", "new", "one batch"])
async def test_it_does_not_matter_how_the_contract_came_to_change(office: Office, way: str) -> None:
    await hears(office, uses("acme", "seats", "2026-01-02", used=12.0))
    if way != "new":
        many = fact("2026-01-02T10:00", term("2026-01-01", "2026-12-31", seats=20))
        await office.service.signals(Batch((), (said(many),)))
    assert await seen(office) == []

    fewer = fact("2026-01-03T10:00", term("2026-01-01", "2026-12-31", seats=10))
    if way == "fact":
        await office.service.signals(Batch((), (said(fewer),)))
    elif way == "file":
        header = "account_id,external_id,kind,currency,start,end,amount,seats"
        await sends(office, header, "acme,K-7,recurring,EUR,2026-01-01,2026-12-31,1200.00,10")
    elif way == "new":
        await office.enters("acme", start="2026-01-01", term_months=12, seats=10)
    else:  # what is used now is heard with the contract that it is held against
        await office.service.signals(Batch((), (said(fewer), said(uses("acme", "seats", "2026-01-03", used=5.0)))))
        assert await seen(office) == []
        return

    assert await seen(office) == [(".1", "seats_nearly_used", "10")]


def said(event: Any) -> Any:
    return customer_signal(as_record(encode(event)))
