"""The shipped rules, and what makes a rule unusable."""

import pytest

from alerts.domain.rules import Kind, Rulebook, RuleInvalid
from alerts.rulebook import read_rule, shipped_rulebook

GOOD = """
id: mine
version: 3
kind: silent
category: risk
severity: {silent: critical}
title: $account is silent
text: since $last_activity_on
next_steps: [call]
"""


def test_every_kind_has_a_shipped_rule_that_says_what_to_do() -> None:
    rules = shipped_rulebook().rules

    assert set(rules) == set(Kind)
    assert all(len(rule.next_steps) >= 2 for rule in rules.values())


def test_a_rule_is_read() -> None:
    rule = read_rule(GOOD, "mine.yaml")

    assert (rule.id, rule.version, rule.worded(rule.title, {"account": "Acme"})) == ("mine", 3, "Acme is silent")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("kind: silent", "kind: weather"), "weather"),
        (("{silent: critical}", "{red: critical}"), "severity is needed"),
        (("{silent: critical}", "{silent: dire}"), "dire"),
        (("$account is", "$acount is"), "acount"),
        (("$account is", "$ is"), "stray"),
        (("next_steps: [call]", "next_steps: []"), "what to do next"),
        (("version: 3", "version: new"), "new"),
        (("text: since $last_activity_on\n", ""), "exactly the members"),
        (("id: mine", "- id: mine"), "mine.yaml"),
    ],
)
def test_a_rule_with_a_mistake_is_refused_and_named(change: tuple[str, str], reason: str) -> None:
    with pytest.raises(RuleInvalid, match=reason):
        read_rule(GOOD.replace(*change), "mine.yaml")


def test_two_rules_for_one_condition_are_refused() -> None:
    rule = read_rule(GOOD, "mine.yaml")

    with pytest.raises(RuleInvalid, match="same condition"):
        Rulebook.of([rule, rule])
