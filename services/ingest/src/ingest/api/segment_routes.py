"""The routes of the Segment protocol: success is exactly 200 `{"success":true}`.

What is refused of a batch is set aside and told; the rest of it is taken.
"""

from collections.abc import Mapping
from functools import partial

from ingest.api import segment
from ingest.api.answers import SUCCESS, Answer, problem, refused
from ingest.api.front import HotRoute, Request
from ingest.api.receiving import ProtocolRoutes
from ingest.api.segment_tracks import read_tracks
from ingest.api.tracing import trace_id
from ingest.application.stated import Delivery, RefusedEvent
from ingest.domain.refusal import Refused

PROTOCOL = "segment"
BATCHES = ("batch", "import")
"""`import` is what older SDKs call the same thing."""


class SegmentRoutes:
    """One route for each type of call, and those for many calls."""

    def __init__(self, parts: ProtocolRoutes) -> None:
        self._parts = parts
        self._around = {kind: segment.around(kind) for kind in segment.KINDS}

    def table(self) -> Mapping[str, HotRoute]:
        """Path -> route."""
        calls = {f"/v1/{kind}": HotRoute(partial(self._call, kind), PROTOCOL) for kind in segment.KINDS}
        return {**calls, **{f"/v1/{name}": HotRoute(self._batch, PROTOCOL) for name in BATCHES}}

    async def _call(self, kind: str, request: Request) -> Answer:
        delivery: Delivery | None = None
        body = request.body
        try:
            if request.key is not None:
                delivery = self._parts.delivery(PROTOCOL, request, request.key)
                delivery.policy.limits.check_event(len(body))
            if request.fault is not None:
                raise request.fault
            call = segment.read_call(body)
            if delivery is None:
                key = self._parts.access.of_body(call.write_key)
                delivery = self._parts.delivery(PROTOCOL, request, key)
                delivery.policy.limits.check_event(len(body))
        except Refused as one:
            await self._parts.refuse_body(delivery, request, PROTOCOL, one, self._around[kind])
            raise
        delivery.around = self._around[kind]
        self._parts.admit(delivery, 1)
        try:
            calls = segment.Calls(delivery.key.source, delivery.policy.limits, delivery.received_at, call.sent_at)
            stated = calls.stated(call, segment.KINDS[kind], body)
        except Refused as one:
            delivery.refused.append(RefusedEvent(0, body, one, call.message_id))
        else:
            if stated is not None:
                delivery.stated.append(stated)
                delivery.places.append(0)
            delivery.memberships, delivery.aliases = calls.memberships, calls.aliases
        delivery.sent(call.sent_at)
        received = await self._parts.received(delivery)
        if received.unacknowledged:
            return _repeat(request)
        if received.refused:
            return refused([received.refused[0].refusal], trace_id(request.traceparent))
        return SUCCESS

    async def _batch(self, request: Request) -> Answer:
        delivery: Delivery | None = None
        try:
            if request.key is not None:
                delivery = self._parts.delivery(PROTOCOL, request, request.key)
            if request.fault is not None:
                raise request.fault
            limits = self._parts.limits if delivery is None else delivery.policy.limits
            batch = segment.read_batch(request.body, limits)
            if delivery is None:
                key = self._parts.access.of_body(batch.write_key)
                delivery = self._parts.delivery(PROTOCOL, request, key)
            delivery.policy.limits.check_count(len(batch.batch), "/batch")
            calls = segment.Calls(
                delivery.key.source, delivery.policy.limits, delivery.received_at, batch.sent_at, batch.context
            )
        except Refused as one:
            await self._parts.refuse_body(delivery, request, PROTOCOL, one)
            raise
        self._parts.admit(delivery, len(batch.batch))
        delivery.around = segment.around(batch)
        tracks = read_tracks(request.body, batch.batch, calls)
        if tracks is None:
            _read(batch, calls, delivery)
        else:
            delivery.stated, delivery.places = tracks, list(range(len(tracks)))
        delivery.sent(batch.sent_at)
        received = await self._parts.received(delivery)
        if received.unacknowledged:
            return _repeat(request)
        if received.refused:
            refusals = [each.refusal.within(f"/batch/{each.place}") for each in received.refused]
            taken = len(batch.batch) - len(refusals)
            return refused(refusals, trace_id(request.traceparent), accepted=taken)
        return SUCCESS


def _read(batch: segment.BatchOfCalls, calls: segment.Calls, delivery: Delivery) -> None:
    """Every call of a batch, in order, into the delivery."""
    stated, places = delivery.stated, delivery.places
    for place, item in enumerate(batch.batch):
        try:
            call = calls.read(item)
        except Refused as one:
            delivery.refused.append(RefusedEvent(place, bytes(item), one, segment.stated_id(item)))
        else:
            if call is not None:
                stated.append(call)
                places.append(place)
    delivery.memberships, delivery.aliases = calls.memberships, calls.aliases


def _repeat(request: Request) -> Answer:
    detail = "The events may be stored or not: repeat the request as it is."
    return problem("log-unavailable", detail, trace_id(request.traceparent))
