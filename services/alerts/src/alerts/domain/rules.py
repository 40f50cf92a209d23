"""Rules: which condition makes an alert, how severe it is, how long it must hold, and what a person should do next.

A rule's words come from a versioned document; what the kinds of conditions mean stands in `alerts.domain.conditions`.
"""

import hashlib
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from string import Template
from typing import Any

from alerts.domain.holding import Holding
from alerts.domain.kinds import LASTS, SPECS, Kind, Reaching, Spec
from alerts.domain.observations import MEASURES, SCORE
from alerts.domain.words import Category, Severity

WORDS: Mapping[Kind, frozenset[str]] = {kind: spec.words for kind, spec in SPECS.items()}
"""The names that the sentences of a kind may use, written `$name`."""

HEALTH_SCORE = "health_score"
"""The metric that stands for the published score."""

AT_ONCE = Holding()

_COUNTED = re.compile(r"\$(?P<name>[a-z_]+) (?:days|hours|points)\b", re.ASCII)

ATTACHABLE = ("stage", "segment", "industry", "seats")
"""What of an account's record a rule can have shown beside what every message shows."""


class RuleInvalid(ValueError):
    """A rule cannot be used as it is written."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition: its text, the variables it uses, and whether it is true of their values.

    One that cannot be told, because a variable has no value, is not true.
    """

    text: str
    variables: frozenset[str]
    holds: Callable[[Mapping[str, Any]], bool] = field(compare=False)


@dataclass(frozen=True)
class Rule:
    """One rule. `severity` is by grade; `title` and `text` are sentences with `$names`; `next_steps` are advice.

    Kinds with levels have one grade a severity, with the value at which it begins in `levels`. `when` are the kind's
    settings, durations as such. `conditions` (kind `cel` only) are by grade. `in_force_since` is when the rule was
    switched on, where people did that: what began before is recorded and told to nobody. `own_words`: the sentences
    are not those that come with Mainstay, so no translation of those says the same.
    """

    id: str
    version: int
    kind: Kind
    category: Category
    severity: Mapping[str, Severity]
    title: str
    text: str
    next_steps: tuple[str, ...]
    levels: Mapping[str, float] = field(default_factory=dict)
    when: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    holding: Holding = AT_ONCE
    playbook: str | None = None
    attach: tuple[str, ...] = ()
    enabled: bool = True
    in_force_since: datetime | None = None
    own_words: bool = False

    def __post_init__(self) -> None:
        if not self.severity or not set(self.severity) <= set(self._all_grades):
            raise RuleInvalid(f"rule {self.id}: severity is needed for one or more of {', '.join(self._all_grades)}")
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

    @property
    def spec(self) -> Spec:
        """What the rule's kind looks at and can be set to."""
        return SPECS[self.kind]

    @property
    def _all_grades(self) -> tuple[str, ...]:
        return self.spec.grades or tuple(severity.value for severity in Severity)

    @cached_property
    def grades(self) -> tuple[str, ...]:
        """What the rule tells apart, the mildest first."""
        return tuple(grade for grade in self._all_grades if grade in self.severity)

    @cached_property
    def reaching(self) -> Reaching:
        """When a value has reached a level."""
        if self.kind is Kind.METRIC_THRESHOLD and self.when["is"] == "below":
            return Reaching.BELOW
        return self.spec.reaching

    def looks_at(self, subject: str) -> bool:
        """Whether facts about a subject concern the rule by themselves."""
        if self.kind is Kind.METRIC_THRESHOLD:
            return subject == (SCORE if self.when["metric"] == HEALTH_SCORE else MEASURES)
        return self.spec.looks_at(subject)

    @property
    def lasts(self) -> timedelta | None:
        """How long the condition counts after it was said last; None: until its end is said."""
        lasts: timedelta | None = self.when.get(LASTS)
        return lasts

    @cached_property
    def variables(self) -> frozenset[str]:
        """The variables that its conditions use."""
        return frozenset(name for condition in self.conditions.values() for name in condition.variables)

    @cached_property
    def _ladder(self) -> tuple[tuple[str, float], ...]:
        return tuple((grade, self.levels[grade]) for grade in reversed(self.grades))

    def graded(self, value: float) -> str | None:
        """The worst grade whose level a value has reached."""
        has_reached = REACHED[self.reaching]
        for grade, level in self._ladder:
            if has_reached(value, level):
                return grade
        return None

    def worded(self, sentence: str, words: Mapping[str, str]) -> str:
        """A sentence of the rule with its names filled in; a name that an older alert does not have stays as it is.

        Alerts from before there was the word `late` were in time. `$days days` is `1 day` where the number is 1.
        """

        def of_one(found: re.Match[str]) -> str:
            return found[0].removesuffix("s") if words.get(found["name"]) == "1" else found[0]

        return Template(_COUNTED.sub(of_one, sentence)).safe_substitute({"late": "", **words})


REACHED: Mapping[Reaching, Callable[[float, float], bool]] = {
    Reaching.AT_LEAST: operator.ge,
    Reaching.AT_MOST: operator.le,
    Reaching.BELOW: operator.lt,
}
"""Whether a value has reached a level."""


@dataclass(frozen=True)
class Rulebook:
    """The rules by id. Those that are switched off make no alerts, and still word the alerts they made."""

    rules: Mapping[str, Rule]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Rulebook":
        """A rulebook; two rules with one id are refused."""
        by_id: dict[str, Rule] = {}
        for rule in rules:
            if rule.id in by_id:
                raise RuleInvalid(f"two rules have the id {rule.id}")
            by_id[rule.id] = rule
        return cls(by_id)

    @cached_property
    def in_force(self) -> tuple[Rule, ...]:
        """The rules that are switched on, by id."""
        return tuple(rule for _, rule in sorted(self.rules.items()) if rule.enabled)

    @cached_property
    def on_variables(self) -> tuple[Rule, ...]:
        """Those whose condition is over the account's variables, so that any fact can concern them."""
        return tuple(rule for rule in self.in_force if rule.kind is Kind.CEL)

    def watching(self, subject: str) -> tuple[Rule, ...]:
        """The rules in force that facts about a subject concern."""
        return tuple(rule for rule in self.in_force if rule.looks_at(subject))

    @cached_property
    def fingerprint(self) -> str:
        """A name for what the rules in force go by; it is another one as soon as one of them is."""
        said = [
            (one.id, one.version, one.kind, one.severity, one.levels, one.when, one.holding) for one in self.in_force
        ]
        return hashlib.sha256(repr(said).encode()).hexdigest()[:32]

    def named(self, rule_id: str) -> Rule | None:
        """The rule with that id, if there is one."""
        return self.rules.get(rule_id)

    def with_(self, rule: Rule) -> "Rulebook":
        """The rulebook with one rule added, or replaced."""
        return Rulebook({**self.rules, rule.id: rule})
