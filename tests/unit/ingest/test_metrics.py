"""Ingest's own figures as Prometheus reads them."""

from prometheus_client import CollectorRegistry, generate_latest

from ingest.application.stated import Received, RefusedEvent
from ingest.domain.refusal import Refused
from ingest.metrics import IngestMetrics


def test_what_was_counted_is_shown() -> None:
    registry = CollectorRegistry()
    metrics = IngestMetrics(registry, bytes_in_flight=lambda: 7)
    metrics.received("segment", "product", Received(accepted=100, waiting=[1, 2], suppressed=[3]))
    refused = RefusedEvent(0, b"{}", Refused("account-missing", "It names none."))
    metrics.received("segment", "product", Received(accepted=1, refused=[refused]))
    metrics.refused("cloudevents", "", "key-unknown")
    metrics.answered("/v1/batch", 200)
    metrics.appended(0.004)
    metrics.append_failed(9.0)

    shown = generate_latest(registry).decode()
    for line in (
        'mainstay_ingest_events_accepted_total{protocol="segment",source="product"} 101.0',
        'mainstay_ingest_events_refused_total{protocol="segment",reason="account-missing",source="product"} 1.0',
        'mainstay_ingest_events_refused_total{protocol="cloudevents",reason="key-unknown",source=""} 1.0',
        'mainstay_ingest_events_waiting_total{protocol="segment",source="product"} 2.0',
        'mainstay_ingest_events_suppressed_total{protocol="segment",source="product"} 1.0',
        'mainstay_ingest_requests_total{route="/v1/batch",status="200"} 1.0',
        'mainstay_ingest_append_seconds_bucket{le="0.0025"} 0.0',
        'mainstay_ingest_append_seconds_bucket{le="0.005"} 1.0',
        'mainstay_ingest_append_seconds_bucket{le="+Inf"} 2.0',
        "mainstay_ingest_append_seconds_count 2.0",
        "mainstay_ingest_append_seconds_sum 9.004",
        "mainstay_ingest_append_failures_total 1.0",
        "mainstay_ingest_bytes_in_flight 7.0",
    ):
        assert line in shown
