"""Events written as log records: what `mainstay.contracts.envelope.encode` makes, at the speed of the front door.

The two are compared by a test. This form takes 0.5 µs an event and the general one 3 µs, because it encodes once what
the events of a request share and writes times with msgspec.
"""

from datetime import datetime
from typing import TypeAlias

import msgspec

from mainstay.contracts.envelope import JSON, SPECVERSION
from mainstay.contracts.facts import FACTS, Fact
from mainstay.contracts.ingest import UsageRecorded
from mainstay.messaging.port import Outgoing

Said: TypeAlias = UsageRecorded | Fact
"""What ingest says about an account."""

_encode = msgspec.json.Encoder().encode
_SPECVERSION = ("ce_specversion", SPECVERSION)
_CONTENT_TYPE = ("content-type", JSON)
_KINDS = {data: (data.TOPIC.name, ("ce_type", data.TYPE.encode())) for data in (UsageRecorded, *FACTS)}


class RecordWriter:
    """Writes the records of one source within one trace."""

    __slots__ = ("_source", "_subjects", "_trace")

    def __init__(self, source: str, traceparent: str) -> None:
        self._source = ("ce_source", source.encode())
        self._trace = ("traceparent", traceparent.encode())
        self._subjects: dict[str, tuple[str, bytes]] = {}

    def __call__(self, event_id: str, occurred_at: datetime, data: Said) -> Outgoing:
        """The record of one event; `occurred_at` in UTC."""
        topic, ce_type = _KINDS[type(data)]
        account_id = data.account_id
        subject = self._subjects.get(account_id)
        if subject is None:
            subject = self._subjects[account_id] = ("ce_subject", account_id.encode())
        return Outgoing(
            topic,
            account_id,
            _encode(data),
            (
                _SPECVERSION,
                ("ce_id", event_id.encode()),
                self._source,
                ce_type,
                subject,
                ("ce_time", _encode(occurred_at)[1:-1]),
                _CONTENT_TYPE,
                self._trace,
            ),
        )
