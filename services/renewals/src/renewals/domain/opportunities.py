"""Expansion: signals that a customer needs more, the opportunities made of them, and who gets the credit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from mainstay.kernel.money import Money
from renewals.domain.burn_down import BurnDown
from renewals.domain.consumption import PREPAID, SEATS
from renewals.domain.currencies import smallest
from renewals.domain.terms import rounded

SEATS_USED: Final = Fraction(9, 10)
"""Above this share of the seats that were bought, more are needed soon."""


class Signal(StrEnum):
    """What shows that a customer needs more."""

    SEATS_NEARLY_USED = "seats_nearly_used"
    OVER_PLAN = "over_plan"
    PREPAID_RUNS_OUT = "prepaid_runs_out"
    PRODUCT_IN_USE = "product_in_use"
    TEAM_IN_USE = "team_in_use"


class OpportunityKind(StrEnum):
    """What more could be sold."""

    SEATS = "seats"
    CONSUMPTION = "consumption"
    PREPAID = "prepaid"
    ADD_ON = "add_on"
    SERVICE = "service"
    TRAINING = "training"
    REFERRAL = "referral"


KIND_OF: Final = {
    Signal.SEATS_NEARLY_USED: OpportunityKind.SEATS,
    Signal.OVER_PLAN: OpportunityKind.CONSUMPTION,
    Signal.PREPAID_RUNS_OUT: OpportunityKind.PREPAID,
    Signal.PRODUCT_IN_USE: OpportunityKind.ADD_ON,
    Signal.TEAM_IN_USE: OpportunityKind.SEATS,
}


class Stage(StrEnum):
    """How far an opportunity is; the last two are its outcome."""

    OPEN = "open"
    QUALIFIED = "qualified"
    PROPOSED = "proposed"
    WON = "won"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        """Whether it has an outcome."""
        return self in {Stage.WON, Stage.LOST}


class OpportunityUnknown(LookupError):
    """There is no such opportunity."""

    def __init__(self, opportunity_id: str) -> None:
        super().__init__(f"there is no opportunity {opportunity_id}")


class OpportunityMovedOn(Exception):
    """Somebody changed it meanwhile."""

    def __init__(self, expected: int, latest: int) -> None:
        super().__init__(f"version {expected} was to be changed, and the latest is {latest}")


class OutcomeIncomplete(ValueError):
    """What is won has an amount, and what is lost a reason."""


class CreditsInvalid(ValueError):
    """Shares of credit that do not add up to one, or two for the same person on a day."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a signal saw: of which metric (or child account), how much was used and bought, and when it will be gone."""

    signal: Signal
    subject: str
    used: Decimal | None = None
    bought: Decimal | None = None
    projected_on: date | None = None
    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """A person's share of a success, above 0 and up to 1, from a day on."""

    person: str
    share: Decimal
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """Something that could be sold to a customer: what, how much, by whom, and what became of it.

    `term` is that of the contract in which a `need` was seen; both are None for one that somebody entered.
    """

    id: str
    account_id: str
    kind: OpportunityKind
    stage: Stage
    version: int
    contract_id: str | None = None
    term: int | None = None
    need: Need | None = None
    amount: Money | None = None
    owner: str | None = None
    words: str | None = None
    reason: str | None = None
    expected_on: date | None = None
    closed_on: date | None = None
    credits: tuple[Credit, ...] = ()

    def changed(self, other: "Opportunity", today: date) -> "Opportunity":
        """As `other` says, in the next version: closed on a day once it has an outcome. Raises `OutcomeIncomplete`."""
        if other.stage is Stage.WON and other.amount is None:
            raise OutcomeIncomplete("say for how much it was won (amount)")
        if other.stage is Stage.LOST and not other.reason:
            raise OutcomeIncomplete("say why it was lost (reason)")
        closed_on = (self.closed_on if self.stage is other.stage else None) or today
        check_credits(other.credits)
        return replace(other, version=self.version + 1, closed_on=closed_on if other.stage.is_over else None)


def check_credits(split: Sequence[Credit]) -> None:
    """Whether shares add up to exactly one, where there are any. Raises `CreditsInvalid`."""
    if not split:
        return
    total = sum((each.share for each in split), Decimal(0))
    if total != 1:
        raise CreditsInvalid(f"the shares add up to {total:f}, not to 1")
    if len({(each.person, each.on) for each in split}) < len(split):
        raise CreditsInvalid("a person has two shares on one day")


def parts(amount: Money, split: Sequence[Credit]) -> tuple[Money, ...]:
    """What of an amount each share is: in the minor unit, adding up to the amount exactly (largest remainder)."""
    unit = Fraction(smallest(amount.currency))
    whole = Fraction(amount.amount) / unit
    exact = [whole * Fraction(each.share) for each in split]
    floors = [int(each // 1) for each in exact]
    left = int(whole - sum(floors)) if split else 0
    by_rest = sorted(range(len(exact)), key=lambda n: (floors[n] - exact[n], n))
    for n in by_rest[:left]:
        floors[n] += 1
    return tuple(rounded(floor * unit, amount.currency) for floor in floors)


def credited(amount: Money, split: Sequence[Credit], first: date, last: date) -> Iterator[tuple[str, Money]]:
    """Who is credited with what of an amount on days from `first` on and before `last`."""
    for credit, part in zip(split, parts(amount, split), strict=True):
        if first <= credit.on < last:
            yield credit.person, part


def seats_need(used: Decimal | None, bought: int | None) -> Need | None:
    """More seats are needed where over `SEATS_USED` of them are used."""
    if used is None or not bought or Fraction(used) <= SEATS_USED * bought:
        return None
    return Need(Signal.SEATS_NEARLY_USED, SEATS, used, Decimal(bought))


def plan_need(metric: str, used: Fraction | None, bought: Fraction) -> Need | None:
    """A larger plan is needed where more is used than was bought."""
    if used is None or not bought or used <= bought:
        return None
    return Need(Signal.OVER_PLAN, metric, _decimal(used), _decimal(bought))


def prepaid_need(metric: str, burnt: BurnDown, ends_before: date) -> Need | None:
    """Prepaid balance is needed where what was bought will be used up before the term ends."""
    bought = burnt.bought + burnt.topped_up
    if not metric.startswith(PREPAID) or not bought or not burnt.runs_out_before(ends_before):
        return None
    ahead = burnt.projection
    return Need(
        Signal.PREPAID_RUNS_OUT,
        metric,
        _decimal(burnt.used),
        _decimal(bought),
        burnt.exhausted_on,
        ahead.earliest if ahead else burnt.exhausted_on,
        ahead.latest if ahead else burnt.exhausted_on,
    )


def product_need(metric: str, used: Decimal | None, *, is_bought: bool) -> Need | None:
    """Something is used that was not bought: a trial, a beta, or a product that found its own way."""
    return Need(Signal.PRODUCT_IN_USE, metric, used, Decimal(0)) if used and not is_bought else None


def opportunity_of(
    need: Need, *, opportunity_id: str, account_id: str, contract_id: str, term: int, owner: str | None
) -> Opportunity:
    """The opportunity that a need is, as it begins."""
    return Opportunity(
        id=opportunity_id,
        account_id=account_id,
        kind=KIND_OF[need.signal],
        stage=Stage.OPEN,
        version=1,
        contract_id=contract_id,
        term=term,
        need=need,
        owner=owner,
        expected_on=need.projected_on,
    )


def _decimal(exact: Fraction) -> Decimal:
    return Decimal(f"{round(exact * 10**6)}e-6").normalize()
