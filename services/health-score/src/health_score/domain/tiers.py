"""Tiers and service policies: what an account is worth to us, and what it is promised, by the operator's rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from health_score.domain.account import Account
from health_score.domain.conditions import Attributes
from health_score.domain.derived import Service
from health_score.domain.facts.known import ACCOUNT, VALUE, Known
from health_score.domain.rules import DEFAULT_VERSION, HAND, RULE, By, Look, Test, fits
from health_score.domain.rules import Known as KnownValue

ARR: Final = "arr."
"""How the ARR in a currency is named in conditions: `arr.EUR`."""

STATED: Final = ("brand_value", "partnership", "segment", "industry")
"""What else tiers may depend on."""


@dataclass(frozen=True, slots=True)
class Record:
    """What others stated about an account before an instant."""

    account: Account
    known: Known
    instant: datetime

    def said(self, name: str) -> Any:
        """A field of the account: by the facts, else by the record as it was stated then."""
        thing = self.known.one(ACCOUNT)
        value = thing.said(name) if thing is not None else None
        if value is None and (thing is None or thing.said_at(name) is None):
            stated = self.account.stated.get(name)
            value = stated.value if stated is not None and stated.at < self.instant else None
        return value

    def day(self, name: str) -> date | None:
        """A field that is a civil date."""
        said = self.said(name)
        return date.fromisoformat(said) if isinstance(said, str) else said

    def arr(self, currency: str) -> Fraction | None:
        """The ARR in a currency; 0 where there is some in others only, None where nobody said."""
        value = self.known.one(VALUE)
        if value is None:
            return None
        amounts = [Decimal(each["amount"]) for each in value.said("arr") or () if each["currency"] == currency]
        return Fraction(sum(amounts, Decimal()))


@dataclass(frozen=True, slots=True)
class TierRule:
    """The accounts for which all of `when` holds are of this tier."""

    name: str
    tier: str
    when: tuple[Test, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TierRules:
    """The rules, in order. `version` 0: they come with Mainstay."""

    rules: tuple[TierRule, ...] = ()
    version: int = DEFAULT_VERSION

    def tier(self, record: Record) -> tuple[str, By] | None:
        """The tier by the first rule that fits, and which; None where none does."""
        if not self.rules:
            return None

        def look(name: str) -> KnownValue:
            said: KnownValue = record.arr(name[len(ARR) :]) if name.startswith(ARR) else record.said(name)
            return said

        for rule in self.rules:
            found = fits(rule.when, look, rule.reason)
            if found is not None:
                return rule.tier, By(RULE, rule.name, self.version, found.reason)
        return None


NO_TIER_RULES = TierRules()


def tier_of(record: Record, rules: TierRules) -> tuple[str | None, By | None]:
    """The tier: the one stated beats the one by rules."""
    stated = record.said("tier")
    if stated is not None:
        return stated, By(HAND)
    return rules.tier(record) or (None, None)


@dataclass(frozen=True, slots=True)
class Policy:
    """The service that accounts are promised for which all of `when` holds.

    `promises` has what is promised, as JSON has it: days between touches, hours to respond and to resolve (a number, or
    by the ticket's priority), and what is no number.
    """

    name: str
    when: tuple[Test, ...]
    promises: Mapping[str, Any]
    reason: str | None = None


PROMISES: Final = (
    "touch_every_days",
    "response_within_hours",
    "resolution_within_hours",
    "mode",
    "served_by",
    "training",
    "budget",
)
"""What a policy may promise, and a fact may state beside it."""

CONDITIONS: Final = ("tier", "segment", "stage", "industry", "product")
"""What policies may depend on."""


@dataclass(frozen=True, slots=True)
class ServicePolicies:
    """The policies, in order. `version` 0: they come with Mainstay."""

    policies: tuple[Policy, ...] = ()
    version: int = DEFAULT_VERSION
    _known: dict[Attributes, Service | None] = field(default_factory=dict, compare=False)

    REMEMBERED = 10_000

    def of(self, attributes: Attributes, stated: Mapping[str, Any] | None) -> Service | None:
        """The service of an account; None where no policy fits and nothing was stated.

        A stated name chooses the policy; whatever else was stated holds in the policy's place, field by field. Where
        nothing was, the service is remembered by the attributes.
        """
        if stated is not None:
            return self._of(attributes, stated)
        if attributes not in self._known:
            if len(self._known) >= self.REMEMBERED:
                self._known.clear()
            self._known[attributes] = self._of(attributes, {})
        return self._known[attributes]

    def _of(self, attributes: Attributes, stated: Mapping[str, Any]) -> Service | None:
        by_hand = {name: _plain(value) for name in PROMISES if (value := stated.get(name)) is not None}
        policy, by = self._chosen(attributes, stated.get("name"))
        if policy is None and not by_hand:
            return None
        if by is None:
            by = By(HAND, reason="stated for this account")
        elif by_hand:
            by = By(by.how, by.rule, by.version, f"{by.reason}; stated for this account: {', '.join(by_hand)}")
        promises = {**(policy.promises if policy else {}), **by_hand}
        return Service(policy.name if policy else None, by, promises)

    def _chosen(self, attributes: Attributes, name: str | None) -> tuple[Policy | None, By | None]:
        for policy in self.policies if name is not None else ():
            if policy.name == name:
                return policy, By(HAND, policy.name, self.version, "the policy was stated by name")
        look: Look = lambda name: getattr(attributes, name)  # noqa: E731 - a closure of one line
        for policy in self.policies:
            found = fits(policy.when, look, policy.reason)
            if found is not None:
                return policy, By(RULE, policy.name, self.version, found.reason)
        return None, None


NO_POLICIES = ServicePolicies()


def _plain(value: Any) -> Any:
    """A promise as JSON has it: amounts of money are texts."""
    return {name: str(each) for name, each in value.items()} if isinstance(value, Mapping) else value
