"""The scan for due milestones over 1,000,000 terms: a minute of work is to take one second at most.

Timers of a term lie on its days; here each lies at some minute of its day, so that every minute has its share. That two
hours' share comes at once, as at a midnight, is measured too, as accounts a second.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from mainstay.kernel.clock import ManualClock
from renewals.bootstrap import Service
from tests.load.renewals.asking import Timing, database, filled
from tests.load.renewals.book import BOOK, CALENDARS, LEDGER, TIMERS

TERMS = 1_000_000
MINUTES = 60
NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
PEAK = timedelta(hours=2)


async def _work(url: str, terms: int, minutes: int) -> str:
    async with filled(url, (*BOOK, *LEDGER, *CALENDARS, *TIMERS), terms, NOW) as service:
        clock = service.chassis.clock
        assert isinstance(clock, ManualClock)
        idle = [await _timed(service) for _ in range(minutes)]
        busy, fired = [], 0
        for _ in range(minutes):
            clock.advance(timedelta(minutes=1))
            begun = time.perf_counter()
            fired += await service.timers.run_due()
            busy.append(time.perf_counter() - begun)
        clock.advance(PEAK)
        begun = time.perf_counter()
        at_once = await service.timers.run_due()
        rate = at_once / (time.perf_counter() - begun)
    rows = [
        Timing.of("a look when nothing is due", idle),
        Timing.of(f"a minute's work, {fired / minutes:.1f} accounts", busy),
    ]
    head = f"Milestones over {terms:,} terms, {minutes} minutes, seconds:"
    peak = f"{at_once:,} accounts that are due at once: {rate:,.0f} a second, one process."
    return "\n".join([head, "", "| | median | p95 |", "|---|---|---|", *map(str, rows), "", peak])


async def _timed(service: Service) -> float:
    begun = time.perf_counter()
    await service.timers.run_due()
    return time.perf_counter() - begun


def measure(terms: int = TERMS, minutes: int = MINUTES) -> str:
    """How long a look and a minute's work take, as a table."""
    with database() as url:
        return asyncio.run(_work(url, terms, minutes))
