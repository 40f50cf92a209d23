"""Reads the shipped rules: one YAML file each in `alerts/rules/`, read once at start, refused when it has a mistake."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from alerts.domain.rules import Kind, Rule, Rulebook, RuleInvalid
from alerts.domain.words import Category, Severity

MEMBERS = frozenset({"id", "version", "kind", "category", "severity", "title", "text", "next_steps"})


def shipped_rulebook() -> Rulebook:
    """The rules that come with Mainstay. Raises `RuleInvalid`."""
    documents = sorted(
        (entry for entry in files("alerts.rules").iterdir() if entry.name.endswith(".yaml")),
        key=lambda entry: entry.name,
    )
    return Rulebook.of(read_rule(entry.read_text(encoding="utf-8"), entry.name) for entry in documents)


def read_rule(document: str, name: str) -> Rule:
    """One rule from YAML. Raises `RuleInvalid` with the document's name."""
    try:
        written: Any = yaml.safe_load(document)
    except yaml.YAMLError as error:
        raise RuleInvalid(f"{name}: {error}") from error
    if not isinstance(written, Mapping) or set(written) != MEMBERS:
        raise RuleInvalid(f"{name}: a rule has exactly the members {', '.join(sorted(MEMBERS))}")
    try:
        return Rule(
            id=str(written["id"]),
            version=int(written["version"]),
            kind=Kind(written["kind"]),
            category=Category(written["category"]),
            severity={str(grade): Severity(severity) for grade, severity in written["severity"].items()},
            title=str(written["title"]),
            text=str(written["text"]),
            next_steps=tuple(str(step) for step in written["next_steps"]),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise RuleInvalid(f"{name}: {error}") from error
