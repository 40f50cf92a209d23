"""What makes a good customer, in the operator's words: criteria over what is known of an account and a deal.

What is not known is neither met nor failed: the answer is then unknown, as long as it could still go either way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Fact(StrEnum):
    """What criteria can look at. Amounts are of the deal: `arr` in a year, `amount` in its (first) term."""

    KIND = "kind"
    SEGMENT = "segment"
    TIER = "tier"
    INDUSTRY = "industry"
    ARR = "arr"
    AMOUNT = "amount"
    SEATS = "seats"
    MONTHS = "months"
    TENURE_MONTHS = "tenure_months"


WORDS = frozenset({Fact.KIND, Fact.SEGMENT, Fact.TIER, Fact.INDUSTRY})
MONEY = frozenset({Fact.ARR, Fact.AMOUNT})

Known = str | Decimal | None
"""A word, a number (an amount in the currency of its criterion), or nothing where nobody said."""

Facts = Mapping[Fact, Known]


class Verdict(StrEnum):
    """Whether a customer is a good one."""

    GOOD = "good"
    NOT_GOOD = "not_good"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A word is among some, or none of some; a number lies within bounds, both included.

    A required one has to be met; the others count. `currency` is that of the bounds of an amount.
    """

    name: str
    fact: Fact
    among: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    currency: str | None = None
    is_required: bool = False

    def met(self, known: Known) -> bool | None:
        """Whether it is met; None where that is not known."""
        if known is None:
            return None
        if isinstance(known, str):
            return known in self.among if self.among else known not in self.none_of
        return (self.at_least is None or known >= self.at_least) and (self.at_most is None or known <= self.at_most)


@dataclass(frozen=True, slots=True)
class Criteria:
    """A version of what makes a good customer: all that is required, and `needed` criteria in all."""

    version: int
    criteria: tuple[Criterion, ...]
    needed: int


@dataclass(frozen=True, slots=True)
class Found:
    """One criterion, what it looked at, and whether it is met; None where that is not known."""

    criterion: Criterion
    known: Known
    is_met: bool | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether somebody is a good customer by a version of the criteria; a version of None: there are none yet."""

    verdict: Verdict
    version: int | None
    found: tuple[Found, ...] = ()


def judge(criteria: Criteria | None, look: Callable[[Criterion], Known]) -> Judgement:
    """The verdict, whatever the unknown may turn out to be; unknown, if that matters."""
    if criteria is None:
        return Judgement(Verdict.UNKNOWN, None)
    found = []
    for criterion in criteria.criteria:
        known = look(criterion)
        found.append(Found(criterion, known, criterion.met(known)))
    return Judgement(_verdict(criteria, found), criteria.version, tuple(found))


def _verdict(criteria: Criteria, found: list[Found]) -> Verdict:
    required = [each.is_met for each in found if each.criterion.is_required]
    met = sum(each.is_met is True for each in found)
    unknown = sum(each.is_met is None for each in found)
    if False in required or met + unknown < criteria.needed:
        return Verdict.NOT_GOOD
    return Verdict.GOOD if met >= criteria.needed and None not in required else Verdict.UNKNOWN
