"""The fields that a column can go to: those of the facts' own contracts, and how a cell's text becomes their type."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

from ingest.domain.refusal import Refused
from mainstay.contracts.facts import FACTS
from mainstay.contracts.ingest import UsageRecorded

EVENT = "event"
ATTRIBUTES = {"id": "id", "time": "time", "occurred_at": "time", "timestamp": "time"}
"""Targets that are attributes of the event itself, not of what it says."""
_OF_INGEST = {"received_at", "stated_at", "occurred_at"}
"""Fields that no column states."""
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}
_LIST_SEPARATOR = ";"
_numbers = msgspec.json.Decoder(int | float)

Converter = Callable[[str], Any]


KINDS: Mapping[str, Any] = {EVENT: UsageRecorded, **{fact.TYPE.split(".")[2]: fact for fact in FACTS}}
"""Kind -> the contract whose fields its rows state."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a column goes: into an attribute of the event, or to `path` in its data; a number is a place in a list."""

    path: tuple[str | int, ...]
    convert: Converter
    attribute: str | None = None

    def read(self, text: str, column: str) -> Any:
        """The cell's text as the field's type. Raises `Refused`, pointing at the column."""
        if self.convert is str:
            return text.strip()
        try:
            return self.convert(text.strip())
        except ValueError as error:
            raise Refused("value-invalid", f"{error}; this one is {text.strip()!r:.50}.", pointer_to(column)) from None

    @property
    def pointer(self) -> str:
        """Where the field is in the event that a row becomes."""
        return f"/{self.attribute}" if self.attribute is not None else "/".join(("/data", *map(str, self.path)))


def pointer_to(column: str) -> str:
    """Names the column of a refused cell."""
    return "/" + column.replace("~", "~0").replace("/", "~1")


@lru_cache(maxsize=4_096)  # columns are strangers' words
def field_of(kind: str, target: str, column: str) -> Field:
    """The field that a mapping names, such as `owner`, `terms.0.starts_on` or `properties.minutes:number`.

    Raises `Refused` where the kind has no such field.
    """
    if target in ATTRIBUTES:
        attribute = ATTRIBUTES[target]
        return Field((), _instant if attribute == "time" else str, attribute)
    name, _, stated_type = target.partition(":")
    first, *rest = path = name.split(".")
    if not all(path):
        raise _unknown(kind, target, column)
    if kind == EVENT and first == "properties" and rest:
        convert = _STATED.get(stated_type or "text")
        if convert is None:
            raise _unknown(kind, target, column)
        return Field(tuple(path), convert)
    if first == "traits" and rest:
        path = rest
    if path[0] in _OF_INGEST or stated_type:
        raise _unknown(kind, target, column)
    found: inspect.Type | None = inspect.type_info(KINDS[kind])
    steps: list[str | int] = []
    for step in path:
        is_place = any(isinstance(each, inspect.VarTupleType) for each in _plain(found))
        steps.append(int(step) if is_place and step.isdecimal() and len(step) <= 3 else step)
        found = _within(found, steps[-1])
    convert = _converter(found) if found is not None else None
    if convert is None:
        raise _unknown(kind, target, column)
    return Field(tuple(steps), convert)


def _unknown(kind: str, target: str, column: str) -> Refused:
    fields = [field.name for field in inspect.type_info(KINDS[kind]).fields if field.name not in _OF_INGEST]  # type: ignore[attr-defined] # a contract is a struct
    known = ", ".join(["id", "occurred_at", *fields])
    detail = f"The column {column!r:.60} goes to {target!r:.60}, but the fields of {kind} are: {known}."
    return Refused("mapping-invalid", detail)


def _plain(found: inspect.Type | None) -> list[inspect.Type]:
    """The types of a field, without null and absence."""
    if isinstance(found, inspect.Metadata):
        return _plain(found.type)
    if isinstance(found, inspect.UnionType):
        return [each for one in found.types for each in _plain(one)]
    if found is None or isinstance(found, inspect.NoneType) or type(found).__name__ == "UnsetType":
        return []
    return [found]


def _within(found: inspect.Type | None, step: str | int) -> inspect.Type | None:
    for each in _plain(found):
        if isinstance(each, inspect.VarTupleType):
            return each.item_type if isinstance(step, int) else None
        if isinstance(each, inspect.StructType):
            return next((field.type for field in each.fields if field.encode_name == step), None)
        if isinstance(each, inspect.DictType):
            return each.value_type
        if isinstance(each, inspect.AnyType):
            return each
    return None


def _converter(found: inspect.Type) -> Converter | None:
    """How a cell becomes a value of the field; None for fields that hold objects."""
    for each in _plain(found):
        match each:
            case inspect.BoolType():
                return _boolean
            case inspect.IntType():
                return _whole
            case inspect.FloatType():
                return _number
            case inspect.DateTimeType():
                return _instant
            case inspect.DateType():
                return _day
            case inspect.StrType() | inspect.DecimalType() | inspect.AnyType():
                return str
            case inspect.LiteralType() | inspect.EnumType():
                return str
            case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
                return _list_of(_converter(each.item_type))
    return None


def _list_of(convert: Converter | None) -> Converter | None:
    if convert is None:
        return None
    return lambda text: [convert(part.strip()) for part in text.split(_LIST_SEPARATOR) if part.strip()]


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("Expected true or false")


def _whole(text: str) -> int:
    if len(text) > 20 or not text.lstrip("+-").isdecimal():
        raise ValueError("Expected a whole number")
    return int(text)


def _number(text: str) -> int | float:
    try:
        found: int | float = _numbers.decode(text.removeprefix("+"))
    except msgspec.MsgspecError:
        raise ValueError("Expected a number such as 12.5") from None
    return found


def _instant(text: str) -> str:
    """RFC 3339, and what spreadsheets write: a space in place of the T, no seconds, no zone (UTC), a day alone."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("Expected a time such as 2026-03-01T09:00:00Z or 2026-03-01 09:00, or a day")
    day, clock, seconds, zone = found.groups()
    return f"{day}T{clock or '00:00'}{seconds or ':00'}{(zone or 'Z').upper()}"


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text[:10] if _MIDNIGHT.fullmatch(text[10:]) else text).isoformat()
    except ValueError:
        raise ValueError("Expected a day such as 2026-03-01") from None


_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ]+(\d\d:\d\d)(:\d\d(?:\.\d+)?)? ?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)
_MIDNIGHT = re.compile(r"[Tt ]00:00(:00(\.0+)?)?Z?")
"""What some programs put behind a day."""
_STATED: Mapping[str, Converter] = {"text": str, "number": _number, "boolean": _boolean}
