"""Reading one row of a file: as an event of the protocol whose shape it has, or by a mapping of its columns.

A mapped row becomes a CloudEvent and is read as one, so it obeys the same rules as an event that came by itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from ingest.api import json
from ingest.api.csv_rows import cells_of
from ingest.api.import_fields import ATTRIBUTES, KINDS, Field, field_of, pointer_to
from ingest.application.importing import PROTOCOL, ReadRow
from ingest.application.ports import Reader
from ingest.application.stated import Alias, Membership, Stated
from ingest.domain.imports import Form
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused

CSV = "text/csv"
NDJSON = "application/x-ndjson"
CONSTANT = "="
"""A "column" that begins so is the text behind it, the same in every row."""

OTHER_DELIMITERS = ";\t|,"
"""Asked for where a header is not cut by the one that was said."""

_OUTER = b"{}"
_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, Any])
_form = msgspec.json.Decoder(Form)


class _Shape(msgspec.Struct):
    """What tells the protocols' events apart."""

    specversion: Any = None
    distinct_id: Any = None
    item_id: Any = None
    type: Any = None
    batch: Any = None


_shape = msgspec.json.Decoder(_Shape)


def checked(form: Form) -> Form:
    """The form, where it can be read by. Raises `Refused`, also for columns that it lacks once a header is known."""
    if form.kind is None:
        if form.media_type == CSV:
            raise Refused("kind-missing", f"Say what the rows are about: kind is one of {', '.join(KINDS)}.")
        if form.mapping is not None:
            raise Refused("kind-missing", "A mapping holds for rows of one kind: say kind too.")
        return form
    if form.kind not in KINDS:
        raise Refused("kind-unknown", f"The kind is one of {', '.join(KINDS)}; this one is {form.kind!r:.50}.")
    _plan_of(form)
    return form


def with_header(form: Form, cells: Sequence[str]) -> Form:
    """The form of a CSV whose header was read. Raises `Refused`."""
    header = tuple(cell.strip() for cell in cells)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise Refused("header-invalid", f"The header names columns twice: {', '.join(twice):.200}.")
    try:
        return checked(Form(form.media_type, form.kind, form.mapping, form.delimiter, header))
    except Refused as refused:
        other = next((each for each in OTHER_DELIMITERS if len(header) == 1 and each in header[0]), None)
        if other is None:
            raise
        told = {"\t": "tab"}.get(other, other)
        asked = (
            f"The header is one column, {header[0]!r:.100}: are the cells apart by {told}? Then say delimiter={told}."
        )
        raise Refused(refused.code, asked) from None


def around(form: Form, import_id: str, first_row: int) -> bytes:
    """What is kept beside the rows of a chunk: how to read them, and where they came from."""
    return _encode({"import_id": import_id, "first_row": first_row, "form": form})


class RowReader:
    """Reads the rows of one form. `readers` are those of the protocols, by their names."""

    def __init__(self, readers: Mapping[str, Reader], form: Form, import_id: str) -> None:
        self._readers, self._form, self._id = readers, form, import_id
        self._plan = _plan_of(form)
        self._columns = {field.pointer: column for column, fields in self._plan.items() for field in fields}
        self._has_lists = any(isinstance(step, int) for each in self._plan.values() for f in each for step in f.path)
        header = form.header or ()
        self._cells = [
            (header.index(column), column, fields) for column, fields in self._plan.items() if column in header
        ]
        self._constants = _constants_of(self._plan)

    def read(self, byte: int, document: bytes, policy: Policy, received_at: datetime) -> ReadRow:
        """One row; a row without an id of its own gets one from its place in the file."""
        try:
            stated, memberships, aliases = self.event(document, policy, received_at, f"{self._id}-{byte}")
        except Refused as refused:
            column = self._columns.get(refused.pointer)
            if column is not None:
                refused = Refused(refused.code, refused.detail, pointer_to(column))
            return ReadRow(byte, document, None, refused)
        return ReadRow(byte, document, stated, None, memberships, aliases)

    def event(
        self, document: bytes, policy: Policy, received_at: datetime, made_id: str
    ) -> tuple[Stated | None, Sequence[Membership], Sequence[Alias]]:
        """What the row says. Raises `Refused`."""
        policy.limits.check_event(len(document))
        if self._form.kind is None:
            reader, event = self._readers[self._shape_of(document)], document
        else:
            reader, event = self._readers["cloudevents"], self._mapped(document, policy, made_id)
        stated, memberships, aliases = reader(event, _OUTER, policy, received_at, made_id)
        if stated is not None:
            stated.document = document
            stated.made_id = stated.id == made_id
        return stated, memberships, aliases

    def _shape_of(self, document: bytes) -> str:
        json.check_text(document)
        if document[:1] == b"[":
            raise Refused("row-not-recognised", "A line is one object, not a list: write each into a line of its own.")
        shape = json.read(_shape, document)
        if shape.specversion is not None:
            return "cloudevents"
        if (shape.distinct_id is not None or shape.item_id is not None) and "sensors" in self._readers:
            return "sensors"
        if isinstance(shape.type, str):
            return "segment"
        if shape.batch is not None:
            raise Refused("row-not-recognised", "A row is one call: write each call of a batch into a line of its own.")
        raise Refused(
            "row-not-recognised", "A row is a Segment call, a CloudEvent or a Sensors object; for others say the kind."
        )

    def _mapped(self, document: bytes, policy: Policy, made_id: str) -> bytes:
        event: dict[str, Any] = {"specversion": "1.0", "source": policy.source_id, "id": made_id}
        event["type"] = KINDS[self._form.kind or ""].TYPE
        data: dict[str, Any] = {}
        for field, found, column in self._constants:
            _put(event, data, field, found, column)
        if self._form.media_type == CSV:
            self._put_cells(event, data, document)
        else:
            self._put_members(event, data, document)
        event["data"] = _with_lists(data) if self._has_lists else data
        return _encode(event)

    def _put_cells(self, event: dict[str, Any], data: dict[str, Any], document: bytes) -> None:
        cells, width = cells_of(document, self._form.delimiter), len(self._form.header or ())
        if len(cells) > width and any(cells[width:]):
            detail = (
                f"The row has {len(cells)} cells, the header {width}: does a cell without quotes hold the delimiter?"
            )
            raise Refused("csv-malformed", detail)
        if b"\0" in document:
            raise Refused("nul-character", "Text cannot hold the NUL character.")
        for place, column, fields in self._cells:
            text = cells[place].strip() if place < len(cells) else ""
            if not text:
                continue
            for field in fields:
                _put(event, data, field, field.read(text, column), column)

    def _put_members(self, event: dict[str, Any], data: dict[str, Any], document: bytes) -> None:
        values = self._members(document)
        for column, fields in self._plan.items():
            value = values.get(column)
            if value is None:
                continue
            for field in fields:
                _put(event, data, field, field.read(value, column) if isinstance(value, str) else value, column)
        if self._form.mapping is None:
            for name, value in values.items():
                if name in ATTRIBUTES:
                    event[ATTRIBUTES[name]] = value
                else:
                    data[name] = value

    def _members(self, document: bytes) -> dict[str, Any]:
        json.check_text(document)
        members = json.read(_object, document)
        if self._form.mapping is None:
            return members
        found: dict[str, Any] = {}
        for column in self._plan:
            value: Any = members
            for step in (column,) if column in members else tuple(column.split(".")):
                value = value.get(step) if isinstance(value, dict) else None
            if value is not None:
                found[column] = value
        return found


class ImportReader:
    """Reads a row again that quarantine kept."""

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        """`readers` may be filled later: it is looked into when a row is read."""
        self._reader_of = lru_cache(maxsize=64)(lambda kept: _again(readers, kept))

    def __call__(
        self, document: bytes, around_it: bytes, policy: Policy, received_at: datetime, event_id: str | None
    ) -> tuple[Stated | None, Sequence[Membership], Sequence[Alias]]:
        """The row as it is read now. Raises `Refused`."""
        reader, import_id, first_row = self._reader_of(around_it)
        return reader.event(document, policy, received_at, event_id or f"{import_id}-again-{first_row}")


def _again(readers: Mapping[str, Reader], kept: bytes) -> tuple[RowReader, str, int]:
    stored = msgspec.json.decode(kept)
    form = msgspec.convert(stored["form"], Form)
    return RowReader(readers, form, stored["import_id"]), stored["import_id"], stored["first_row"]


def _plan_of(form: Form) -> dict[str, list[Field]]:
    """Column -> the fields it goes to."""
    if form.kind is None:
        return {}
    if form.mapping is None:
        return {column: [field_of(form.kind, column, column)] for column in form.header or () if column}
    if form.header is not None:
        absent = [each for each in form.mapping if not each.startswith(CONSTANT) and each not in form.header]
        if absent:
            raise Refused(
                "column-missing",
                f"The mapping names columns that are not there: {_few(absent)}; there are {_few(form.header)}.",
            )
    plan = {
        column: [field_of(form.kind, target, column) for target in targets] for column, targets in form.mapping.items()
    }
    targets = [target for each in form.mapping.values() for target in each]
    twice = sorted({target for target in targets if targets.count(target) > 1})
    if twice:
        raise Refused("mapping-invalid", f"Several columns go to one field: {', '.join(twice):.200}.")
    _constants_of(plan)
    return plan


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names)
    return f"{shown:.300}…" if len(shown) > 300 else shown


def _with_lists(value: Any) -> Any:
    """What was put at places becomes lists; places whose cells were all empty are left out."""
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(key, int) for key in value):
        return [_with_lists(value[place]) for place in sorted(value)]
    return {key: _with_lists(inner) for key, inner in value.items()}


def _put(event: dict[str, Any], data: dict[Any, Any], field: Field, value: Any, column: str) -> None:
    if field.attribute is not None:
        event[field.attribute] = value if isinstance(value, str) else str(value)
        return
    *outer, last = field.path
    for step in outer:
        inner: Any = data.setdefault(step, {})
        if not isinstance(inner, dict):
            path = ".".join(map(str, field.path))
            raise Refused("mapping-invalid", f"The field {path} is within a plain value.", pointer_to(column))
        data = inner
    data[last] = value


def _constants_of(plan: Mapping[str, Sequence[Field]]) -> list[tuple[Field, Any, str]]:
    """What is the same in every row. Raises `Refused`."""
    return [
        (field, field.read(column.removeprefix(CONSTANT), column), column)
        for column, fields in plan.items()
        if column.startswith(CONSTANT)
        for field in fields
    ]


__all__ = ["CSV", "NDJSON", "PROTOCOL", "ImportReader", "RowReader", "around", "checked", "with_header"]
