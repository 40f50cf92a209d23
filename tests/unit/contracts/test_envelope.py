"""Every declared event travels through the log and back unchanged, in CloudEvents' binary mode."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import inspect

from mainstay.contracts import alerts, facts, health_score, ingest, privacy, renewals, sources
from mainstay.contracts.envelope import Decoder, Event, EventData, UnreadableEvent, encode, rfc3339
from mainstay.contracts.ingest import AccountFact, UsageRecorded
from mainstay.contracts.topics import TOPICS
from mainstay.messaging.port import Record

OWNERS = (ingest, facts, privacy, sources, health_score, renewals, alerts)
DECLARED: tuple[type[Any], ...] = tuple(event for owner in OWNERS for event in owner.EVENTS)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


SIMPLE: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
    inspect.StrType: words,
    inspect.BoolType: st.booleans(),
    inspect.IntType: st.integers(0, 10**9),
    inspect.FloatType: st.floats(0, 1e9),
    inspect.DecimalType: st.decimals(Decimal(0), Decimal(10**9), places=2).map(str),
    inspect.DateTimeType: instants.map(rfc3339),
    inspect.DateType: st.dates().map(date.isoformat),
    inspect.RawType: st.dictionaries(words, st.integers(0, 9), max_size=2),
    inspect.AnyType: st.integers(0, 9),
    inspect.NoneType: st.none(),
}


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """JSON-like values of a type, as a sender would write them."""
    match kind:
        case inspect.Metadata(type=plain):
            return values(plain)
        case inspect.StrType(pattern=str() as pattern, min_length=shortest, max_length=longest):
            fitting = st.from_regex(pattern.removesuffix(r"\Z"), fullmatch=True)
            return fitting.filter(lambda word: (shortest or 0) <= len(word) <= (longest or 1_000))
        case inspect.IntType(ge=least, le=most) | inspect.FloatType(ge=least, le=most) if least is not None:
            return st.integers(int(least), int(most if most is not None else 10**9))
        case inspect.LiteralType(values=allowed):
            return st.sampled_from(list(allowed))
        case inspect.UnionType(types=types):
            return st.one_of([values(each) for each in types])
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=3)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(values(key), values(value), max_size=3)
        case inspect.StructType(fields=fields):
            required = {field.encode_name: values(field.type) for field in fields if field.required}
            optional = {field.encode_name: values(field.type) for field in fields if not field.required}
            return st.fixed_dictionaries(required, optional=optional)
        case _:
            return SIMPLE[type(kind)]


def record_of(event: Event[Any]) -> Record:
    outgoing = encode(event)
    return Record(outgoing.topic, 0, 0, outgoing.key, outgoing.value, outgoing.headers, NOON)


@pytest.mark.parametrize("data_type", DECLARED, ids=lambda each: each.__name__)
@given(data=st.data())
def test_an_event_comes_back_as_it_went(data_type: type[EventData], data: st.DataObject) -> None:
    stated = data.draw(values(inspect.type_info(data_type)))
    try:
        sample = msgspec.json.decode(msgspec.json.encode(stated), type=data_type)
    except msgspec.ValidationError as error:
        assume(str(error).startswith("Expected"))  # else a rule between fields, which single values cannot know
        raise
    event = Event("e1", "mainstay/test", data.draw(instants), sample)
    came_back = Decoder(data_type)(record_of(event))
    assert came_back is not None
    assert (came_back.id, came_back.source, came_back.time) == (event.id, event.source, event.time)
    assert msgspec.json.encode(came_back.data) == msgspec.json.encode(sample)


def test_types_are_versioned_and_each_has_one_topic() -> None:
    names = [each.TYPE for each in DECLARED]
    assert len(set(names)) == len(names)
    assert all(name.startswith("mainstay.") and name.rpartition(".")[2] == "v1" for name in names)
    assert {each.TOPIC for each in DECLARED} <= set(TOPICS)


def test_attributes_are_headers_and_the_account_is_the_key() -> None:
    fact = AccountFact(account_id="acme", occurred_at=NOON, owner=None)
    outgoing = encode(Event("e1", "crm", NOON, fact, traceparent=f"00-{'a' * 32}-{'b' * 16}-01"))
    assert (outgoing.topic, outgoing.key) == ("customer-signals", "acme")
    assert dict(outgoing.headers) == {
        "ce_specversion": b"1.0", "ce_id": b"e1", "ce_source": b"crm", "ce_type": b"mainstay.customer.account.v1",
        "ce_subject": b"acme", "ce_time": b"2026-03-01T12:00:00Z", "content-type": b"application/json",
        "traceparent": b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",
    }  # fmt: skip
    assert msgspec.json.decode(outgoing.value) == {
        "account_id": "acme", "occurred_at": "2026-03-01T12:00:00Z", "owner": None,
    }  # fmt: skip


def test_what_was_not_stated_differs_from_what_was_withdrawn() -> None:
    decode = Decoder(AccountFact)
    fact = decode(record_of(Event("e1", "crm", NOON, AccountFact(account_id="acme", occurred_at=NOON, owner=None))))
    assert fact is not None
    assert fact.data.owner is None
    assert fact.data.tier is msgspec.UNSET


def test_events_of_other_types_are_nobodys_business() -> None:
    event = Event("e1", "crm", NOON, AccountFact(account_id="acme", occurred_at=NOON))
    assert Decoder(UsageRecorded)(record_of(event)) is None


GOOD = dict(encode(Event("e1", "crm", NOON, AccountFact(account_id="acme", occurred_at=NOON))).headers)


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ({name: value for name, value in GOOD.items() if name != "ce_id"}, b"{}"),
        ({name: value for name, value in GOOD.items() if name != "ce_type"}, b"{}"),
        (GOOD | {"ce_time": b"yesterday"}, b'{"account_id": "acme", "occurred_at": "2026-03-01T12:00:00Z"}'),
        (GOOD | {"ce_id": b"\xff"}, b'{"account_id": "acme", "occurred_at": "2026-03-01T12:00:00Z"}'),
        (GOOD, b""),
        (GOOD, b"{}"),
        (GOOD, b'{"account_id": 7, "occurred_at": "2026-03-01T12:00:00Z"}'),
        (GOOD, b'{"account_id": "acme", "occurred_at": "2026-03-01T12:00:00Z", "name": "\xff"}'),
        (GOOD, b"[" * 100_000),
    ],
)
def test_what_is_no_such_event_cannot_be_read(headers: dict[str, bytes], value: bytes) -> None:
    with pytest.raises(UnreadableEvent):
        Decoder(AccountFact)(Record("customer-signals", 0, 0, "acme", value, tuple(headers.items()), NOON))


def test_a_field_of_a_later_version_is_no_obstacle() -> None:
    value = b'{"account_id": "acme", "occurred_at": "2026-03-01T12:00:00Z", "mood": "good"}'
    event = Decoder(AccountFact)(Record("customer-signals", 0, 0, "acme", value, tuple(GOOD.items()), NOON))
    assert event is not None
    assert event.data.account_id == "acme"
