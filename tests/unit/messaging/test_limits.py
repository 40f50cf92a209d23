"""What a record may be, and which partition its key goes to."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from mainstay.messaging.limits import MAX_HEADERS, MAX_HEADERS_BYTES, Keys, check
from mainstay.messaging.open import open_log
from mainstay.messaging.port import MAX_VALUE_BYTES, Outgoing, RecordRefused


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=50))
def test_keys_go_where_kafkas_own_partitioner_sends_them(key: str) -> None:
    encoded, key_hash = Keys().look_up(key)
    assert encoded == key.encode()
    assert key_hash % 12 == DefaultPartitioner()(encoded, list(range(12)), [])


def test_a_full_memory_of_keys_begins_anew() -> None:
    keys = Keys(remembered=2)
    first = keys.look_up("a")
    for key in "bcd":
        keys.look_up(key)
    assert keys.look_up("a") == first


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Outgoing("t", "", b""), "key"),
        (Outgoing("t", "a\x00", b""), "NUL"),
        (Outgoing("t", "é" * 501, b""), "1002 bytes"),
        (Outgoing("t", "a", b"x" * (MAX_VALUE_BYTES + 1)), "900001 bytes"),
        (Outgoing("t", "a", b"", (("h", b""),) * (MAX_HEADERS + 1)), "headers"),
        (Outgoing("t", "a", b"", (("h", b"x" * MAX_HEADERS_BYTES),)), "headers"),
        (Outgoing("t", "a", b"", (("ü", b""),)), "ASCII"),
        (Outgoing("t", "a", b"", (("h", b""),), (("h", b""),) * MAX_HEADERS), "headers"),
        (Outgoing("t", "a", b"", (("h", b"x"),), (("h", b"x" * (MAX_HEADERS_BYTES - 2)),)), "headers"),
        (Outgoing("t", "a", b"", (), (("ü", b""),)), "ASCII"),
    ],
)
def test_a_record_over_a_limit_is_named_with_its_reason(record: Outgoing, reason: str) -> None:
    with pytest.raises(RecordRefused, match=reason) as refused:
        check([Outgoing("t", "a", b""), record], Keys())
    assert refused.value.index == 1


def test_a_largest_record_still_fits_as_a_dead_letter() -> None:
    headers = (("h", b"x" * (MAX_HEADERS_BYTES - 1)),)
    letter = (*headers, ("dead-letter-reason", b"r" * 4_000), ("dead-letter-topic", b"usage-events"))
    check([Outgoing("group.dead-letter", "a", b"x" * MAX_VALUE_BYTES, letter)], Keys())


@pytest.mark.parametrize("url", ["mysql://x", "localhost:9092", ""])
def test_another_scheme_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="postgresql:// or kafka://"):
        open_log(url, client_name="test")
