"""The tables of docs/telemetry.md: every metric that a process registers, every log event that the code can write."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from tests.contract.documents.openapi import SERVICES, service_of

ROOT = Path(__file__).parents[3]
SOURCES = {
    "shared": "shared/src",
    "ingest": "services/ingest/src",
    "health-score": "services/health-score/src",
    "alerts": "services/alerts/src",
    "renewals": "services/renewals/src",
    "standalone": "deploy/standalone/src",
}
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
RUNTIME = ("process_", "python_")
"""Metrics of the Python client itself; the document names them in a sentence."""
CONSTRUCTORS = frozenset({"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"})


@dataclass(frozen=True, order=True)
class Metric:
    """A metric as Prometheus shows it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, order=True)
class LogEvent:
    """A log event: its `event` field as far as it is fixed, its levels, and the fields that come with it."""

    event: str
    levels: tuple[str, ...]
    fields: tuple[str, ...] = field(default=())


@cache
def metrics() -> dict[str, list[Metric]]:
    """The metrics by where they come from: a service's own, and those that the kits give to any that has the part."""
    of_each = {name: set(_registered(name)) for name in SERVICES}
    copies = Counter(metric for own in of_each.values() for metric in own)
    shared = {metric for metric, services in copies.items() if services > 1}
    found = {"shared": sorted(shared)}
    found |= {name: sorted(own - shared) for name, own in of_each.items()}
    return {place: rows for place, rows in found.items() if rows}


def _registered(name: str) -> Iterator[Metric]:
    service = service_of(name)
    service.app()
    service.working()
    registry: CollectorRegistry = service.chassis.registry
    for collector in list(registry._collector_to_names):
        single = hasattr(collector, "_documentation")
        for family in [collector] if single else collector.collect():
            known: Any = family
            kind = known._type if single else known.type
            called = known._name if single else known.name
            meaning = known._documentation if single else known.documentation
            if not called.startswith(RUNTIME):
                labels = tuple(getattr(known, "_labelnames", ()))
                yield Metric(called + {"counter": "_total", "info": "_info"}.get(kind, ""), kind, labels, meaning)


def metric_names_in_code() -> set[str]:
    """The names in calls of the client's constructors, however rarely they run."""
    names = set()
    for source in SOURCES.values():
        for call in _calls(ROOT / source):
            called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            first = call.args[0] if call.args else None
            if (called in CONSTRUCTORS or called.endswith("MetricFamily")) and isinstance(first, ast.Constant):
                names.add(str(first.value))
    return names


@cache
def log_events() -> dict[str, list[LogEvent]]:
    """The log events by where they come from."""
    found = {place: _log_events(ROOT / source) for place, source in SOURCES.items()}
    return {place: rows for place, rows in found.items() if rows}


def _log_events(source: Path) -> list[LogEvent]:
    levels = defaultdict[str, set[str]](set)
    fields = defaultdict[str, set[str]](set)
    for call in _calls(source):
        if isinstance(call.func, ast.Attribute) and call.func.attr in LEVELS and _is_log(call.func.value) and call.args:
            event = _words(call.args[0])
            levels[event].add("error" if call.func.attr == "exception" else call.func.attr)
            fields[event] |= {key.arg for key in call.keywords if key.arg and key.arg not in {"exc_info", "extra"}}
    return sorted(
        LogEvent(event, tuple(level for level in LEVELS if level in levels[event]), tuple(sorted(fields[event])))
        for event in levels
    )


def _is_log(expression: ast.expr) -> bool:
    return ast.unparse(expression).rpartition(".")[2].strip("_") in {"log", "logger"}


def _words(expression: ast.expr) -> str:
    """The event's words; what is only known at run time is shown as …."""
    match expression:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
    return "…"


def _calls(source: Path) -> Iterator[ast.Call]:
    for file in sorted(source.rglob("*.py")):
        yield from (
            node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        )


def tables() -> dict[str, str]:
    """The generated parts of the document, by the name of their marker."""
    return {
        "metrics": _sections(
            {
                place: [(f"`{m.name}`", m.kind, _codes(m.labels), m.meaning) for m in rows]
                for place, rows in metrics().items()
            },
            ("metric", "kind", "labels", "what it says"),
        ),
        "logs": _sections(
            {
                place: [(e.event, ", ".join(e.levels), _codes(e.fields)) for e in rows]
                for place, rows in log_events().items()
            },
            ("event", "level", "fields"),
        ),
    }


def filled(document: str) -> str:
    """The document with its generated parts made anew, between `<!-- generated: name -->` and `<!-- end -->`."""
    for name, table in tables().items():
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        before, found, rest = document.partition(begin)
        if not found:
            raise ValueError(f"docs/telemetry.md has no place for {name}")
        document = before + begin + table + end + rest.partition(end)[2]
    return document


def _sections(places: dict[str, list[tuple[str, ...]]], head: tuple[str, ...]) -> str:
    lines = []
    for place, rows in places.items():
        lines += [f"### {place[0].upper()}{place[1:]}", _row(head), _row(["---"] * len(head))]
        lines += [_row(row) for row in rows] + [""]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
