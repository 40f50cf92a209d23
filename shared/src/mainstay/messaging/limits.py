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
        self._known: dict[str, tuple[bytes, int]] = {}

    def look_up(self, key: str) -> tuple[bytes, int]:
        """A key in UTF-8 and its hash as Kafka's own partitioner computes it. Raises `ValueError` for a bad key."""
        known = self._known.get(key)
        if known is None:
            if not key or "\x00" in key:
                raise ValueError("the key must not be empty nor contain NUL")
            encoded = key.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
            if len(encoded) > MAX_KEY_BYTES:
                raise ValueError(f"the key has {len(encoded)} bytes, {MAX_KEY_BYTES} are allowed")
            if len(self._known) >= self._remembered:
                self._known.clear()
            known = self._known[key] = (encoded, murmur2(encoded) & 0x7FFF_FFFF)
        return known


def check(records: Sequence[Outgoing], keys: Keys) -> None:
    """Raise `RecordRefused` for the first record that breaks a limit."""
    for index, record in enumerate(records):
        if len(record.value) > MAX_VALUE_BYTES:
            raise RecordRefused(index, f"the value has {len(record.value)} bytes, {MAX_VALUE_BYTES} are allowed")
        try:
            keys.look_up(record.key)
            if record.headers:
                _check_headers(record.headers, record.topic)
        except ValueError as error:
            raise RecordRefused(index, str(error)) from None


def _check_headers(headers: Headers, topic: str) -> None:
    size = 0
    for name, value in headers:  # a plain loop takes a third of what generators take, and this is done for each record
        size += len(name) + len(value)
        if not name.isascii():
            raise ValueError("the names of headers must be ASCII")
    if len(headers) <= MAX_HEADERS and size <= MAX_HEADERS_BYTES:
        return
    is_dead_letter = topic.endswith(".dead-letter")
    most = MAX_HEADERS + DEAD_LETTER_HEADERS * is_dead_letter
    if len(headers) > most:
        raise ValueError(f"{len(headers)} headers, {most} are allowed")
    most = MAX_HEADERS_BYTES + DEAD_LETTER_BYTES * is_dead_letter
    if size > most:
        raise ValueError(f"the headers have more than {most} bytes")
