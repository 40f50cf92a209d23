"""The route of the CloudEvents protocol: structured, batch and binary mode, a verdict for each event."""

from collections.abc import Mapping
from email.message import EmailMessage
from enum import Enum, auto
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import msgspec

from ingest.api import cloudevents, json
from ingest.api.answers import Answer
from ingest.api.front import Headers, HotRoute, Request
from ingest.api.receiving import ProtocolRoutes
from ingest.api.tracing import trace_id
from ingest.api.verdicts import Verdicts
from ingest.application.stated import Delivery
from ingest.domain.refusal import Refused

PROTOCOL = "cloudevents"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class Mode(Enum):
    """How a request carries its events."""

    STRUCTURED = auto()
    BATCH = auto()
    BINARY = auto()


class CloudEventsRoutes:
    """The one path for all modes; the media type tells them apart."""

    def __init__(self, parts: ProtocolRoutes) -> None:
        self._parts = parts

    def table(self) -> Mapping[str, HotRoute]:
        """Path -> route."""
        return {"/v1/events": HotRoute(self._events, PROTOCOL)}

    async def _events(self, request: Request) -> Answer:
        delivery: Delivery | None = None
        documents: list[msgspec.Raw] = []
        attributes: dict[str, str] = {}
        body = request.body
        try:
            key = request.key or self._parts.access.of_body(None)
            delivery = self._parts.delivery(PROTOCOL, request, key)
            if request.fault is not None:
                raise request.fault
            mode = mode_of(request.media_type)
            if mode is Mode.BATCH:
                documents = cloudevents.read_batch(body, delivery.policy.limits)
            elif mode is Mode.STRUCTURED:
                documents = [cloudevents.read_one(body)]
            else:
                json.check_text(body)
                attributes = attributes_of(request.headers)
        except Refused as one:
            await self._parts.refuse_body(delivery, request, PROTOCOL, one)
            raise
        self._parts.admit(delivery, max(1, len(documents)))
        verdicts = Verdicts(delivery, place="/{}" if mode is Mode.BATCH else "")
        if mode is Mode.BINARY:
            delivery.around = msgspec.json.encode(attributes)
            verdicts.read_binary(body, attributes)
        else:
            for document in documents:
                verdicts.read(document)
        verdicts.decided(await self._parts.received(delivery))
        return verdicts.answer(trace_id(request.traceparent))


@lru_cache(maxsize=64)
def mode_of(media_type: bytes) -> Mode:
    """What a Content-Type means. Raises `Refused` for one that is not JSON, or not UTF-8."""
    parsed = EmailMessage()
    try:
        parsed["content-type"] = media_type.decode("ascii")
    except ValueError:
        raise _unsupported() from None
    essence, charset = parsed.get_content_type(), parsed.get_param("charset", "utf-8")
    if str(charset).lower() not in {"utf-8", "us-ascii"}:
        raise _unsupported()
    if essence == BATCH:
        return Mode.BATCH
    if essence == STRUCTURED:
        return Mode.STRUCTURED
    if essence in {"application/json", "text/json"} or essence.endswith("+json"):
        return Mode.BINARY
    raise _unsupported()


def attributes_of(headers: Headers) -> dict[str, str]:
    """The attributes of an event in binary mode, from its `ce-` headers, percent-decoded. Raises `Refused`."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        if name.startswith(b"ce-"):
            try:
                found[name[3:].decode("ascii")] = unquote_to_bytes(value.strip()).decode()
            except ValueError:
                raise Refused("not-utf-8", f"The header {name.decode('latin-1')} is not UTF-8.") from None
    if "specversion" not in found:
        raise _unsupported()
    return found


def _unsupported() -> Refused:
    return Refused(
        "content-type-not-supported",
        f"Send {STRUCTURED} for one event or {BATCH} for many, or one event's data as JSON with ce- headers; in UTF-8.",
    )
