"""The portfolio's cells are what counting all accounts would say, whatever happened and however far it is added up."""

import random
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.health_score.health import Health, daily, fact, value
from tests.integration.health_score.test_erasure import asked, erase

GROUPINGS = ("owner", "tier", "segment", "industry")

# Every account, counted and added up anew; the group of those without comes last.
COUNTED_ANEW = """
    SELECT {group} AS value, count(*) AS accounts, count(*) FILTER (WHERE is_silent) AS silent,
        array_agg(band ORDER BY band) AS bands,
        (SELECT array_agg((currency, total) ORDER BY currency) FROM (SELECT a.currency, sum(a.amount) AS total
            FROM health_score.account_arr a JOIN health_score.listing m USING (account_no)
            WHERE m.{group} IS NOT DISTINCT FROM l.{group} GROUP BY 1) AS s) AS arr
    FROM health_score.listing l GROUP BY 1 ORDER BY 1 NULLS LAST
"""


async def counted_anew(health: Health, group: str) -> list[Any]:
    return [
        (row.value, row.accounts, row.silent, list(row.bands), [(c, Decimal(total)) for c, total in row.arr or ()])
        for row in await health.rows(COUNTED_ANEW.format(group=group))
    ]


async def told(health: Health, group: str) -> list[Any]:
    summary = await health.get("/portfolio/summary", by=group)
    assert sum(each["accounts"] for each in summary["groups"]) == summary["accounts"]
    return [
        (
            each["value"],
            each["accounts"],
            each["silent"],
            sorted(band["band"] for band in each["bands"] for _ in range(band["accounts"])),
            [(money["currency"], Decimal(money["amount"])) for money in each["arr"]],
        )
        for each in summary["groups"]
    ]


async def gathered(health: Health, many: int = 10_000) -> int:
    return await health.handlers.gather_portfolio.gather(many)


@pytest.mark.parametrize("seed", [1, 2])
async def test_cells_are_what_counting_anew_says(health: Health, seed: int) -> None:
    chance, names = random.Random(seed), [f"a{number}" for number in range(8)]
    for turn in range(30):
        name, now = chance.choice(names), health.clock.now()
        match chance.randrange(5):
            case 0:
                fields = {field: chance.choice(("one", "two", None)) for field in GROUPINGS}
                await health.receives(fact(name, at=now, **fields))
            case 1:
                arr = [(Decimal(chance.randrange(10_000)) / 100, money) for money in chance.sample(("EUR", "USD"), 2)]
                await health.receives(value(name, at=now, sequence=turn + 1, arr=arr[: chance.randrange(3)]))
            case 2:
                await health.receives(*daily(name, "2025-09-01", "2026-02-20", users=chance.randrange(1, 6)))
                await health.settle()
            case 3:
                await erase(health, asked("account", name), asked("account", name, lifted=True))
            case _:
                await gathered(health, many=chance.randrange(1, 12))

    for _ in range(2):
        for group in GROUPINGS:
            assert await told(health, group) == await counted_anew(health, group)
        while await gathered(health):
            """The second time everything is in its cell."""
    assert await health.rows("SELECT change_no FROM health_score.portfolio_change") == []


async def test_one_process_at_a_time_adds(health: Health) -> None:
    await health.receives(fact("acme", at=health.clock.now(), owner="ann"))
    async with health.database.engine.begin() as other:
        await other.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('health_score.portfolio_cell'))")
        assert await gathered(health) == 0

    assert await gathered(health) > 0
    assert await gathered(health) == 0
