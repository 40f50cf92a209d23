"""How a contract is entered and amended: what is checked, and what becomes of terms that were over before."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from renewals.domain.civil import ONE_DAY, add_months
from renewals.domain.contracts import Amendment, AtEnd, Contract, Kind, Unchanged
from renewals.domain.currencies import smallest
from renewals.domain.errors import (
    EARLIEST_START,
    LARGEST_AMOUNT,
    LATEST_END,
    AmountInvalid,
    EndBeforeStart,
    EndMissing,
    EndOutOfRange,
    OneTimeRenews,
    StartOutOfRange,
    TermLengthUnknown,
)
from renewals.domain.schedule import schedule
from renewals.domain.terms import Outcome, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContract:
    """A contract as somebody states it; `end` is the inclusive last day of the first term."""

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


def enter(contract_id: str, stated: NewContract, now: datetime) -> Contract:
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
    )
    contract = Contract(
        id=contract_id,
        account_id=stated.account_id,
        external_id=stated.external_id,
        kind=stated.kind,
        currency=stated.currency,
        zone=stated.zone,
        schedule=calendar,
        at_end=stated.at_end or (AtEnd.RENEW if recurring and calendar.term_months else AtEnd.CANCEL),
        amount=amount,
        seats=stated.seats,
        terms=(term,),
    )
    _check(contract)
    today = contract.today(now)
    while contract.latest.end_exclusive <= today and contract.at_end is AtEnd.RENEW:
        contract = contract.followed(now)
    if contract.latest.end_exclusive <= today:
        contract = contract.with_latest(replace(contract.latest, outcome=Outcome.ENDED, closed_at=now))
    return contract


def amend(contract: Contract, change: Amendment) -> Contract:
    """The contract with a change that fits it; see `Contract.amend`. Raises `ContractOver` and `ContractInvalid`."""
    if not isinstance(change.amount, Unchanged):
        change = replace(change, amount=exact(change.amount, contract.currency))
    amended = contract.amend(change)
    _check(amended)
    return amended


def _check(contract: Contract) -> None:
    if contract.latest.end_exclusive > LATEST_END:
        raise EndOutOfRange
    if contract.at_end is AtEnd.RENEW:
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
