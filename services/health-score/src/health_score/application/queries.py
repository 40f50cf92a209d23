"""The questions that the API asks. They read only; each sees what is committed."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from health_score.application.listing import AccountFilter, AccountKey, Order
from health_score.application.views import AccountDetailView, AccountView, CloseView
from health_score.domain.account import AccountUnknown
from mainstay.kernel.clock import Clock


class AsOfInFuture(ValueError):
    """Metrics were asked for a day that has not begun in the account's zone."""


class Reading(Protocol):
    """The store's read models."""

    async def accounts(
        self, wanted: AccountFilter, order: Order, after: AccountKey | None, limit: int
    ) -> Sequence[tuple[AccountKey, AccountView]]:
        """Up to `limit` accounts in an order, each with its place, those behind `after`."""

    async def currencies(self) -> Sequence[str]:
        """The currencies of every ARR, sorted."""

    async def account(self, account_id: str) -> AccountDetailView | None:
        """One account, or None."""

    async def closes(self, account_id: str, first: date, last: date, limit: int) -> Sequence[CloseView]:
        """Up to `limit` closes of the days from `first` to `last`, oldest first."""


class Queries:
    """Answers questions about accounts and their health."""

    def __init__(self, reading: Reading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock

    async def accounts(
        self, wanted: AccountFilter, order: Order, after: AccountKey | None, limit: int
    ) -> Sequence[tuple[AccountKey, AccountView]]:
        """Up to `limit` accounts in an order, each with its place, those behind `after`."""
        return await self._reading.accounts(wanted, order, after, limit)

    async def currencies(self) -> Sequence[str]:
        """The currencies of every ARR, sorted."""
        return await self._reading.currencies()

    async def account(self, account_id: str) -> AccountDetailView:
        """One account. Raises `AccountUnknown`."""
        view = await self._reading.account(account_id)
        if view is None:
            raise AccountUnknown(account_id)
        return view

    async def closes(self, account_id: str, first: date, last: date, limit: int) -> Sequence[CloseView]:
        """Closes of the days from `first` to `last`, oldest first. Raises `AccountUnknown`."""
        await self.account(account_id)
        return await self._reading.closes(account_id, first, last, limit)
