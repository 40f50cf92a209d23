"""Raw events as COPY reads them, in its binary form (PostgreSQL's manual: COPY, binary format).

asyncpg writes the same for tuples, with instants as datetimes; with making the tuples that takes about twice the CPU
time. Every event of every account goes this way.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from struct import Struct
from typing import Final

from health_score.application.uses import Use

COLUMNS: Final = (
    "account_no",
    "user_no",
    "feature_no",
    "occurred_at",
    "received_at",
    "event_id",
    "source",
    "event",
    "received_week",
    "properties",
)

CHUNK: Final = 1 << 16
"""Bytes, about. The server stores one while the next is written."""

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no further header
_END: Final = b"\xff\xff"
_NULL: Final = -1

# The number of fields; each is its length in bytes and its value. Where there is no user, that is its length alone.
_HEAD: Final = Struct("!hiiiiiiiqiqi").pack
_HEAD_OF_NOBODY: Final = Struct("!hiiiiiiqiqi").pack
_LENGTH: Final = Struct("!i").pack
_DATE: Final = Struct("!ii").pack

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL counts from here: microseconds for instants, days for dates."""


def chunks_of(week: date, uses: Iterable[Use]) -> Iterator[bytes]:
    """Uses that were received in a week (its Monday) with `COLUMNS`, in pieces.

    A text with U+0000 is PostgreSQL's to refuse. Raises `UnicodeEncodeError` for one with a lone surrogate.
    """
    written, width = bytearray(_SIGNATURE), len(COLUMNS)
    received_week = _DATE(4, (week - _EPOCH.date()).days)
    names: dict[tuple[str, str], bytes] = {}  # the same few sources and events again and again
    for use in uses:
        event, account, user, feature = use.event, use.account_no, use.user, use.feature
        event_id, properties = event.id.encode(), use.properties
        since = event.occurred_at - _EPOCH
        occurred = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        since = event.received_at - _EPOCH
        received = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        name = (event.source, event.event)
        if (named := names.get(name)) is None:
            named = names[name] = b"".join(map(_field, name)) + received_week
        size = len(event_id)
        if user is None:
            written += _HEAD_OF_NOBODY(width, 4, account, _NULL, 4, feature, 8, occurred, 8, received, size)
        else:
            written += _HEAD(width, 4, account, 4, user, 4, feature, 8, occurred, 8, received, size)
        written += b"".join((event_id, named, _LENGTH(len(properties)), properties))
        if len(written) > CHUNK:
            yield bytes(written)
            written.clear()
    yield bytes(written + _END)


def _field(text: str) -> bytes:
    stored = text.encode()
    return _LENGTH(len(stored)) + stored
