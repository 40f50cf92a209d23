"""Messages by key and parameters, in every language that Mainstay speaks; written in Fluent (projectfluent.org).

A folder of texts has one file a language. Besides Fluent's own functions texts may use PERCENT (a share of 1), DAY (a
day as `YYYY-MM-DD`), FIGURE (a number with at most one decimal) and NAME (what a metric or measure is called), each in
the manner of the language.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Protocol, TypeAlias

from fluent.runtime import FluentBundle
from fluent.runtime.types import FluentNone
from fluent.syntax import FluentParser
from fluent.syntax.ast import Junk, Message, Resource

from mainstay.language.manner import LOCALES, Manner
from mainstay.language.negotiation import Language

Param: TypeAlias = str | int | float
Params: TypeAlias = Mapping[str, Param]

_BETWEEN: Final[Mapping[Language, str]] = {Language.EN: "; ", Language.ZH_HANS: "；", Language.ZH_HANT: "；"}
_AFTER_THE_FIRST: Final[Mapping[Language, str]] = {Language.EN: ": ", Language.ZH_HANS: "：", Language.ZH_HANT: "："}


class TextMissing(LookupError):
    """No language has a text of this key: whoever said it is newer than this catalogue."""


class TextInvalid(ValueError):
    """A text cannot be read, or does not fit its parameters."""


class Said(Protocol):
    """A message: what it says by a key, and of what."""

    @property
    def key(self) -> str:
        """The text's name in the catalogue."""

    @property
    def params(self) -> Params:
        """What stands in the text, by name."""


class Catalogue:
    """The texts of some folders, in every language."""

    def __init__(self, *folders: Traversable) -> None:
        """Raises `TextInvalid` for a text that is not Fluent."""
        self._bundles: dict[Language, FluentBundle] = {}
        self.messages: dict[Language, dict[str, Message]] = {}
        for language in Language:
            manner = Manner(language)
            functions: dict[str, Any] = {
                "PERCENT": manner.percent,
                "DAY": manner.day,
                "FIGURE": manner.figure,
                "NAME": manner.name,
            }
            bundle = FluentBundle([LOCALES[language]], functions=functions, use_isolating=False)
            self.messages[language] = {}
            for folder in folders:
                resource = _read(folder.joinpath(f"{language}.ftl"))
                self.messages[language] |= {each.id.name: each for each in resource.body if isinstance(each, Message)}
                bundle.add_resource(resource)
            self._bundles[language] = bundle

    def text(self, key: str, params: Params, language: Language) -> str:
        """A message in a language. Raises `TextMissing`, `TextInvalid`."""
        bundle = self._bundles[language]
        pattern = bundle.get_message(key).value if bundle.has_message(key) else None
        if pattern is None:
            raise TextMissing(key)
        told, errors = bundle.format_pattern(pattern, dict(params))
        if errors or isinstance(told, FluentNone):
            raise TextInvalid(f"{key} in {language}: {', '.join(map(str, errors))}")
        return str(told)

    def texts(self, said: Iterable[Said], language: Language) -> Sequence[str]:
        """Several messages, each by itself. Raises `TextMissing`, `TextInvalid`."""
        return [self.text(each.key, each.params, language) for each in said]

    def sentence(self, said: Iterable[Said], language: Language, *, about: Said | None = None) -> str:
        """Messages as one sentence, behind what they are `about`; it begins with a capital where there are any."""
        told = _BETWEEN[language].join(self.texts(said, language))
        if about is not None:
            first = self.text(about.key, about.params, language)
            told = first + _AFTER_THE_FIRST[language] + told if told else first
        return told[:1].upper() + told[1:]


@lru_cache(maxsize=1)
def phrases() -> Catalogue:
    """The phrases that events carry: what any service may have to say in its reader's language."""
    return Catalogue(files("mainstay.language") / "texts")


def _read(path: Traversable) -> Resource:
    resource: Resource = FluentParser(with_spans=False).parse(path.read_text(encoding="utf-8"))
    for each in resource.body:
        if isinstance(each, Junk):
            raise TextInvalid(f"{path}: {each.content}")
    return resource
