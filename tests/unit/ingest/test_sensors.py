"""Calls of Sensors Data's SDKs, as they arrive and as they are read."""

import gzip
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.api import form, sensors
from ingest.application.stated import NOBODYS, Alias, Membership
from ingest.domain.limits import Limits
from ingest.domain.policy import Names, Policy
from ingest.domain.refusal import Refused
from mainstay.contracts.ingest import ContactFact, UsageRecorded

LIMITS = Limits(event_bytes=4_000, body_bytes=20_000, events=50)
POLICY = Policy("product", LIMITS)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
AT = datetime(2026, 3, 1, 9, 0, 0, 250_000, tzinfo=UTC)
MS = 1_772_355_600_250


def call(**changes: Any) -> bytes:
    stated = {
        "type": "track",
        "time": MS,
        "distinct_id": "ann",
        "event": "Login",
        "properties": {"company_id": "acme", "$lib": "python"},
        "lib": {"$lib": "python"},
        **changes,
    }
    return msgspec.json.encode({key: value for key, value in stated.items() if value is not None})


def packed(document: bytes, *, field: str = "data", compressed: bool = True) -> bytes:
    # Without a time in it: the bytes become names of tests, which must be the same in every worker.
    stated = gzip.compress(document, mtime=0) if compressed else document
    return urlencode({field: b64encode(stated), "gzip": 1}).encode()


def read(document: bytes, policy: Policy = POLICY) -> sensors.Reading:
    return sensors.read_call(document, "product", policy, NOW)


def code_of(document: bytes, policy: Policy = POLICY) -> str:
    with pytest.raises(Refused) as refused:
        read(document, policy)
    return refused.value.code


def test_a_track_call_is_usage() -> None:
    stated = read(call()).stated

    assert stated is not None
    assert isinstance(stated.data, UsageRecorded)
    assert (stated.data.account_id, stated.data.user_id, stated.data.event) == ("acme", "ann", "Login")
    assert stated.data.feature == "Login"
    assert stated.data.occurred_at == stated.occurred_at == AT
    assert stated.data.received_at == NOW
    assert (stated.source, stated.properties["$lib"]) == ("product", "python")


def test_the_properties_that_the_policy_names_say_whose_and_what_it_is() -> None:
    names = Names(account=("tenant", "company_id"), user=("member",), event=("step",))
    properties = {"tenant": 17, "company_id": "acme", "member": "bob", "step": "Checkout", "feature": "cart"}
    stated = read(call(properties=properties), Policy("product", LIMITS, names=names)).stated

    assert stated is not None
    assert isinstance(stated.data, UsageRecorded)
    assert (stated.data.account_id, stated.data.user_id) == ("17", "bob")
    assert (stated.data.event, stated.data.feature) == ("Checkout", "cart")


def test_a_call_without_an_account_is_nobodys_yet() -> None:
    stated = read(call(properties={"company_id": ""})).stated

    assert stated is not None
    assert stated.data.account_id == NOBODYS


@pytest.mark.parametrize("kind", ["profile_set", "profile_set_once"])
def test_a_profile_is_a_fact_about_a_contact_and_tells_where_it_belongs(kind: str) -> None:
    properties = {"$name": "A.", "name": "Ann", "$email": "ann@acme.example", "company_id": "acme", "age": 3}
    reading = read(call(type=kind, properties=properties, event=None))

    assert reading.stated is not None
    assert reading.stated.data == ContactFact("acme", "ann", AT, name="Ann", email="ann@acme.example")
    assert reading.memberships == [Membership("ann", "acme", AT)]


def test_what_is_unset_is_withdrawn() -> None:
    stated = read(call(type="profile_unset", properties={"email": True, "age": True, "company_id": "acme"})).stated

    assert stated is not None
    assert stated.data == ContactFact("acme", "ann", AT, email=None)


def test_a_profile_of_other_properties_says_only_where_somebody_belongs() -> None:
    reading = read(call(type="profile_set", properties={"company_id": "acme", "age": 3}))

    assert reading.stated is None
    assert reading.memberships == [Membership("ann", "acme", AT)]


def test_a_sign_up_makes_two_ids_one_person() -> None:
    reading = read(call(type="track_signup", event="$SignUp", original_id="cookie-1", properties={}))

    assert reading == sensors.Reading(None, [], [Alias("cookie-1", "ann", AT)])


def test_bound_identities_are_one_person() -> None:
    identities = {"$identity_login_id": "ann", "$identity_mobile": "123"}
    reading = read(call(type="track_id_bind", event="$BindID", identities=identities, properties={}))

    assert reading.aliases == [Alias("$identity_mobile+123", "ann", AT)]


@pytest.mark.parametrize("kind", sorted(sensors.PASSED_OVER))
def test_types_that_say_nothing_we_keep_are_passed_over(kind: str) -> None:
    assert read(call(type=kind, item_id="i", distinct_id=None)) == sensors.Reading()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "nonsense"}, "type-not-supported"),
        ({"type": 3}, "value-invalid"),
        ({"event": None}, "event-missing"),
        ({"distinct_id": None}, "user-missing"),
        ({"distinct_id": ""}, "user-id-invalid"),
        ({"distinct_id": "null"}, "user-id-invalid"),
        ({"time": 3}, "time-out-of-range"),
        ({"time": 1e300}, "time-out-of-range"),
        ({"time": "yesterday"}, "value-invalid"),
        ({"properties": {"company_id": "a\nb"}}, "account-id-invalid"),
        ({"properties": {"x": "\0"}}, "nul-character"),
        ({"properties": {"x": "x" * 4_000}}, "event-too-large"),
        ({"type": "profile_set", "properties": {"name": 3}}, "value-invalid"),
        ({"type": "track_id_bind", "identities": {str(n): "x" for n in range(21)}}, "value-invalid"),
    ],
)
def test_what_breaks_a_rule_is_refused(changes: dict[str, Any], code: str) -> None:
    assert code_of(call(**changes)) == code


def test_deep_nesting_is_refused() -> None:
    assert code_of(b'{"type":"track","distinct_id":"a","event":"e","properties":{"x":' + b"[" * 900) == "malformed-json"
    deep = b'{"type":"track","distinct_id":"a","event":"e","properties":{"x":' + b"[" * 900 + b"]" * 900 + b"}}"
    assert code_of(deep) == "too-deep"


def test_the_same_content_has_the_same_id_and_the_time_of_sending_is_no_part_of_it() -> None:
    def id_of(document: bytes) -> str:
        stated = read(document).stated
        assert stated is not None
        return stated.id

    assert id_of(call()) == id_of(call())
    assert id_of(call()) != id_of(call(time=MS + 1))
    assert id_of(call(_flush_time=MS + 5)) == id_of(call(_flush_time=MS + 6_000))


def test_a_wrong_clock_is_corrected_where_the_time_of_sending_is_told() -> None:
    hour_late = MS + 24 * 3_600_000 - 250 - 3_600_000  # sent "at 8", received at 9
    reading = read(call(_flush_time=hour_late))

    assert reading.stated is not None
    assert reading.stated.occurred_at == AT + timedelta(hours=1)
    assert reading.skew_seconds == 3_600


@pytest.mark.parametrize("compressed", [True, False])
def test_a_form_carries_one_call_or_many(*, compressed: bool) -> None:
    one = packed(call(), compressed=compressed)
    many = packed(b"[" + call() + b" , " + call(time=1) + b"]", field="data_list", compressed=compressed)

    assert sensors.read_calls(form.read(one), LIMITS, lambda _bytes: None) == [call()]
    assert sensors.read_calls(form.read(many), LIMITS, lambda _bytes: None) == [call(), call(time=1)]


def test_an_unescaped_plus_is_understood() -> None:
    document = call(event="\u00fb\u00ff~~~")
    raw = b"data=" + b64encode(document)
    assert b"+" in raw or b"/" in raw

    assert sensors.read_calls(form.read(raw), LIMITS, lambda _bytes: None) == [document]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "data-missing"),
        (b"gzip=1", "data-missing"),
        (b"data=%zz", "form-malformed"),
        (b"data=%ff", "not-utf-8"),
        (b"&".join(b"a=1" for _ in range(600)), "form-malformed"),
        (b"data=???", "base64-malformed"),
        (b"data=%c3%a4", "base64-malformed"),
        (packed(b"{"), "malformed-json"),
        (packed(b"\xff"), "not-utf-8"),
        (packed(b"{}", field="data_list"), "value-invalid"),
        (packed(b"[" + b",".join([b"{}"] * 51) + b"]", field="data_list"), "too-many-events"),
        (packed(b" " * 30_000), "body-too-large"),
        (urlencode({"data": b64encode(gzip.compress(b"{}", mtime=0)[:-4])}).encode(), "gzip-malformed"),
        (urlencode({"data": b64encode(gzip.compress(b"{}", mtime=0) * 2)}).encode(), "gzip-malformed"),
        (urlencode({"data": b64encode(b"\x1f\x8bnonsense")}).encode(), "gzip-malformed"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        sensors.read_calls(form.read(body), LIMITS, lambda _bytes: None)
    assert refused.value.code == code


def test_a_bomb_is_not_inflated() -> None:
    bomb = packed(b"\0" * 5_000_000)
    assert len(bomb) < LIMITS.body_bytes

    with pytest.raises(Refused, match="at most 20000 bytes"):
        sensors.read_calls(form.read(bomb), LIMITS, lambda _bytes: None)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for whole in (body, packed(body), packed(b"[" + body + b"]", field="data_list")):
        try:
            for each in sensors.read_calls(form.read(whole), LIMITS, lambda _bytes: None):
                read(each)
        except Refused:
            continue


def test_what_was_set_aside_is_read_again_under_its_first_id() -> None:
    stated, memberships, aliases = sensors.read_again(call(), b"{}", POLICY, NOW, "first")

    assert stated is not None
    assert (stated.id, stated.source, stated.data.account_id) == ("first", "product", "acme")
    assert (memberships, aliases) == ((), ())
