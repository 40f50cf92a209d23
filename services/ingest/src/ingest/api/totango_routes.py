"""The pixel of Totango: its image once what a call says is durable, a problem where that is refused (and kept)."""

from collections.abc import Mapping

from ingest.api import form, totango
from ingest.api.access import Access
from ingest.api.answers import Answer, problem, refused
from ingest.api.front import Headers, HotRoute, Request, key_of_header
from ingest.api.pixel import PIXEL
from ingest.api.receiving import ProtocolRoutes
from ingest.api.tracing import trace_id
from ingest.application.stated import Delivery, RefusedEvent
from ingest.domain.refusal import Refused
from mainstay.web.keys import ApiKey

PROTOCOL = "totango"
PATHS = ("/pixel.gif", "/pixel.gif/")
METHODS = ("GET", "POST")

MOST_BYTES = 96 * 1024
"""Of a form as it is sent: an event's 32 KiB, each byte of them escaped."""


class TotangoRoutes:
    """The one call, by either method, with and without the slash."""

    def __init__(self, routes: ProtocolRoutes) -> None:
        self._routes = routes

    def table(self) -> Mapping[str, HotRoute]:
        """Path -> route."""
        return {path: HotRoute(self._pixel, PROTOCOL, METHODS, key_of_query) for path in PATHS}

    async def _pixel(self, request: Request) -> Answer:
        received = await self._routes.received(self._read(request))
        trace = trace_id(request.traceparent)
        if received.unacknowledged:
            detail = "The call may be stored or not. Repeated, it may count twice: the protocol has no ids."
            return problem("log-unavailable", detail, trace)
        if received.refused:
            return refused([each.refusal for each in received.refused], trace, accepted=received.accepted)
        return PIXEL

    def _read(self, request: Request) -> Delivery:
        routes = self._routes
        whole = request.query if request.method == "GET" else request.body
        key, fault, parts = request.key, request.fault, []
        try:
            if fault is None:
                _check_size(whole)
                fields = form.read(whole)
                key = key or routes.access.of_body(fields.get(totango.KEY))
                parts = totango.read_parts(fields)
        except Refused as refusal:
            if key is None:
                raise
            fault = refusal
        if key is None:
            key = routes.access.of_body(None)
        delivery = routes.delivery(PROTOCOL, request, key)
        if fault is not None:
            delivery.refused.append(RefusedEvent(0, totango.without_key(whole), fault))
            return delivery
        routes.admit(delivery, 1)
        for place, part in enumerate(parts):
            _read_part(delivery, place, part)
        return delivery


def _check_size(whole: bytes) -> None:
    """Raises `Refused` before anything is unescaped: that takes many times the memory of the form."""
    if len(whole) > MOST_BYTES:
        raise Refused("event-too-large", f"A call has at most {MOST_BYTES} bytes; this one has {len(whole)}.")


def _read_part(delivery: Delivery, place: int, part: bytes) -> None:
    try:
        stated, memberships = totango.read_part(part, delivery.key.source, delivery.policy, delivery.received_at)
    except Refused as refusal:
        delivery.refused.append(RefusedEvent(place, part, refusal))
        return
    delivery.memberships += memberships
    if stated is not None:
        delivery.stated.append(stated)
        delivery.places.append(place)


def key_of_query(access: Access, headers: Headers, query: bytes) -> ApiKey | None:
    """The key of the header, else of the query's `sdr_s`; None where the body may name it. Raises `Refused`."""
    key = key_of_header(access, headers, query)
    if key is None and query:
        stated = form.read(query).get(totango.KEY)
        return access.of_body(stated) if stated else None
    return key
