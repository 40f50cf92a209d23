"""Forecast calls: what is said of a renewal before it is decided, by whom, and how the automated one is made.

The automated probability is learned from the company's own past renewals, from the overall rate down to those that
stood alike. Each step is a beta-binomial estimate whose prior is the step before (Gelman et al., Bayesian Data
Analysis, chapter 5): where there is little data it stays near the wider rate, where there is much it is the own one.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from mainstay.kernel.money import Money
from renewals.domain.civil import months_from
from renewals.domain.contracts import Contract, Kind
from renewals.domain.terms import Term, rounded

PRIOR_STRENGTH: Final = 20
"""The wider rate weighs as much as so many renewals of one's own."""
TREND_DAYS: Final = 28
TREND_POINTS: Final = 10
"""A score moves from so many points within `TREND_DAYS` on."""
UNKNOWN_BAND: Final = "unknown"


class Category(StrEnum):
    """How sure a renewal is said to be. Sums of a forecast are cumulative: best case includes commit."""

    COMMIT = "commit"
    MOST_LIKELY = "most_likely"
    BEST_CASE = "best_case"
    OMITTED = "omitted"


_LEAST: Final = ((85, Category.COMMIT), (60, Category.MOST_LIKELY), (30, Category.BEST_CASE), (0, Category.OMITTED))
"""From how many percent on an automated call is of a category."""


class CallKind(StrEnum):
    """Whose call it is. The later of these prevails."""

    AUTOMATED = "automated"
    CSM = "csm"
    FINAL = "final"


class Trend(StrEnum):
    """Where the score went within `TREND_DAYS`."""

    FALLING = "falling"
    STEADY = "steady"
    RISING = "rising"


class Tenure(StrEnum):
    """How long an account has been a customer."""

    FIRST_YEAR = "first_year"
    SECOND_YEAR = "second_year"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Situation:
    """What an account's renewal is compared by. None: not known. Without a band nothing else is looked at."""

    band: str | None = None
    trend: Trend | None = None
    tenure: Tenure | None = None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many terms came to be decided, and how many of them were renewed."""

    terms: int = 0
    renewed: int = 0

    def __add__(self, other: "Outcomes") -> "Outcomes":
        return Outcomes(self.terms + other.terms, self.renewed + other.renewed)


@dataclass(frozen=True, slots=True)
class Past:
    """The company's own past: what became of terms, by how their accounts stood before."""

    cells: Mapping[Situation, Outcomes]

    def of(self, band: str | None = None, trend: Trend | None = None, tenure: Tenure | None = None) -> Outcomes:
        """Of all terms whose accounts stood so; None: whatever it was."""
        alike = (
            outcomes
            for standing, outcomes in self.cells.items()
            if band in {None, standing.band} and trend in {None, standing.trend} and tenure in {None, standing.tenure}
        )
        return sum(alike, Outcomes())


class FactorName(StrEnum):
    """What a step of the estimate looks at."""

    OVERALL = "overall"
    BAND = "band"
    TREND = "trend"
    TENURE = "tenure"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Factor:
    """A step of the estimate: of `terms` that stood alike up to here `renewed` were; `probability` is that so far."""

    name: FactorName
    level: str | None
    terms: int
    renewed: int
    probability: Fraction

    @property
    def rate(self) -> Fraction | None:
        """The own rate, before it is drawn towards the wider one; None of nothing."""
        return Fraction(self.renewed, self.terms) if self.terms else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """An automated call: the probability in whole percent, the ARR of the next term, and how it was come by."""

    category: Category
    probability: Decimal
    amount: Money
    standing: Situation
    factors: tuple[Factor, ...]


def shrunk(outcomes: Outcomes, towards: Fraction) -> Fraction:
    """The rate of outcomes, drawn towards a wider one: (renewed + s·wider) ÷ (terms + s), s the prior's strength."""
    return (outcomes.renewed + PRIOR_STRENGTH * towards) / (outcomes.terms + PRIOR_STRENGTH)


def factors(past: Past, standing: Situation) -> tuple[Factor, ...]:
    """From the overall rate down to accounts that stand alike; the last one's probability is the estimate.

    The overall rate is (renewed + 2) ÷ (terms + 4) (Agresti and Coull, The American Statistician 52, 1998): nothing
    known is even odds, and a first loss is not yet a rule. What is not known of an account is passed over; where its
    health is not, the overall rate stands.
    """
    every = past.of()
    overall = Fraction(every.renewed + 2, every.terms + 4)
    found = [Factor(FactorName.OVERALL, None, every.terms, every.renewed, overall)]
    if standing.band is None:
        return tuple(found)
    known: dict[str, str] = {}
    steps = (
        (FactorName.BAND, standing.band),
        (FactorName.TREND, standing.trend),
        (FactorName.TENURE, standing.tenure),
    )
    for name, level in steps:
        if level is not None:
            known[name.value] = level
            alike = past.of(**known)  # type: ignore[arg-type] # the names and levels are those of Situation
            found.append(
                Factor(name, str(level), alike.terms, alike.renewed, shrunk(alike, found[-1].probability)),
            )
    return tuple(found)


def estimate(contract: Contract, standing: Situation, past: Past) -> Estimate:
    """The automated call of a contract's latest term."""
    if contract.cancellation:
        found: tuple[Factor, ...] = (Factor(FactorName.CANCELLED, None, 0, 0, Fraction(0)),)
    else:
        found = factors(past, standing)
    percent = round(found[-1].probability * 100)
    category = next(category for least, category in _LEAST if percent >= least)
    return Estimate(category, Decimal(percent).scaleb(-2), next_amount(contract), standing, found)


def next_amount(contract: Contract) -> Money:
    """The ARR with which the next term begins if nobody says otherwise, in the currency's minor unit."""
    months = contract.schedule.term_months
    if months:
        return rounded(Fraction(contract.amount) * 12 / months, contract.currency)
    return contract.latest.arr(contract.currency, contract.latest.last_day)


def trend(score: int | None, before: int | None) -> Trend | None:
    """Where a score went, from `TREND_DAYS` before to now; None without both."""
    if score is None or before is None:
        return None
    if abs(score - before) < TREND_POINTS:
        return Trend.STEADY
    return Trend.RISING if score > before else Trend.FALLING


def tenure(contracts: Collection[Contract], today: date) -> Tenure | None:
    """How long an account has had recurring contracts; None where it has none that began."""
    begun = [contract.terms[0].start for contract in contracts if contract.kind is Kind.RECURRING]
    if not begun or min(begun) > today:
        return None
    months = months_from(min(begun), today)
    if months < 12:
        return Tenure.FIRST_YEAR
    return Tenure.SECOND_YEAR if months < 24 else Tenure.LATER


def up_for_renewal(contract: Contract, today: date) -> Term | None:
    """The term whose renewal is not decided yet: the latest one, up to the end of grace.

    None for what is one-time, rolls on, was cancelled before its end, or is over.
    """
    term = contract.latest
    if contract.kind is not Kind.RECURRING or term.is_rolling:
        return None
    if term.cancelled_on and term.cancelled_on < term.expires_before:
        return None
    return term if (today - term.expires_before).days <= contract.grace_days - 1 else None


def undecided(contracts: Collection[Contract], today: Mapping[str, date]) -> Iterator[tuple[Contract, Term]]:
    """The renewals of an account that are not decided; `today` is each contract's, by id.

    A contract that another one renews already is decided.
    """
    succeeded = {contract.predecessor.contract_id for contract in contracts if contract.predecessor}
    for contract in contracts:
        term = up_for_renewal(contract, today[contract.id])
        if term and contract.id not in succeeded:
            yield contract, term
