"""How a contract is entered and amended: what is checked, and what becomes of terms that were over before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from renewals.domain.civil import ONE_DAY, add_months, months_between
from renewals.domain.contracts import Amendment, AtEnd, Contract, Kind, Predecessor, Unchanged
from renewals.domain.currencies import smallest
from renewals.domain.errors import (
    EARLIEST_START,
    LARGEST_AMOUNT,
    LATEST_END,
    AmountInvalid,
    CoTermOver,
    EndBeforeStart,
    EndMissing,
    EndOutOfRange,
    OneTimeRenews,
    ScheduleInvalid,
    StartOutOfRange,
    TermLengthUnknown,
)
from renewals.domain.notice import NoticeRule
from renewals.domain.schedule import schedule
from renewals.domain.terms import Entitlements, Outcome, Step, Term, rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContract:
    """A contract as somebody states it; `end` is the inclusive last day of the first term.

    `steps` is the price schedule of a first term of several years: the first day of each step with the amount committed
    from it to the next. `renews` and `co_terms_with` name contracts; `next_amount` is for later terms, where the first
    is an odd one.
    """

    account_id: str
    kind: Kind
    currency: str
    zone: ZoneInfo
    start: date
    amount: Decimal
    end: date | None = None
    term_months: int | None = None
    seats: int | None = None
    at_end: AtEnd | None = None
    window_days: int | None = None
    external_id: str | None = None
    entitlements: Entitlements = ()
    grace_days: int = 0
    notice: NoticeRule | None = None
    steps: tuple[tuple[date, Decimal], ...] = ()
    renews: str | None = None
    co_terms_with: str | None = None
    next_amount: Decimal | None = None


def enter(contract_id: str, stated: NewContract, now: datetime, predecessor: Predecessor | None = None) -> Contract:
    """The contract with its terms up to today's. Terms that were over before are history: nothing happens for them.

    Without `end` the first term lasts `term_months`; with both, an odd first term is followed by terms of that length.
    A recurring contract renews unless told otherwise, or unless it is not known how long a next term would last.
    Raises `ContractInvalid` and `CurrencyUnknown`. Catch up afterwards: a window may be open already.
    """
    amount = exact(stated.amount, stated.currency)
    end_exclusive = _first_end(stated)
    calendar = schedule(stated.start, end_exclusive, stated.term_months, stated.window_days)
    recurring = stated.kind is Kind.RECURRING
    term = Term(
        number=1,
        start=stated.start,
        end_exclusive=end_exclusive,
        counted_from=stated.start,
        amount=amount,
        seats=stated.seats,
        window_opens_on=calendar.window(1, stated.start, end_exclusive) if recurring else None,
        stated_end=stated.end,
        entitlements=stated.entitlements,
    )
    term = priced(term, stated.steps, stated.currency)
    contract = Contract(
        id=contract_id,
        account_id=stated.account_id,
        external_id=stated.external_id,
        kind=stated.kind,
        currency=stated.currency,
        zone=stated.zone,
        schedule=calendar,
        at_end=stated.at_end or (AtEnd.RENEW if recurring and calendar.term_months else AtEnd.CANCEL),
        amount=amount if stated.next_amount is None else exact(stated.next_amount, stated.currency),
        seats=stated.seats,
        terms=(term,),
        entitlements=stated.entitlements,
        grace_days=stated.grace_days,
        notice=stated.notice,
        predecessor=predecessor,
        co_term_of=stated.co_terms_with,
    )
    check(contract)
    return past(contract, now)


def past(contract: Contract, now: datetime) -> Contract:
    """With what came to its end before the contract was entered: it is history, and nothing happens for it."""
    today = contract.today(now)
    while contract.latest.end_exclusive <= today and contract.at_end is not AtEnd.CANCEL:
        contract = contract.followed(now)
    if contract.latest.end_exclusive <= today:
        contract = contract.with_latest(replace(contract.latest, outcome=Outcome.ENDED, closed_at=now))
    return contract


def amend(contract: Contract, change: Amendment) -> Contract:
    """The contract with a change that fits it; see `Contract.amend`. Raises `ContractOver` and `ContractInvalid`."""
    if not isinstance(change.amount, Unchanged):
        change = replace(change, amount=exact(change.amount, contract.currency))
    amended = contract.amend(change)
    check(amended)
    return amended


def co_terming(stated: NewContract, lead: Contract) -> NewContract:
    """The contract with the end and the later length of the one that it co-terms with.

    Its amount is for the stretch up to that end; a later term costs as much for each month, half-even. Raises
    `CoTermOver` where the lead's term does not reach beyond the start.
    """
    if lead.is_over or stated.start >= lead.latest.end_exclusive:
        raise CoTermOver(lead.id, lead.latest.end_exclusive)
    months, at_end = lead.schedule.term_months, stated.at_end
    amount = exact(stated.amount, stated.currency)
    later = stated.next_amount
    if months and later is None:
        first = months_between(stated.start, stated.start, lead.latest.end_exclusive)
        later = rounded(Fraction(amount) / first * months, stated.currency).amount
    if at_end is None:
        at_end = lead.at_end if stated.kind is Kind.RECURRING else AtEnd.CANCEL
    return replace(stated, end=lead.latest.last_day, term_months=months, next_amount=later, at_end=at_end)


def priced(term: Term, steps: Sequence[tuple[date, Decimal]], currency: str) -> Term:
    """The term with a price schedule: its first step begins with it, the amounts add up to the term's.

    Raises `ScheduleInvalid` and `AmountInvalid`.
    """
    if not steps:
        return term
    days = [day for day, _ in steps]
    if days[0] != term.start or any(a >= b for a, b in pairwise([*days, term.expires_before])):
        raise ScheduleInvalid("the first step begins with the term, and each other one after it and before its end")
    amounts = [exact(amount, currency) for _, amount in steps]
    if sum(amounts) != term.amount:
        raise ScheduleInvalid(f"the steps add up to {sum(amounts)}, the term's amount is {term.amount}")
    return replace(
        term,
        steps=tuple(
            Step(day, amount, months_between(term.counted_from, day, end), term.seats, term.entitlements)
            for day, amount, end in zip(days, amounts, [*days[1:], term.expires_before], strict=True)
        ),
    )


def check(contract: Contract) -> None:
    """Raises `ContractInvalid` where the facts of a contract contradict each other."""
    if contract.latest.end_exclusive > LATEST_END:
        raise EndOutOfRange
    if contract.at_end is not AtEnd.CANCEL:
        if contract.kind is Kind.ONE_TIME:
            raise OneTimeRenews
        if contract.schedule.term_months is None:
            raise TermLengthUnknown


def exact(amount: Decimal, currency: str) -> Decimal:
    """The amount with its currency's decimals, never rounded. Raises `AmountInvalid` and `CurrencyUnknown`."""
    step = smallest(currency)
    if not amount.is_finite() or amount < 0:
        raise AmountInvalid("an amount is zero or more")
    if amount >= LARGEST_AMOUNT:
        raise AmountInvalid(f"an amount is below {LARGEST_AMOUNT:f}")
    if amount % step:
        raise AmountInvalid(f"the smallest amount of {currency} is {step}")
    return amount.quantize(step).copy_abs()  # zero may come with a minus


def _first_end(stated: NewContract) -> date:
    """The first day after the first term."""
    if not EARLIEST_START <= stated.start < LATEST_END:
        raise StartOutOfRange
    if stated.end is None:
        if stated.term_months is None:
            raise EndMissing
        return add_months(stated.start, stated.term_months)
    if stated.end < stated.start:
        raise EndBeforeStart(stated.start, stated.end)
    if stated.end >= LATEST_END:
        raise EndOutOfRange
    return stated.end + ONE_DAY
