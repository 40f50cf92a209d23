"""A text that operators write in the languages that their people read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.domain.words import Language


@dataclass(frozen=True, slots=True)
class Text:
    """A text in English, and in other languages where somebody wrote it so."""

    en: str
    others: Mapping[Language, str] = field(default_factory=dict)

    def in_(self, language: Language) -> str:
        """The text in a language; in English where there is none in it."""
        return self.others.get(language, self.en)
