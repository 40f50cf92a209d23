"""The shipped rules, and what makes a rule unusable: said at its place, with what was probably meant."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.domain.kinds import Kind
from alerts.domain.rules import Rulebook, RuleInvalid
from alerts.rulebook import RuleRefused, read_rule, rule_of, shipped_rulebook

PAGES = Path(__file__).parents[3] / "docs" / "rules"

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
SILENT = yaml.safe_load(GOOD)
LOW: dict[str, Any] = {
    **{name: value for name, value in SILENT.items() if name != "severity"},
    "kind": "metric-threshold",
    "levels": {"warning": 50, "critical": 25},
    "when": {"metric": "health_score"},
    "text": "$value",
}
CEL: dict[str, Any] = {
    **{name: value for name, value in SILENT.items() if name != "severity"},
    "kind": "cel",
    "when": {"warning": "health_score < 50"},
    "text": "$condition",
}


def test_every_kind_has_a_shipped_rule_that_says_what_to_do() -> None:
    rules = shipped_rulebook().rules.values()

    assert {rule.kind for rule in rules} == set(Kind)
    assert all(len(rule.next_steps) >= 2 for rule in rules)


def test_every_shipped_rule_has_a_page_with_what_it_means_and_what_to_do() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(shipped_rulebook().rules)
    for page in PAGES.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert all(part in text for part in ("**What it means.**", "**When it opens.**", "**What to do**")), page.name


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
        (("next_steps: [call]", "next_steps: []"), "what to do next"),
        (("version: 3", "version: new"), "new"),
        (("text: since $last_activity_on\n", ""), "is missing"),
        (("id: mine", "- id: mine"), "mine.yaml"),
    ],
)
def test_a_rule_with_a_mistake_is_refused_and_named(change: tuple[str, str], reason: str) -> None:
    with pytest.raises(RuleInvalid, match=reason):
        read_rule(GOOD.replace(*change), "mine.yaml")


BAD: list[tuple[dict[str, Any], str, str]] = [
    (SILENT | {"kind": "slient"}, "/kind", "did you mean silent?"),
    (SILENT | {"colour": "red"}, "/colour", "there is no such member"),
    (SILENT | {"nextsteps": []}, "/nextsteps", "did you mean next_steps?"),
    (SILENT | {"id": "My Rule"}, "/id", "lower-case letters, digits and hyphens"),
    (SILENT | {"severity": {"silence": "info"}}, "/severity/silence", "did you mean silent?"),
    (SILENT | {"severity": {"silent": "warn"}}, "/severity/silent", "did you mean warning?"),
    (SILENT | {"levels": {"info": 1}}, "/levels", "is not needed: silent gets its severity by what it tells apart"),
    (SILENT | {"for": "2 weeks"}, "/for", "'2 weeks' is not a duration such as 30m, 6h or 7d"),
    (SILENT | {"cooldown": "400d"}, "/cooldown", "longer than a year"),
    (SILENT | {"keep_firing_for": 60}, "/keep_firing_for", "60 is not a duration"),
    (SILENT | {"attach": ["stag"]}, "/attach/0", "did you mean stage?"),
    (SILENT | {"playbook": "Save Them"}, "/playbook", "lower-case letters"),
    (SILENT | {"enabled": "no"}, "/enabled", "true or false"),
    (SILENT | {"title": "Costs $ 5"}, "/title", "at character 7: a stray $; a dollar sign is written $$"),
    (SILENT | {"text": "on $last_activty_on"}, "/text", "at character 4: $last_activty_on is not one of"),
    (SILENT | {"text": "on $last_activty_on"}, "/text", "did you mean last_activity_on?"),
    (SILENT | {"when": {"days": 3}}, "/when/days", "silent has no such setting; it has: none"),
    (LOW | {"severity": {"warning": "info"}}, "/severity", "gets its severity by levels"),
    (LOW | {"levels": {}}, "/levels", "say from which value on it is info, warning or critical"),
    (LOW | {"levels": {"warning": 25, "critical": 50}}, "/levels", "begins at a lower value than the milder one"),
    (LOW | {"levels": {"warning": "50"}}, "/levels/warning", "'50' is not a number"),
    (LOW | {"when": {}}, "/when/metric", "is missing"),
    (LOW | {"when": {"metric": "health_score", "is": "bellow"}}, "/when/is", "did you mean below?"),
    (LOW | {"when": {"metrik": "health_score"}}, "/when/metrik", "did you mean metric?"),
    (CEL | {"when": {}}, "/when", "under which condition"),
    (CEL | {"when": {"warn": "true"}}, "/when/warn", "did you mean warning?"),
    (
        CEL | {"when": {"warning": "health_scor < 5"}},
        "/when/warning",
        "at character 1: there is no variable health_scor",
    ),
    (CEL | {"when": {"warning": "1 < 2 && hepth_band == 'red'"}}, "/when/warning", "at character 10: there is no var"),
    (CEL | {"when": {"warning": "health.score < 5"}}, "/when/warning", "there is no variable health"),
    (CEL | {"when": {"warning": "health_band.colour == 'x'"}}, "/when/warning", "variables have no members"),
    (CEL | {"when": {"warning": "account_name.startWith('A')"}}, "/when/warning", "did you mean startsWith?"),
    (CEL | {"when": {"warning": "[1].all(x, x > 0)"}}, "/when/warning", "at character 5: all() cannot be used"),
    (CEL | {"when": {"warning": "health_score <"}}, "/when/warning", "at character 15: this is no CEL"),
    (CEL | {"when": {"warning": "health_score < 'a'"}}, "/when/warning", "unlike things"),
    (CEL | {"when": {"warning": "health_score + 1"}}, "/when/warning", "true or false; this one gives 42"),
    (
        CEL | {"when": {"warning": "(" * 11 + "true" + ")" * 11}},
        "/when/warning",
        "at character 11: nested more than 10",
    ),
    (CEL | {"when": {"warning": "true || " * 150 + "true"}}, "/when/warning", "at most 1,000 characters"),
    (CEL | {"when": {"warning": 5}}, "/when/warning", "is a condition in CEL, as a text"),
    (CEL | {"when": {"warning": "measure_seat_use < 0.5"}}, "/when/warning", "did you mean measure_seats_used?"),
]


@pytest.mark.parametrize(("written", "pointer", "detail"), BAD)
def test_a_bad_rule_is_told_at_its_place(written: Any, pointer: str, detail: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        rule_of(written, measures=["seats_used", "stickiness"])

    assert any(fault.pointer == pointer and detail in fault.detail for fault in refused.value.faults), refused.value


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(RuleRefused) as refused:
        rule_of(SILENT | {"for": "soon", "attach": ["x"], "next_steps": [""]})

    assert [fault.pointer for fault in refused.value.faults] == ["/for", "/attach/0", "/next_steps/0"]


def test_two_rules_with_one_id_are_refused() -> None:
    rule = read_rule(GOOD, "mine.yaml")

    with pytest.raises(RuleInvalid, match="two rules have the id mine"):
        Rulebook.of([rule, rule])
