import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from mainstay.observability.logs import REDACTED, configure_logging, redact
from mainstay.observability.metrics import new_registry
from mainstay.observability.tracing import span


class Lines:
    def __init__(self) -> None:
        self.stream = io.StringIO()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configuration = structlog.get_config()
    found = Lines()
    configure_logging("ships", "INFO", stream=found.stream)
    yield found
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


def test_a_log_is_one_line_of_json_with_its_request_and_trace(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"), span("work") as here:
        structlog.get_logger("x").info("window opened", account="acme", late_by=3)
        logging.getLogger("library").warning("over %d", 9000, extra={"topic": "usage"})

    ours, theirs = lines.all()
    assert ours.pop("timestamp").endswith("Z")
    assert ours == {
        "event": "window opened", "level": "info", "service": "ships", "account": "acme", "late_by": 3,
        "request_id": "r1", "trace_id": here.trace_id, "span_id": here.span_id,
    }  # fmt: skip
    assert (theirs["event"], theirs["topic"], theirs["trace_id"]) == ("over 9000", "usage", here.trace_id)


def test_a_traceback_stays_on_its_line_and_below_the_threshold_nothing_is_said(lines: Lines) -> None:
    structlog.get_logger("x").debug("unheard")
    logging.getLogger("uvicorn.access").info("unheard")
    try:
        int("x")
    except ValueError:
        structlog.get_logger("x").exception("failed", value=object())
    (only,) = lines.all()
    assert "invalid literal" in only["exception"]


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="loud"):
        configure_logging("ships", "loud")


@pytest.mark.parametrize(
    ("field", "value", "left"),
    [
        ("event", "Authorization: Bearer abc.def.ghi-jkl", "Authorization: Bearer [redacted]"),
        ("event", "mst_0a1b_SECRETsecret99", "mst_0a1b_[redacted]"),
        ("url", "postgresql://me:hunter2@db:5432/x", "postgresql://me:[redacted]@db:5432/x"),
        ("webhook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_[redacted]"),
        ("url", "https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/services/[redacted]"),
        ("password", "x", REDACTED),
        ("api_key", b"x", REDACTED),
        ("headers", {"authorization": "x", "accept": "y"}, {"authorization": REDACTED, "accept": "y"}),
        ("items", ["mst_1_abc", 7, None], ["mst_1_[redacted]", 7, None]),
        ("key_id", "0a1b", "0a1b"),
        ("count", 3, 3),
    ],
)
def test_secrets_are_blotted_out(field: str, value: Any, left: Any) -> None:
    assert redact(None, "info", {field: value}) == {field: left}


json_like = st.recursive(st.none() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s))


@given(st.dictionaries(st.text(min_size=1), json_like))
def test_nothing_breaks_the_blotting(event: dict[str, Any]) -> None:
    json.dumps(redact(None, "info", event), default=str)


def test_a_registry_belongs_to_its_process_part() -> None:
    first, second = new_registry("ships", "1"), new_registry("ships", "1")
    assert first is not second
    assert first.get_sample_value("mainstay_build_info", {"service": "ships", "version": "1"}) == 1
    assert first.get_sample_value("process_resident_memory_bytes")
