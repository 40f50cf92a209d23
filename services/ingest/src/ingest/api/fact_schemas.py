"""The JSON Schemas (draft 2020-12) of what senders may state, made from the structs that read it."""

import inspect
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any, TypeAlias

import msgspec

from ingest.api.fact_examples import EXAMPLES
from ingest.api.fact_reading import AMOUNT, CURRENCY, may_wait
from ingest.domain.names import JUNK, LONGEST_ID, LONGEST_NAME
from mainstay.contracts.facts import FACTS, Fact
from mainstay.contracts.ingest import UsageRecorded

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS: Mapping[str, type[Fact]] = {kind.TYPE.split(".")[2]: kind for kind in FACTS}
"""The kinds of facts, by the word in their type."""
TYPES: Mapping[str, str] = {"usage": UsageRecorded.TYPE, **{word: kind.TYPE for word, kind in KINDS.items()}}

_MONEY: Schema = {
    "title": "MoneyData",
    "description": "An exact amount and its ISO 4217 currency.",
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": AMOUNT, "examples": ["1200.00"]},
        "currency": {"type": "string", "pattern": CURRENCY, "examples": ["EUR"]},
    },
    "required": ["amount", "currency"],
}
_JUNK: Schema = {"enum": sorted(JUNK)}
_CSAT: Schema = {
    "if": {"properties": {"kind": {"const": "csat"}}, "required": ["kind"]},
    "then": {"properties": {"score": {"minimum": 1, "maximum": 5}}},
}
_SAID: Mapping[str, str] = {
    "account_id": "The account's id",
    "contact_id": "Your id of the person",
    "occurred_at": "When it was so (for a touchpoint: when it took place); absent: the event's time",
    "by": "Who wrote it down",
    "zone": "IANA name, such as Europe/Berlin",
}


def sent_schema(word: str) -> Schema:
    """The schema of an event's data, complete, with its example. Raises `KeyError` for a kind that does not exist."""
    body = usage_schema() if word == "usage" else fact_schema(KINDS[word])
    return {
        "$schema": DIALECT,
        "$id": f"urn:mainstay:sent:{TYPES[word]}",
        **body,
        "examples": [deepcopy(dict(EXAMPLES[word]))],
    }


def fact_schema(kind: type[Fact], *, without: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> Schema:
    """The schema of a fact's data. `without` are fields that come from elsewhere, `optional` ones made if absent."""
    schema = deepcopy(_whole(kind))
    required = [name for name in schema["required"] if name not in {"occurred_at", *without, *optional}]
    if may_wait(kind) and "account_id" in required:
        required.remove("account_id")
        person: Schema = {"required": ["contact_id"], "properties": {"contact_id": {"type": "string"}}}
        schema["anyOf"] = [{"required": ["account_id"]}, person]
    schema["required"] = required
    for name in without:
        schema["properties"].pop(name, None)
    return schema


@cache
def usage_schema() -> Schema:
    """The schema of a usage event's data; fields that are not named here are passed over."""
    texts = {"account_id": LONGEST_ID, "user_id": LONGEST_ID, "event": LONGEST_NAME, "feature": LONGEST_NAME}
    properties: Schema = {
        name: {"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$"}
        for name, longest in texts.items()
    }
    properties["account_id"]["description"] = "The account"
    properties["user_id"]["description"] = "Your id of the user; enough, where the user's account is known"
    properties["event"]["description"] = "What was done"
    properties["feature"]["description"] = "The feature used; absent: `properties.feature`, else the event's name"
    properties["properties"] = {"type": ["object", "null"], "description": "Anything of yours, nested at most 64 deep"}
    return {
        "title": "Usage",
        "description": "One use of the product by one user of an account; the event's `time` says when.",
        "type": "object",
        "properties": properties,
        "required": ["event"],
        "anyOf": [{"required": ["account_id"]}, {"required": ["user_id"]}],
    }


@cache
def _whole(kind: type[Fact]) -> Schema:
    _, components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    definitions = {name: _of_senders(found) for name, found in components.items() if name != kind.__name__}
    if "MoneyData" in definitions:
        definitions["MoneyData"] = _of_senders(_MONEY)
    schema = _of_senders(components[kind.__name__])
    properties = schema["properties"]
    properties["occurred_at"] = {"anyOf": [properties["occurred_at"], {"type": "null"}]}
    for name in ("account_id", "contact_id"):
        if name in properties:
            properties[name]["not"] = _JUNK
    for name, about in _SAID.items():
        if name in properties:
            properties[name]["description"] = about
    if "score" in properties:
        schema |= _CSAT
    return {**schema, "$defs": definitions} if definitions else schema


def _of_senders(node: Any) -> Any:
    """A schema of msgspec's, strict about names, without defaults, with patterns as ECMA 262 writes them."""
    if isinstance(node, list):
        return [_of_senders(one) for one in node]
    if not isinstance(node, dict):
        return node
    told = {name: _of_senders(one) for name, one in node.items() if name != "default"}
    if isinstance(told.get("pattern"), str):
        told["pattern"] = told["pattern"].replace("\\Z", "$")
    if isinstance(told.get("description"), str):
        told["description"] = inspect.cleandoc(told["description"])
    if told.get("type") == "object" and "properties" in told:
        told.setdefault("additionalProperties", False)
    return told
