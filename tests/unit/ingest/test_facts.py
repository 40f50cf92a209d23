"""Facts as CloudEvents: what they are read as, and how precisely what is wrong is told."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from ingest.api.fact_events import READINGS, membership_of
from ingest.api.fact_examples import EXAMPLES
from ingest.application.stated import NOBODYS, Membership
from ingest.domain.occurrence import SenderClock
from ingest.domain.refusal import Refused
from ingest.records import Said
from mainstay.contracts.common import MoneyData
from mainstay.contracts.facts import (
    FACTS,
    FeedbackFact,
    InvoiceFact,
    NextStep,
    SurveyResponseFact,
    TicketFact,
    TouchpointFact,
)
from mainstay.contracts.ingest import AccountFact, ContactFact, UsageRecorded

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TIME = datetime(2026, 3, 1, 8, tzinfo=UTC)


class FactEvent(msgspec.Struct):
    data: msgspec.Raw
    time: datetime | None = TIME


def read(kind: str, /, **data: Any) -> Said:
    event = FactEvent(msgspec.Raw(msgspec.json.encode(data)))
    at, fact = READINGS[f"mainstay.customer.{kind}.v1"](event, SenderClock.observed(NOW, None))
    assert at == fact.occurred_at
    return fact


def test_there_is_a_reading_and_an_example_of_each_fact() -> None:
    assert list(READINGS) == [kind.TYPE for kind in FACTS]
    assert [kind.TYPE.split(".")[2] for kind in FACTS] == [kind for kind in EXAMPLES if kind != "usage"]


def test_a_touchpoint_is_read_to_its_last_field() -> None:
    fact = read(
        "touchpoint",
        account_id="acme",
        touchpoint_id="M-8",
        occurred_at="2026-02-26T14:00:00+01:00",
        kind="call",
        result="no_answer",
        next_step={"what": "Call again", "due_on": "2026-03-06"},
        cost={"amount": "60.00", "currency": "EUR"},
        after="Two lines,\n\tone of them indented",
    )

    assert fact == TouchpointFact(
        "acme",
        "M-8",
        datetime(2026, 2, 26, 13, tzinfo=UTC),
        "call",
        result="no_answer",
        next_step=NextStep("Call again", date(2026, 3, 6)),
        cost=MoneyData(Decimal("60.00"), "EUR"),
        after="Two lines,\n\tone of them indented",
    )


def test_absent_is_not_stated_and_null_withdraws() -> None:
    assert read("ticket", account_id="acme", ticket_id="T-1", resolved_at=None) == TicketFact(
        "acme", "T-1", TIME, resolved_at=None
    )
    assert msgspec.json.encode(read("invoice", account_id="acme", invoice_id="I-1", paid_on=None)) == (
        b'{"account_id":"acme","invoice_id":"I-1","occurred_at":"2026-03-01T08:00:00Z","paid_on":null}'
    )


def test_instants_are_kept_in_utc_and_one_without_a_zone_is_utc() -> None:
    fact = read(
        "feedback",
        account_id="acme",
        feedback_id="F-1",
        customer_told_at="2026-02-25T12:00:00+02:00",
        progress=[{"at": "2026-02-25T10:00:00", "text": "Reproduced."}],
    )

    assert isinstance(fact, FeedbackFact)
    assert msgspec.to_builtins(fact)["customer_told_at"] == "2026-02-25T10:00:00Z"
    assert msgspec.to_builtins(fact)["progress"][0]["at"] == "2026-02-25T10:00:00Z"


def test_an_answer_without_an_account_waits_for_its_persons() -> None:
    fact = read("survey_response", contact_id="ann", response_id="R-1", kind="nps", score=3)

    assert fact == SurveyResponseFact(NOBODYS, "R-1", TIME, "nps", 3, contact_id="ann")


@pytest.mark.parametrize(
    ("kind", "data", "code", "pointer"),
    [
        ("ticket", {"ticket_id": "T"}, "account-missing", "/account_id"),
        ("invoice", {"invoice_id": "I"}, "value-invalid", ""),
        ("ticket", {"account_id": "", "ticket_id": "T"}, "account-id-invalid", "/account_id"),
        ("ticket", {"account_id": "a", "ticket_id": "T\0"}, "value-invalid", "/ticket_id"),
        ("ticket", {"account_id": "a", "ticket_id": "T", "csat": 6}, "value-invalid", "/csat"),
        ("ticket", {"account_id": "a", "ticket_id": "T", "resolvd_at": None}, "field-unknown", "/resolvd_at"),
        ("ticket", {"account_id": "a", "ticket_id": "T", "a/b~": 1}, "field-unknown", "/a~1b~0"),
        ("ticket", {"account_id": "a", "ticket_id": "T", "opened_at": "soon"}, "value-invalid", "/opened_at"),
        (
            "ticket",
            {"account_id": "a", "ticket_id": "T", "opened_at": "1970-01-01T00:00:00Z"},
            "time-out-of-range",
            "/opened_at",
        ),
        (
            "ticket",
            {"account_id": "a", "ticket_id": "T", "resolved_at": "2036-01-01T00:00:00Z"},
            "time-out-of-range",
            "/resolved_at",
        ),
        (
            "ticket",
            {"account_id": "a", "ticket_id": "T", "occurred_at": "0001-01-01T00:00:00Z"},
            "time-out-of-range",
            "/occurred_at",
        ),
        ("invoice", {"account_id": "a", "invoice_id": "I", "due_on": "0001-01-01"}, "day-out-of-range", "/due_on"),
        (
            "invoice",
            {"account_id": "a", "invoice_id": "I", "amount": {"amount": 5, "currency": "EUR"}},
            "value-invalid",
            "/amount/amount",
        ),
        (
            "invoice",
            {"account_id": "a", "invoice_id": "I", "amount": {"amount": "5", "currency": "euro"}},
            "value-invalid",
            "/amount/currency",
        ),
        (
            "survey_response",
            {"account_id": "a", "response_id": "R", "kind": "csat", "score": 0},
            "value-invalid",
            "/score",
        ),
        (
            "contract",
            {
                "account_id": "a",
                "contract_id": "K",
                "kind": "recurring",
                "currency": "EUR",
                "terms": [
                    {
                        "starts_on": "2026-02-01",
                        "ends_on": "2026-01-01",
                        "amount": {"amount": "1", "currency": "EUR"},
                    }
                ],
            },
            "days-reversed",
            "/terms/0/ends_on",
        ),
        ("account", {"account_id": "a", "parent_account_id": "a"}, "parent-is-itself", "/parent_account_id"),
        ("account", {"account_id": "a", "zone": "Mars"}, "zone-unknown", "/zone"),
        (
            "account",
            {"account_id": "a", "team": [{"role": "csm", "person": "Eve"}, {"role": "CSM", "person": "Eve"}]},
            "value-invalid",
            "/team/1/role",
        ),
        ("account", {"account_id": "a", "external_ids": {"crm": 7}}, "value-invalid", "/external_ids"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(kind: str, data: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(Refused) as refusal:
        read(kind, **data)

    assert (refusal.value.code, refusal.value.pointer) == (code, f"/data{pointer}")
    assert len(refusal.value.detail) < 200


def test_a_contact_belongs_to_its_account_until_they_left() -> None:
    assert membership_of(ContactFact("acme", "ann", TIME)) == Membership("ann", "acme", TIME)
    assert membership_of(ContactFact("acme", "ann", TIME, status="left")) == Membership(
        "ann", "acme", TIME, is_member=False
    )
    assert membership_of(AccountFact("acme", TIME)) is None
    assert membership_of(InvoiceFact("acme", "I-1", TIME)) is None
    assert membership_of(UsageRecorded("acme", "e", "e", TIME, NOW)) is None
