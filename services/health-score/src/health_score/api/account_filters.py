"""The filters of a list of accounts as query parameters, and its cursor."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Final, TypeVar

import msgspec
from fastapi import Query

from health_score.application.listing import SORTABLE, AccountFilter, AccountKey, Between, Order, list_of
from health_score.domain.bands import Band
from health_score.domain.scorecard import COVERAGE_UNITS
from mainstay.web.fields import CivilDay
from mainstay.web.pages import decode_cursor, encode_cursor
from mainstay.web.problems import BAD_CURSOR, Problem, ProblemError

KIND: Final = "accounts"
RANGE_REVERSED: Final = Problem(422, "range-reversed", "A range ends before it begins")
CURRENCY_MISSING: Final = Problem(422, "currency-missing", "Amounts are compared in one currency")

_MOST_VALUES: Final = 50
_DAYS: Final = frozenset({"first_active_on", "last_active_on", "next_renewal_on", "stage_entered_on"})
_INSTANTS: Final = frozenset({"created_at", "band_since"})
_NUMBERS: Final = frozenset({"score", "band", "coverage", "seats"})

_Texts = Annotated[
    tuple[Annotated[str, Query(max_length=200)], ...],
    Query(max_length=_MOST_VALUES, description="Any of these; an empty one is for accounts that have none"),
]
_Score = Annotated[int | None, Query(ge=0, le=100, description="Points")]
_Share = Annotated[Decimal | None, Query(ge=0, le=1, description="0–1")]
_Count = Annotated[int | None, Query(ge=0, le=2_147_483_647)]
_Amount = Annotated[Decimal | None, Query(max_digits=30, description="An amount of `currency`, included")]
_Currency = Annotated[str | None, Query(pattern="^[A-Z]{3}$", description="ISO 4217; what amounts are compared in")]
_Day = Annotated[CivilDay | None, Query(description="Included")]

SortParameter = Annotated[
    str,
    Query(
        pattern=f"^-?({'|'.join(SORTABLE)})$",
        description="A column; a minus turns the order round. What is missing stands last. `band` begins with red",
    ),
]


@dataclass(slots=True)
class Filters:
    """The filters of a list of accounts; all that are given have to fit."""

    band: Annotated[tuple[Band, ...], Query(max_length=4, description="Any of these bands")] = ()
    owner: _Texts = ()
    tier: _Texts = ()
    segment: _Texts = ()
    industry: _Texts = ()
    zone: _Texts = ()
    name: Annotated[str | None, Query(max_length=200, description="How the name begins; case does not matter")] = None
    silent: Annotated[bool | None, Query(description="Quiet for longer than its own habit allows")] = None
    score_min: _Score = None
    score_max: _Score = None
    coverage_min: _Share = None
    coverage_max: _Share = None
    currency: _Currency = None
    arr_min: _Amount = None
    arr_max: _Amount = None
    seats_min: _Count = None
    seats_max: _Count = None
    renewal_from: _Day = None
    renewal_to: _Day = None
    active_from: _Day = None
    active_to: _Day = None
    stage: _Texts = ()
    stage_overdue: Annotated[bool | None, Query(description="Longer in its stage than it is to be")] = None
    stage_from: _Day = None
    stage_to: _Day = None

    def wanted(self) -> AccountFilter:
        """Which accounts they mean. Raises `ProblemError` (422)."""
        if self.currency is None and not self.arr_min is self.arr_max is None:
            raise ProblemError(CURRENCY_MISSING, "arr_min and arr_max need a currency, such as currency=EUR")
        return AccountFilter(
            bands=tuple(sorted(set(self.band))),
            owners=_sorted(self.owner),
            tiers=_sorted(self.tier),
            segments=_sorted(self.segment),
            industries=_sorted(self.industry),
            zones=_sorted(self.zone),
            name_begins=self.name,
            silent=self.silent,
            currency=self.currency,
            arr=_between("arr_min", self.arr_min, "arr_max", self.arr_max),
            score=_between("score_min", self.score_min, "score_max", self.score_max),
            coverage=_between(
                "coverage_min",
                _units(self.coverage_min, ROUND_CEILING),
                "coverage_max",
                _units(self.coverage_max, ROUND_FLOOR),
            ),
            seats=_between("seats_min", self.seats_min, "seats_max", self.seats_max),
            next_renewal_on=_between("renewal_from", self.renewal_from, "renewal_to", self.renewal_to),
            last_active_on=_between("active_from", self.active_from, "active_to", self.active_to),
            stages=_sorted(self.stage),
            stage_overdue=self.stage_overdue,
            stage_entered_on=_between("stage_from", self.stage_from, "stage_to", self.stage_to),
        )


def ordered(sort: str, currency: str | None) -> Order:
    """The order that a parameter names. Raises `CurrencyMissing`."""
    by = sort.removeprefix("-")
    return Order(by, sort.startswith("-"), currency if by == "arr" else None)


def cursor_after(place: AccountKey, wanted: AccountFilter, order: Order) -> str:
    """The cursor behind an account in this list."""
    return encode_cursor(KIND, (list_of(wanted, order), *place))


def place_in(cursor: str, wanted: AccountFilter, order: Order) -> AccountKey:
    """The place that a cursor names. Raises `ProblemError` (400) for one of a list of other accounts or order."""
    of, key, account_id = decode_cursor(KIND, cursor, tuple[str, str | int | bool | None, str])
    if of != list_of(wanted, order):
        raise ProblemError(BAD_CURSOR, "the cursor is one of a list with other filters, or in another order")
    kind: type = str
    if order.by in _DAYS:
        kind = date
    elif order.by in _INSTANTS:
        kind = datetime
    elif order.by in _NUMBERS:
        kind = int
    elif order.by == "arr":
        kind = Decimal
    elif order.by in {"silent", "stage_overdue"}:
        kind = bool
    try:
        return msgspec.convert(key, kind | None), account_id
    except msgspec.ValidationError:
        raise ProblemError(BAD_CURSOR, "the cursor is not one that this list gave") from None


def _sorted(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _units(share: Decimal | None, rounding: str) -> int | None:
    return None if share is None else int((share * COVERAGE_UNITS).to_integral_value(rounding))


B = TypeVar("B", int, Decimal, date)


def _between(lower: str, least: B | None, upper: str, most: B | None) -> Between:
    if least is not None and most is not None and most < least:
        raise ProblemError(RANGE_REVERSED, f"{upper}={most} lies below {lower}={least}")
    return Between(least, most)
