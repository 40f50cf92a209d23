"""What a forecast is made of, and what answers it out of the ledger and the calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

from renewals.domain.forecasting import CallKind, Category, Situation
from renewals.domain.retention import Every, ratio

LEADS = (30, 60, 90)
"""How many days before its last day a renewal's forecast is held against what happened."""


class Cut(StrEnum):
    """What renewals are grouped by, as their account is, or was, on their last day."""

    SEGMENT = "segment"
    TIER = "tier"
    OWNER = "owner"


class Status(StrEnum):
    """What has become of a renewal."""

    OPEN = "open"
    RENEWED = "renewed"
    CHURNED = "churned"


class Whose(StrEnum):
    """Whose calls are added up: those that prevail, or those of one kind."""

    PREVAILING = "prevailing"
    AUTOMATED = "automated"
    CSM = "csm"
    FINAL = "final"


Group = tuple[str | None, ...]
"""A value for each cut; None: none is stated."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which renewals, and as of when: those whose last day lies from t0 on and before t1.

    `rates` says what one unit of each currency is worth in the reporting one; None: every currency for itself.
    """

    t0: date
    t1: date
    as_of: date
    known_at: datetime
    currency: str | None
    rates: Mapping[str, Fraction]

    def then(self, at: datetime) -> "Scope":
        """The same as it was known, and stood, at an earlier instant."""
        return replace(self, known_at=at, as_of=at.astimezone(UTC).date())


@dataclass(frozen=True, slots=True)
class Sums:
    """What calls of open renewals add up to, in ARR. Cumulative: best case ≥ most likely ≥ commit.

    `expected` is Σ probability x amount, and `called` how many of the open renewals have such a call.
    """

    called: int
    commit: Decimal
    most_likely: Decimal
    best_case: Decimal
    omitted: Decimal
    expected: Decimal


@dataclass(frozen=True, slots=True)
class Outlook:
    """The renewals of a period and group: those that are open with the sums of their calls, and those that are decided.

    `due` is the ARR that expires, `closed_won` that with which renewed terms go on, `churned` that of terms lost.
    """

    renewals: int
    due: Decimal
    open_renewals: int
    open_due: Decimal
    closed_won_renewals: int
    closed_won: Decimal
    churned_renewals: int
    churned: Decimal
    calls: Mapping[Whose, Sums]


@dataclass(frozen=True, slots=True)
class OutlookRow:
    """One period, group and currency; `was` is the same at an earlier instant, where one was asked for."""

    t0: date
    t1: date
    group: Group
    currency: str
    now: Outlook
    was: Outlook | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A call as the forecast uses it; amounts in the contract's currency.

    `is_cancelled`: an automated one of a contract that was cancelled.
    """

    kind: CallKind
    category: Category
    probability: Decimal
    amount: Decimal
    standing: Situation
    note: str
    said_at: datetime
    said_by: str
    is_cancelled: bool

    @property
    def is_by_hand(self) -> bool:
        """Whether a person says it."""
        return self.kind is not CallKind.AUTOMATED


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A renewal as it stood: what is due, what became of it, its calls by kind, and the one that prevails."""

    last_day: date
    due: Decimal
    renewed: Decimal | None
    status: Status
    calls: Mapping[CallKind, Said]

    @property
    def prevailing(self) -> Said | None:
        """Final over CSM's over automated."""
        return next((self.calls[kind] for kind in reversed(CallKind) if kind in self.calls), None)


@dataclass(frozen=True, slots=True)
class RenewalRow:
    """One renewal of a forecast; `was` and `now` are None where it is none of the span's, then or now."""

    contract_id: str
    term: int
    account_id: str
    currency: str
    owner: str | None
    segment: str | None
    now: Outstanding | None
    was: Outstanding | None = None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What calls said so many days before against what happened, over renewals that are decided; in ARR.

    `n` renewals had such a call by then, `missing` had none. `forecast` is the most likely sum of those calls, and
    `absolute_error` the sum of each renewal's error without its sign.
    """

    n: int
    missing: int
    commit: Decimal
    forecast: Decimal
    best_case: Decimal
    expected: Decimal
    actual: Decimal
    absolute_error: Decimal
    squared: Decimal

    @property
    def error(self) -> Decimal:
        """What was said − what happened."""
        return self.forecast - self.actual

    @property
    def error_share(self) -> Decimal | None:
        """The error ÷ what happened."""
        return ratio(self.error, self.actual)

    @property
    def brier(self) -> Decimal | None:
        """The mean of (probability − outcome)², 0 best, 0.25 for even odds always (Brier, 1950)."""
        return ratio(self.squared, self.n)


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """One period and group, kind of call, and lead in days."""

    t0: date
    t1: date
    group: Group
    whose: Whose
    days_before: int
    accuracy: Accuracy


class ForecastBook(Protocol):
    """Forecasts out of the ledger and the calls, within one transaction."""

    async def outlook(
        self, scope: Scope, every: Every, cuts: Sequence[Cut]
    ) -> Mapping[tuple[date, Group, str], Outlook]:
        """By period (the calendar's, by its first day), group and currency."""

    async def renewals(self, scope: Scope, *, after: tuple[date, str, int] | None, limit: int) -> Sequence[RenewalRow]:
        """Up to `limit` renewals in the order of (last day, contract, term), after the given one."""

    async def moved(
        self, scope: Scope, then: Scope, *, after: tuple[str, int] | None, limit: int
    ) -> Sequence[RenewalRow]:
        """Up to `limit` renewals whose state or prevailing call differs, by contract and term, after the given one."""

    async def accuracy(self, scope: Scope, cuts: Sequence[Cut]) -> Mapping[tuple[Group, Whose, int], Accuracy]:
        """Of the decided renewals of the whole span, by group, kind of call and lead."""


def no_outlook(zero: Decimal) -> Outlook:
    """Of nothing; `zero` has the currency's decimals."""
    calls = dict.fromkeys(Whose, Sums(0, zero, zero, zero, zero, zero))
    return Outlook(0, zero, 0, zero, 0, zero, 0, zero, calls)


def no_accuracy(zero: Decimal) -> Accuracy:
    """Of nothing; `zero` has the currency's decimals."""
    return Accuracy(0, 0, zero, zero, zero, zero, zero, zero, Decimal(0))
