"""What the published schemas accept the reader accepts, and the other way round."""

from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.api.fact_events import READINGS
from ingest.api.fact_schemas import TYPES, sent_schema
from ingest.domain.occurrence import SenderClock
from ingest.domain.refusal import Refused

CLOCK = SenderClock.observed(datetime(2026, 3, 2, 9, tzinfo=UTC), None)
KINDS = [kind for kind in TYPES if kind != "usage"]
NOT_STATED = {
    "zone-unknown",
    "time-out-of-range",
    "day-out-of-range",
    "days-reversed",
    "parent-is-itself",
    "account-id-invalid",
    "user-id-invalid",
}
"""What a JSON Schema cannot say, or not wholly: what is no id in capitals either."""
JUNK = st.sampled_from(
    [None, True, "", "x", "a\n", "a\0b", "é" * 201, "EUR", "2026-02-30", -1, 0.5, 11, 10**30, [], ["x"], {}, {"x": 1}]
)


class FactEvent(msgspec.Struct):
    data: msgspec.Raw
    time: datetime | None = None


def refusal(kind: str, document: Any) -> str | None:
    """The code with which the reader refuses a fact's data; None where it takes it."""
    try:
        READINGS[TYPES[kind]](FactEvent(msgspec.Raw(msgspec.json.encode(document))), CLOCK)
    except Refused as refused:
        return refused.code
    return None


def values(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that are mostly valid under a schema."""
    if "$ref" in schema:
        return values(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return st.sampled_from([*schema["enum"], "no such word"])
    if "anyOf" in schema and "type" not in schema:
        return st.one_of([values(form, root) for form in schema["anyOf"]])
    match schema["type"]:
        case "object" if "properties" in schema:
            return objects(schema, root)
        case "object":
            return st.dictionaries(st.sampled_from(["crm", "billing.eu", "Crm", "\0"]), st.none() | st.just("17"))
        case "array":
            return st.lists(values(schema["items"], root), max_size=3)
        case "string":
            return texts(schema)
        case "boolean" | "null":
            return st.none() | st.booleans()
        case "integer":
            return st.integers(schema["minimum"] - 1, schema["maximum"] + 1)
    return st.integers(-3, 10**16) | st.floats(-1, 1).filter(lambda number: not number.is_integer())


def objects(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    sound = {name: values(field, root) for name, field in schema["properties"].items()}
    required = {name: sound[name] for name in schema["required"]}
    optional = {name: field for name, field in sound.items() if name not in required}
    valid = st.fixed_dictionaries(required, optional=optional)
    any_of_each = {name: field | JUNK for name, field in sound.items()}
    return valid | st.fixed_dictionaries({}, optional=any_of_each) | valid.map(lambda known: {**known, "tpyo": 1})


def texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date":
        return st.dates(datetime(2000, 1, 1, tzinfo=UTC).date()).map(lambda day: day.isoformat())
    if schema.get("format") == "date-time":
        return st.sampled_from(["2026-02-01T09:00:00Z", "2014-02-01T09:00:00.123456+02:00", "soon", ""])
    known = st.sampled_from(["a", "EUR", "12.50", "-3", "1e3", "1_000", "de-AT", "a b", "a\tb", "a\n", "\x7f", "a\0"])
    return known | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@pytest.mark.parametrize("kind", TYPES)
def test_each_schema_is_one_and_its_example_passes_it(kind: str) -> None:
    schema = sent_schema(kind)

    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["$id"] == f"urn:mainstay:sent:{TYPES[kind]}"
    assert schema["description"]
    [shown] = schema["examples"]
    jsonschema_rs.validate(schema, shown, validate_formats=True)
    if kind in KINDS:
        assert refusal(kind, shown) is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_and_the_reader_accept_the_same(kind: str) -> None:
    schema = sent_schema(kind)
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    seen = set()

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @example(schema["examples"][0])
    @given(values(schema, schema))
    def compare(document: Any) -> None:
        code = refusal(kind, document)
        if code not in NOT_STATED:
            assert (code is None) == validator.is_valid(document), code
        seen.add(code is None)

    compare()
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("kind", "change", "valid"),
    [
        ("survey_response", {"kind": "csat", "score": 6}, False),
        ("survey_response", {"kind": "csat", "score": 5}, True),
        ("survey_response", {"kind": "nps", "score": 0}, True),
        ("survey_response", {"account_id": "acme", "contact_id": None}, True),
        ("ticket", {"csat": 0}, False),
        ("touchpoint", {"cost": {"amount": 12.5, "currency": "EUR"}}, False),
        ("touchpoint", {"cost": {"amount": "NaN", "currency": "EUR"}}, False),
        ("account", {"stage": "asleep"}, False),
        ("account", {"currency": "EUR\n"}, False),
        ("account", {"name": "a\u0085"}, False),
    ],
)
def test_bounds_hold_in_both(kind: str, change: dict[str, Any], valid: bool) -> None:  # noqa: FBT001 - a parameter of the table
    schema = sent_schema(kind)
    document = {**schema["examples"][0], **change}

    assert jsonschema_rs.validator_for(schema, validate_formats=True).is_valid(document) is valid
    assert (refusal(kind, document) is None) is valid
