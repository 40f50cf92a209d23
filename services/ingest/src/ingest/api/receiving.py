"""What the hot routes of all protocols share: their parts, and the delivery that each makes of a request."""

from typing import NamedTuple

from ingest.api.access import Access
from ingest.api.bodies import too_large
from ingest.api.front import Request
from ingest.application.limiting import AccountTooBusy
from ingest.application.ports import Limiter, Policies, TooFast
from ingest.application.reception import Reception
from ingest.application.stated import Delivery, Received, RefusedEvent
from ingest.domain.limits import Limits
from ingest.domain.refusal import Refused
from ingest.metrics import IngestMetrics
from mainstay.kernel.clock import Clock
from mainstay.web.keys import ApiKey


class ProtocolRoutes(NamedTuple):
    """What the routes of a protocol are made of."""

    reception: Reception
    access: Access
    policies: Policies
    clock: Clock
    metrics: IngestMetrics
    limiter: Limiter
    limits: Limits
    """Of the service; a source's may be lower."""

    def delivery(self, protocol: str, request: Request, key: ApiKey) -> Delivery:
        """An empty delivery for a request whose key is known now.

        Raises `Refused` where its source's limit of a body is lower than everybody's, which the header could not tell.
        """
        policy = self.policies.of(key.source)
        if request.key is None and len(request.body) > policy.limits.body_bytes:
            raise too_large(policy.limits.body_bytes)
        return Delivery(protocol, key, policy, self.clock.now(), request.traceparent, size=len(request.body))

    def admit(self, delivery: Delivery, events: int) -> None:
        """Count so many events against the key's rate. Raises `TooFast`."""
        try:
            self.limiter.take(delivery.key.id, delivery.policy, events)
        except TooFast:
            self.metrics.refused(delivery.protocol, delivery.key.source, "too-fast")
            raise

    async def received(self, delivery: Delivery) -> Received:
        """Hand the delivery over, and count what became of it. Raises `NotKept` and `AccountTooBusy`."""
        try:
            received = await self.reception(delivery)
        except AccountTooBusy:
            self.metrics.refused(delivery.protocol, delivery.key.source, "account-too-busy")
            raise
        self.metrics.received(delivery.protocol, delivery.key.source, received)
        return received

    async def refuse_body(
        self, delivery: Delivery | None, request: Request, protocol: str, refusal: Refused, around: bytes = b"{}"
    ) -> None:
        """Keep a body that is refused as a whole, once its key is known; else only count it. Raises `NotKept`."""
        if delivery is None:
            self.metrics.refused(protocol, "", refusal.code)
            return
        kept = Delivery(
            protocol, delivery.key, delivery.policy, delivery.received_at, delivery.traceparent, around, size=0
        )
        kept.refused.append(RefusedEvent(0, request.body, refusal))
        await self.received(kept)
