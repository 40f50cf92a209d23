"""The questions that the API asks. They read only; each sees what is committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

from health_score.application.views import AccountView, CloseView, HealthView, MetricsView, PortfolioView
from health_score.domain.account import AccountUnknown, zone_named
from health_score.domain.activity import Activity
from health_score.domain.bands import Band
from health_score.domain.history import Seats
from health_score.domain.metrics import REACH, as_of, measure
from mainstay.kernel.clock import Clock, day_of


class AsOfInFuture(ValueError):
    """Metrics were asked for a day that has not begun in the account's zone."""


class Sort(StrEnum):
    """The orders of a list of accounts; a minus turns the order round. What is missing stands last."""

    ACCOUNT = "account_id"
    NAME = "name"
    LOWEST_SCORE = "score"
    HIGHEST_SCORE = "-score"
    LONGEST_QUIET = "last_active_on"
    LATEST_ACTIVE = "-last_active_on"


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts; None means any."""

    band: Band | None = None
    owner: str | None = None
    tier: str | None = None


AccountKey = tuple[str | int, str]
"""The place of an account in an order: what it is sorted by, and its id."""


@dataclass(frozen=True, slots=True)
class MetricsInput:
    """What an account's metrics need besides its activity."""

    account_no: int
    zone: str | None
    seats: Seats


class Reading(Protocol):
    """The store's read models."""

    async def accounts(
        self, wanted: AccountFilter, sort: Sort, after: AccountKey | None, limit: int
    ) -> Sequence[tuple[AccountKey, AccountView]]:
        """Up to `limit` accounts in an order, each with its place, those behind `after`."""

    async def account(self, account_id: str) -> AccountView | None:
        """One account, or None."""

    async def health(self, account_id: str) -> HealthView | None:
        """One account's health, or None for an unknown account."""

    async def closes(self, account_id: str, first: date, last: date, limit: int) -> Sequence[CloseView]:
        """Up to `limit` closes of the days from `first` to `last`, oldest first."""

    async def portfolio(self) -> PortfolioView:
        """All accounts by band."""

    async def metrics_input(self, account_id: str) -> MetricsInput | None:
        """What an account's metrics need, or None for an unknown account."""

    async def activity(self, account_no: int, since: date) -> Activity:
        """An account's activity from a day on."""


class Queries:
    """Answers questions about accounts and their health."""

    def __init__(self, reading: Reading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock

    async def accounts(
        self, wanted: AccountFilter, sort: Sort, after: AccountKey | None, limit: int
    ) -> Sequence[tuple[AccountKey, AccountView]]:
        """Up to `limit` accounts in an order, each with its place, those behind `after`."""
        return await self._reading.accounts(wanted, sort, after, limit)

    async def account(self, account_id: str) -> AccountView:
        """One account. Raises `AccountUnknown`."""
        view = await self._reading.account(account_id)
        if view is None:
            raise AccountUnknown(account_id)
        return view

    async def health(self, account_id: str) -> HealthView:
        """One account's current health. Raises `AccountUnknown`."""
        view = await self._reading.health(account_id)
        if view is None:
            raise AccountUnknown(account_id)
        return view

    async def closes(self, account_id: str, first: date, last: date, limit: int) -> Sequence[CloseView]:
        """Closes of the days from `first` to `last`, oldest first. Raises `AccountUnknown`."""
        await self.account(account_id)
        return await self._reading.closes(account_id, first, last, limit)

    async def portfolio(self) -> PortfolioView:
        """All accounts by band."""
        return await self._reading.portfolio()

    async def metrics(self, account_id: str, day: date | None) -> MetricsView:
        """An account's metrics as of a day, today in its zone by default. Raises `AccountUnknown`, `AsOfInFuture`."""
        account = await self._reading.metrics_input(account_id)
        if account is None:
            raise AccountUnknown(account_id)
        today = day_of(self._clock.now(), zone_named(account.zone))
        day = day or today
        if day > today:
            raise AsOfInFuture(f"{day} has not begun in the account's zone: there it is {today}")
        activity = await self._reading.activity(account.account_no, max(day, date.min + REACH) - REACH)
        values = measure(as_of(activity, day, running=day == today, seats=account.seats.on(day)))
        return MetricsView(account_id, day, _nearest(values))


def _nearest(values: Mapping[str, int | Fraction | None]) -> dict[str, int | float | None]:
    return {name: float(value) if isinstance(value, Fraction) else value for name, value in values.items()}
