"""Slack's incoming-webhook format: what Slack would refuse, and how it would look.

Limits and error words are those of Slack's own documentation of incoming webhooks and Block Kit.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup, escape

MAX_BLOCKS = 50
MAX_HEADER_CHARS = 150
MAX_SECTION_CHARS = 3_000
MAX_FIELDS = 10
MAX_FIELD_CHARS = 2_000
MAX_ELEMENTS = {"context": 10, "actions": 25}

EMOJI = {
    "red_circle": "🔴",
    "large_yellow_circle": "🟡",
    "large_green_circle": "🟢",
    "white_circle": "⚪",
    "large_blue_circle": "🔵",
    "warning": "⚠️",
    "rotating_light": "🚨",
    "white_check_mark": "✅",
    "heavy_check_mark": "✔️",
    "bell": "🔔",
    "calendar": "📅",
    "zzz": "💤",
    "chart_with_downwards_trend": "📉",
    "chart_with_upwards_trend": "📈",
    "information_source": "ℹ️",
}


class Refused(ValueError):
    """What Slack would answer with status 400; the message is Slack's word for it."""


def check(payload: Any) -> tuple[str, tuple[dict[str, Any], ...]]:
    """The text and blocks of a message. Raises `Refused` with the word that Slack would answer."""
    if not isinstance(payload, dict):
        raise Refused("invalid_payload")
    text, blocks = payload.get("text", ""), payload.get("blocks", [])
    if not isinstance(text, str) or not isinstance(blocks, list):
        raise Refused("invalid_payload")
    if not text and not blocks:
        raise Refused("no_text")
    if len(blocks) > MAX_BLOCKS or not all(_block_is_right(block) for block in blocks):
        raise Refused("invalid_blocks")
    return text, tuple(blocks)


def title_of(text: str, blocks: tuple[dict[str, Any], ...]) -> str:
    """What a list shows of a message: its fallback text, else its header, as plain words."""
    headers = (block["text"]["text"] for block in blocks if block["type"] == "header")
    first_line = (text or next(headers, "A message without a text")).strip().partition("\n")[0]
    return mrkdwn(first_line).striptags()


def _block_is_right(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    rule = _RULES.get(block.get("type", "")) if isinstance(block.get("type"), str) else None
    return rule is not None and rule(block)


def _text_is_right(text: Any, max_chars: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> bool:
    return (
        isinstance(text, dict)
        and text.get("type") in kinds
        and isinstance(text.get("text"), str)
        and 1 <= len(text["text"]) <= max_chars
    )


def _header_is_right(block: Mapping[str, Any]) -> bool:
    return _text_is_right(block.get("text"), MAX_HEADER_CHARS, ("plain_text",))


def _section_is_right(block: Mapping[str, Any]) -> bool:
    text, fields = block.get("text"), block.get("fields")
    if text is None and fields is None:
        return False
    if text is not None and not _text_is_right(text, MAX_SECTION_CHARS):
        return False
    return fields is None or (
        isinstance(fields, list)
        and 1 <= len(fields) <= MAX_FIELDS
        and all(_text_is_right(field, MAX_FIELD_CHARS) for field in fields)
    )


def _elements_are_right(block: Mapping[str, Any]) -> bool:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= MAX_ELEMENTS[block["type"]]:
        return False
    if block["type"] == "context":
        return all(_text_is_right(element, MAX_FIELD_CHARS) for element in elements)
    return all(
        isinstance(element, dict)
        and element.get("type") == "button"
        and _text_is_right(element.get("text"), 75, ("plain_text",))
        and isinstance(element.get("url", ""), str)
        for element in elements
    )


_RULES: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "header": _header_is_right,
    "section": _section_is_right,
    "context": _elements_are_right,
    "actions": _elements_are_right,
    "divider": lambda _: True,
}


def text_object(text: Mapping[str, Any]) -> Markup:
    """A text object of a block, as HTML."""
    return (
        mrkdwn(text["text"]) if text["type"] == "mrkdwn" else _plain(text["text"], emoji=text.get("emoji") is not False)
    )


_PIECE = re.compile(r"```(?P<block>.+?)```|`(?P<code>[^`\n]+)`|<(?P<link>[^<>\n]+)>", re.DOTALL)
_STYLES = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), r"<em>\1</em>"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), r"<s>\1</s>"),
)
_EMOJI = re.compile(r":([a-z0-9_+-]+):")


def mrkdwn(text: str) -> Markup:
    """Slack's markup as HTML. Everything that is not Slack's markup comes out escaped."""
    pieces: list[Markup] = []
    at = 0
    for piece in _PIECE.finditer(text):
        pieces.extend((_styled(text[at : piece.start()]), _special(piece)))
        at = piece.end()
    pieces.append(_styled(text[at:]))
    return Markup().join(pieces)


def _special(piece: re.Match[str]) -> Markup:
    if piece["block"] is not None:
        return Markup("<pre>{}</pre>").format(_unescape(piece["block"].strip("\n")))
    if piece["code"] is not None:
        return Markup("<code>{}</code>").format(_unescape(piece["code"]))
    target, _, label = piece["link"].partition("|")
    if target.startswith(("https://", "http://", "mailto:")):
        address = _unescape(target)
        return Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(address, _unescape(label) or address)
    if target[0] in "@#!":
        return Markup('<span class="mention">{}{}</span>').format("#" if target[0] == "#" else "@", label or target[1:])
    return escape(f"<{piece['link']}>")


def _styled(text: str) -> Markup:
    html = str(_plain(text))
    for style, replacement in _STYLES:
        html = style.sub(replacement, html)
    return Markup(html)  # noqa: S704 - escaped by _plain; the styles add fixed tags only


def _plain(text: str, *, emoji: bool = True) -> Markup:
    shown = _unescape(text)
    if emoji:
        shown = _EMOJI.sub(lambda found: EMOJI.get(found[1], found[0]), shown)
    return Markup(str(escape(shown)).replace("\n", "<br>"))  # noqa: S704 - escaped; line ends become a fixed tag


def _unescape(text: str) -> str:
    """Slack escapes three characters, and no others."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
