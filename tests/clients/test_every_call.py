"""What clients say beside `track` is found in the log: facts about people and accounts, pages, and who is who."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mainstay.contracts.envelope import Event
from mainstay.contracts.ingest import AccountFact, ContactFact
from mainstay.contracts.topics import CUSTOMER_SIGNALS
from tests.clients import calls
from tests.clients.calls import AT, Caller
from tests.clients.ingest import Ingest

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(calls.segment, id="segment-analytics-python"),
        pytest.param(calls.rudder, id="rudder-sdk-python"),
    ],
)
async def test_each_call_of_segments_protocol_says_what_it_means(running: Ingest, call: Caller) -> None:
    await assert_all_understood(running, call)


async def test_the_node_client_means_the_same(running: Ingest, node_folder: Path) -> None:
    await assert_all_understood(running, calls.analytics_node(node_folder))


async def assert_all_understood(running: Ingest, call: Caller) -> None:
    await asyncio.to_thread(call, running.url, running.key)

    account, contact = await facts(running)
    assert account == AccountFact("42", AT, "Acme", tier="gold", industry=None)
    assert contact == ContactFact("42", "ann", AT, "Ann Lee", "ann@acme.example", "Buyer")
    await running.until_stored(4)  # what names no account may have waited for the membership
    assert used(await running.stored()) == [
        ("Exported", "42", "ann", "reports", {"feature": "reports"}),
        ("Looked Around", "42", "anonymous:visitor-1", "Looked Around", {}),
        ("Viewed Home Screen", "42", "ann", "Viewed Home Screen", {"name": "Home"}),
        (
            "Viewed Pricing Page",
            "42",
            "ann",
            "Viewed Pricing Page",
            {"name": "Pricing", "category": "Docs", "url": "/pricing"},
        ),
    ]
    assert {event.data.occurred_at for event in await running.stored()} == {AT}


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_sensors_data_says_who_somebody_is(running: Ingest) -> None:
    await asyncio.to_thread(calls.sensors, running.url, running.key)

    await running.until_stored(2)
    assert [each[:3] for each in used(await running.stored())] == [
        ("Called", "acme", "$mobile+123"),
        ("Looked_Around", "acme", "visitor-1"),
    ]
    stated = [
        (fact.account_id, fact.contact_id, fact.name, fact.email, fact.title)
        for fact in await facts(running)
        if isinstance(fact, ContactFact)
    ]
    unset = msgspec.UNSET
    assert stated == [
        ("acme", "ann", "Ann", unset, unset),
        ("acme", "ann", unset, "ann@acme.example", unset),
        ("acme", "ann", unset, unset, None),
    ]


async def test_totango_says_facts_beside_a_use(running: Ingest) -> None:
    await asyncio.to_thread(calls.totango, running.url, running.key)

    assert used(await running.stored()) == [("Exported", "acme", "ann", "Reports", {"module": "Reports"})]
    found = await facts(running)
    accounts = [(one.account_id, one.name, one.tier) for one in found if isinstance(one, AccountFact)]
    people = [(one.account_id, one.contact_id, one.name, one.email) for one in found if isinstance(one, ContactFact)]
    assert accounts == [("acme", "Acme", "gold"), ("acme", "Acme", msgspec.UNSET)]
    assert people == [("acme", "ann", "Ann", "ann@acme.example"), ("acme", "ann", "Ann", msgspec.UNSET)]


async def facts(running: Ingest) -> list[Any]:
    """Every fact of the log, those about accounts first."""
    return sorted((event.data for event in await running.stored(CUSTOMER_SIGNALS)), key=lambda data: data.TYPE)


def used(events: list[Event[Any]]) -> list[tuple[str, str, str, str, dict[str, Any]]]:
    """What was used, by whom."""
    return sorted(
        (
            event.data.event,
            event.data.account_id,
            event.data.user_id,
            event.data.feature,
            msgspec.json.decode(event.data.properties),
        )
        for event in events
    )
