"""Reads the words of messages: one YAML file a language in `alerts/words/`, over which an operator's own may lie.

A shipped file with a mistake stops the start; an operator's is told in the log, and the shipped one is used.
"""

import string
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import structlog
import yaml

from alerts.domain.observations import Phrase
from alerts.domain.rules import WORDS
from alerts.domain.vocabulary import Sentences, Vocabulary, VocabularyInvalid
from alerts.domain.words import Language
from alerts.rulebook import shipped_rulebook
from mainstay.language.catalogue import TextInvalid, TextMissing, phrases
from mainstay.language.naming import name_of
from mainstay.language.negotiation import Language as SpokenLanguage

SECTIONS = ("labels", "severities", "categories", "bands", "terms", "metrics", "endings", "rules")
_KNOWN_WORDS = frozenset().union(*WORDS.values())

_log = structlog.get_logger(__name__)

Vocabularies = Mapping[Language, Vocabulary]


@cache
def shipped_vocabularies() -> Vocabularies:
    """The words that come with Mainstay. Raises `VocabularyInvalid`."""
    english = _shipped(Language.EN)
    return {language: _vocabulary(language, _shipped(language), english) for language in Language}


def vocabularies(folder: Path | None) -> Vocabularies:
    """The shipped words, and over them those of `folder/words/<language>.yaml`."""
    found = dict(shipped_vocabularies())
    if folder is None:
        return found
    english = _shipped(Language.EN)
    for language in Language:
        own = folder / "words" / f"{language}.yaml"
        if not own.is_file():
            continue
        try:
            theirs = _read(own)
            written = _shipped(language)
            found[language] = _vocabulary(
                language, {section: {**written[section], **theirs.get(section, {})} for section in SECTIONS}, english
            )
        except (VocabularyInvalid, OSError, ValueError) as error:
            _log.error("words cannot be used; the shipped ones are", file=str(own), reason=str(error))
    return found


@cache
def _shipped(language: Language) -> Mapping[str, Any]:
    return _read(files("alerts.words") / f"{language}.yaml")


def _read(file: Traversable) -> dict[str, Any]:
    try:
        written = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise VocabularyInvalid(f"{file.name}: {error}") from error
    if not isinstance(written, dict) or not set(written) <= set(SECTIONS):
        raise VocabularyInvalid(f"{file.name}: the sections are {', '.join(SECTIONS)}")
    if not all(isinstance(section, dict) for section in written.values()):
        raise VocabularyInvalid(f"{file.name}: each section holds names and words")
    return written


def _vocabulary(language: Language, written: Mapping[str, Any], english: Mapping[str, Any]) -> Vocabulary:
    for section in ("labels", "severities", "categories", "bands"):
        if written[section].keys() != english[section].keys():
            odd = sorted(written[section].keys() ^ english[section].keys())
            raise VocabularyInvalid(f"{language}: {section} has too much or too little: {', '.join(map(str, odd))}")
        for name, words in written[section].items():
            _check_names(f"{language}: {section}.{name}", words, _names(english[section][name]))
    for term, words in written["terms"].items():
        _check_names(f"{language}: terms.{term}", words, frozenset())
    for metric, words in written["metrics"].items():
        if not isinstance(words, str):
            raise VocabularyInvalid(f"{language}: metrics.{metric} is not a text")
    for ending, words in written["endings"].items():
        _check_names(f"{language}: endings.{ending}", words, frozenset({"by", "grade"}))
    return Vocabulary(
        language=language,
        labels=written["labels"],
        severities=written["severities"],
        categories=written["categories"],
        bands=written["bands"],
        endings=written["endings"],
        terms=written["terms"],
        tell=partial(_told, language),
        name=partial(_named, language, written["metrics"]),
        rules={
            str(rule): _sentences(f"{language}: rules.{rule}", str(rule), says)
            for rule, says in written["rules"].items()
        },
    )


def _told(language: Language, said: Sequence[Phrase]) -> str:
    """Phrases as a sentence; one whose key is not known here is left out, and so is all where one cannot be told."""
    catalogue, spoken = phrases(), SpokenLanguage(language)
    try:
        return catalogue.sentence((each for each in said if each.key in catalogue.messages[spoken]), spoken)
    except (TextMissing, TextInvalid):
        return ""


def _named(language: Language, own: Mapping[str, str], code: str) -> str:
    """What a metric is called: as the operator calls it, else as Mainstay does."""
    return own.get(code) or name_of(code, SpokenLanguage(language))


def _sentences(where: str, rule: str, says: Any) -> Sentences:
    if not isinstance(says, dict) or says.keys() != {"title", "text", "next_steps"} or not says["next_steps"]:
        raise VocabularyInvalid(f"{where}: a rule has a title, a text and next_steps")
    known = _KNOWN_WORDS if rule not in shipped_rulebook().rules else shipped_rulebook().rules[rule].spec.words
    for sentence in (says["title"], says["text"]):
        template = string.Template(str(sentence))
        if not template.is_valid() or not set(template.get_identifiers()) <= known:
            raise VocabularyInvalid(f"{where}: {sentence!r} uses something else than {', '.join(sorted(known))}")
    return Sentences(str(says["title"]), str(says["text"]), tuple(str(step) for step in says["next_steps"]))


def _names(words: Any) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(str(words)) if name)


def _check_names(where: str, words: Any, known: frozenset[str]) -> None:
    if not isinstance(words, str):
        raise VocabularyInvalid(f"{where} is not a text")
    try:
        used = _names(words)
    except ValueError as error:
        raise VocabularyInvalid(f"{where}: {error}") from error
    if not used <= known:
        raise VocabularyInvalid(f"{where} uses {{{', '.join(sorted(used - known))}}}, which it does not get")
