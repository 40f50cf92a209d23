"""Durable timers of renewals: look at an account, or at its calls; count the past; forget entries; work on a file."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from mainstay.db.due_runner import DueHandler, DueItem
from mainstay.db.work import Transaction
from mainstay.kernel.clock import Clock
from renewals.application.agendas import ForgetEntries
from renewals.application.calling import CountPast, ForecastRenewals
from renewals.application.imports import ImportContracts
from renewals.application.ports import Work
from renewals.application.settling import SettleAccounts
from renewals.application.timers import (
    ACCOUNT_DUE,
    FORECAST_DUE,
    FORGETTING_DUE,
    IMPORT_DUE,
    PAST_DUE,
    account_of,
    timer_key,
)

BATCHES = {IMPORT_DUE: 1}
"""Imports take long: each has transactions of its own."""


class AccountsDue:
    """Settles the accounts whose timers have come due, a batch in one transaction."""

    def __init__(self, settle: SettleAccounts, within: Callable[[Transaction], Work]) -> None:
        """`within` gives the stores of an open transaction."""
        self._settle = settle
        self._within = within

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """Settle each account once; answers the timers among `items` that are to fire again."""
        moments = await self._settle(self._within(tx), {account_of(item.key) for item in items})
        again = {timer_key(account_id, at): at for account_id, at in moments}
        return {item.key: again[item.key] for item in items if item.key in again}


class ForecastsDue:
    """Makes the calls of renewals anew, a batch of accounts in one transaction; tomorrow's timers are armed by that."""

    def __init__(self, forecast: ForecastRenewals, within: Callable[[Transaction], Work]) -> None:
        """`within` gives the stores of an open transaction."""
        self._forecast = forecast
        self._within = within

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """Look at each account once."""
        await self._forecast(self._within(tx), {account_of(item.key) for item in items})
        return {}


class PastDue:
    """Counts the past, and once more tomorrow."""

    def __init__(self, count: CountPast, within: Callable[[Transaction], Work]) -> None:
        """`within` gives the stores of an open transaction."""
        self._count = count
        self._within = within

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """There is one such timer."""
        tomorrow = await self._count(self._within(tx))
        return {item.key: tomorrow for item in items}


class ForgettingDue:
    """Forgets what calendars do not show any more; its timer goes on for ever."""

    def __init__(self, forget: ForgetEntries, within: Callable[[Transaction], Work]) -> None:
        """`within` gives the stores of an open transaction."""
        self._forget = forget
        self._within = within

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """One part; answers when the next is due. There is one such timer."""
        again = await self._forget(self._within(tx))
        return {item.key: again for item in items}


class ImportsDue:
    """Works on the next rows of files of contracts."""

    def __init__(self, imports: ImportContracts, within: Callable[[Transaction], Work]) -> None:
        """`within` gives the stores of an open transaction."""
        self._imports = imports
        self._within = within

    async def __call__(self, tx: Transaction, items: Sequence[DueItem]) -> Mapping[str, datetime]:
        """A chunk of each; answers when to go on."""
        again = {item.key: await self._imports.go_on(self._within(tx), item.key) for item in items}
        return {key: at for key, at in again.items() if at is not None}


def handlers(
    settle: SettleAccounts, imports: ImportContracts, within: Callable[[Transaction], Work], clock: Clock
) -> Mapping[str, DueHandler]:
    """The handler of each kind of timer."""
    return {
        ACCOUNT_DUE: AccountsDue(settle, within),
        FORECAST_DUE: ForecastsDue(ForecastRenewals(clock), within),
        PAST_DUE: PastDue(CountPast(clock), within),
        FORGETTING_DUE: ForgettingDue(ForgetEntries(clock), within),
        IMPORT_DUE: ImportsDue(imports, within),
    }
