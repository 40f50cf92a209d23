"""What metrics, measures and entitlements are called in each language: a person never reads their codes."""

from functools import lru_cache
from importlib.resources import files

from fluent.syntax import FluentParser
from fluent.syntax.ast import Message, TextElement

from mainstay.language.negotiation import Language

OWN = "custom."
"""Begins the code of a metric that an operator defined."""


def name_of(code: str, language: Language) -> str:
    """The name of a code such as `seat_utilisation`; of an unknown one (an operator's own) the words it is made of."""
    words = " ".join(code.removeprefix(OWN).replace("_", " ").replace("-", " ").replace(".", " ").split())
    return names(language).get(words.replace(" ", "_"), words or code)


@lru_cache(maxsize=len(Language))
def names(language: Language) -> dict[str, str]:
    """The names in a language, by code."""
    path = files("mainstay.language") / "names" / f"{language}.ftl"
    found: dict[str, str] = {}
    for each in FluentParser(with_spans=False).parse(path.read_text(encoding="utf-8")).body:
        if isinstance(each, Message) and each.value is not None:
            found[each.id.name] = "".join(one.value for one in each.value.elements if isinstance(one, TextElement))
    return found
