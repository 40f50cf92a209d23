"""The load of a customer success manager: the accounts, what they are worth, and what they took in a period."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Protocol

from health_score.application.portfolio import money
from health_score.application.views import MoneyView
from health_score.domain.account import zone_named
from health_score.domain.history import DAY
from health_score.domain.workload import (
    OF_LITTLE_VALUE,
    ArrClass,
    Effort,
    Owners,
    Touchpoint,
    classes,
    main_currency,
)
from mainstay.kernel.clock import Clock, day_of
from mainstay.kernel.money import Money

USUAL_DAYS = timedelta(days=90)
LONGEST = timedelta(days=366)


class PeriodTooLong(ValueError):
    """A period of more than a year was asked for."""


class PeriodReversed(ValueError):
    """A period ends before it begins."""


@dataclass(frozen=True, slots=True)
class EffortView:
    """What touches took: `touches` with the customer (`unanswered` among them), `internal` ones about it.

    Minutes and cost are of both; `without_minutes` touches say nothing about their time, so they are not in it.
    """

    touches: int
    unanswered: int
    internal: int
    minutes: int
    without_minutes: int
    cost: tuple[MoneyView, ...]


@dataclass(frozen=True, slots=True)
class TierLoad:
    """The accounts of one tier of today (null: none), and what they took."""

    tier: str | None
    accounts: int
    arr: tuple[MoneyView, ...]
    effort: EffortView


@dataclass(frozen=True, slots=True)
class ClassLoad:
    """The accounts of one ARR class, and what they took.

    From the largest ARR down, `a` makes the first 80 % of the book's ARR, `b` up to 95 %, `c` the rest; `none` has no
    ARR, `other_currency` none in the currency of the classes.
    """

    arr_class: str
    accounts: int
    arr: tuple[MoneyView, ...]
    effort: EffortView


@dataclass(frozen=True, slots=True)
class LoadView:
    """The load of a CSM from one day to another, both included, each in its account's zone.

    Accounts and ARR are those of now; touches are those of accounts that were the CSM's at the time, whoever did them.
    `owner_assumed` touches lie before anybody stated an owner. `of_little_value_share` is the share of the minutes
    that went to accounts of class `c` or without ARR; null without minutes.
    """

    csm: str
    first_day: date
    last_day: date
    currency: str | None
    accounts: int
    arr: tuple[MoneyView, ...]
    effort: EffortView
    owner_assumed: int
    of_little_value_minutes: int
    of_little_value_share: float | None
    by_tier: tuple[TierLoad, ...]
    by_arr_class: tuple[ClassLoad, ...]


@dataclass(frozen=True, slots=True)
class BookAccount:
    """An account that is, or was, a CSM's."""

    number: int
    tier: str | None
    zone: str | None
    arr: tuple[Money, ...]
    owners: Owners


class LoadReading(Protocol):
    """The store's view of a CSM's accounts."""

    async def book(self, csm: str) -> Sequence[BookAccount]:
        """The accounts that are the CSM's, or were by any fact."""

    async def touchpoints(self, numbers: Sequence[int], begin: datetime, end: datetime) -> Sequence[Touchpoint]:
        """The touchpoints of accounts in [begin, end), each as its statements resolve."""


class Loads:
    """Answers what a CSM has to carry."""

    def __init__(self, reading: LoadReading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock

    async def __call__(self, csm: str, first: date | None, last: date | None, currency: str | None) -> LoadView:
        """The load of a period, by default the 90 days up to today (UTC).

        Classes are made in the currency, by default the one that most of the accounts have. Raises `PeriodReversed`,
        `PeriodTooLong`.
        """
        last = last or self._clock.now().date()
        first = first or max(last, date.min + USUAL_DAYS) - USUAL_DAYS + DAY
        if last < first:
            raise PeriodReversed(f"to={last} lies before from={first}")
        if last - first > LONGEST:
            raise PeriodTooLong(f"{first} to {last} is more than {LONGEST.days} days")
        book = await self._reading.book(csm)
        by_number = {account.number: account for account in book}
        begin = datetime.combine(max(first, date.min + DAY) - DAY, time.min, tzinfo=UTC)
        end = datetime.combine(min(last, date.max - 2 * DAY) + 2 * DAY, time.min, tzinfo=UTC)
        touches, assumed = [], 0
        for touch in await self._reading.touchpoints(sorted(by_number), begin, end):
            account = by_number[touch.account_no]
            owner, is_known = account.owners.at(touch.at)
            day = day_of(touch.at, zone_named(account.zone))
            if touch.took_place and owner == csm and first <= day <= last:
                touches.append(touch)
                assumed += not is_known
        touched = {touch.account_no for touch in touches}
        shown = [account for account in book if account.owners.present == csm or account.number in touched]
        arr = {account.number: account.arr for account in shown}
        currency = currency or main_currency(arr)
        class_of = classes(arr, currency)
        mine = [account for account in shown if account.owners.present == csm]
        little = sum(touch.minutes or 0 for touch in touches if class_of[touch.account_no] in OF_LITTLE_VALUE)
        effort = _effort(touches)
        return LoadView(
            csm=csm,
            first_day=first,
            last_day=last,
            currency=currency,
            accounts=len(mine),
            arr=_arr(mine),
            effort=effort,
            owner_assumed=assumed,
            of_little_value_minutes=little,
            of_little_value_share=little / effort.minutes if effort.minutes else None,
            by_tier=tuple(
                TierLoad(tier, len(own), _arr(own), _effort(of))
                for tier, own, of in _split(mine, touches, lambda number: by_number[number].tier)
            ),
            by_arr_class=tuple(
                ClassLoad(str(arr_class), len(own), _arr(own), _effort(of))
                for arr_class, own, of in _split(mine, touches, lambda number: class_of[number])
            ),
        )


def _split(
    accounts: Sequence[BookAccount], touches: Sequence[Touchpoint], key: Callable[[int], str | ArrClass | None]
) -> Iterable[tuple[str | None, Sequence[BookAccount], Sequence[Touchpoint]]]:
    values = {key(account.number) for account in accounts} | {key(touch.account_no) for touch in touches}
    for value in sorted(values, key=lambda value: (value is None, value or "")):
        yield (
            value,
            [account for account in accounts if key(account.number) == value],
            [touch for touch in touches if key(touch.account_no) == value],
        )


def _arr(accounts: Iterable[BookAccount]) -> tuple[MoneyView, ...]:
    totals: dict[str, Decimal] = {}
    for account in accounts:
        for each in account.arr:
            totals[each.currency] = totals.get(each.currency, Decimal()) + each.amount
    return money(totals)


def _effort(touches: Iterable[Touchpoint]) -> EffortView:
    total = Effort()
    for touch in touches:
        total.count(touch)
    return EffortView(
        total.touches, total.unanswered, total.internal, total.minutes, total.without_minutes, money(total.cost)
    )
