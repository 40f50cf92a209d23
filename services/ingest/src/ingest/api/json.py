"""Reading JSON that strangers wrote: every way it can be wrong becomes a `Refused` with a pointer."""

import re
from typing import Any, TypeVar

import msgspec

from ingest.domain.refusal import Refused

T = TypeVar("T")

DEEPEST = 64
"""Levels of nesting in what a sender may attach. Readers further on have stacks of their own to mind."""

NO_JSON = msgspec.Raw(b"{}")

_attached = msgspec.json.Decoder(dict[str, Any] | None)


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
        reason, pointer = _located(str(error))
        raise Refused("value-invalid", reason, pointer) from None
    except msgspec.DecodeError as error:
        raise Refused("malformed-json", f"{error}.") from None
    except UnicodeDecodeError:
        raise Refused("not-utf-8", "A string is not UTF-8.") from None
    except RecursionError:
        raise Refused("too-deep", "The JSON is nested too deeply.") from None


def read_object(document: msgspec.Raw, pointer: str) -> dict[str, Any]:
    """A JSON object as a sender attached it, read to its last number.

    What a database could not keep is refused: NUL characters, numbers beyond a double or of thousands of digits, more
    than 64 levels of nesting. `null` is an empty object. Raises `Refused`.
    """
    try:
        found: dict[str, Any] | None = _attached.decode(document)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _unreadable(document, pointer) from None
    if not found:
        return {}
    text = bytes(document)
    may_hold_nul = b"\\" in text and b"\\u0000" in text  # one byte is sought in 0.03 µs, six in 0.2
    if may_hold_nul or (len(text) > 2 * DEEPEST and text.count(b"{") + text.count(b"[") > DEEPEST):
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


_PATH = re.compile(r"(?P<reason>.*) - at `\$(?P<path>.*)`", re.DOTALL)


def _located(message: str) -> tuple[str, str]:
    """A message of msgspec as a sentence and a JSON pointer: "Expected `str`, got `int` - at `$.context.groupId`"."""
    match = _PATH.fullmatch(message)
    if match is None:
        return f"{message}.", ""
    steps = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", match["path"])
    return f"{match['reason']}.", "".join(f"/{name or index}" for name, index in steps)
