"""Rules: which condition makes an alert, how severe it is, and what a person should do next.

A rule's words come from a versioned file (`alerts.rules`); the conditions themselves are the kinds of
`alerts.domain.episodes`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import Template

from alerts.domain.words import Category, Severity


class RuleInvalid(ValueError):
    """A rule cannot be used as it is written."""


class Kind(StrEnum):
    """The conditions that a rule can watch."""

    BAND_WORSENED = "band-worsened"
    SILENT = "silent"
    RENEWAL_WINDOW = "renewal-window"


GRADES: Mapping[Kind, frozenset[str]] = {
    Kind.BAND_WORSENED: frozenset({"red", "yellow"}),
    Kind.SILENT: frozenset({"silent"}),
    Kind.RENEWAL_WINDOW: frozenset({"red", "yellow", "green", "unknown"}),
}
"""What a kind tells apart: the band that was entered, silence, the health in which a renewal window opens."""

WORDS: Mapping[Kind, frozenset[str]] = {
    Kind.BAND_WORSENED: frozenset({"account", "band", "previous", "score", "why", "since"}),
    Kind.SILENT: frozenset({"account", "last_activity_on", "habit_days"}),
    Kind.RENEWAL_WINDOW: frozenset({"account", "contract", "amount", "seats", "ends_before", "health"}),
}
"""The names that the sentences of a kind may use, written `$name`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `severity` is by grade; `title` and `text` are sentences with `$names`; `next_steps` are advice."""

    id: str
    version: int
    kind: Kind
    category: Category
    severity: Mapping[str, Severity]
    title: str
    text: str
    next_steps: tuple[str, ...]

    def __post_init__(self) -> None:
        if set(self.severity) != GRADES[self.kind]:
            raise RuleInvalid(f"rule {self.id}: severity is needed for exactly {sorted(GRADES[self.kind])}")
        for sentence in (self.title, self.text):
            template = Template(sentence)
            if not template.is_valid():
                raise RuleInvalid(f"rule {self.id}: {sentence!r} has a stray $")
            unknown = set(template.get_identifiers()) - WORDS[self.kind]
            if unknown:
                raise RuleInvalid(
                    f"rule {self.id}: {sorted(unknown)} cannot be used; known are {sorted(WORDS[self.kind])}"
                )
        if not self.next_steps:
            raise RuleInvalid(f"rule {self.id}: say what to do next")

    def worded(self, sentence: str, words: Mapping[str, str]) -> str:
        """A sentence of the rule with its names filled in."""
        return Template(sentence).substitute(words)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules in force, by kind: one rule a kind."""

    rules: Mapping[Kind, Rule]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Rulebook":
        """A rulebook; two rules of one kind are refused."""
        by_kind: dict[Kind, Rule] = {}
        for rule in rules:
            if rule.kind in by_kind:
                raise RuleInvalid(f"rules {by_kind[rule.kind].id} and {rule.id} watch the same condition")
            by_kind[rule.kind] = rule
        return cls(by_kind)

    def get(self, kind: Kind) -> Rule | None:
        """The rule that watches a condition, or None where nobody wants to know."""
        return self.rules.get(kind)

    def named(self, rule_id: str) -> Rule | None:
        """The rule with that id, if it is still in force."""
        return next((rule for rule in self.rules.values() if rule.id == rule_id), None)
