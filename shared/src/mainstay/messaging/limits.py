"""What a record may be, on every transport: checked before anything of a call is appended."""

from collections.abc import Sequence

from aiokafka.partitioner import murmur2

from mainstay.messaging.port import MAX_VALUE_BYTES, Headers, Outgoing, RecordRefused

MAX_KEY_BYTES = 1_000
"""Longer than any account id (200 characters) in UTF-8."""

MAX_HEADERS = 50
MAX_HEADERS_BYTES = 16_000
"""Names and values together; value, key and headers then fit Kafka's batch of 1 MiB."""

DEAD_LETTER_HEADERS = 10
DEAD_LETTER_BYTES = 8_000
"""What a dead letter may have on top, so that whatever was taken once can be put aside."""


class Keys:
    """Keys as bytes and their hash, remembered: Kafka's murmur2 in Python costs 2.4 µs, a look-up 0.1 µs."""

    def __init__(self, remembered: int = 100_000) -> None:
        """Remember at most that many keys; then begin anew."""
        self._remembered = remembered
        self.known: dict[str, tuple[bytes, int]] = {}
        """What `look_up` has answered, for a loop that cannot afford the call."""

    def look_up(self, key: str) -> tuple[bytes, int]:
        """A key in UTF-8 and its hash as Kafka's own partitioner computes it. Raises `ValueError` for a bad key."""
        known = self.known.get(key)
        if known is None:
            if not key or "\x00" in key:
                raise ValueError("the key must not be empty nor contain NUL")
            encoded = key.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
            if len(encoded) > MAX_KEY_BYTES:
                raise ValueError(f"the key has {len(encoded)} bytes, {MAX_KEY_BYTES} are allowed")
            if len(self.known) >= self._remembered:
                self.known.clear()
            known = self.known[key] = (encoded, murmur2(encoded) & 0x7FFF_FFFF)
        return known


def check(records: Sequence[Outgoing], keys: Keys) -> list[tuple[bytes, int]]:
    """Each record's key as bytes and its hash. Raises `RecordRefused` for the first record that breaks a limit.

    One loop with few calls, because each event of ingest passes through it; what it answers spares the transport a
    second look-up.
    """
    looked_up: list[tuple[bytes, int]] = []
    known = keys.known
    shared: Headers = ()
    shared_size, is_shared_ascii = 0, True
    for index, record in enumerate(records):
        if len(record.value) > MAX_VALUE_BYTES:
            raise RecordRefused(index, f"the value has {len(record.value)} bytes, {MAX_VALUE_BYTES} are allowed")
        if record.shared is not shared:
            shared = record.shared
            shared_size, is_shared_ascii = 0, True
            for name, value in shared:
                shared_size += len(name) + len(value)
                is_shared_ascii = is_shared_ascii and name.isascii()
        size, is_ascii, count = shared_size, is_shared_ascii, len(shared) + len(record.headers)
        try:
            for name, value in record.headers:
                size += len(name) + len(value)
                is_ascii = is_ascii and name.isascii()
            if not is_ascii or size > MAX_HEADERS_BYTES or count > MAX_HEADERS:
                _check_headers(count, size, record.topic, is_ascii=is_ascii)
            looked_up.append(known.get(record.key) or keys.look_up(record.key))
        except ValueError as error:
            raise RecordRefused(index, str(error)) from None
    return looked_up


def _check_headers(count: int, size: int, topic: str, *, is_ascii: bool) -> None:
    if not is_ascii:
        raise ValueError("the names of headers must be ASCII")
    is_dead_letter = topic.endswith(".dead-letter")
    most = MAX_HEADERS + DEAD_LETTER_HEADERS * is_dead_letter
    if count > most:
        raise ValueError(f"{count} headers, {most} are allowed")
    most = MAX_HEADERS_BYTES + DEAD_LETTER_BYTES * is_dead_letter
    if size > most:
        raise ValueError(f"the headers have more than {most} bytes")
