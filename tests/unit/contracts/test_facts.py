"""Facts in the log: their names, and what lies there already stays readable."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from mainstay.contracts import facts, ingest
from mainstay.contracts.envelope import Decoder, Event, encode
from mainstay.contracts.facts import FACTS, Fact
from mainstay.contracts.topics import CUSTOMER_SIGNALS
from mainstay.messaging.port import Record

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", FACTS)
def test_a_fact_is_an_event_about_an_account(kind: type[Fact]) -> None:
    assert kind.TYPE.startswith("mainstay.customer.")
    assert kind.TYPE.endswith(".v1")
    assert kind.TOPIC is CUSTOMER_SIGNALS
    assert kind.__struct_fields__[0] == "account_id"
    assert "occurred_at" in kind.__struct_fields__
    assert kind.__struct_config__.frozen


def test_the_facts_of_before_are_among_them_and_declared_once() -> None:
    assert FACTS[:2] == (ingest.AccountFact, ingest.ContactFact)
    assert not set(facts.EVENTS) & set(ingest.EVENTS)


def test_a_record_without_the_newer_fields_is_read() -> None:
    value = b'{"account_id":"acme","occurred_at":"2025-01-01T00:00:00Z","name":"Acme","tier":null}'

    fact = msgspec.json.decode(value, type=ingest.AccountFact)

    assert (fact.name, fact.tier, fact.stage) == ("Acme", None, msgspec.UNSET)
    assert msgspec.json.encode(fact) == value


@pytest.mark.parametrize(
    "fact",
    [
        facts.TicketFact("acme", "T-1", AT, resolved_at=None, csat=5),
        facts.SurveyResponseFact("acme", "R-1", AT, "csat", 1),
        facts.HandoverFact("acme", "H-1", AT, steps=(facts.HandoverStep("intro", done_at=AT),)),
        ingest.AccountFact("acme", AT, team=(ingest.TeamAssignment("csm", None),), external_ids={"crm": None}),
    ],
)
def test_a_fact_comes_back_out_of_the_log(fact: Any) -> None:
    event = Event("e1", "urn:crm", AT, fact)
    sent = encode(event)

    record = Record(sent.topic, 0, 0, sent.key, sent.value, sent.headers, AT)

    assert Decoder(type(fact))(record) == event
