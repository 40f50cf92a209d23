"""A page of the board of renewals over 100,000 contracts: the aim is a p95 of 50 ms."""

import asyncio
from datetime import UTC, datetime

from tests.load.renewals.asking import answers, database, filled
from tests.load.renewals.book import BOOK, LEDGER

CONTRACTS = 100_000
TIMES = 100
NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
QUESTIONS = {
    "the next 120 days": "/v1/renewals",
    "those with an open window": "/v1/renewals?state=window_open",
    "one owner's": "/v1/renewals?owner=owner%207",
    "one tier and segment": "/v1/renewals?tier=tier%201&segment=segment%202",
    "a year, 500 on a page": "/v1/renewals?to=2027-11-28&limit=500",
    "one renewal": "/v1/renewals/c77.1",
    "a week's, as they stood a month ago": "/v1/renewals?as_of=2026-10-29&from=2026-12-01&to=2026-12-07",
}


async def _ask(url: str, contracts: int, times: int) -> str:
    async with filled(url, (*BOOK, *LEDGER), contracts, NOW) as service:
        found = await answers(service, QUESTIONS, times)
    head = f"The board over {contracts:,} contracts, {times} answers each, seconds:"
    return "\n".join([head, "", "| | median | p95 |", "|---|---|---|", *map(str, found)])


def measure(contracts: int = CONTRACTS, times: int = TIMES) -> str:
    """How long pages take, as a table."""
    with database() as url:
        return asyncio.run(_ask(url, contracts, times))
