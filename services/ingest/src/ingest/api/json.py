"""Reading JSON that strangers wrote: every way it can be wrong becomes a `Refused` with a pointer."""

import re
from bisect import bisect_left
from collections.abc import Collection
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from ingest.domain.limits import Limits
from ingest.domain.refusal import Refused

T = TypeVar("T")

DEEPEST = 64
"""Levels of nesting in what a sender may attach. Readers further on have stacks of their own to mind."""

CUT_FREELY = 64 * 1024
"""Bytes of a document of which any number of items is cut: each costs 72 bytes of memory and may be written in two."""

NO_JSON = msgspec.Raw(b"{}")

_attached = msgspec.json.Decoder(dict[str, Any] | None)
decode_object = _attached.decode
"""A JSON object, or null as None; raises what msgspec raises, and looks at nothing else."""
_items = msgspec.json.Decoder(list[msgspec.Raw])


def check_text(document: bytes) -> None:
    """Raises `Refused` unless the bytes are UTF-8: msgspec does not look into the strings that it skips."""
    if not document.isascii():
        try:
            document.decode()
        except UnicodeDecodeError as error:
            raise Refused("not-utf-8", f"The body is not UTF-8 at byte {error.start}.") from None


def read(decoder: msgspec.json.Decoder[T], document: bytes | msgspec.Raw) -> T:
    """The document in the decoder's shape. Raises `Refused`."""
    try:
        return decoder.decode(document)
    except msgspec.ValidationError as error:
        reason, pointer = located(str(error))
        raise Refused("value-invalid", reason, pointer) from None
    except msgspec.DecodeError as error:
        raise Refused("malformed-json", f"{error}.") from None
    except UnicodeDecodeError:
        raise Refused("not-utf-8", "A string is not UTF-8.") from None
    except RecursionError:
        raise Refused("too-deep", "The JSON is nested too deeply.") from None


def may_hold_nul(body: bytes) -> bool:
    """Whether some string of a body has an escaped NUL, for `read_object` to look for."""
    return b"\\" in body and b"\\u0000" in body  # one byte is sought much faster than six


def are_plain(documents: Collection[msgspec.Raw]) -> bool:
    """Whether objects of a body without escaped NULs are surely nested no deeper than they may be."""
    return max(map(len, documents), default=0) <= 2 * DEEPEST or all(map(_is_shallow, map(bytes, documents)))


def _is_shallow(text: bytes) -> bool:
    return len(text) <= 2 * DEEPEST or text.count(b"{") + text.count(b"[") <= DEEPEST


def read_items(document: bytes, limits: Limits) -> list[msgspec.Raw]:
    """The items of an array, not read yet. Raises `Refused`, also for more of them than there may be events."""
    if len(document) <= CUT_FREELY:
        items = read(_items, document)
    else:
        items = items_of(read(_first_items(limits.events), document))
    count = len(items)
    if count > limits.events:
        items.clear()  # they are not to be held for as long as the refusal is
    limits.check_count(count, "")
    return items


@lru_cache(maxsize=16)
def array_of(most: int) -> type[msgspec.Struct]:
    """The shape of an array of which only `most` items and one more are cut: the rest is read and costs no memory.

    msgspec itself looks at the length of a list when it has made it.
    """
    fields = [(f"item{place}", msgspec.Raw, msgspec.field(default=msgspec.UNSET)) for place in range(most + 1)]
    return msgspec.defstruct("Items", fields, array_like=True, gc=False)


def items_of(array: msgspec.Struct) -> list[msgspec.Raw]:
    """The items of an `array_of`."""
    places = msgspec.structs.astuple(array)
    return list(places[: bisect_left(places, 1, key=lambda item: item is msgspec.UNSET)])


@lru_cache(maxsize=16)
def _first_items(most: int) -> msgspec.json.Decoder[msgspec.Struct]:
    return msgspec.json.Decoder(array_of(most))


def read_object(document: msgspec.Raw, pointer: str) -> dict[str, Any]:
    """A JSON object as a sender attached it, read to its last number.

    What a database could not keep is refused: NUL characters, numbers beyond a double or of thousands of digits, more
    than 64 levels of nesting. `null` is an empty object. Raises `Refused`.
    """
    try:
        found: dict[str, Any] | None = decode_object(document)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _unreadable(document, pointer) from None
    if not found:
        return {}
    text = bytes(document)
    if may_hold_nul(text) or not _is_shallow(text):
        _inspect(found, pointer)
    return found


def _unreadable(document: msgspec.Raw, pointer: str) -> Refused:
    try:
        read(_attached, document)
    except Refused as refused:
        return Refused(refused.code, refused.detail, pointer)
    raise AssertionError("what could not be read can be read")


def _inspect(root: dict[str, Any], pointer: str) -> None:
    level: list[Any] = [root]
    depth = 0
    while level:
        inner: list[Any] = []
        for value in level:
            if isinstance(value, str):
                if "\0" in value:
                    raise Refused("nul-character", "Text cannot hold the NUL character.", pointer)
            elif isinstance(value, dict | list):
                if depth == DEEPEST:
                    raise Refused("too-deep", f"Objects and lists are nested at most {DEEPEST} deep.", pointer)
                inner.extend(value)
                if isinstance(value, dict):
                    inner.extend(value.values())
        level = inner
        depth += 1


_PATH = re.compile(r"(?P<reason>.*) - at (?:`key` in )?`\$(?P<path>.*)`", re.DOTALL)


def located(message: str) -> tuple[str, str]:
    """A message of msgspec as a sentence and a JSON pointer: "Expected `str`, got `int` - at `$.context.groupId`"."""
    match = _PATH.fullmatch(message)
    if match is None:
        return f"{message}.", ""
    steps = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", match["path"])
    return f"{match['reason']}.", "".join(f"/{name or index}" for name, index in steps)
