"""Calls of the Segment protocol, read as usage and facts."""

import json as stdlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.api import segment
from ingest.application.stated import NOBODYS, Alias, Membership
from ingest.domain.limits import Limits
from ingest.domain.names import JUNK
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from ingest.records import RecordWriter
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.ingest import EVENTS, AccountFact, ContactFact, UsageRecorded
from mainstay.messaging.port import Outgoing, Record

RECEIVED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WRITE = RecordWriter("product", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
TRACK: dict[str, Any] = {"messageId": "m1", "event": "Report Opened", "userId": "ann", "context": {"groupId": "acme"}}
GROUP: dict[str, Any] = {"messageId": "m1", "groupId": "acme", "userId": "ann"}
ALIAS: dict[str, Any] = {"messageId": "m1", "userId": "ann", "previousId": "a-1"}
IDENTIFY: dict[str, Any] = {"messageId": "m1", "userId": "ann", "context": {"groupId": "acme"}}


POLICY = Policy("product", Limits())


class BatchRefused(Exception):
    def __init__(self, refusals: list[Refused]) -> None:
        super().__init__(f"{len(refusals)} calls refused")
        self.refusals = refusals


def read(kind: str, call: dict[str, Any]) -> Event[Any]:
    stated, _, _ = segment.read_again(stdlib.dumps(call).encode(), segment.around(kind), POLICY, RECEIVED, None)
    assert stated is not None
    return decoded(WRITE(stated.id, stated.occurred_at, stated.data))


def taught(kind: str, call: dict[str, Any]) -> tuple[list[Membership], list[Alias]]:
    """What a call says about who is who."""
    _, memberships, aliases = segment.read_again(
        stdlib.dumps(call).encode(), segment.around(kind), POLICY, RECEIVED, None
    )
    return list(memberships), list(aliases)


def read_batch(calls: list[Any], limits: Limits | None = None, **outer: Any) -> list[Event[Any]]:
    limits = limits or Limits()
    batch = segment.read_batch(stdlib.dumps({"batch": calls, **outer}).encode(), limits)
    reader = segment.Calls("product", limits, RECEIVED, batch.sent_at, batch.context)
    found: list[Event[Any]] = []
    refusals: list[Refused] = []
    for place, item in enumerate(batch.batch):
        try:
            stated = reader.read(item)
        except Refused as one:
            refusals.append(one.within(f"/batch/{place}"))
        else:
            assert stated is not None
            assert bytes(stated.document) == bytes(item)
            found.append(decoded(WRITE(stated.id, stated.occurred_at, stated.data)))
    if refusals:
        raise BatchRefused(refusals)
    return found


def decoded(record: Outgoing) -> Event[Any]:
    headers = tuple(record.all_headers())
    event = Decoder(*EVENTS)(Record(record.topic, 0, 0, record.key, record.value, headers, RECEIVED))
    assert event is not None
    return event


def utc(instant: str) -> datetime:
    return datetime.fromisoformat(instant).replace(tzinfo=UTC)


def sent(at: str, timestamp: str) -> dict[str, str]:
    return {"sentAt": at, "timestamp": timestamp}


def test_a_track_call_is_usage() -> None:
    event = read(
        "track", {**TRACK, "timestamp": "2014-05-06T07:08:09.5+02:00", "properties": {"feature": "pdf", "n": 1}}
    )

    assert (event.id, event.source) == ("m1", "product")
    assert event.time == datetime(2014, 5, 6, 5, 8, 9, 500_000, tzinfo=UTC)
    assert event.data == UsageRecorded(
        "acme", "Report Opened", "pdf", event.time, RECEIVED, "ann", msgspec.Raw(b'{"feature": "pdf", "n": 1}')
    )


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"properties": {}}, "feature", "Report Opened"),
        ({"properties": None}, "feature", "Report Opened"),
        ({"properties": {"feature": 7}}, "feature", "Report Opened"),
        ({"userId": None, "anonymousId": "a-1"}, "user_id", "anonymous:a-1"),
        ({"anonymousId": "a-1"}, "user_id", "ann"),
        ({}, "occurred_at", RECEIVED),
        ({"timestamp": "2026-03-01T10:00:00"}, "occurred_at", utc("2026-03-01T10:00:00")),
        (sent("2026-03-02T08:59:58Z", "2012-01-03T18:57:03Z"), "occurred_at", utc("2012-01-03T18:57:03")),
        (sent("2026-03-02T10:00:00Z", "2026-03-02T09:55:00Z"), "occurred_at", utc("2026-03-02T08:55:00")),
        (sent("2026-03-02T10:00:00Z", "2026-03-02T09:55:00Z"), "stated_at", utc("2026-03-02T09:55:00")),
        (
            {"timestamp": "2026-03-01T10:00:00Z", "originalTimestamp": "2026-03-01T11:00:00Z"},
            "occurred_at",
            utc("2026-03-01T11:00:00"),
        ),
        ({"timestamp": "2027-01-01T00:00:00Z"}, "occurred_at", RECEIVED),
        ({"timestamp": "2027-01-01T00:00:00Z"}, "stated_at", utc("2027-01-01")),
        ({"unknown": {"deep": [1]}, "integrations": {"All": True}}, "account_id", "acme"),
    ],
)  # fmt: skip
def test_each_field_of_a_track_call_has_its_rule(change: dict[str, Any], field: str, value: object) -> None:
    assert getattr(read("track", {**TRACK, **change}).data, field) == value


def test_a_group_call_states_facts_about_an_account() -> None:
    traits = {"name": "Acme", "owner": "eve@example.com", "plan": "gold", "timezone": "Asia/Tokyo", "employees": 12}
    event = read("group", {**GROUP, "traits": {**traits, "industry": None}})

    assert event.time == RECEIVED
    assert event.data == AccountFact("acme", RECEIVED, "Acme", "eve@example.com", "gold", "Asia/Tokyo", None)
    assert read("group", GROUP).data == AccountFact("acme", RECEIVED)
    assert read("group", {**GROUP, "traits": {"tier": "silver", "plan": "gold"}}).data.tier == "silver"


def test_an_identify_call_states_facts_about_a_person_at_an_account() -> None:
    traits = {"firstName": "Ann", "lastName": "Lee", "email": "ann@example.com", "age": 40}

    assert read("identify", {**IDENTIFY, "traits": traits}).data == ContactFact(
        "acme", "ann", RECEIVED, "Ann Lee", "ann@example.com"
    )
    assert read("identify", {**IDENTIFY, "traits": {**traits, "name": "Dr. Lee"}}).data.name == "Dr. Lee"
    assert read("identify", {**IDENTIFY, "traits": {"title": None}}).data.title is None


def test_traits_may_stand_in_the_context_as_rudderstacks_sdks_write_them() -> None:
    inner = {"groupId": "acme", "traits": {"firstName": "Ann", "email": "ann@example.com"}}

    found = read("identify", {**IDENTIFY, "context": inner}).data
    assert found == ContactFact("acme", "ann", RECEIVED, "Ann", "ann@example.com")
    outer = {"traits": {"title": "Buyer"}}
    assert read_batch([{"type": "identify", **IDENTIFY}], context=outer)[0].data.title == "Buyer"
    both = read("identify", {**IDENTIFY, "context": inner, "traits": {"email": "lee@example.com"}}).data
    assert both == ContactFact("acme", "ann", RECEIVED, email="lee@example.com")
    assert read("track", {**TRACK, "context": {**inner, "traits": 7}}).data.account_id == "acme"


def test_ids_may_be_whole_numbers() -> None:
    used = read("track", {**TRACK, "userId": 7, "context": {"groupId": 42}}).data
    assert (used.user_id, used.account_id) == ("7", "42")
    assert read("group", {**GROUP, "groupId": 42}).data.account_id == "42"
    assert taught("group", {"groupId": 42, "anonymousId": 8})[0] == [Membership("anonymous:8", "42", RECEIVED)]
    assert taught("alias", {"userId": 7, "previousId": 9})[1][0] == Alias("9", "7", RECEIVED)


def test_a_call_without_an_id_gets_one_of_ours() -> None:
    nameless = {key: value for key, value in TRACK.items() if key != "messageId"}

    assert read("track", nameless).id != read("track", nameless).id


@pytest.mark.parametrize(
    ("kind", "change", "code", "pointer"),
    [
        ("track", {"context": {"groupId": "undefined"}}, "account-id-invalid", "/context/groupId"),
        ("track", {"userId": "[object Object]"}, "user-id-invalid", "/userId"),
        ("page", {"name": "x" * 500}, "name-invalid", "/name"),
        ("page", {"category": "a\u0000b"}, "nul-character", "/category"),
        ("alias", {"userId": None}, "user-missing", "/userId"),
        ("alias", {"previousId": None}, "previous-id-missing", "/previousId"),
        ("alias", {"previousId": "null"}, "user-id-invalid", "/previousId"),
        ("track", {"context": {"groupId": ""}}, "account-id-invalid", "/context/groupId"),
        ("track", {"context": {"groupId": "a\u0000b"}}, "account-id-invalid", "/context/groupId"),
        ("track", {"context": {"groupId": "x" * 201}}, "account-id-invalid", "/context/groupId"),
        ("track", {"context": {"groupId": 7.5}}, "value-invalid", "/context/groupId"),
        ("track", {"context": {"groupId": 0}}, "account-id-invalid", "/context/groupId"),
        ("track", {"userId": True}, "value-invalid", "/userId"),
        ("track", {"context": "acme"}, "value-invalid", "/context"),
        ("track", {"userId": None}, "user-missing", "/userId"),
        ("track", {"userId": ""}, "user-id-invalid", "/userId"),
        ("track", {"userId": ["ann"]}, "value-invalid", "/userId"),
        ("track", {"userId": None, "anonymousId": ""}, "user-id-invalid", "/anonymousId"),
        ("track", {"messageId": ""}, "event-id-invalid", "/messageId"),
        ("track", {"messageId": "x" * 100}, "event-id-invalid", "/messageId"),
        ("track", {"messageId": "a\u0000"}, "event-id-invalid", "/messageId"),
        ("track", {"messageId": 7}, "value-invalid", "/messageId"),
        ("track", {"event": None}, "event-missing", "/event"),
        ("track", {"event": ""}, "name-invalid", "/event"),
        ("track", {"event": "a\u0000"}, "name-invalid", "/event"),
        ("track", {"event": "x" * 501}, "name-invalid", "/event"),
        ("track", {"timestamp": "yesterday"}, "value-invalid", "/timestamp"),
        ("track", {"timestamp": 1_400_000_000}, "value-invalid", "/timestamp"),
        ("track", {"timestamp": "0001-01-01T00:00:00Z"}, "time-out-of-range", "/timestamp"),
        ("track", {"originalTimestamp": "1970-01-01T00:00:00Z"}, "time-out-of-range", "/originalTimestamp"),
        ("track", {"sentAt": "9999-12-31T23:59:59-12:00"}, "time-out-of-range", "/sentAt"),
        ("track", {"properties": ["a"]}, "value-invalid", "/properties"),
        ("track", {"properties": {"feature": "a\u0000"}}, "nul-character", "/properties"),
        ("track", {"properties": {"feature": "x" * 501}}, "name-invalid", "/properties/feature"),
        ("group", {"groupId": None}, "account-missing", "/groupId"),
        ("group", {"groupId": ""}, "account-id-invalid", "/groupId"),
        ("group", {"traits": {"name": ""}}, "name-invalid", "/traits/name"),
        ("group", {"traits": {"plan": 7}}, "value-invalid", "/traits/plan"),
        ("group", {"traits": {"timezone": "Mars/Olympus"}}, "zone-unknown", "/traits/timezone"),
        ("group", {"traits": []}, "value-invalid", "/traits"),
        ("identify", {"userId": None}, "user-missing", "/userId"),
        ("identify", {"traits": {"email": ["ann@example.com"]}}, "value-invalid", "/traits/email"),
        ("identify", {"context": {"traits": {"email": 7}}}, "value-invalid", "/context/traits/email"),
        ("identify", {"context": {"traits": []}}, "value-invalid", "/context/traits"),
    ],
)  # fmt: skip
def test_a_call_that_breaks_a_rule_is_refused_with_its_place(
    kind: str, change: dict[str, Any], code: str, pointer: str
) -> None:
    good = {"track": TRACK, "group": GROUP, "identify": IDENTIFY, "page": TRACK, "alias": ALIAS}[kind]
    with pytest.raises(Refused) as refusal:
        read(kind, {**good, **change})
    assert (refusal.value.code, refusal.value.pointer) == (code, pointer)

    with pytest.raises(BatchRefused) as refusals:
        read_batch([{"type": "track", **TRACK}, {"type": kind, **good, **change}])
    [only] = refusals.value.refusals
    assert (only.code, only.pointer) == (code, f"/batch/1{pointer}")


def test_a_call_has_at_most_32_kib() -> None:
    def call(size: int) -> dict[str, Any]:
        return {**TRACK, "type": "track", "properties": {"text": "x" * (size - length)}}

    length = len(stdlib.dumps({**TRACK, "type": "track", "properties": {"text": ""}}))
    assert read("track", call(32 * 1024)).id == "m1"
    assert len(read_batch([call(32 * 1024)] * 2)) == 2
    with pytest.raises(Refused, match="32768") as refusal:
        read("track", call(32 * 1024 + 1))
    assert refusal.value.code == "event-too-large"
    with pytest.raises(BatchRefused) as refusals:
        read_batch([call(1_000), call(32 * 1024 + 1)])
    assert [(one.code, one.pointer) for one in refusals.value.refusals] == [("event-too-large", "/batch/1")]


@pytest.mark.parametrize("size", [0, 30_000])
def test_a_batch_has_at_most_so_many_calls(size: int) -> None:
    few, track = Limits(events=3), {"type": "track", **TRACK, "properties": {"x": "x" * size}}
    assert len(read_batch([track] * 3, few, context={"groupId": "acme"})) == 3
    with pytest.raises(Refused) as refusal:
        read_batch([track] * 4, few)
    assert (refusal.value.code, refusal.value.pointer) == ("too-many-events", "/batch")


def test_what_the_batch_says_holds_for_calls_that_do_not_say_otherwise() -> None:
    track = {"type": "track", **TRACK, "timestamp": "2026-03-02T06:00:00Z"}
    ours, theirs, group = read_batch(
        [
            {**track, "context": {"page": {}}},
            {**track, "context": {"groupId": "other"}, "sentAt": "2026-03-02T09:00:00Z"},
            {"type": "group", **GROUP, "groupId": "third"},
        ],
        context={"groupId": "outer"},
        sentAt="2026-03-02T07:00:00Z",
    )

    assert [event.data.account_id for event in (ours, theirs, group)] == ["outer", "other", "third"]
    assert ours.time == datetime(2026, 3, 2, 8, tzinfo=UTC)  # the sender's clock is two hours behind
    assert theirs.time == datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["page", "screen"])
def test_a_page_or_a_screen_is_usage_under_segments_own_names(kind: str) -> None:
    what = kind.capitalize()
    seen = read(kind, {**TRACK, "name": "Pricing", "category": "Docs", "properties": {"url": "/p", "name": "mine"}})

    assert (seen.data.event, seen.data.feature) == (f"Viewed Pricing {what}", f"Viewed Pricing {what}")
    assert msgspec.json.decode(seen.data.properties) == {"category": "Docs", "url": "/p", "name": "mine"}
    assert read(kind, TRACK).data.event == f"Loaded a {what}"
    assert bytes(read(kind, {**TRACK, "name": "A"}).data.properties) == b'{"name":"A"}'


def test_a_call_without_an_account_is_left_to_attribution() -> None:
    for kind, call in (("track", TRACK), ("identify", IDENTIFY)):
        for context in (None, {}, {"groupId": None}):
            document = stdlib.dumps({**call, "context": context}).encode()
            stated, memberships, _ = segment.read_again(document, segment.around(kind), POLICY, RECEIVED, None)
            assert stated is not None
            assert (stated.data.account_id, memberships) == (NOBODYS, [])


def test_group_and_identify_say_who_belongs_where() -> None:
    ann, visitor = Membership("ann", "acme", RECEIVED), Membership("anonymous:a-1", "acme", RECEIVED)

    assert taught("group", {**GROUP, "anonymousId": "a-1"}) == ([ann, visitor], [])
    assert taught("group", {"groupId": "acme"}) == ([], [])
    assert taught("identify", IDENTIFY) == ([ann], [])
    assert taught("identify", {**IDENTIFY, "context": {}}) == ([], [])
    assert taught("track", TRACK) == ([], [])


def test_an_alias_says_which_ids_are_one_person() -> None:
    assert taught("alias", ALIAS) == ([], [Alias("a-1", "ann", RECEIVED), Alias("anonymous:a-1", "ann", RECEIVED)])
    unnamed = {"userId": "ann", "anonymousId": "a-1"}
    assert taught("alias", unnamed) == ([], [Alias("anonymous:a-1", "ann", RECEIVED)])


def test_a_call_of_a_batch_is_read_again_with_what_was_around_it() -> None:
    outer = segment.read_batch(
        b'{"batch": [], "context": {"groupId": "acme", "ip": "::1", "traits": {"title": "Buyer"}},'
        b' "sentAt": "2026-03-02T07:00:00Z"}',
        Limits(),
    )
    contact, _, _ = segment.read_again(
        b'{"type": "identify", "userId": "ann"}', segment.around(outer), POLICY, RECEIVED, "made"
    )
    assert contact is not None
    assert isinstance(contact.data, ContactFact)
    assert contact.data.title == "Buyer"
    document = b'{"type": "track", "event": "x", "userId": "ann", "timestamp": "2026-03-02T06:00:00Z"}'
    stated, _, _ = segment.read_again(document, segment.around(outer), POLICY, RECEIVED, "made")

    assert stated is not None
    assert (stated.id, stated.made_id, stated.data.account_id) == ("made", True, "acme")
    assert stated.occurred_at == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_types_that_do_not_exist_are_named() -> None:
    with pytest.raises(BatchRefused) as refusals:
        read_batch([{"type": kind, **TRACK} for kind in ("pages", "track", "delete", "Track", "")] + [TRACK, 7])

    found = [(one.code, one.pointer) for one in refusals.value.refusals]
    assert found == [
        *[("type-not-supported", f"/batch/{index}/type") for index in (0, 2, 3, 4, 5)],
        ("value-invalid", "/batch/6"),
    ]


@pytest.mark.parametrize("batch", [None, {}, "calls", 7])
def test_a_batch_is_a_list(batch: object) -> None:
    with pytest.raises(Refused) as refusal:
        read_batch(batch)  # type: ignore[arg-type]  # the case
    assert (refusal.value.code, refusal.value.pointer) == ("value-invalid", "/batch")


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=90).filter(
    lambda text: text.strip().lower() not in JUNK
)


@given(
    message=names, user=names, account=names, event=names,
    at=st.datetimes(datetime(2000, 1, 2), datetime(2026, 3, 2), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    properties=st.dictionaries(names, st.integers(-(2**60), 2**60) | names | st.none() | st.booleans()),
)  # fmt: skip
def test_nothing_of_a_call_is_lost_on_the_way(
    message: str, user: str, account: str, event: str, at: datetime, properties: dict[str, Any]
) -> None:
    call = {
        "type": "track", "messageId": message, "userId": user, "event": event, "timestamp": at.isoformat(),
        "context": {"groupId": account}, "properties": properties,
    }  # fmt: skip
    [found] = read_batch([call])

    assert (found.id, found.time) == (message, at)
    assert (found.data.account_id, found.data.user_id, found.data.event) == (account, user, event)
    assert msgspec.json.decode(found.data.properties) == properties
