"""The routes of the Segment protocol: all or nothing, and success is exactly 200 `{"success":true}`."""

from collections.abc import Mapping, Sequence
from functools import partial

from ingest.api import segment
from ingest.api.access import Access
from ingest.api.answers import SUCCESS, Answer, refused
from ingest.api.front import HotRoute, Request
from ingest.api.tracing import trace_id
from ingest.application import Append
from ingest.domain.limits import Limits
from ingest.domain.refusal import Refused
from ingest.metrics import IngestMetrics
from ingest.records import RecordWriter
from mainstay.kernel.clock import Clock
from mainstay.messaging.port import Outgoing
from mainstay.web.keys import ApiKey

PROTOCOL = "segment"


class SegmentRoutes:
    """track, identify, group and batch."""

    def __init__(self, append: Append, access: Access, limits: Limits, clock: Clock, metrics: IngestMetrics) -> None:
        self._append, self._access, self._limits, self._clock, self._metrics = append, access, limits, clock, metrics

    def table(self) -> Mapping[str, HotRoute]:
        """Path -> route."""
        calls = {f"/v1/{kind}": partial(self._call, kind) for kind in segment.KINDS}
        return {**calls, "/v1/batch": self._batch}

    async def _call(self, kind: str, request: Request) -> Answer:
        try:
            call = segment.read_call(request.body, self._limits)
            key = request.key or self._access.of_body(call.write_key)
            write = RecordWriter(key.source, request.traceparent)
            record = segment.call_record(call, kind, self._clock.now(), write)
        except Refused as one:
            self._metrics.refused(PROTOCOL, one.code)
            raise
        return await self._durable([record], key)

    async def _batch(self, request: Request) -> Answer:
        try:
            batch = segment.read_batch(request.body, self._limits)
            key = request.key or self._access.of_body(batch.write_key)
            write = RecordWriter(key.source, request.traceparent)
            records = segment.batch_records(batch, self._limits, self._clock.now(), write)
        except Refused as one:
            self._metrics.refused(PROTOCOL, one.code)
            raise
        except segment.BatchRefused as many:
            for refusal in many.refusals:
                self._metrics.refused(PROTOCOL, refusal.code)
            return refused(many.refusals, trace_id(request.traceparent))
        return await self._durable(records, key)

    async def _durable(self, records: Sequence[Outgoing], key: ApiKey) -> Answer:
        await self._append(records)
        self._metrics.accepted(PROTOCOL, key.source, len(records))
        return SUCCESS
