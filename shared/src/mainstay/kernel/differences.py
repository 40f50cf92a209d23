"""What differs between two documents: the places, with what stood there before and what stands there after."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """One place, as a JSON pointer in which things with a name go by it; what is not there is null."""

    path: str
    before: Any
    after: Any


def differences(before: Any, after: Any) -> Sequence[Difference]:
    """Every smallest part that differs, in the order of the newer document.

    Lists of things with names (groups, measures) are compared by name, so one that moved is no change of the others.
    """
    return tuple(_differences("", before, after))


def _differences(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after and type(before) is type(after):
        return
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = before, after
    elif (named_before := _by_name(before)) is not None and (named_after := _by_name(after)) is not None:
        old, new = named_before, named_after
        if list(old) != list(new) and set(old) == set(new):
            yield Difference(f"{path}/order", list(old), list(new))
    else:
        if before != after:
            yield Difference(path, before, after)
        return
    for name in [*new, *(name for name in old if name not in new)]:
        escaped = name.replace("~", "~0").replace("/", "~1")
        yield from _differences(f"{path}/{escaped}", old.get(name), new.get(name))


def _by_name(parts: Any) -> Mapping[str, Any] | None:
    """A list of things with names of their own, by name."""
    if not isinstance(parts, list) or not parts:
        return None
    named = {part["name"]: part for part in parts if isinstance(part, dict) and "name" in part}
    return named if len(named) == len(parts) else None
