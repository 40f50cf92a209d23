"""How a term came out: renewed for as much, for more, for less, or not at all; and what is learnt from the last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from renewals.domain.contracts import Contract, Kind
from renewals.domain.terms import Outcome, Step, Term


class RenewalOutcome(StrEnum):
    """What became of a term's ARR; a contract is lost when nothing follows it within its grace."""

    RENEWED = "renewed"
    EXPANDED = "expanded"
    CONTRACTED = "contracted"
    CHURNED = "churned"


class ChurnReason(StrEnum):
    """Why a customer left; the words are those of alerts' risk reasons."""

    LACK_OF_ADOPTION = "lack-of-adoption"
    PRODUCT_GAP = "product-gap"
    PRODUCT_QUALITY = "product-quality"
    FAILED_IMPLEMENTATION = "failed-implementation"
    POOR_SERVICE = "poor-service"
    OVERSOLD = "oversold"
    PRICE = "price"
    LOST_SPONSOR = "lost-sponsor"
    LOST_BUDGET = "lost-budget"
    CORPORATE_DECISION = "corporate-decision"
    COMPETITOR = "competitor"
    SENTIMENT = "sentiment"
    OTHER = "other"


class NotChurned(Exception):
    """A term that runs, is within grace, or was renewed has no review."""

    def __init__(self, term_id: str) -> None:
        super().__init__(f"the term {term_id} has not churned: it runs, is within grace, or was renewed")


class ReviewIncomplete(ValueError):
    """A review was to be done, and what it is for has not been said."""

    def __init__(self, missing: str) -> None:
        super().__init__(f"a review is done when it says {missing}")


@dataclass(frozen=True, slots=True)
class TermOutcome:
    """What became of a term: its ARR as it ended and that with which it went on, both exact, in its currency."""

    outcome: RenewalOutcome
    due: Fraction
    renewed: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What was learnt from a lost customer. None: nobody has said yet. `win_back_on` is the day to try again."""

    reason: ChurnReason | None = None
    went_well: str | None = None
    went_badly: str | None = None
    was_expected: bool | None = None
    was_avoidable: bool | None = None
    was_good_customer: bool | None = None
    win_back_on: date | None = None
    is_done: bool = False

    def __post_init__(self) -> None:
        """Raises `ReviewIncomplete`."""
        needed = ("reason", "was_expected", "was_avoidable", "was_good_customer")
        missing = [name for name in needed if getattr(self, name) is None]
        if self.is_done and missing:
            raise ReviewIncomplete(", ".join(missing))


@dataclass(frozen=True, slots=True)
class KeptReview:
    """A review as it was recorded: by whom, when (UTC), and whether the criteria of then call the customer good."""

    review: Review
    recorded_at: datetime
    recorded_by: str
    verdict: str
    criteria_version: int | None


def outcome_of(
    contract: Contract, number: int, successors: Sequence[Contract], day: date, *, renewed_on: date | None = None
) -> TermOutcome | None:
    """How a term came out, as it stands on a day where the contract is.

    None while it runs, while it can still be renewed within grace, and until the day on which its renewal was agreed.
    `successors` are the contracts that renewed this one, which went on with the ARR of all, and `renewed_on` is the day
    on which the first of them was agreed (None: long ago). Terms that roll on by themselves (evergreen) are no
    renewals: they come out when they end.
    """
    place = next((place for place, each in enumerate(contract.terms) if each.number == number), None)
    if place is None:
        return None
    term, following = contract.terms[place], contract.terms[place + 1 :]
    due = _annual(term.shown(term.served_before))
    if following:
        renewed_on = following[0].signed_on or term.end_exclusive
    follows = _first_of(following) or _together(successors)
    if follows is not None:
        is_rolling = term.is_rolling and term.outcome is Outcome.RENEWED
        if is_rolling or (renewed_on and renewed_on > day):
            return None
        return TermOutcome(_compared(due, follows), due, follows)
    if term.outcome is None or day < _lost_on(contract, term):
        return None
    return TermOutcome(RenewalOutcome.CHURNED, due, Fraction(0))


def customer_left(contract: Contract, number: int, others: Iterable[Contract]) -> bool:
    """Whether nothing else of the account's went on when a term was lost: no other recurring contract by its grace."""
    (term,) = (each for each in contract.terms if each.number == number)
    return not any(
        each.start <= _lost_on(contract, term) and each.served_before > term.served_before
        for other in others
        if other.id != contract.id and other.kind is Kind.RECURRING
        for each in other.terms
    )


def _lost_on(contract: Contract, term: Term) -> date:
    return term.served_before + timedelta(days=contract.grace_days)


def _compared(due: Fraction, renewed: Fraction) -> RenewalOutcome:
    if renewed == due:
        return RenewalOutcome.RENEWED
    return RenewalOutcome.EXPANDED if renewed > due else RenewalOutcome.CONTRACTED


def _first_of(terms: tuple[Term, ...]) -> Fraction | None:
    first = next((stretch for term in terms[:1] for stretch in term.stretches()), None)
    return first.annual if first else None


def _together(successors: Iterable[Contract]) -> Fraction | None:
    firsts = [first for each in successors if (first := _first_of(each.terms)) is not None]
    return sum(firsts, Fraction()) if firsts else None


def _annual(step: Step) -> Fraction:
    return Fraction(step.amount) * 12 / step.months
