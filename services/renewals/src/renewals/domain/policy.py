"""The operator's renewal policy: how early windows open, which days are milestones, and who owns renewals."""

from dataclasses import dataclass
from enum import StrEnum

from renewals.domain.schedule import USUAL_WINDOW, Window

USUAL_DAYS = (60, 30)
"""Milestones, in days before the first day after the term."""


class OwnerRole(StrEnum):
    """Who answers for a renewal."""

    CSM = "csm"
    CSM_AND_SALES = "csm_and_sales"
    RENEWAL_TEAM = "renewal_team"


@dataclass(frozen=True, slots=True)
class Cadence:
    """What holds for an account's renewals; `team` is a renewal team's name, where nobody of it is named."""

    window: Window = USUAL_WINDOW
    milestone_days: tuple[int, ...] = USUAL_DAYS
    owner: OwnerRole = OwnerRole.CSM
    team: str | None = None


USUAL = Cadence()


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A cadence for accounts of certain tiers and segments; an empty set is for all of them."""

    name: str
    cadence: Cadence
    tiers: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()

    def fits(self, tier: str | None, segment: str | None) -> bool:
        """Whether the rule is for such an account. One whose tier is not known fits no rule that names tiers."""
        return (not self.tiers or tier in self.tiers) and (not self.segments or segment in self.segments)


@dataclass(frozen=True, slots=True)
class RenewalPolicy:
    """The rules in their order: the first that fits counts; where none does, what is usual. Version 0 has none."""

    rules: tuple[PolicyRule, ...] = ()
    version: int = 0

    def of(self, tier: str | None, segment: str | None) -> Cadence:
        """What holds for an account of this tier and segment."""
        return next((rule.cadence for rule in self.rules if rule.fits(tier, segment)), USUAL)


def unreachable(rules: tuple[PolicyRule, ...]) -> tuple[tuple[int, str], ...]:
    """The places of rules that no account can reach, each with the name of the one before that takes all of theirs."""
    found = []
    for place, rule in enumerate(rules):
        taken = (before.name for before in rules[:place] if _covers(before, rule))
        if name := next(taken, None):
            found.append((place, name))
    return tuple(found)


def _covers(before: PolicyRule, rule: PolicyRule) -> bool:
    def all_in(wide: frozenset[str], narrow: frozenset[str]) -> bool:
        return not wide or (bool(narrow) and narrow <= wide)

    return all_in(before.tiers, rule.tiers) and all_in(before.segments, rule.segments)
