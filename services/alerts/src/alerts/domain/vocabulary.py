"""The words of messages in one language, and how it writes dates, bands, severities and what a rule has to say."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from string import Template

from alerts.domain.accounts import Account
from alerts.domain.alerts import BY_HAND, Alert
from alerts.domain.moments import Ending
from alerts.domain.observations import Phrase
from alerts.domain.rules import Rule
from alerts.domain.words import Language
from mainstay.kernel.money import Money

_SEATS = re.compile(r"(\d+) seats")
_LATE = re.compile(r" \(told (\d+) (days|hours) late\)")
_HEALTH = re.compile(r"(\w+)(?: \((\d+)\))?")

TERMS = frozenset({"role", "stage", "milestone", "outcome", "priority"})
"""The names of a rule's sentences that stand for one of the `terms`."""


def _spaced(name: str) -> str:
    """A name in Latin letters stands apart from Chinese characters."""
    return f"{' ' * name[:1].isascii()}{name}{' ' * name[-1:].isascii()}"


class VocabularyInvalid(ValueError):
    """A file of words cannot be used as it is written."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """What a rule says in another language than its own."""

    title: str
    text: str
    next_steps: tuple[str, ...]


def _nothing(_: Sequence[Phrase]) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words by name, in one language.

    `rules` are translations by rule id, `endings` by resolution, `terms` of roles, stages, outcomes and priorities;
    what has none speaks for itself, in English. `name` says what a metric, measure or entitlement is called.
    """

    language: Language
    labels: Mapping[str, str]
    severities: Mapping[str, str]
    categories: Mapping[str, str]
    bands: Mapping[str, str]
    endings: Mapping[str, str]
    rules: Mapping[str, Sentences]
    terms: Mapping[str, str]
    tell: Callable[[Sequence[Phrase]], str] = _nothing
    """Phrases as a sentence in this language; empty where it cannot be told."""
    name: Callable[[str], str] = str

    def label(self, name: str, **values: object) -> str:
        """A label, with its `{names}` filled in."""
        label = self.labels[name]
        return label.format(**values) if values else label

    @property
    def cut(self) -> str:
        """What stands at the end of a text that was cut."""
        return self.labels["cut"]

    def day(self, day: date) -> str:
        """A civil date."""
        return self.label("day", year=day.year, month=day.month, day=day.day)

    def instant(self, at: datetime) -> str:
        """An instant, in UTC."""
        return f"{self.day(at.date())} {at:%H:%M} UTC"

    def worth(self, arr: tuple[Money, ...], next_renewal_on: date | None) -> str:
        """A phrase like `ARR 12,000.00 EUR, next renewal 2026-09-30`."""
        amounts = " + ".join(f"{money.amount:,.2f} {money.currency}" for money in arr)
        parts = (
            self.label("arr", amounts=amounts) if amounts else self.label("arr_unknown"),
            self.label("renewal", day=self.day(next_renewal_on)) if next_renewal_on else self.label("renewal_unknown"),
        )
        return self.label("between").join(parts)

    def sentences(self, *sentences: str) -> str:
        """Sentences one after the other, in the manner of the language."""
        return (" " if self.language is Language.EN else "").join(each for each in sentences if each)

    def title(self, alert: Alert, account: Account, rule: Rule | None) -> str:
        """What happened, in one line."""
        if rule is None:
            return self.label("titled", account=account.label, rule=alert.rule)
        said = self._translated(rule)
        if said is None:
            return rule.worded(rule.title, self._in_english(alert, account))
        return Template(said.title).safe_substitute(self._in_words(alert, account))

    def text(self, alert: Alert, account: Account, rule: Rule | None) -> str:
        """Why, in a sentence or two."""
        if rule is None:
            return ""
        said = self._translated(rule)
        if said is None:
            return rule.worded(rule.text, self._in_english(alert, account))
        return Template(said.text).safe_substitute(self._in_words(alert, account))

    def next_steps(self, rule: Rule | None) -> tuple[str, ...]:
        """What to do next."""
        if rule is None:
            return ()
        said = self._translated(rule)
        return said.next_steps if said else rule.next_steps

    def ending(self, alert: Alert) -> str:
        """Why it is over. What a person wrote is left as it is."""
        reason = alert.reason or ""
        told = self.endings.get(alert.resolution or "")
        is_a_persons = alert.resolution == BY_HAND and reason != f"Resolved by {alert.resolved_by}."
        if told is None or is_a_persons:
            return reason
        if alert.grade not in self.bands:
            told = self.endings[Ending.PASSED] if alert.resolution == Ending.RECOVERED else told
        return told.format(by=alert.resolved_by, grade=self.bands.get(alert.grade, ""))

    def _translated(self, rule: Rule) -> Sentences | None:
        """What a rule says in this language; None where it speaks for itself."""
        return None if rule.own_words else self.rules.get(rule.id)

    def _in_english(self, alert: Alert, account: Account) -> Mapping[str, str]:
        """The names of a rule's sentences as alerts keep them, but for codes."""
        codes = {name: self.name(word) for name, word in alert.words.items() if name in {"metric", "measure"}}
        terms = {
            name: self.terms.get(word, word)
            for name, word in alert.words.items()
            if name in TERMS and self.language is Language.EN
        }
        return {**alert.words, **codes, **terms, "account": account.label}

    def _in_words(self, alert: Alert, account: Account) -> Mapping[str, str]:
        """The names of a rule's sentences, in this language: alerts keep them as English has them."""
        said = {name: self._in_word(name, word, alert) for name, word in alert.words.items()}
        return {"late": "", **said, "account": account.label}

    def _in_word(self, name: str, word: str, alert: Alert) -> str:
        match name:
            case "band" | "previous":
                return self.bands.get(word, word)
            case "why":
                return self.tell(alert.said) or word
            case "score" if word == "no score":
                return self.label("no_score")
            case "metric" | "measure":
                return _spaced(self.name(word))
            case "seats" | "late" | "health":
                return self._renewal_word(name, word)
            case _ if name in TERMS:
                return self.terms.get(word, word)
            case _ if name in {"since", "ends_before"} or name.endswith("_on"):
                return self.day(date.fromisoformat(word))
            case _:
                return word

    def _renewal_word(self, name: str, word: str) -> str:
        """What is said of a renewal: its seats, how late it is told, or its account's band with the score."""
        if name == "seats":
            seats = _SEATS.fullmatch(word)
            return self.label("seats", seats=seats[1]) if seats else self.label("seats_unknown")
        if name == "late":
            late = _LATE.fullmatch(word)
            return self.label(f"late_{late[2]}", count=late[1]) if late else ""
        health = _HEALTH.fullmatch(word)
        if health is None:
            return word
        band = self.bands.get(health[1], health[1])
        return self.label("health", band=band, score=health[2]) if health[2] else band
