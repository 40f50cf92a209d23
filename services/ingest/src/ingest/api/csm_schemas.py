"""Bodies and answers of the routes for CSM tools: the facts' own schemas without what the path and the key say."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from ingest.api.fact_schemas import Schema, fact_schema
from mainstay.contracts.facts import Fact, HandoverFact
from mainstay.contracts.ingest import AccountFact

_FROM_ELSEWHERE = ("account_id", "by")


class StoredFactView(BaseModel):
    """A fact as it lies in the log."""

    id: str = Field(description="With `source`, names the event for ever")
    source: str
    type: str
    occurred_at: datetime
    data: dict[str, Any] = Field(description="As /v1/schemas describes it; `by` is the API key's name")


def whole_body(
    kind: type[Fact], *, in_path: tuple[str, ...] = (), made: tuple[str, ...] = (), needed: tuple[str, ...] = ()
) -> Schema:
    """The body that states a fact; `in_path` is in the path, `made` is made where it is absent, `needed` has to be."""
    schema = fact_schema(kind, without=(*_FROM_ELSEWHERE, *in_path), optional=made)
    schema.pop("anyOf", None)
    if needed:
        schema["required"] = [*schema.get("required", []), *needed]
    return inlined(schema)


def account_body(*fields: str) -> Schema:
    """The body that states these fields of an account."""
    schema = whole_body(AccountFact)
    properties = {name: schema["properties"][name] for name in (*fields, "occurred_at")}
    return {"type": "object", "properties": properties, "required": list(fields), "additionalProperties": False}


def assignment_body() -> Schema:
    """The body that puts a person into a role."""
    return _one_of(AccountFact, "team", "role")


def step_body() -> Schema:
    """The body that states one step of a handover."""
    return _one_of(HandoverFact, "steps", "step_id", stays=True)


def _one_of(kind: type[Fact], field: str, name: str, *, stays: bool = False) -> Schema:
    """One item of a fact's list, whose name is in the path or (`stays`) is made where it is absent."""
    whole = whole_body(kind)["properties"]
    item: Schema = dict(whole[field]["items"])
    properties = {**item["properties"], "occurred_at": whole["occurred_at"]}
    if not stays:
        del properties[name]
    return {**item, "properties": properties, "required": [one for one in item["required"] if one != name]}


def inlined(schema: Schema) -> Schema:
    """Without `$defs`: an OpenAPI document has no place for them."""
    definitions = schema.pop("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return resolved(definitions[node["$ref"].rpartition("/")[2]])
        return {name: resolved(one) for name, one in node.items()}

    found: Schema = resolved(schema)
    return found
