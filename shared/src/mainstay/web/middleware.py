"""What happens around every request: ids, the trace, figures, one log line, and an answer whatever breaks."""

import re
import secrets
import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainstay.observability.tracing import span
from mainstay.web.problems import INTERNAL_ERROR, NUL_IN_ADDRESS, problem_response

REQUEST_ID = b"x-request-id"
_GOOD_REQUEST_ID = re.compile(rb"[\w.:/+=-]{1,128}")
_QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
UNKNOWN_ROUTE = "(none)"

_log = structlog.get_logger(__name__)


class HttpMetrics:
    """Requests and their duration, by the route's template: a raw path would make a series for each account."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ["method", "route", "status"]
        self.requests = Counter("mainstay_http_requests", "HTTP requests answered.", names, registry=registry)
        self.seconds = Histogram(
            "mainstay_http_request_seconds", "Time to the end of the answer.", ["method", "route"], registry=registry
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)


class Around:
    """ASGI middleware: request id in and out, traceparent in, metrics, an access log line, 500 as a problem."""

    def __init__(self, app: ASGIApp, *, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = headers.get(REQUEST_ID, b"")
        if not _GOOD_REQUEST_ID.fullmatch(request_id):
            request_id = secrets.token_hex(16).encode()
        traceparent = headers.get(b"traceparent", b"").decode("latin-1")
        began = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID, request_id)]
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(request_id=request_id.decode()),
            span(f"{scope['method']} request", traceparent=traceparent, kind="server"),
        ):
            try:
                await self._answer(scope, receive, watched)
            except Exception:  # whatever a handler raises: logged once, with its trace, and answered as a problem
                _log.exception("a request failed", method=scope["method"], path=scope["path"])
                if status:
                    raise
                failure = problem_response(INTERNAL_ERROR, "the failure was logged; trace_id names it")
                await failure(scope, receive, watched)
            seconds = time.perf_counter() - began
            route = _template(scope)
            self._metrics.observe(_method(scope), route, status, seconds)
            if scope["path"] not in _QUIET_PATHS:
                _log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    path=scope["path"],
                    status=status,
                    milliseconds=round(seconds * 1000, 1),
                )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # PostgreSQL text cannot hold NUL, and no id of ours has one.
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            answer = problem_response(NUL_IN_ADDRESS, "the address may not hold a NUL character")
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _template(scope: Scope) -> str:
    route = scope.get("route")
    return getattr(route, "path_format", None) or getattr(route, "path", None) or UNKNOWN_ROUTE


def _method(scope: Scope) -> str:
    known = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
    return scope["method"] if scope["method"] in known else "other"
