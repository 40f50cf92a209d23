from collections.abc import Iterator

import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

from mainstay.observability.tracing import (
    child_of,
    configure_tracing,
    current_trace,
    current_traceparent,
    parse_traceparent,
    span,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = configure_tracing("test", "", exporter=exporter)
    assert provider is not None
    yield exporter
    provider.shutdown()
    otel._TRACER_PROVIDER = None
    otel._TRACER_PROVIDER_SET_ONCE = Once()


@pytest.mark.parametrize(
    ("header", "sampled"),
    [(PARENT, True), (f"00-{TRACE}-00f067aa0ba902b7-00", False), (f"cc-{TRACE}-00f067aa0ba902b7-01-later", True)],
)
def test_a_good_traceparent_is_read(header: str, sampled: object) -> None:
    trace = parse_traceparent(header)
    assert trace is not None
    assert (trace.trace_id, trace.span_id, trace.sampled) == (TRACE, "00f067aa0ba902b7", sampled)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        PARENT.upper(),
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{PARENT}-more",
        f" {PARENT}",
    ],
)
def test_any_other_is_ignored(header: str | None) -> None:
    assert parse_traceparent(header) is None
    assert child_of(header).trace_id != TRACE


def test_a_step_goes_on_with_the_trace_and_ends() -> None:
    assert current_trace() is None
    with span("outer", traceparent=PARENT) as outer:
        with span("inner") as inner:
            assert current_traceparent() == inner.traceparent
            assert {outer.trace_id, inner.trace_id} == {TRACE}
            assert len({outer.span_id, inner.span_id, "00f067aa0ba902b7"}) == 3
        assert current_trace() == outer
        with span("elsewhere", traceparent=f"00-{'a' * 32}-{'b' * 16}-01") as elsewhere:
            assert elsewhere.trace_id == "a" * 32
    assert current_trace() is None


def test_a_decision_not_to_sample_travels() -> None:
    with span("outer", traceparent=f"00-{TRACE}-00f067aa0ba902b7-00"):
        assert (current_traceparent() or "").endswith("-00")


def test_nothing_is_exported_without_an_address() -> None:
    assert configure_tracing("test", "") is None


def test_spans_are_exported_with_the_same_ids(exported: InMemorySpanExporter) -> None:
    def work() -> str:
        with span("outer", traceparent=PARENT, kind="consumer"), span("inner") as inner:
            assert current_traceparent() == inner.traceparent
            raise ValueError(inner.span_id)

    with pytest.raises(ValueError, match=r"[0-9a-f]{16}") as failure:
        work()
    provider = otel.get_tracer_provider()
    provider.force_flush()  # type: ignore[attr-defined] # the SDK's provider has it

    inner, outer = exported.get_finished_spans()
    assert (inner.name, outer.name, outer.kind) == ("inner", "outer", otel.SpanKind.CONSUMER)
    assert inner.context is not None
    assert f"{inner.context.trace_id:032x}" == TRACE
    assert f"{inner.context.span_id:016x}" == str(failure.value)
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id
    assert outer.parent is not None
    assert f"{outer.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert [event.name for event in inner.events] == ["exception"]
    assert outer.resource.attributes["service.name"] == "test"
