"""Tracking plans: JSON Schemas of an event's properties, bounded so that no schema can make ingest slow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

from ingest.domain.policy import Action
from ingest.domain.sources import PlannedEvent

MOST_BYTES = 64 * 1024
"""Of a schema, as JSON."""
MOST_DEPTH = 32
MOST_UNFOLDED = 10_000
"""Objects and lists of a schema, each counted as often as references lead to it: what an event may cost."""
LONGEST_PATTERN = 500
REGEX_BYTES = 1 << 20
"""Of one pattern, compiled by an engine that takes linear time; no look-around and no back-references."""
MOST_FAULTS = 20
LONGEST_DETAIL = 200
DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2020-12/schema#",
)

_log = structlog.get_logger(__name__)

_VALUES = ("const", "enum", "default", "examples")
"""Keywords whose values are data, not schemas."""
_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords whose members are names, not keywords."""
_FOREIGN = ("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$anchor", "$id", "$vocabulary")


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """What is wrong with a schema, and where: a JSON pointer within it."""

    pointer: str
    detail: str


class SchemaRefused(Exception):
    """A schema that is none, or costs too much."""

    def __init__(self, faults: Sequence[SchemaFault]) -> None:
        super().__init__(faults[0].detail)
        self.faults = tuple(faults)


class CompiledEvent:
    """The plan of one event name, ready to be asked; what policies call `Planned`."""

    __slots__ = ("_validator", "action")

    def __init__(self, action: Action, schema: Mapping[str, Any]) -> None:
        """Raises `SchemaRefused`."""
        self.action = action
        self._validator = compiled(schema)

    def faults(self, properties: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """What is wrong with an event's properties: (JSON pointer within them, sentence); no value is repeated."""
        found: list[tuple[str, str]] = []
        try:
            for error in self._validator.iter_errors(dict(properties)):
                found.append((pointer_of(error.instance_path), _sentence(error)))
                if len(found) == MOST_FAULTS:
                    break
        except ValueError as unreadable:
            found.append(("", f"The properties cannot be checked: {unreadable}"[:LONGEST_DETAIL]))
        return found


class Compiler:
    """Compiles planned events, each version once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, int], CompiledEvent] = {}

    def __call__(self, planned: Sequence[PlannedEvent]) -> Mapping[tuple[str, str], CompiledEvent]:
        """(source, event) -> its plan.

        Only what was found good is ever stored. Should another release think otherwise, that event is not judged, and
        this is logged: receiving goes on.
        """
        made: dict[tuple[str, str, int], CompiledEvent] = {}
        for each in planned:
            key = (each.source_id, each.event, each.version)
            try:
                made[key] = self._made.get(key) or CompiledEvent(each.action, each.schema)
            except SchemaRefused as refused:
                _log.error(
                    "a stored schema is not acceptable",
                    source=each.source_id,
                    event_name=each.event,
                    reason=str(refused),
                )
        self._made = made
        return {(source_id, event): compiled_event for (source_id, event, _), compiled_event in made.items()}


def compiled(schema: Mapping[str, Any]) -> Draft202012Validator:
    """The schema (draft 2020-12), ready to be asked. Raises `SchemaRefused`, and says precisely what is wrong."""
    if len(msgspec.json.encode(schema)) > MOST_BYTES:
        raise SchemaRefused([SchemaFault("", f"A schema has at most {MOST_BYTES} bytes.")])
    if _too_deep(schema):
        raise SchemaRefused([SchemaFault("", f"A schema is at most {MOST_DEPTH} levels deep.")])
    faults = list(_faults(schema, ()))[:MOST_FAULTS]
    if faults:
        raise SchemaRefused(faults)
    _Unfolding(schema).measure()
    try:
        return Draft202012Validator(
            dict(schema), pattern_options=RegexOptions(size_limit=REGEX_BYTES), mask="the value"
        )
    except ValidationError as error:
        raise SchemaRefused([_schema_fault(error)]) from None
    except ValueError as error:
        raise SchemaRefused([SchemaFault("", str(error)[:LONGEST_DETAIL])]) from None


def pointer_of(path: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _sentence(error: ValidationError) -> str:
    message = error.message
    sentence = message[:1].upper() + message[1:]
    return sentence if len(sentence) < LONGEST_DETAIL else sentence[: LONGEST_DETAIL - 1] + "…"


def _schema_fault(error: ValidationError) -> SchemaFault:
    path = list(error.instance_path)
    if path and path[-1] == "pattern":
        detail = "This pattern is no regular expression without look-around and back-references, or it is too large."
    else:
        detail = _sentence(error)
    return SchemaFault(pointer_of(path), detail)


def _too_deep(schema: Any) -> bool:
    level = [schema]
    for _ in range(MOST_DEPTH):
        level = [member for each in level for member in _members(each)]
        if not level:
            return False
    return True


def _members(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else ()


def _parts(schema: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The places and values within a schema that may be schemas; data is left out."""
    if isinstance(schema, list):
        for index, member in enumerate(schema):
            yield (index,), member
    elif isinstance(schema, Mapping):
        for word, value in schema.items():
            if word in _MAPS and isinstance(value, Mapping):
                for name, member in value.items():
                    yield (word, name), member
            elif word not in _VALUES:
                yield (word,), value


def _faults(schema: Any, path: tuple[str | int, ...]) -> Iterator[SchemaFault]:
    """What is refused beyond the rules of JSON Schema itself."""
    if isinstance(schema, Mapping):
        for word, value in schema.items():
            detail = _fault(word, value, is_root=not path)
            if detail is not None:
                yield SchemaFault(pointer_of((*path, word)), detail)
    for place, member in _parts(schema):
        yield from _faults(member, (*path, *place))


def _fault(word: str, value: Any, *, is_root: bool) -> str | None:
    if word in _FOREIGN:
        return f"{word} is not taken: a schema here stands alone."
    if word == "$schema" and not (is_root and value in DIALECTS):
        return f"The dialect is {DIALECTS[0]}, named at the top or not at all."
    if word == "$ref" and not (isinstance(value, str) and (value == "#" or value.startswith("#/"))):
        return "A $ref leads to a place in this schema, such as #/$defs/name."
    patterns = [value] if word == "pattern" else value if word == "patternProperties" else ()
    if isinstance(patterns, list | Mapping) and any(
        isinstance(each, str) and len(each) > LONGEST_PATTERN for each in patterns
    ):
        return f"A pattern has at most {LONGEST_PATTERN} characters."
    return None


class _Unfolding:
    """Follows every reference of a schema, to see that none leads back to itself and that they end soon."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._count = 0

    def measure(self) -> None:
        """Raises `SchemaRefused` for a circle, a place that is not there, and too large a whole."""
        self._walk(self._root, (), ())

    def _walk(self, schema: Any, path: tuple[str | int, ...], through: tuple[str, ...]) -> None:
        self._count += isinstance(schema, Mapping)
        if self._count > MOST_UNFOLDED:
            raise SchemaRefused([SchemaFault("", f"With its references followed it has over {MOST_UNFOLDED} parts.")])
        for place, member in _parts(schema):
            here = path if through else (*path, *place)  # behind a reference the place is where it stands
            if place == ("$ref",):
                self._follow(str(member), here, through)
            elif place[0] not in ("$defs", "definitions"):
                self._walk(member, here, through)

    def _follow(self, reference: str, path: tuple[str | int, ...], through: tuple[str, ...]) -> None:
        if reference in through or reference == "#":
            raise SchemaRefused([SchemaFault(pointer_of(path), f"{reference:.100} leads back to itself.")])
        target: Any = self._root
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, Mapping) or name not in target:
                raise SchemaRefused([SchemaFault(pointer_of(path), f"There is no {reference:.100} in this schema.")])
            target = target[name]
        self._walk(target, path, (*through, reference))
