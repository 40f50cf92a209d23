"""Events written as log records: what `mainstay.contracts.envelope.encode` makes, at the speed of the front door.

The two are compared by a test. This form takes 0.5 µs an event and the general one 3 µs, because it encodes once what
the events of a request share and writes times with msgspec.
"""

from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

import msgspec

from mainstay.contracts.envelope import JSON, SPECVERSION
from mainstay.contracts.facts import FACTS, Fact
from mainstay.contracts.ingest import UsageRecorded
from mainstay.messaging.port import Headers, Outgoing

Said: TypeAlias = UsageRecorded | Fact
"""What ingest says about an account."""

_encode = msgspec.json.Encoder().encode
_SPECVERSION = ("ce_specversion", SPECVERSION)
_CONTENT_TYPE = ("content-type", JSON)
_TOPICS = {data: data.TOPIC.name for data in (UsageRecorded, *FACTS)}


class RecordWriter:
    """Writes the records of one source within one trace."""

    __slots__ = ("_shared", "_source", "_trace")

    def __init__(self, source: str, traceparent: str) -> None:
        self._source = ("ce_source", source.encode())
        self._trace = ("traceparent", traceparent.encode())
        self._shared: dict[type[Said], Headers] = {}

    def __call__(self, event_id: str, occurred_at: datetime, data: Said) -> Outgoing:
        """The record of one event; `occurred_at` in UTC."""
        kind, account_id = type(data), data.account_id
        return Outgoing(
            _TOPICS[kind],
            account_id,
            _encode(data),
            (("ce_id", event_id.encode()), _subject(account_id), ("ce_time", _encode(occurred_at)[1:-1])),
            self._shared.get(kind) or self._shared_of(kind),
        )

    def _shared_of(self, kind: type[Said]) -> Headers:
        headers = (_SPECVERSION, self._source, ("ce_type", kind.TYPE.encode()), _CONTENT_TYPE, self._trace)
        self._shared[kind] = headers
        return headers


@lru_cache(maxsize=65_536)
def _subject(account_id: str) -> tuple[str, bytes]:
    """Remembered, because accounts repeat, and the same object over and over is met in the processor's cache."""
    return ("ce_subject", account_id.encode())
