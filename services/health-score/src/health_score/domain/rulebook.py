"""The operator's rules about accounts, as they were in force at any instant: stages, tiers and service policies."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from health_score.domain.metrics.catalogue import Needs
from health_score.domain.rules import Dated
from health_score.domain.stages import NO_STAGE_RULES, StageRules
from health_score.domain.tiers import ARR, NO_POLICIES, NO_TIER_RULES, ServicePolicies, TierRules

EVER = datetime(1, 1, 2, tzinfo=UTC)
"""The first version counts from here on."""


@dataclass(frozen=True)
class Rulebook:
    """Every version of the three documents."""

    stages: Dated[StageRules] = field(default_factory=lambda: Dated((EVER,), (NO_STAGE_RULES,)))
    tiers: Dated[TierRules] = field(default_factory=lambda: Dated((EVER,), (NO_TIER_RULES,)))
    policies: Dated[ServicePolicies] = field(default_factory=lambda: Dated((EVER,), (NO_POLICIES,)))

    @property
    def needs(self) -> Needs:
        """What is to be loaded for every account to be looked at by the rules in force."""
        return self.stages.latest.needs

    @cached_property
    def has_tiers(self) -> bool:
        """Whether a rule of any version gives a tier."""
        return any(version.rules for version in self.tiers.versions)

    @cached_property
    def reads_arr(self) -> bool:
        """Whether a tier of any version depends on what contracts are worth."""
        tests = (test for version in self.tiers.versions for rule in version.rules for test in rule.when)
        return any(test.name.startswith(ARR) for test in tests)

    @cached_property
    def promises_by_stage(self) -> bool:
        """Whether a service policy of any version depends on the stage."""
        tests = (test for version in self.policies.versions for policy in version.policies for test in policy.when)
        return any(test.name == "stage" for test in tests)

    def turns(self) -> Iterable[datetime]:
        """The instants from which on an account's attributes or promises may be others, by the rules alone."""
        return (*self.tiers.turns(), *self.policies.turns())


NO_RULES = Rulebook()
