"""What would break a reader: records outlive releases in the log, so schemas must fit each other both ways.

A record of the last release is read by today's services (the log keeps it), and today's record by a service or a
customer's consumer of the last release. So between two releases a field may only be added, with a default.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_WORDS = frozenset({"title", "description", "examples", "$id", "$schema", "$defs", "$comment"})
"""Keywords that say nothing about what is valid."""


def breaks(released: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """Each change from a released schema to the present one that breaks a reader, as a sentence; [] for none."""
    return list(_breaks(released, present, released, present, ""))


def _breaks(
    old: Mapping[str, Any], new: Mapping[str, Any], old_root: Mapping[str, Any], new_root: Mapping[str, Any], at: str
) -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    here = at or "the data"
    for keyword in sorted((old.keys() | new.keys()) - _WORDS - {"properties", "required", "items", "anyOf"}):
        if old.get(keyword) != new.get(keyword):
            yield f"{here}: {keyword} was {_told(old, keyword)} and is {_told(new, keyword)}"
    yield from _field_breaks(old, new, old_root, new_root, at)
    if ("items" in old) != ("items" in new):
        yield f"{here}: the items of the list changed"
    elif "items" in old:
        yield from _breaks(old["items"], new["items"], old_root, new_root, f"{at}[]")
    old_forms, new_forms = _forms(old, old_root), _forms(new, new_root)
    if old_forms.keys() != new_forms.keys():
        yield f"{here}: was {' or '.join(old_forms)} and is {' or '.join(new_forms) or 'something else'}"
    for form in old_forms.keys() & new_forms.keys():
        yield from _breaks(old_forms[form], new_forms[form], old_root, new_root, at)


def _field_breaks(
    old: Mapping[str, Any], new: Mapping[str, Any], old_root: Mapping[str, Any], new_root: Mapping[str, Any], at: str
) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
    for name, schema in before.items():
        place = f"{at}.{name}".lstrip(".")
        if name not in after:
            yield f"{place}: the field was removed"
            continue
        if name in required_before - required_after:
            yield f"{place}: the field was required and may now be absent"
        if name in required_after - required_before:
            yield f"{place}: the field could be absent and is now required"
        yield from _breaks(schema, after[name], old_root, new_root, place)
    for name in sorted(required_after - before.keys()):
        yield f"{at}.{name}".lstrip(".") + ": a new field is required, and records without it are in the log"


def _forms(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The alternatives of an anyOf, by what tells them apart."""
    resolved = [_resolved(form, root) for form in schema.get("anyOf", ())]
    return {f"{form.get('type', 'a choice')} {form.get('format', '')}".strip(): form for form in resolved}


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        target: Mapping[str, Any] = root["$defs"][schema["$ref"].rpartition("/")[2]]
        schema = {**target, **{keyword: value for keyword, value in schema.items() if keyword != "$ref"}}
    return schema


def _told(schema: Mapping[str, Any], keyword: str) -> str:
    return repr(schema[keyword]) if keyword in schema else "not there"
