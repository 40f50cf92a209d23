"""Text of customers on its way into a target's markup: tidied, escaped, and cut so that it says so."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

Escape = Callable[[str], str]

# Marks that turn the direction of what stands beside them: with them a name can make a sentence read backwards.
_DIRECTIONS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_LOOKALIKES = str.maketrans({"<": "＜", ">": "＞", "[": "［", "]": "］", "*": "＊", "`": "｀", "#": "＃", "|": "｜"})
_EMPHASIS = re.compile(r"_{2,}|(?<![\w])_|_(?![\w])|~{2,}")
_MENTION = re.compile(r"(?<![\w.+%-])@")
_SCHEME = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}):/")
_LINE_START = re.compile(r"(?m)^(\s*)([-+=>]|\d+[.)])(\s)")


def tidy(text: str) -> str:
    """One line without control characters and without marks of direction, lone surrogates and NULs included."""
    text = text.translate(_DIRECTIONS)
    kept = "".join(
        " " if (kind := unicodedata.category(character)) in {"Cc", "Zl", "Zp"} else "" if kind == "Cs" else character
        for character in text
    )
    return " ".join(kept.split())


def plain(text: str) -> str:
    """For targets that read no markup."""
    return text


def slack(text: str) -> str:
    """Slack's three control characters as text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def lookalike(text: str) -> str:
    """For the Markdown of WeCom and DingTalk, which has no escapes: what would be markup becomes its full-width twin.

    So it reads the same, and is no link, no mention, no emphasis, no list and no HTML. An @ inside an address stays.
    """
    text = text.translate(_LOOKALIKES)
    text = _EMPHASIS.sub(lambda found: "＿" * len(found[0]) if "_" in found[0] else "～" * len(found[0]), text)
    text = _MENTION.sub("＠", text)
    text = _SCHEME.sub(r"\1：/", text)
    return _LINE_START.sub(lambda found: f"{found[1]}{found[2].translate(_WIDE)}{found[3]}", text)


_WIDE = str.maketrans({character: chr(ord(character) + 0xFEE0) for character in "-+=>.)"})


def fit(text: str, most: int, mark: str, escape: Escape = plain) -> str:
    """The escaped text in at most `most` characters; cut between characters, never inside an escape, and saying so."""
    escaped = escape(text)
    if len(escaped) <= most:
        return escaped
    room = most - len(mark)
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if len(escape(text[:middle])) <= room:
            low = middle
        else:
            high = middle - 1
    return escape(text[:low]) + mark


def within_bytes(text: str, most: int, mark: str) -> str:
    """The text in at most `most` bytes of UTF-8, mark included; cut between characters."""
    encoded = text.encode()
    if len(encoded) <= most:
        return text
    return encoded[: max(most - len(mark.encode()), 0)].decode(errors="ignore") + mark


@dataclass(frozen=True, slots=True)
class Target:
    """A target's markup: how text and addresses are escaped for it, and how the result is put into what is printed."""

    escape: Escape
    quote: Escape = plain
    escape_url: Escape = plain
