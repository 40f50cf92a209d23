"""Traces that travel: W3C `traceparent` in, through the event log, and out; spans are exported only when configured.

Without an exporter a trace costs two random numbers; with one, `span` makes OpenTelemetry spans.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class Trace:
    """Where we are in a trace: hexadecimal ids of W3C Trace Context, level 2."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @property
    def traceparent(self) -> str:
        """The header to send on."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


_current: ContextVar[Trace | None] = ContextVar("mainstay_trace", default=None)


def parse_traceparent(header: str | None) -> Trace | None:
    """The trace in a `traceparent` header, or None when there is none or it is not valid (it is then ignored)."""
    found = _TRACEPARENT.fullmatch(header) if header else None
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Trace(trace_id, span_id, sampled=bool(int(flags, 16) & 1))


def child_of(traceparent: str | None) -> Trace:
    """A new step of the given trace, or the first of a new one."""
    parent = parse_traceparent(traceparent)
    if parent is None:
        return Trace(secrets.token_hex(16), secrets.token_hex(8))
    return Trace(parent.trace_id, secrets.token_hex(8), parent.sampled)


def current_trace() -> Trace | None:
    """Where we are, or None outside of every span."""
    return _current.get()


def current_trace_id() -> str | None:
    """The trace we are in: 32 hexadecimal digits."""
    here = _current.get()
    return here.trace_id if here else None


def current_traceparent() -> str | None:
    """The header that lets others go on with our trace; what an event carries."""
    here = _current.get()
    return here.traceparent if here else None


@contextmanager
def span(name: str, *, traceparent: str | None = None, kind: str = "internal") -> Iterator[Trace]:
    """A step in the given trace, else in the current one, else in a new one.

    `kind` is server, client, producer, consumer or internal. An exception is recorded on the span and goes on.
    """
    parent = traceparent if parse_traceparent(traceparent) else current_traceparent()
    provider = otel.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        with entered(child_of(parent)) as here:
            yield here
        return
    tracer = provider.get_tracer("mainstay")
    with tracer.start_as_current_span(name, context=_remote(parent), kind=otel.SpanKind[kind.upper()]) as made:
        context = made.get_span_context()
        sampled = bool(context.trace_flags & otel.TraceFlags.SAMPLED)
        with entered(Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}", sampled)) as here:
            yield here


@contextmanager
def entered(here: Trace) -> Iterator[Trace]:
    """Be in this step of a trace for the length of the block."""
    token = _current.set(here)
    try:
        yield here
    finally:
        _current.reset(token)


def configure_tracing(
    service: str, otlp_endpoint: str, *, exporter: SpanExporter | None = None
) -> TracerProvider | None:
    """Export spans to an OTLP/HTTP endpoint ("http://host:4318"); without one nothing is exported. Once a process.

    Answers the provider, whose `shutdown` sends what is left, or None.
    """
    if not otlp_endpoint and exporter is None:
        return None
    exporter = exporter or OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")
    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.namespace": "mainstay"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    otel.set_tracer_provider(provider)
    return provider


def _remote(traceparent: str | None) -> Context | None:
    parent = parse_traceparent(traceparent)
    if parent is None:
        return None
    context = otel.SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=True,
        trace_flags=otel.TraceFlags(otel.TraceFlags.SAMPLED if parent.sampled else otel.TraceFlags.DEFAULT),
    )
    return otel.set_span_in_context(otel.NonRecordingSpan(context))
