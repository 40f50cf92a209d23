"""JSON that strangers wrote, and what is refused of it."""

import json as stdlib
import tracemalloc
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.api import json
from ingest.domain.limits import Limits
from ingest.domain.refusal import Refused

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
documents = st.dictionaries(
    texts,
    st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20),
    max_size=5,
)


@given(documents)
def test_what_a_sender_attached_is_read_as_it_was_written(document: dict[str, Any]) -> None:
    written = stdlib.dumps(document, ensure_ascii=False).encode()

    json.check_text(written)
    assert json.read_object(msgspec.Raw(written), "") == document


def test_null_and_an_empty_object_say_nothing() -> None:
    assert json.read_object(msgspec.Raw(b"null"), "") == {}
    assert json.read_object(msgspec.Raw(b"{}"), "") == {}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (b"[1]", "value-invalid"),
        (b'"text"', "value-invalid"),
        (b'{"a": 1e400}', "value-invalid"),
        (b'{"a": ' + b"7" * 5_000 + b"}", "value-invalid"),
        (b'{"a": NaN}', "malformed-json"),
        (b'{"a": "\\ud800"}', "malformed-json"),
        (b'{"a": "\xff"}', "not-utf-8"),
        (b'{"a": "nul \\u0000"}', "nul-character"),
        (b'{"nul \\u0000": 1}', "nul-character"),
        (b'{"a": [[{"b": "\\u0000"}]]}', "nul-character"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "too-deep"),
        (b'{"a": ' * 64 + b"{}" + b"}" * 64, "too-deep"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too-deep"),
    ],
)
def test_what_a_database_could_not_keep_is_refused(written: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        json.read_object(msgspec.Raw(written), "/properties")

    assert (refusal.value.code, refusal.value.pointer) == (code, "/properties")


@pytest.mark.parametrize(
    "written",
    [
        b'{"a": "a backslash, then u0000: \\\\u0000"}',
        b'{"a": ' + b"[" * 63 + b"]" * 63 + b"}",
        b'{"a": [' + b",".join([b"{}"] * 500) + b"]}",
    ],
)
def test_what_only_looks_like_it_is_taken(written: bytes) -> None:
    assert json.read_object(msgspec.Raw(written), "") == stdlib.loads(written)


class Inner(msgspec.Struct):
    id: str


class Outer(msgspec.Struct):
    inner: Inner
    many: list[int] = []


@pytest.mark.parametrize(
    ("written", "code", "pointer"),
    [
        (b"", "malformed-json", ""),
        (b"{", "malformed-json", ""),
        (b'{"inner": {"id": "a"}} {}', "malformed-json", ""),
        (b"\xef\xbb\xbf{}", "malformed-json", ""),
        (b"[]", "value-invalid", ""),
        (b"{}", "value-invalid", ""),
        (b'{"inner": {"id": 7}}', "value-invalid", "/inner/id"),
        (b'{"inner": {"id": "a"}, "many": [1, "2"]}', "value-invalid", "/many/1"),
        (b'{"inner": {"id": "\xff"}}', "not-utf-8", ""),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too-deep", ""),
    ],
)
def test_a_broken_document_is_refused_with_its_place(written: bytes, code: str, pointer: str) -> None:
    with pytest.raises(Refused) as refusal:
        json.read(msgspec.json.Decoder(Outer), written)

    assert (refusal.value.code, refusal.value.pointer) == (code, pointer)


def test_text_that_is_not_utf_8_is_found_where_nothing_reads_it() -> None:
    json.check_text('{"unread": "naïve"}'.encode())
    for broken in (b'{"unread": "\xff"}', b'{"unread": "\xe2\x82', "{}".encode("utf-16")):
        with pytest.raises(Refused) as refusal:
            json.check_text(broken)
        assert refusal.value.code == "not-utf-8"


@pytest.mark.parametrize("pad", [1, json.CUT_FREELY])
def test_as_many_items_are_cut_as_there_may_be_events(pad: int) -> None:
    last = b'"' + b"x" * pad + b'"'

    items = json.read_items(b'[{"a": 1}, 2, ' + last + b"]", Limits(events=3))
    assert [bytes(item) for item in items] == [b'{"a": 1}', b"2", last]

    with pytest.raises(Refused, match="at most 3 events") as refusal:
        json.read_items(b"[1, 2, 3, " + last + b"]", Limits(events=3))
    assert refusal.value.code == "too-many-events"
    with pytest.raises(Refused) as refusal:
        json.read_items(b"[1, 2, 3, 4, " + last + b",]", Limits(events=3))
    assert refusal.value.code == "malformed-json"


def test_items_that_are_too_many_cost_no_memory() -> None:
    document = b"[" + b"1," * 2_000_000 + b"1]"
    with suppress(Refused):
        json.read_items(document, Limits())  # what is made at the first use is no growth
    tracemalloc.start()
    try:
        with pytest.raises(Refused):
            json.read_items(document, Limits())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < len(document) // 4
