"""Logs as JSON lines on standard output, each with the trace and the request it belongs to, none with a secret."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from mainstay.observability.tracing import current_trace

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(
    r"secret|password|passwd|authorization|api_?key|token|cookie|credential|write_?key", re.IGNORECASE
)
_SECRET_VALUE = (
    (re.compile(r"mst_([0-9a-z]{1,32})_[0-9A-Za-z]+"), r"mst_\1_" + REDACTED),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"(\w+://[^\s:/@]+):[^\s@]+@"), rf"\1:{REDACTED}@"),
    (re.compile(r"whsec_[\w+/=-]+"), f"whsec_{REDACTED}"),
    (re.compile(r"(hooks\.slack\.com/services/)[\w/]+"), rf"\1{REDACTED}"),
)
_MAX_DEPTH = 6


def configure_logging(service: str, level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send every log of the process, the standard library's too, to `stream` (standard output) as JSON lines.

    Raises ValueError for a level that does not exist.
    """
    threshold = logging.getLevelNamesMapping().get(level.upper())
    if threshold is None:
        raise ValueError(f"no such log level: {level}")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_service(service),
        _add_trace,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
    ]
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(threshold)
    for chatty in ("uvicorn.access", "httpx", "httpcore", "aiokafka", "alembic"):
        logging.getLogger(chatty).setLevel(max(threshold, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_: Any, __: str, event: EventDict) -> EventDict:
    """Replace secrets: values of fields with a telling name, and whatever looks like a key, a token or a password."""
    return {name: _redacted(name, value, _MAX_DEPTH) for name, value in event.items()}


def _redacted(name: str, value: Any, depth: int) -> Any:
    if name.startswith("_") or value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        for pattern, replacement in _SECRET_VALUE:
            value = pattern.sub(replacement, value)
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {str(key): _redacted(str(key), item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", item, depth - 1) for item in value]
    return _redacted("", str(value), depth - 1)


def _add_trace(_: Any, __: str, event: EventDict) -> EventDict:
    here = current_trace()
    if here is not None:
        event.setdefault("trace_id", here.trace_id)
        event.setdefault("span_id", here.span_id)
    return event


def _name_service(service: str) -> Processor:
    def name(_: Any, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return name
