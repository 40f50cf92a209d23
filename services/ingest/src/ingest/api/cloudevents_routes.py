"""The route of the CloudEvents protocol: structured and batch mode, a verdict for each event."""

from collections.abc import Mapping
from email.message import EmailMessage
from functools import lru_cache

from ingest.api import cloudevents
from ingest.api.access import Access
from ingest.api.answers import Answer
from ingest.api.front import HotRoute, Request
from ingest.api.tracing import trace_id
from ingest.api.verdicts import Verdicts
from ingest.application import Append
from ingest.domain.limits import Limits
from ingest.domain.occurrence import SenderClock
from ingest.domain.refusal import Refused
from ingest.metrics import IngestMetrics
from mainstay.kernel.clock import Clock
from mainstay.messaging.port import LogUnavailable

PROTOCOL = "cloudevents"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class CloudEventsRoutes:
    """The one path for both modes; the media type tells them apart."""

    def __init__(self, append: Append, access: Access, limits: Limits, clock: Clock, metrics: IngestMetrics) -> None:
        self._append, self._access, self._limits, self._clock, self._metrics = append, access, limits, clock, metrics

    def table(self) -> Mapping[str, HotRoute]:
        """Path -> route."""
        return {"/v1/events": self._events}

    async def _events(self, request: Request) -> Answer:
        try:
            key = request.key or self._access.of_body(None)
            in_batch = is_batch(request.media_type)
            clock = SenderClock.observed(self._clock.now(), None)
            if in_batch:
                documents = cloudevents.read_batch(request.body, self._limits)
            else:
                documents = [cloudevents.read_one(request.body)]
        except Refused as one:
            self._metrics.refused(PROTOCOL, one.code)
            raise
        verdicts = Verdicts(self._limits, clock, request.traceparent, place="/{}" if in_batch else "")
        for document in documents:
            verdicts.read(document)
        try:
            await self._append(verdicts.records)
        except LogUnavailable as unavailable:
            verdicts.unacknowledged(unavailable)
        self._metrics.accepted(PROTOCOL, key.source, verdicts.accepted)
        for refusal in verdicts.refusals:
            self._metrics.refused(PROTOCOL, refusal.code)
        return verdicts.answer(trace_id(request.traceparent))


@lru_cache(maxsize=64)
def is_batch(media_type: bytes) -> bool:
    """Whether a Content-Type means batch mode or structured mode. Raises `Refused` for anything else."""
    parsed = EmailMessage()
    try:
        parsed["content-type"] = media_type.decode("ascii")
    except ValueError:
        raise _unsupported() from None
    essence, charset = parsed.get_content_type(), parsed.get_param("charset", "utf-8")
    if essence not in {STRUCTURED, BATCH} or str(charset).lower() != "utf-8":
        raise _unsupported()
    return essence == BATCH


def _unsupported() -> Refused:
    return Refused(
        "content-type-not-supported", f"Send {STRUCTURED} for one event or {BATCH} for many, encoded in UTF-8."
    )
