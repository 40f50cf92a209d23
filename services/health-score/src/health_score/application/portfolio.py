"""The portfolio as a whole and in groups: cells as the store counts them become totals, bands and moves."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

import structlog

from health_score.application.portfolio_views import ApartTotals, BandThen, GroupView, Move, Movement, PortfolioView
from health_score.application.views import BandTotals, MoneyView
from health_score.domain.bands import Band
from health_score.domain.stages import APART
from mainstay.kernel.clock import Clock

GATHERS_EVERY: Final = 1.0
"""Seconds between looks. What waits is read as well, so this is how much there is to read, and no delay."""

GATHERED_AT_ONCE: Final = 10_000

_log = structlog.get_logger(__name__)


class By(StrEnum):
    """What accounts are grouped by: as it is now."""

    OWNER = "owner"
    TIER = "tier"
    SEGMENT = "segment"
    INDUSTRY = "industry"
    STAGE = "stage"


class DayNotClosed(ValueError):
    """A movement was asked for since a day that has not closed everywhere."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Accounts of one group that are in one band now, and were in one (None: no close) then; or their ARR.

    With a `currency` it holds an amount, without one it counts. `apart` is the stage of those that left health
    reporting.
    """

    group: str | None
    band: str
    before: str | None
    currency: str | None
    accounts: int
    silent: int
    amount: Decimal
    apart: str | None = None


class PortfolioReading(Protocol):
    """The store's view of the portfolio."""

    async def cells(self, by: By | None, since: date | None) -> Sequence[Cell]:
        """All accounts, counted and added up."""


class PortfolioGathering(Protocol):
    """The store's books of what changed."""

    async def gather(self, many: int) -> int:
        """Add up to `many` of the oldest changes to the cells, unless another process does; answers how many."""


class GatherPortfolio:
    """Adds what changed to the cells of the portfolio, so that reading it stays cheap. Any number may run."""

    def __init__(self, store: PortfolioGathering, passes: Callable[[Exception], bool]) -> None:
        self._store = store
        self._passes = passes

    async def run(self, stopping: asyncio.Event) -> None:
        """Go on until told to stop; a database that is away is waited for."""
        while not stopping.is_set():
            try:
                while await self.gather(GATHERED_AT_ONCE) == GATHERED_AT_ONCE:
                    """Piece by piece: each is a short transaction."""
            except Exception as error:
                if not self._passes(error):
                    raise
                _log.warning("the portfolio's cells wait for the database", reason=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), GATHERS_EVERY)

    async def gather(self, many: int) -> int:
        """Add up to `many` changes; answers how many. 0 where another process does."""
        return await self._store.gather(many)


class Portfolio:
    """Answers what the portfolio looks like."""

    def __init__(self, reading: PortfolioReading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock

    async def summary(self, by: By | None, since: date | None) -> PortfolioView:
        """The whole portfolio, with all groups. Raises `DayNotClosed`."""
        if since is not None and (self._clock.now().date() - since).days < 2:
            raise DayNotClosed(f"{since} has not closed in every zone; the last day that has is two days ago")
        cells = await self._reading.cells(by, since)
        whole = _group(None, cells, since)
        groups: dict[str | None, list[Cell]] = {}
        for cell in cells if by else ():
            groups.setdefault(cell.group, []).append(cell)
        ordered = sorted(groups.items(), key=lambda item: _rank(item[0]))
        return PortfolioView(
            accounts=whole.accounts,
            silent=whole.silent,
            arr=whole.arr,
            bands=whole.bands,
            movement=whole.movement,
            apart=whole.apart,
            by=by.value if by else None,
            groups=tuple(_group(value, of, since) for value, of in ordered),
            next_cursor=None,
        )


def page_of_groups(view: PortfolioView, after: Sequence[str | None] | None, limit: int) -> tuple[PortfolioView, bool]:
    """The view with the groups behind a value only, `limit` at most, and whether there are more."""
    groups = view.groups
    if after is not None:
        groups = tuple(group for group in groups if _rank(group.value) > _rank(after[0]))
    return replace(view, groups=groups[:limit]), len(groups) > limit


def _rank(value: str | None) -> tuple[bool, str]:
    return value is None, value or ""


def _group(value: str | None, all_cells: Sequence[Cell], since: date | None) -> GroupView:
    cells = [cell for cell in all_cells if cell.apart is None]
    gone = {stage: [cell for cell in all_cells if cell.apart == stage] for stage in sorted(APART, reverse=True)}
    return GroupView(
        value=value,
        accounts=_count(cells),
        silent=sum(cell.silent for cell in cells),
        arr=_money(cells),
        bands=tuple(_in_band(band, [cell for cell in cells if cell.band == band]) for band in Band),
        movement=None if since is None else _movement(cells, since),
        apart=tuple(ApartTotals(stage, _count(of), _money(of)) for stage, of in gone.items()),
    )


def _in_band(band: Band, cells: Sequence[Cell]) -> BandTotals:
    return BandTotals(band.value, _count(cells), _money(cells))


def _movement(cells: Sequence[Cell], since: date) -> Movement:
    bands, moves = [], []
    for band in Band:
        then = [cell for cell in cells if cell.before == band]
        now = [cell for cell in cells if cell.band == band]
        bands.append(BandThen(band.value, _count(then), _count(now), _money(then), _money(now)))
    for before in (*Band, None):
        for band in Band:
            moved = [cell for cell in cells if cell.before == before and cell.band == band]
            if before is not band and _count(moved):
                moves.append(Move(before.value if before else None, band.value, _count(moved), _money(moved)))
    new = _count([cell for cell in cells if cell.before is None])
    return Movement(since, new, tuple(bands), tuple(moves))


def _count(cells: Iterable[Cell]) -> int:
    return sum(cell.accounts for cell in cells)


def _money(cells: Iterable[Cell]) -> tuple[MoneyView, ...]:
    totals: dict[str, Decimal] = {}
    for cell in cells:
        if cell.currency is not None:
            totals[cell.currency] = totals.get(cell.currency, Decimal()) + cell.amount
    return money(totals)


def money(totals: Mapping[str, Decimal]) -> tuple[MoneyView, ...]:
    """Amounts by currency, sorted."""
    return tuple(MoneyView(str(amount), currency) for currency, amount in sorted(totals.items()))
