"""Suppression, redaction and the report of an erasure, without a database."""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ingest.application.erasing import missing, retained
from ingest.application.privacy import Redactor, SuppressionBook
from ingest.application.stated import Stated
from ingest.domain.erasure import OVERDUE_AFTER, Confirmation, Erasure, State, SubjectKind
from ingest.domain.limits import Limits
from ingest.domain.policy import Policy
from mainstay.contracts.facts import Attendee, NextStep, TouchpointFact
from mainstay.contracts.ingest import AccountFact, ContactFact, UsageRecorded
from mainstay.service.subjects import Subjects, subject_hash

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
SUBJECTS = Subjects("s" * 32)
POLICY = Policy("product", Limits(event_bytes=1, body_bytes=1, events=1))


class Kept:
    def __init__(self, *hashes: tuple[str, str]) -> None:
        self.hashes = frozenset(hashes)

    async def suppressed(self) -> AbstractSet[tuple[str, str]]:
        return self.hashes


def hashed(value: str) -> str:
    return f"hashed:{SUBJECTS.hash('value', value)}"


def stated(properties: str) -> Stated:
    data = UsageRecorded("acme", "Opened", "reports", NOW, NOW, "ann", msgspec.Raw(properties.encode()))
    return Stated("e1", "product", NOW, data, b"")


@pytest.mark.parametrize(
    ("properties", "dropped", "hidden", "expected"),
    [
        ('{"a":1.10,"b":2}', {"b"}, set(), '{"a":1.10}'),
        ('{"email":"x@y.test","n":12345678901234567890123}', set(), {"email"}, None),
        ('{"owner":{"email":"x@y.test","id":7}}', {"owner.email"}, set(), '{"owner":{"id":7}}'),
        ('{"people":[{"email":"x"},{"id":1}]}', {"people.email"}, set(), '{"people":[{},{"id":1}]}'),
        ('{"owner.email":"x"}', {"owner.email"}, set(), "{}"),
        ('{"a":null}', set(), {"a"}, '{"a":null}'),
    ],
)
def test_what_a_policy_withholds_does_not_reach_the_log(
    properties: str, dropped: set[str], hidden: set[str], expected: str | None
) -> None:
    policy = replace(POLICY, dropped=frozenset(dropped), hashed=frozenset(hidden))

    data: Any = Redactor(SUBJECTS).redact(stated(properties), policy).data

    expected = expected or f'{{"email":"{hashed("x@y.test")}","n":12345678901234567890123}}'
    assert bytes(data.properties).decode() == expected


def test_facts_about_contacts_lose_what_the_policy_withholds() -> None:
    policy = replace(POLICY, dropped=frozenset({"title"}), hashed=frozenset({"email", "contact_id"}))
    fact = Stated("e1", "crm", NOW, ContactFact("acme", "ann", NOW, "Ann", "ann@x.test", "CTO"), b"")

    data: Any = Redactor(SUBJECTS).redact(fact, policy).data

    assert (data.contact_id, data.name, data.email) == ("ann", "Ann", hashed("ann@x.test"))
    assert data.title is msgspec.UNSET


@pytest.mark.parametrize(
    ("event", "feature", "properties", "withheld", "expected"),
    [
        ("Opened", "ann's report", '{"feature":"ann\'s report"}', "feature", ("Opened", "Opened", "ann's report")),
        ("Opened", "ann's own", '{"module":"ann\'s own"}', "module", ("Opened", "Opened", "ann's own")),
        ("Opened", "reports", '{"module":"ann"}', "module", ("Opened", "reports", None)),
        (
            "Viewed Ann Lee Page",
            "Viewed Ann Lee Page",
            '{"name":"Ann Lee"}',
            "name",
            ("Loaded a Page",) * 2 + ("Ann Lee",),
        ),
        ("Viewed Prices Page", "Viewed Prices Page", '{"name":"Ann"}', "name", ("Viewed Prices Page",) * 2 + (None,)),
        ("Opened", "reports", '{"name":"x"}', "email", ("Opened", "reports", None)),
    ],
)
def test_no_name_tells_what_is_withheld(
    event: str, feature: str, properties: str, withheld: str, expected: tuple[str, str, str | None]
) -> None:
    data = UsageRecorded("acme", event, feature, NOW, NOW, "ann", msgspec.Raw(properties.encode()))
    said = Stated("e1", "product", NOW, data, b"")

    dropped: Any = Redactor(SUBJECTS).redact(said, replace(POLICY, dropped=frozenset({withheld}))).data
    hidden: Any = Redactor(SUBJECTS).redact(said, replace(POLICY, hashed=frozenset({withheld}))).data

    assert (dropped.event, dropped.feature) == expected[:2]
    if expected[2] is not None:
        assert expected[2].encode() not in msgspec.json.encode(hidden)
        assert hashed(expected[2]) in f"{hidden.event} {hidden.feature}"


@pytest.mark.parametrize("stated_as", ["plan", "tier"])
def test_a_trait_is_withheld_under_its_own_name_and_the_facts(stated_as: str) -> None:
    fact = Stated("e1", "product", NOW, AccountFact("acme", NOW, name="Acme", tier="gold"), b"")

    data: Any = Redactor(SUBJECTS).redact(fact, replace(POLICY, dropped=frozenset({stated_as}))).data

    assert (data.name, data.tier) == ("Acme", msgspec.UNSET)


def test_names_reach_into_the_parts_of_a_fact() -> None:
    touch = TouchpointFact(
        "acme",
        "t1",
        NOW,
        "call",
        attendees=(Attendee("customer", "Ann", "ann", "buyer"), Attendee("us", "Eve")),
        next_step=NextStep("send prices", NOW.date(), "Eve"),
    )
    policy = replace(
        POLICY, dropped=frozenset({"attendees.contact_id", "next_step.owner"}), hashed=frozenset({"attendees.name"})
    )

    data: Any = Redactor(SUBJECTS).redact(Stated("e1", "crm", NOW, touch, b""), policy).data

    assert data.attendees == (Attendee("customer", hashed("Ann"), None, "buyer"), Attendee("us", hashed("Eve")))
    assert data.next_step == NextStep("send prices", NOW.date())


def test_where_a_hash_would_be_no_value_nothing_is_said() -> None:
    fact = Stated("e1", "crm", NOW, ContactFact("acme", "ann", NOW, "Ann", status="left"), b"")

    data: Any = Redactor(SUBJECTS).redact(fact, replace(POLICY, hashed=frozenset({"status", "name"}))).data

    assert (data.name, data.status) == (hashed("Ann"), msgspec.UNSET)


async def test_the_book_covers_the_erased_and_nobody_else() -> None:
    kept = Kept(("user", SUBJECTS.hash("user", "ann")), ("account", SUBJECTS.hash("account", "acme")))
    book = SuppressionBook(kept, SUBJECTS)
    assert not book.any
    assert not book.cover("acme", "ann")

    await book.refresh()

    assert [book.cover("acme", None), book.cover("globex", "ann"), book.cover("", "ann")] == [True] * 3
    assert not book.cover("globex", "bob")
    assert not book.cover("ann", "acme")  # an account is no user
    kept.hashes = frozenset()
    await book.refresh()
    assert not book.cover("acme", "ann")


def test_a_hash_needs_the_secret() -> None:
    assert (
        subject_hash("s" * 32, "user", "ann") == SUBJECTS.hash("user", "ann") != subject_hash("t" * 32, "user", "ann")
    )


def test_an_erasure_is_late_after_an_hour_and_says_who_is_missing_and_what_the_log_holds() -> None:
    erasure = Erasure("e1", SubjectKind.USER, "hash", NOW, "key", [Confirmation("alerts", NOW, 0, 0)])

    assert erasure.state(NOW + OVERDUE_AFTER) is State.RUNNING
    assert erasure.state(NOW + OVERDUE_AFTER + timedelta(seconds=1)) is State.OVERDUE
    assert missing(erasure) == ["ingest", "health-score", "renewals"]
    held = {each.topic: each.until for each in retained(erasure)}
    assert held["usage-events"] == NOW + timedelta(days=7)
    assert held["customer-signals"] == NOW + timedelta(days=90)
    assert held["alerts.dead-letter"] == NOW + timedelta(days=30)
