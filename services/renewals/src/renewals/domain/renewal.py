"""A renewal: a term that comes to its end, the days that matter to it, where it stands, and what can be done then."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from renewals.domain.civil import ONE_DAY
from renewals.domain.contracts import AtEnd, Contract, Kind
from renewals.domain.notice import IsHoliday, notice_deadline
from renewals.domain.terms import Outcome, Term


class RenewalState(StrEnum):
    """Where a renewal stands; time alone moves it down this list, and skips what has no day of its own."""

    ACTIVE = "active"
    WINDOW_OPEN = "window_open"
    NOTICE_PASSED = "notice_passed"
    DUE = "due"
    GRACE = "grace"
    RENEWED = "renewed"
    CHURNED = "churned"

    @property
    def is_closed(self) -> bool:
        """Whether the renewal came to its outcome."""
        return self in {RenewalState.RENEWED, RenewalState.CHURNED}

    @property
    def is_at_work(self) -> bool:
        """Whether the window is open and the outcome is not known: what is at risk now is at risk of not renewing."""
        return self is not RenewalState.ACTIVE and not self.is_closed


IN_ORDER = tuple(RenewalState)


@dataclass(frozen=True, slots=True)
class Plan:
    """The days of a renewal, civil dates where the contract is.

    The window opens on `window_on`; notice is in time up to `notice_by` (None: no notice, or none within the term); the
    renewal is due on the term's last day as agreed; the term is over on `ends_before`; and from `late_from` on it is
    too late, which is the same day where there is no grace. `renewed_on` is the day on which the next term was agreed,
    or begins by itself; `cancelled_on` the first day without a cancelled term.
    """

    window_on: date
    notice_by: date | None
    due_on: date
    ends_before: date
    late_from: date
    renewed_on: date | None = None
    cancelled_on: date | None = None

    def state(self, day: date) -> RenewalState:
        """Where the renewal stands on a day."""
        if self.renewed_on and self.renewed_on <= day:
            return RenewalState.RENEWED
        if (self.cancelled_on and self.cancelled_on <= day) or self.late_from <= day:
            return RenewalState.CHURNED
        if self.ends_before <= day:
            return RenewalState.GRACE
        if self.due_on <= day:
            return RenewalState.DUE
        if self.notice_by and self.notice_by < day:
            return RenewalState.NOTICE_PASSED
        return RenewalState.WINDOW_OPEN if self.window_on <= day else RenewalState.ACTIVE

    def turns(self) -> Iterator[tuple[date, RenewalState]]:
        """The days on which the state changes, with the state that begins, as time goes by."""
        days = {self.window_on, self.due_on, self.ends_before, self.late_from}
        days |= {self.notice_by + ONE_DAY} if self.notice_by else set()
        days |= {day for day in (self.renewed_on, self.cancelled_on) if day}
        state = RenewalState.ACTIVE
        for day in sorted(days):
            if (following := self.state(day)) is not state:
                state = following
                yield day, state


def plans(contract: Contract, is_holiday: IsHoliday, renewed_by: Mapping[str, date]) -> Iterator[tuple[Term, Plan]]:
    """Each term that is up for renewal, with its days; a one-time contract and evergreen terms are not.

    `renewed_by` has the day on which another contract that renews this one was agreed, by this one's id.
    """
    if contract.kind is not Kind.RECURRING:
        return
    for term, following in zip(contract.terms, (*contract.terms[1:], None), strict=True):
        if term.window_opens_on is None:
            continue
        yield (
            term,
            Plan(
                window_on=term.window_opens_on,
                notice_by=notice_by(contract, term, is_holiday),
                due_on=term.expires_before - ONE_DAY,
                ends_before=term.end_exclusive,
                late_from=term.end_exclusive + timedelta(days=contract.grace_days),
                renewed_on=_renewed_on(contract, term, following, renewed_by),
                cancelled_on=term.cancelled_on,
            ),
        )


def standing(term: Term, plan: Plan, today: date) -> RenewalState:
    """Where a renewal stands now: by the day, and never before what was recorded, should the clock have gone back."""
    state = plan.state(today)
    match term.outcome:
        case Outcome.RENEWED:
            return RenewalState.RENEWED
        case Outcome.CANCELLED:
            return RenewalState.CHURNED
        case Outcome.ENDED if IN_ORDER.index(state) < IN_ORDER.index(RenewalState.GRACE):
            return plan.state(plan.ends_before)
        case _ if state is RenewalState.ACTIVE and term.window_opened_at is not None:
            return RenewalState.WINDOW_OPEN
        case _:
            return state


class Risk(StrEnum):
    """What an account's health means for a renewal whose window is open; unknown is neither good nor bad."""

    AT_RISK = "at_risk"
    UNKNOWN = "unknown"
    NONE = "none"


RED = "red"
UNKNOWN_BAND = "unknown"


def risk_of(state: RenewalState, band: str | None) -> Risk | None:
    """The risk at renewal time; None where it is not that time. No band is known of an account never heard of."""
    if not state.is_at_work:
        return None
    if band is None or band == UNKNOWN_BAND:
        return Risk.UNKNOWN
    return Risk.AT_RISK if band == RED else Risk.NONE


def notice_by(contract: Contract, term: Term, is_holiday: IsHoliday) -> date | None:
    """The last day for notice; None without a rule, and where that day lies before the term."""
    if contract.notice is None:
        return None
    counted = contract.schedule.months_before_end(term.number, contract.notice.amount)
    day = notice_deadline(contract.notice, term.expires_before, counted, is_holiday)
    return day if day >= term.start else None


def _renewed_on(contract: Contract, term: Term, following: Term | None, renewed_by: Mapping[str, date]) -> date | None:
    if following:
        return following.signed_on or term.end_exclusive
    if contract.id in renewed_by:
        return renewed_by[contract.id]
    by_itself = contract.at_end is not AtEnd.CANCEL and not term.cancelled_on
    return term.end_exclusive if by_itself else None


class Step(StrEnum):
    """What somebody can do with a renewal."""

    RENEW = "renew"
    CANCEL = "cancel"
    WITHDRAW_CANCELLATION = "withdraw_cancellation"
    HAND_OVER = "hand_over"


class StepRefused(Exception):
    """A renewal stands where this cannot be done; the message says why, and what can be done instead."""

    def __init__(self, step: Step, why: str) -> None:
        super().__init__(why)
        self.step = step


def refusal(contract: Contract, term: Term, plan: Plan, step: Step, today: date) -> str | None:
    """Why a step cannot be taken today, in a sentence for a person; None: it can."""
    state, is_latest = plan.state(today), term.number == contract.latest.number
    if step is Step.WITHDRAW_CANCELLATION:
        return None if contract.cancellation and is_latest else "nobody cancelled the contract"
    if not is_latest:
        return f"the term was renewed: term {term.number + 1} follows it"
    if state is RenewalState.RENEWED and contract.is_over:
        return f"another contract renewed it on {plan.renewed_on}"
    match step:
        case Step.RENEW if term.outcome is Outcome.CANCELLED:
            return f"the contract was cancelled from {term.cancelled_on} on: withdraw the cancellation first"
        case Step.RENEW if contract.is_over and today >= plan.late_from:
            return (
                f"the term ended before {plan.ends_before} and its grace before {plan.late_from}: enter a new contract"
            )
        case Step.CANCEL if contract.is_over:
            return f"the term is over since {term.served_before}"
        case Step.HAND_OVER if state.is_closed:
            return f"the renewal is closed ({state}): there is nothing to hand over"
        case _:
            return None
