"""docs/telemetry.md lists every metric and every log event; test_drift compares its tables with the code."""

import re

import pytest

from tests.contract.documents.telemetry import RUNTIME, filled, log_events, metric_names_in_code, metrics
from tests.contract.documents.written import TELEMETRY

DOCUMENT = TELEMETRY.read_text(encoding="utf-8")


def test_every_metric_in_the_code_is_registered_where_its_process_starts() -> None:
    """One that is made later, or elsewhere, would be missing in the document and at /metrics until then."""
    registered = {re.sub("_(total|info)$", "", metric.name) for rows in metrics().values() for metric in rows}

    assert metric_names_in_code() <= registered


def test_metrics_say_what_they_are() -> None:
    for place, rows in metrics().items():
        for metric in rows:
            assert f"| `{metric.name}` |" in DOCUMENT, f"{metric.name} of {place} is not documented: run `make docs`"
            assert metric.meaning.strip(), f"{metric.name} has no help text"
            assert not {"account", "account_id", "path", "user"} & set(metric.labels), f"{metric.name}: too many series"


def test_log_events_are_words_of_their_own() -> None:
    """A person greps for them: no event is made up of values alone, and each one is in the document."""
    for place, rows in log_events().items():
        for event in rows:
            assert f"| {event.event} |" in DOCUMENT, f"{event.event!r} of {place} is not documented: run `make docs`"
            assert event.event == "…" or re.match(r"\w", event.event)


def test_what_the_prose_names_exists() -> None:
    known = {metric.name for rows in metrics().values() for metric in rows}
    events = {event.event for rows in log_events().values() for event in rows}
    prose, _, _ = DOCUMENT.partition("## Metrics")

    assert set(re.findall(r"mainstay_[a-z_]+", prose)) <= known
    for named in re.findall(r"look for `([^`]+)`", prose):
        assert named in events
    assert all(f"`{prefix}…`" in DOCUMENT for prefix in RUNTIME)


def test_a_document_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for metrics"):
        filled("# Telemetry\n")
