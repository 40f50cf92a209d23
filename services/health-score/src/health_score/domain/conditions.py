"""Conditions on an account's attributes: which scorecard it gets, and which measures apply to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Attributes(NamedTuple):
    """What conditions may look at; None where nobody said."""

    tier: str | None = None
    stage: str | None = None
    segment: str | None = None
    industry: str | None = None
    product: str | None = None


ATTRIBUTES = Attributes._fields
NOTHING_STATED = Attributes()


@dataclass(frozen=True, slots=True)
class Condition:
    """An attribute is one of `values`, or (`negated`) none of them. What nobody said is none of them."""

    attribute: str
    values: tuple[str, ...]
    negated: bool = False

    def holds(self, attributes: Attributes) -> bool:
        """Whether the account fits."""
        return (getattr(attributes, self.attribute) in self.values) is not self.negated

    def told(self, attributes: Attributes) -> str:
        """Why it holds, for a person."""
        value = getattr(attributes, self.attribute)
        if self.negated:
            return f"{self.attribute} is {value or 'not known'}, not {' or '.join(self.values)}"
        return f"{self.attribute} is {value}"


def all_hold(conditions: Iterable[Condition], attributes: Attributes) -> bool:
    """Whether every condition holds; none at all hold for everybody."""
    return all(condition.holds(attributes) for condition in conditions)
