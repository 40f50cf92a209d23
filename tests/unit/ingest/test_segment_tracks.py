"""Batches read at once say what they say read call by call."""

import json as standard_json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.api import segment
from ingest.api.segment_tracks import read_tracks
from ingest.domain.limits import Limits

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TRACK: dict[str, Any] = {
    "type": "track",
    "messageId": "m1",
    "userId": "ann",
    "event": "Report Opened",
    "timestamp": "2026-03-01T09:00:00Z",
    "context": {"groupId": "acme"},
    "properties": {"feature": "reports"},
}
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["track", "identify", "page", "poke", None]),
    "messageId": st.sampled_from(["m1", "", "x" * 100, "a\u0000b", None]),
    "userId": st.sampled_from(["ann", "null", "", "x" * 201, 7, None]),
    "anonymousId": st.sampled_from(["visitor", None]),
    "event": st.sampled_from(["Report Opened", "", "a\nb", None]),
    "timestamp": st.sampled_from(
        ["2026-03-01T09:00:00Z", "2026-03-01T10:00:00+02:00", "2026-03-01T09:00:00", "1970-01-01T00:00:00Z", None]
    ),
    "originalTimestamp": st.sampled_from(["2026-02-28T09:00:00Z", "2027-03-01T09:00:00Z", None]),
    "sentAt": st.sampled_from(["2026-03-02T08:00:00Z", None]),
    "context": st.sampled_from(
        [{"groupId": "acme"}, {"groupId": ""}, {"groupId": "undefined"}, {"groupId": 7}, {}, None]
    ),
    "properties": st.sampled_from(
        [{"feature": "reports"}, {"feature": ""}, {"feature": 1}, {"feature": "a\u0000b"}, {"x": [[{}]]}, {}, None]
    )
    | st.integers(60, 70).map(lambda depth: standard_json.loads('{"x":' + "[" * depth + "]" * depth + "}")),
}
CALLS = st.fixed_dictionaries({}, optional=MEMBERS).map(lambda stated: {**TRACK, **stated})


def batch_of(calls: list[dict[str, Any]], **outer: Any) -> tuple[bytes, segment.BatchOfCalls]:
    body = msgspec.json.encode({"batch": calls, **outer})
    return body, segment.read_batch(body, Limits())


def reader(batch: segment.BatchOfCalls) -> segment.Calls:
    return segment.Calls("product", Limits(event_bytes=600), NOW, batch.sent_at, batch.context)


@given(
    calls=st.lists(st.just(TRACK) | CALLS, max_size=4),
    sent_at=st.sampled_from(["2026-03-02T09:00:00Z", "2026-03-02T08:00:00Z", None]),
    context=st.sampled_from([{"groupId": "outer"}, None]),
)
def test_what_is_read_at_once_is_what_each_call_says(
    calls: list[dict[str, Any]], sent_at: str | None, context: dict[str, Any] | None
) -> None:
    body, batch = batch_of(calls, sentAt=sent_at, context=context)

    at_once = read_tracks(body, batch.batch, reader(batch))

    if at_once is not None:
        one_by_one = reader(batch)
        assert at_once == [one_by_one.read(item) for item in batch.batch]
        assert not one_by_one.memberships
        assert not one_by_one.aliases


def test_a_batch_of_plain_calls_is_read_at_once() -> None:
    later = (NOW - timedelta(seconds=5)).isoformat()
    calls = [TRACK, {**TRACK, "messageId": "m2", "timestamp": later, "properties": {"note": "\\"}}]
    body, batch = batch_of(calls, sentAt=NOW.isoformat())
    assert read_tracks(body, batch.batch, reader(batch)) is not None


@pytest.mark.parametrize(
    "unusual",
    [
        {"userId": None, "anonymousId": "visitor"},
        {"context": {}},
        {"type": "identify"},
        {"properties": {"x": "y" * 600}},
        {"timestamp": "2026-03-01T10:00:00+02:00"},
        {"messageId": None},
    ],
)
def test_what_is_not_plain_is_left_to_be_read_call_by_call(unusual: dict[str, Any]) -> None:
    body, batch = batch_of([TRACK, {**TRACK, **unusual}])
    assert read_tracks(body, batch.batch, reader(batch)) is None
