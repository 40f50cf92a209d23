"""Every event of Mainstay, its owner, and its JSON Schema, taken from the structs in mainstay.contracts."""

import inspect
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import msgspec
from msgspec import inspect as shapes

import mainstay.contracts
from mainstay.messaging.port import Topic

_OWNERS = {"sources": "ingest"}
"""Module of contracts -> its owner, where that is not the module's own name."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class EventType:
    """A type of event: who says it, where, and what its data looks like."""

    name: str
    owner: str
    topic: Topic
    data: type[Any]

    @property
    def title(self) -> str:
        """The struct's name."""
        return self.data.__name__

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the data. Fields it does not name may come: readers ignore them."""
        definitions: dict[str, Any] = {}
        schema = _struct(shapes.type_info(self.data), definitions)
        head = {"$schema": DIALECT, "$id": f"urn:mainstay:event:{self.name}"}
        return {**head, **schema, **({"$defs": dict(sorted(definitions.items()))} if definitions else {})}


def event_types() -> tuple[EventType, ...]:
    """Every event that is declared, by its name."""
    found = []
    for module in pkgutil.iter_modules(mainstay.contracts.__path__):
        declared = import_module(f"mainstay.contracts.{module.name}")
        owner = getattr(declared, "OWNER", module.name.replace("_", "-"))
        found += [EventType(data.TYPE, owner, data.TOPIC, data) for data in getattr(declared, "EVENTS", ())]
    return tuple(sorted(found, key=lambda event: event.name))


def _struct(shape: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": shape.cls.__name__,
        "description": inspect.cleandoc(shape.cls.__doc__ or ""),
        "type": "object",
        "properties": {field.encode_name: _property(field, definitions) for field in shape.fields},
        "required": [field.encode_name for field in shape.fields if field.required],
    }


def _property(field: shapes.Field, definitions: dict[str, Any]) -> dict[str, Any]:
    schema = _schema(field.type, definitions)
    if field.default is not msgspec.NODEFAULT and field.default is not msgspec.UNSET:
        return {**schema, "default": _builtin(field.default)}
    return schema


def _builtin(value: Any) -> Any:
    return msgspec.json.decode(value if isinstance(value, msgspec.Raw) else msgspec.json.encode(value))


_SIMPLE: Mapping[type[Any], dict[str, Any]] = {
    shapes.StrType: {"type": "string"},
    shapes.IntType: {"type": "integer"},
    shapes.FloatType: {"type": "number"},
    shapes.BoolType: {"type": "boolean"},
    shapes.NoneType: {"type": "null"},
    shapes.DateTimeType: {"type": "string", "format": "date-time"},
    shapes.DateType: {"type": "string", "format": "date"},
    shapes.DecimalType: {"type": "string", "format": "decimal"},
    shapes.RawType: {"type": "object"},
}
"""Raw stands for a sender's own JSON object."""


def _schema(shape: shapes.Type, definitions: dict[str, Any]) -> dict[str, Any]:
    match shape:
        case shapes.Metadata():  # bounds are for those who send: ingest publishes schemas with them
            return _schema(shape.type, definitions)
        case shapes.StructType():
            name = shape.cls.__name__
            if name not in definitions:
                definitions[name] = {}  # a struct may name itself
                definitions[name] = _struct(shape, definitions)
            return {"$ref": f"#/$defs/{name}"}
        case shapes.UnionType():
            return {"anyOf": [_schema(member, definitions) for member in shape.types]}
        case shapes.VarTupleType() | shapes.ListType():
            return {"type": "array", "items": _schema(shape.item_type, definitions)}
        case shapes.DictType():
            return {"type": "object", "additionalProperties": _schema(shape.value_type, definitions)}
        case shapes.LiteralType():
            return {"enum": list(shape.values)}
    return dict(_SIMPLE[type(shape)])
