"""What entitlement facts say of an account: what was bought, what is used, and which features the plan has."""

from collections.abc import Set as AbstractSet
from datetime import date
from fractions import Fraction

from health_score.domain.facts.known import Known, Thing
from health_score.domain.metrics.reading import AsOf
from mainstay.kernel.clock import day_of

SEATS = "seats"


def _entitlement(known: Known, metric: str) -> Thing | None:
    return known.things.get("entitlement", {}).get(metric)


def bought(of: AsOf, metric: str) -> Fraction | None:
    """How much of a metric was bought, in its own unit, as last stated; None where nobody did."""
    entitlement = _entitlement(of.known, metric)
    quantity = entitlement.said("bought") if entitlement else None
    return None if quantity is None else Fraction(quantity)


def seats_stated(known: Known) -> Fraction | None:
    """The seats in use, as the product or somebody states them: assigned, whoever sits on them."""
    entitlement = _entitlement(known, SEATS)
    used = entitlement.said("used") if entitlement else None
    return None if used is None else Fraction(used)


def seats_stated_on(of: AsOf) -> date | None:
    """The day of the latest statement of the seats in use."""
    entitlement = _entitlement(of.known, SEATS)
    if entitlement is None or entitlement.said("used") is None:
        return None
    return day_of(entitlement.ranks["used"][0], of.known.zone)


def features_in_plan(known: Known) -> AbstractSet[str]:
    """The features that the account's entitlements name, together."""
    return {name for entitlement in known.of("entitlement") for name in entitlement.said("features") or ()}
