"""Pictures that stand by themselves: text that XML can hold, colours that follow the reader, and their headers."""

import re
from collections.abc import Mapping
from typing import Final, Literal
from unicodedata import east_asian_width

SVG: Final = "image/svg+xml"

HEADERS: Final = {
    # Somebody may open the picture by itself: nothing in it can act.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
}

Theme = Literal["auto", "light", "dark"]
"""`auto` follows the reader's own setting."""

Palette = Mapping[Literal["light", "dark"], Mapping[str, str]]
"""The colours of each theme, by name."""

_NOT_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_FONTS: Final = ",".join(
    (
        *("system-ui", "-apple-system", "'Segoe UI'", "Roboto", "'Noto Sans'", "'Noto Sans CJK SC'"),
        *("'PingFang SC'", "'Microsoft YaHei'", "sans-serif"),
    )
)


def plain(text: str) -> str:
    """The text without characters that XML cannot hold, on one line; to be escaped."""
    return " ".join(_NOT_XML.sub("\ufffd", text).split())


def cut(text: str, columns: int) -> str:
    """The text as far as it fits, with an ellipsis where it was cut; a Chinese character takes two columns."""
    width, kept = 0, ""
    for character in text:
        width += 2 if east_asian_width(character) in "WF" else 1
        if width > columns:
            return kept.rstrip() + "…"
        kept += character
    return kept


def themed(theme: Theme, palette: Palette) -> str:
    """The beginning of a style sheet: each colour as a variable, and the fonts of text."""
    if theme == "auto":
        variables = (
            f"svg{{{_variables(palette['light'])}}}"
            f"@media(prefers-color-scheme:dark){{svg{{{_variables(palette['dark'])}}}}}"
        )
    else:
        variables = f"svg{{{_variables(palette[theme])}}}"
    return f"{variables}text{{font-family:{_FONTS}}}"


def _variables(colours: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())
