"""Any JSON value, and what only looks like one, as a body on every hot route of ingest: 2xx or 4xx, soon, never 5xx."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.hot_routes import ways_in
from tests.e2e.ingest_process import ingest_process

EXAMPLES = 40
"""Each is sent in every way."""
HOT = {
    *("/v1/track", "/v1/identify", "/v1/group", "/v1/page", "/v1/screen", "/v1/alias", "/v1/batch", "/v1/import"),
    *("/v1/events", "/sa", "/pixel.gif"),
}
ANSWER_WITHIN = 5.0
"""Seconds; the machine of a test run is busy with others."""
FIELDS = [
    *("batch", "type", "messageId", "userId", "anonymousId", "groupId", "event", "timestamp", "sentAt", "context"),
    *("properties", "traits", "writeKey", "previousId", "specversion", "id", "source", "time", "data", "data_base64"),
    *("datacontenttype", "subject", "account_id", "occurred_at", "distinct_id", "features", "minutes", "amount"),
]
TEXTS = [
    *("track", "identify", "group", "page", "screen", "alias", "acme", "null", "undefined", "[object Object]", ""),
    *("2026-03-01T09:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999-23:59", "2026-02-30", "1e400"),
    *("1.0", "mainstay.usage.recorded.v1", "mainstay.customer.account.v1", "mainstay.customer.feedback.v1", "\0"),
    *("\ud800", "\udc00\ud800", "\u2028", "\x7f", "x" * 600),
]
NO_VALUES = [
    *("NaN", "Infinity", "-Infinity", "nan", "-", "01", "1.", ".5", "+1", "1e999", "-1e999", "1e-999", "-0", "0x10"),
    *(
        "9" * 5_000,
        "-" + "9" * 400,
        "0." + "1" * 5_000,
        "1e" + "9" * 5_000,
        '"\\u12"',
        '"\\ud83d"',
        "'a'",
        "",
        "undefined",
    ),
    *("[1,]", '{"a":1,}', '{"a"}', "//", "[" * 2_000, '{"a":' * 2_000, '"\x01"', '"'),
]

Document: TypeAlias = str


def array(items: list[Document]) -> Document:
    return f"[{','.join(items)}]"


def an_object(members: list[tuple[str, Document]]) -> Document:
    """Names may occur twice."""
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members) + "}"


def nested(inner: Document, depth: int, *, objects: bool) -> Document:
    return ('{"a":' if objects else "[") * depth + inner + ("}" if objects else "]") * depth


names = st.sampled_from(FIELDS) | st.text(max_size=8)
texts = (st.sampled_from(TEXTS) | st.text(st.characters(), max_size=20)).flatmap(
    lambda text: st.sampled_from([json.dumps(text), json.dumps(text, ensure_ascii=False)])
)
numbers = (st.integers() | st.floats(allow_nan=False, allow_infinity=False)).map(json.dumps)
huge = st.integers(20, 6_000).map(lambda digits: "7" * digits)
leaves = st.sampled_from(["null", "true", "false"]) | texts | numbers | huge | st.sampled_from(NO_VALUES)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4).map(array) | st.lists(st.tuples(names, inner), max_size=6).map(an_object),
    max_leaves=20,
)
deep = st.builds(nested, values, st.integers(1, 50_000), objects=st.booleans())


def call(any_value: st.SearchStrategy[Document]) -> st.SearchStrategy[Document]:
    """What looks like a call or an event, with anything in some of its fields."""
    whole = {
        "type": '"track"',
        "messageId": '"m1"',
        "userId": '"ann"',
        "event": '"Opened"',
        "context": '{"groupId":"acme"}',
        "specversion": '"1.0"',
        "id": '"e1"',
        "source": '"urn:tests"',
        "data": '{"account_id":"acme","event":"Opened","user_id":"ann"}',
    }
    return st.lists(st.tuples(names, any_value), max_size=4).map(
        lambda changes: an_object([*({**whole, **dict(changes)}.items()), *changes[:1]])
    )


calls = call(values | deep)
batches = st.lists(calls | values, max_size=3).map(lambda items: an_object([("batch", array(items))]))
arrays = st.lists(calls | values, max_size=3).map(array)
documents = (values | deep | calls | batches | arrays).map(lambda it: it.encode("utf-8", "surrogatepass"))


@pytest.mark.timeout(240)
def test_any_json_is_taken_or_refused_soon(migrated_url: str, tmp_path: Path) -> None:
    with ingest_process(migrated_url, tmp_path) as ingest:
        ways = [way for way in ways_in(ingest.http) if way.path.rstrip("/") in HOT]

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
        @given(documents)
        def taken_or_refused(document: bytes) -> None:
            for way in ways:
                began = time.monotonic()
                answer = way.send(ingest.http, document)
                took = time.monotonic() - began
                told = f"{way.name}: {answer.status_code} after {took:.1f} s: {answer.text[:300]}"
                assert 200 <= answer.status_code < 300 or 400 <= answer.status_code < 500, told
                assert took < ANSWER_WITHIN, told

        run: Callable[[], None] = taken_or_refused
        run()
        assert ingest.failures() == []
        assert ingest.http.get("/readyz").status_code == 200
