"""Which of the languages that Mainstay speaks a reader wants (Accept-Language, RFC 9110 section 12.5.4)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """A language by its BCP 47 tag; Chinese by its script."""

    EN = "en"
    ZH_HANS = "zh-Hans"
    ZH_HANT = "zh-Hant"


FALLBACK: Final = Language.EN

_TRADITIONAL: Final = frozenset({"hant", "tw", "hk", "mo"})
_SIMPLIFIED: Final = frozenset({"hans", "cn", "sg", "my"})
_LONGEST: Final = 1_000
"""Characters of a header that are read; browsers send about fifty."""


def negotiated(accept: str | None) -> Language:
    """The language of a header's value that is wanted most, the first among equals; English where none fits.

    A script says more than a region: `zh-Hans-TW` is Simplified. `*` is any language that is not named, English first.
    """
    wanted = _wanted((accept or "")[:_LONGEST])
    best: tuple[float, Language] = (0.0, FALLBACK)
    for language, quality in wanted.items():
        if quality > best[0]:
            best = (quality, language)
    return best[1]


def language_of(tag: str) -> Language | None:
    """The language that a BCP 47 tag means, in any case; None for one that Mainstay does not speak."""
    primary, *rest = tag.strip().lower().replace("_", "-").split("-")
    if primary == "en":
        return Language.EN
    if primary != "zh":
        return None
    for part in rest:
        if part in _TRADITIONAL:
            return Language.ZH_HANT
        if part in _SIMPLIFIED:
            return Language.ZH_HANS
    return Language.ZH_HANS


def _wanted(accept: str) -> Mapping[Language, float]:
    """How much each language is wanted, in the order of the header; one named twice as much as it is at most."""
    wanted: dict[Language, float] = {}
    others: float | None = None
    for item in accept.split(","):
        tag, *parameters = (part.strip() for part in item.split(";"))
        quality = _quality(parameters)
        if tag == "*":
            others = quality
        elif (language := language_of(tag)) is not None:
            wanted[language] = max(wanted.get(language, 0.0), quality)
    if others is not None:
        for language in Language:
            wanted.setdefault(language, others)
    return wanted


def _quality(parameters: list[str]) -> float:
    """The q of an item, 0–1; one that cannot be read is not wanted."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0 <= quality <= 1 else 0.0
    return 1.0
