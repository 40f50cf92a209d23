"""Today's events fit the last released schemas both ways, and the check itself sees what would break a reader."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from tests.contract.documents.compatibility import breaks
from tests.contract.documents.events import EventType, event_types
from tests.contract.documents.written import released_schemas

PRESENT = {event.name: event for event in event_types()}
RELEASED = released_schemas()


@pytest.mark.parametrize("name", RELEASED)
def test_no_event_breaks_a_reader_of_its_last_released_schema(name: str) -> None:
    assert name in PRESENT, "the event was removed; keep it, and say the new one beside it"
    assert breaks(RELEASED[name], PRESENT[name].schema) == []


@pytest.mark.parametrize("name", RELEASED)
@pytest.mark.parametrize("full", [True, False], ids=["every field", "required fields"])
def test_todays_services_read_what_the_last_release_wrote(name: str, full: bool) -> None:  # noqa: FBT001 - a parameter of the table
    record = example(RELEASED[name], RELEASED[name], full=full)

    data = msgspec.json.decode(msgspec.json.encode(record), type=PRESENT[name].data)

    assert data.account_id == "text"
    assert set(msgspec.json.decode(msgspec.json.encode(data))) <= set(PRESENT[name].schema["properties"])


class Inner(Struct, frozen=True):
    """A part."""

    points: int | None


class Sample(Struct, frozen=True, omit_defaults=True):
    """An event with one of everything."""

    account_id: str
    score: int | None
    coverage: float
    inner: Inner
    band: str = "green"
    causes: tuple[str, ...] = ()
    parts: tuple[Inner, ...] = ()
    nested: Inner | None = None


SAMPLE: dict[str, Any] = EventType("sample", "tests", None, Sample).schema  # type: ignore[arg-type] # it travels nowhere


def change(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def apply(schema: dict[str, Any]) -> None:
        for step in path[:-1]:
            schema = schema[step]
        schema[path[-1]] = to

    return apply


def remove(*path: str) -> Callable[[dict[str, Any]], None]:
    def apply(schema: dict[str, Any]) -> None:
        for step in path[:-1]:
            schema = schema[step]
        del schema[path[-1]]

    return apply


def add_required(schema: dict[str, Any]) -> None:
    schema["properties"]["fresh"] = {"type": "string"}
    schema["required"].append("fresh")


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (remove("properties", "band"), "band: the field was removed"),
        (remove("$defs", "Inner", "properties", "points"), "inner.points: the field was removed"),
        (change("properties", "coverage", "type", to="string"), "coverage: type was 'number' and is 'string'"),
        (change("properties", "score", to={"type": "integer"}), "score: type was not there and is 'integer'"),
        (change("properties", "score", "anyOf", to=[{"type": "integer"}]), "score: was integer or null and is integer"),
        (change("properties", "causes", "items", "type", to="integer"), "causes[]: type was 'string' and is 'integer'"),
        (change("properties", "band", "default", to="red"), "band: default was 'green' and is 'red'"),
        (change("properties", "band", "enum", to=["green"]), "band: enum was not there and is ['green']"),
        (
            change("$defs", "Inner", "properties", "points", to={"type": "string"}),
            "parts[].points: type was not there and is 'string'",
        ),
        (add_required, "fresh: a new field is required, and records without it are in the log"),
        (
            change("required", to=["account_id", "score", "inner"]),
            "coverage: the field was required and may now be absent",
        ),
        (
            change("required", to=["account_id", "score", "coverage", "inner", "band"]),
            "band: the field could be absent and is now required",
        ),
    ],
)
def test_a_change_that_breaks_a_reader_is_seen(edit: Callable[[dict[str, Any]], None], sentence: str) -> None:
    changed = deepcopy(SAMPLE)
    edit(changed)

    assert sentence in breaks(SAMPLE, changed)


@pytest.mark.parametrize(
    "edit",
    [
        change("properties", "fresh", to={"type": "string", "default": ""}),
        change("description", to="Said better."),
        change("$defs", "Inner", "properties", "fresh", to={"type": "integer", "default": 0}),
        change("$defs", "Unused", to={"type": "string"}),
    ],
)
def test_a_change_that_breaks_nobody_passes(edit: Callable[[dict[str, Any]], None]) -> None:
    changed = deepcopy(SAMPLE)
    edit(changed)

    assert breaks(SAMPLE, SAMPLE) == breaks(SAMPLE, changed) == []


def example(schema: dict[str, Any], root: dict[str, Any], *, full: bool) -> Any:
    """A value that is valid under a schema: with every field, or with those only that are required."""
    if "$ref" in schema:
        return example(root["$defs"][schema["$ref"].rpartition("/")[2]], root, full=full)
    if "anyOf" in schema:
        return example(schema["anyOf"][0 if full else -1], root, full=full)
    match schema.get("type"):
        case "object":
            names = schema.get("properties", {}) if full else schema.get("required", ())
            return {name: example(schema["properties"][name], root, full=full) for name in names}
        case "array":
            return [example(schema["items"], root, full=full)] if full else []
        case "string":
            return {"date-time": "2026-03-01T12:00:00Z", "date": "2026-03-01", "decimal": "12.50"}.get(
                schema.get("format", ""), "text"
            )
    return {"integer": 7, "number": 0.5, "boolean": True, "null": None}[schema["type"]]
