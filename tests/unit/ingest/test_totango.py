"""Calls of Totango's trackers, as they are read."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.api import form, totango
from ingest.api.pixel import PIXEL
from ingest.application.stated import NOBODYS, Membership, Stated
from ingest.domain.limits import Limits
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from mainstay.contracts.ingest import AccountFact, ContactFact, UsageRecorded

POLICY = Policy("product", Limits(event_bytes=4_000))
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def read(**fields: str) -> tuple[list[Any], list[Membership]]:
    """The data of each event, and the memberships."""
    stated: list[Any] = []
    memberships: list[Membership] = []
    for part in totango.read_parts({name.replace("__", "."): value for name, value in fields.items()}):
        event, belonging = totango.read_part(part, "product", POLICY, NOW)
        stated += [event.data] if event is not None else []
        memberships += belonging
    return stated, memberships


def test_an_action_is_usage_of_its_module_at_the_time_of_receipt() -> None:
    [usage], memberships = read(sdr_s="key", sdr_o="acme", sdr_u="ann", sdr_a="Exported", sdr_m="Reports")

    assert isinstance(usage, UsageRecorded)
    assert (usage.account_id, usage.user_id, usage.event, usage.feature) == ("acme", "ann", "Exported", "Reports")
    assert usage.occurred_at == usage.received_at == NOW
    assert bytes(usage.properties) == b'{"module":"Reports"}'
    assert memberships == []


def test_without_a_module_the_action_is_the_feature_and_without_an_action_the_module_is_the_event() -> None:
    assert [(use.event, use.feature) for use in read(sdr_o="a1", sdr_a="Exported")[0]] == [("Exported", "Exported")]
    assert [(use.event, use.feature) for use in read(sdr_o="a1", sdr_m="Reports")[0]] == [("Reports", "Reports")]


def test_attributes_are_facts() -> None:
    stated, memberships = read(
        sdr_o="acme",
        sdr_odn="Acme Ltd",
        sdr_o__plan="gold",
        sdr_o__colour="blue",
        sdr_u="ann",
        sdr_u__name="Ann",
        sdr_u__email="ann@acme.example",
        sdr_a="Opened",
    )

    assert stated[:2] == [
        AccountFact("acme", NOW, name="Acme Ltd", tier="gold"),
        ContactFact("acme", "ann", NOW, name="Ann", email="ann@acme.example"),
    ]
    assert isinstance(stated[2], UsageRecorded)
    assert memberships == [Membership("ann", "acme", NOW)]


def test_a_call_without_attributes_and_action_says_who_belongs_where() -> None:
    assert read(sdr_o="acme", sdr_u="ann") == ([], [Membership("ann", "acme", NOW)])


def test_a_use_without_an_account_is_nobodys_yet() -> None:
    [usage], _ = read(sdr_u="ann", sdr_a="Opened")

    assert usage.account_id == NOBODYS


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "account-missing"),
        ({"sdr_a": "Opened"}, "account-missing"),
        ({"sdr_odn": "Acme"}, "account-missing"),
        ({"sdr_o": "acme", "sdr_u__name": "Ann"}, "user-missing"),
        ({"sdr_o": "x" * 201, "sdr_a": "Opened"}, "account-id-invalid"),
        ({"sdr_o": "undefined", "sdr_a": "Opened"}, "account-id-invalid"),
        ({"sdr_o": "acme", "sdr_a": "x" * 501}, "name-invalid"),
        ({"sdr_o": "acme", "sdr_a": "a\0b"}, "name-invalid"),
        ({"sdr_o": "acme", "sdr_o__timezone": "Mars"}, "zone-unknown"),
        ({"sdr_o": "acme", "sdr_odn": "x" * 4_000}, "event-too-large"),
    ],
)
def test_what_breaks_a_rule_is_refused(fields: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**fields)
    assert refused.value.code == code


def test_the_key_is_in_nothing_that_may_be_kept() -> None:
    parts = totango.read_parts({"sdr_s": "mst_secret", "sdr_o": "acme", "sdr_odn": "Acme", "sdr_a": "Opened"})

    assert len(parts) == 2
    assert all(b"mst_secret" not in part for part in parts)
    assert totango.without_key(b"sdr_o=acme&sdr_s=mst_secret&sdr_a=%zz") == b"sdr_o=acme&sdr_a=%zz"


def test_a_part_that_was_set_aside_is_read_again_under_its_first_id() -> None:
    parts = totango.read_parts({"sdr_o": "acme", "sdr_odn": "Acme", "sdr_u": "ann", "sdr_a": "Opened"})
    first = [totango.read_part(part, "product", POLICY, NOW)[0] for part in parts]

    for part, before in zip(parts, first, strict=True):
        assert isinstance(before, Stated)
        again, _, _ = totango.read_again(part, b"{}", POLICY, NOW, before.id)
        assert again == before


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(Refused):
        for part in totango.read_parts(form.read(body)):
            totango.read_part(part, "product", POLICY, NOW)


def test_the_answer_is_a_gif_of_one_dot() -> None:
    assert PIXEL.body[:6] == b"GIF89a"
    assert PIXEL.body[6:10] == b"\1\0\1\0"
    assert PIXEL.body[-1:] == b";"
