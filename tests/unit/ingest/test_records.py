"""The quick way to write a record, and the general one."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.records import RecordWriter, Said
from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.ingest import AccountFact, ContactFact, UsageRecorded
from mainstay.messaging.port import Outgoing

PROPERTIES = msgspec.Raw(b'{"a": 1.0}')
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


def parts(record: Outgoing) -> tuple[str, str, bytes, list[tuple[str, bytes]]]:
    """All that is appended of a record; the order of headers means nothing."""
    return record.topic, record.key, record.value, sorted(record.all_headers())


@given(
    event_id=texts,
    source=texts,
    at=instants,
    data=st.builds(UsageRecorded, texts, texts, texts, instants, instants, st.none() | texts, st.just(PROPERTIES))
    | st.builds(AccountFact, texts, instants, name=texts | st.none(), zone=texts)
    | st.builds(ContactFact, texts, texts, instants, email=texts | st.none()),
)  # fmt: skip
def test_both_write_the_same(event_id: str, source: str, at: datetime, data: Said) -> None:
    event = Event(event_id, source, at, data, TRACE)
    assert parts(RecordWriter(source, TRACE)(event_id, at, data)) == parts(encode(event))


@pytest.mark.parametrize("microseconds", [0, 1, 100_000, 120_000, 999_999])
def test_fractions_of_a_second_are_written_the_same(microseconds: int) -> None:
    at = datetime(2026, 3, 2, 9, 0, 0, microseconds, tzinfo=UTC)
    fact = AccountFact("acme", at)

    assert parts(RecordWriter("s", TRACE)("e", at, fact)) == parts(encode(Event("e", "s", at, fact, TRACE)))
