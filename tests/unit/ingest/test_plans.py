"""Tracking plans: what a schema may be, and what it finds wrong with an event."""

from typing import Any

import pytest

from ingest.application.plans import MOST_FAULTS, CompiledEvent, SchemaRefused, compiled
from ingest.domain.policy import Action

_NESTED: dict[str, Any] = {}
for _ in range(40):
    _NESTED = {"properties": {"a": _NESTED}}

_DOUBLING = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(30)}


@pytest.mark.parametrize(
    ("schema", "pointer", "says"),
    [
        ({"type": "objct"}, "/type", "is not valid"),
        ({"properties": {"a": {"minimum": "x"}}}, "/properties/a/minimum", "number"),
        ({"properties": {"a/b": {"pattern": "("}}}, "/properties/a~1b/pattern", "regular expression"),
        ({"properties": {"a": {"pattern": "(?=x)y"}}}, "/properties/a/pattern", "look-around"),
        ({"properties": {"a": {"pattern": "(a{1,1000}){1,1000}"}}}, "/properties/a/pattern", "too large"),
        ({"pattern": "a" * 501}, "/pattern", "500 characters"),
        ({"patternProperties": {"a" * 501: {}}}, "/patternProperties", "500 characters"),
        ({"$ref": "https://127.0.0.1/schema"}, "/$ref", "in this schema"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "/properties/a/$ref", "in this schema"),
        ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "/properties/a/$ref", "There is no #/$defs/b"),
        ({"properties": {"a": {"$ref": "#"}}}, "/properties/a/$ref", "back to itself"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "/$ref", "back to itself"),
        ({"$id": "https://127.0.0.1/schema"}, "/$id", "stands alone"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "/$schema", "2020-12"),
        ({"enum": ["a" * 70_000]}, "", "65536 bytes"),
        (_NESTED, "", "32 levels"),
        ({"$ref": "#/$defs/d0", "$defs": {**_DOUBLING, "d30": {}}}, "", "10000 parts"),
    ],
)
def test_a_schema_that_is_none_or_costs_too_much_is_refused_precisely(
    schema: dict[str, Any], pointer: str, says: str
) -> None:
    with pytest.raises(SchemaRefused) as refused:
        compiled(schema)
    fault = refused.value.faults[0]
    assert fault.pointer == pointer
    assert says in fault.detail


def test_names_and_values_that_look_like_keywords_are_none() -> None:
    event = CompiledEvent(
        Action.WARN, {"properties": {"$ref": {"const": {"$ref": "http://127.0.0.1"}}, "pattern": {"type": "string"}}}
    )
    assert event.faults({"$ref": {"$ref": "http://127.0.0.1"}, "pattern": "("}) == []


def test_what_is_wrong_with_an_event_is_said_by_place_and_without_its_values() -> None:
    event = CompiledEvent(
        Action.QUARANTINE,
        {
            "required": ["plan"],
            "properties": {"price": {"$ref": "#/$defs/amount"}, "tags": {"items": {"type": "string"}}},
            "$defs": {"amount": {"type": "number", "minimum": 0}},
        },
    )
    found = event.faults({"price": "four hundred", "tags": ["a", 7]})
    assert sorted(place for place, _ in found) == ["", "/price", "/tags/1"]
    assert not any("four hundred" in sentence for _, sentence in found)
    assert event.faults({"price": 4, "plan": "gold"}) == []


def test_at_most_twenty_faults_are_told_and_huge_numbers_are_no_trouble() -> None:
    event = CompiledEvent(Action.WARN, {"additionalProperties": {"type": "string"}})
    assert len(event.faults({str(n): n for n in range(100)})) == MOST_FAULTS
    assert event.faults({"n": 10**400})


def test_a_pattern_that_would_take_for_ever_by_backtracking_does_not() -> None:
    event = CompiledEvent(Action.WARN, {"properties": {"a": {"pattern": "^(a+)+$"}}})
    assert len(event.faults({"a": "a" * 30_000 + "!"})) == 1
