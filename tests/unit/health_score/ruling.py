"""Rules of an operator with more than one version, as unit tests use them."""

from datetime import UTC, datetime
from typing import Any

from health_score.domain.rulebook import EVER, Rulebook
from health_score.domain.rules import Dated
from health_score.domain.tiers import ServicePolicies, TierRules
from health_score.rulebook.reading import Kind, read_rules

FIRST_RULES = datetime(2025, 10, 15, tzinfo=UTC)
OTHER_RULES = datetime(2025, 11, 15, tzinfo=UTC)

LARGE: dict[str, Any] = {"name": "large", "tier": "high", "when": [{"arr": "EUR", "at_least": 1000}]}
PARTNERS: dict[str, Any] = {
    "name": "partners",
    "tier": "medium",
    "when": [{"attribute": "partnership", "in": ["strategic"]}],
}
HIGH: dict[str, Any] = {
    "name": "fast",
    "when": [{"attribute": "tier", "in": ["high"]}],
    "response_within_hours": {"urgent": 1, "normal": 4},
    "resolution_within_hours": 24,
}
GROWING: dict[str, Any] = {
    "name": "growing",
    "when": [{"attribute": "stage", "in": ["growth"]}],
    "response_within_hours": 10,
}


def tier_rules(version: int, *rules: dict[str, Any]) -> TierRules:
    found = read_rules(Kind.TIERS, {"rules": list(rules)}, version=version)
    assert isinstance(found, TierRules)
    return found


def policies(version: int, *parts: dict[str, Any]) -> ServicePolicies:
    found = read_rules(Kind.POLICIES, {"policies": list(parts)}, version=version)
    assert isinstance(found, ServicePolicies)
    return found


RULES = Rulebook(
    tiers=Dated((EVER, FIRST_RULES, OTHER_RULES), (TierRules(), tier_rules(1, PARTNERS), tier_rules(2, LARGE))),
    policies=Dated(
        (EVER, FIRST_RULES, OTHER_RULES), (ServicePolicies(), policies(1, HIGH), policies(2, HIGH, GROWING))
    ),
)
"""Of accounts: none before the first rules, then partners, then those with large contracts."""
