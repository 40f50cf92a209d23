"""The routes of Sensors Data: the answer is 200 once the key is good and every call is durable, in the log or aside.

The asynchronous consumer of its SDK ends its thread at any other status. So a bad call is no reason for one. The log
being away is (503): what the consumer could not send stays in its memory, its queue fills, and the application hears.
"""

from collections.abc import Mapping, Sequence

from ingest.api import form, sensors
from ingest.api.access import Access
from ingest.api.answers import SUCCESS, Answer, json_answer, problem, refused
from ingest.api.bodies import BUSY
from ingest.api.front import Headers, HotRoute, Request, key_of_header
from ingest.api.pixel import PIXEL
from ingest.api.receiving import ProtocolRoutes
from ingest.api.tracing import trace_id
from ingest.application.stated import Delivery, Received, RefusedEvent
from ingest.domain.refusal import Refused
from mainstay.web.keys import ApiKey

PROTOCOL = "sensors"
METHODS = ("POST", "GET")


class SensorsRoutes:
    """`/sa`; `/sa.gif`, which answers browsers with an image; `/debug`, which tells what is wrong by its status."""

    def __init__(self, routes: ProtocolRoutes) -> None:
        self._routes = routes

    def table(self) -> Mapping[str, HotRoute]:
        """Path -> route."""
        serve = {"/sa": self._taken, "/sa.gif": self._image, "/debug": self._debug}
        return {path: HotRoute(each, PROTOCOL, METHODS, key_of_token) for path, each in serve.items()}

    async def _taken(self, request: Request) -> Answer:
        received = await self._received(self._read(request))
        if received.unacknowledged:
            return _repeat(request)
        found = [
            {"index": each.place, "code": each.refusal.code, "detail": each.refusal.detail} for each in received.refused
        ]
        answer = {"accepted": received.accepted, "waiting": len(received.waiting), "refused": found}
        return json_answer(200, answer)

    async def _image(self, request: Request) -> Answer:
        received = await self._received(self._read(request))
        return _repeat(request) if received.unacknowledged else PIXEL

    async def _debug(self, request: Request) -> Answer:
        delivery = self._read(request)
        found: Sequence[RefusedEvent] = delivery.refused
        if request.headers.get(b"dry-run", b"").lower() != b"true":
            received = await self._received(delivery)
            if received.unacknowledged:
                return _repeat(request)
            found = received.refused
        return refused([each.refusal for each in found], trace_id(request.traceparent)) if found else SUCCESS

    async def _received(self, delivery: Delivery) -> Received:
        return await self._routes.received(delivery)

    def _read(self, request: Request) -> Delivery:
        """What the request brought; a form that cannot be read is one refused event. Raises `Refused` for the key."""
        routes = self._routes
        key = request.key or routes.access.of_body(None)
        delivery = routes.delivery(PROTOCOL, request, key)
        whole = request.query if request.method == "GET" else request.body
        try:
            if request.fault is not None:
                raise request.fault
            calls = sensors.read_calls(form.read(whole), delivery.policy.limits, request.hold)
        except Refused as refusal:
            if refusal.code == BUSY:  # no mistake of the sender's
                routes.metrics.refused(PROTOCOL, key.source, refusal.code)
                raise
            delivery.refused.append(RefusedEvent(0, _without_token(whole), refusal))
            return delivery
        routes.admit(delivery, len(calls))
        for place, call in enumerate(calls):
            self._read_call(delivery, place, call)
        return delivery

    def _read_call(self, delivery: Delivery, place: int, call: bytes) -> None:
        try:
            reading = sensors.read_call(call, delivery.key.source, delivery.policy, delivery.received_at)
        except Refused as refusal:
            delivery.refused.append(RefusedEvent(place, call, refusal))
            return
        if reading.skew_seconds is not None:
            delivery.skew_seconds = reading.skew_seconds
        delivery.memberships += reading.memberships
        delivery.aliases += reading.aliases
        if reading.stated is None:
            if not reading.memberships and not reading.aliases:
                self._routes.metrics.passed_over(PROTOCOL, delivery.key.source)
            return
        delivery.stated.append(reading.stated)
        delivery.places.append(place)


def key_of_token(access: Access, headers: Headers, query: bytes) -> ApiKey | None:
    """The key of the header, else of `?token=`. Raises `Refused`, also where there is neither."""
    key = key_of_header(access, headers, query)
    return key or access.of_body(form.read(query).get("token"))


def _without_token(whole: bytes) -> bytes:
    return b"&".join(field for field in whole.split(b"&") if not field.startswith(b"token="))


def _repeat(request: Request) -> Answer:
    detail = "The events may be stored or not: repeat the request as it is."
    return problem("log-unavailable", detail, trace_id(request.traceparent))
