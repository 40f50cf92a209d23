"""How a portfolio of 1,000, 10,000 and 100,000 accounts is scored anew, and read while 1,000 events a second come in.

    python -m tests.load.health_score.portfolio [--accounts 1000 10000] [--seconds 20] [--chart growth.svg]

Each size has a server, a broker and a database of its own, filled by COPY. health-score runs as one process that serves
and two that work. The whole portfolio is scored anew by activating another scorecard over HTTP; the second time counts,
since in the first nothing has a score yet. Then events of random accounts are appended to the log while the routes are
read in turns, 20 requests a second.
"""

import argparse
import asyncio
import itertools
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.scorecards.reading import read_scorecard
from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.ingest import UsageRecorded
from mainstay.contracts.topics import CUSTOMER_SIGNALS, PRIVACY_REQUESTS, RENEWAL_EVENTS, USAGE_EVENTS
from mainstay.db.engine import Database
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, Outgoing
from tests.load.health_score.chart import Line, Panel, chart
from tests.load.health_score.filling import FACTS_OF_ONE, account_id
from tests.load.health_score.machine import Deployment, filled, health_score, machine

SIZES: Final = (1_000, 10_000, 100_000)
WORKERS: Final = 2
EVENTS_PER_SECOND: Final = 1_000
APPENDS_PER_SECOND: Final = 20
REQUESTS_PER_SECOND: Final = 20
SECONDS: Final = 30.0
WARM_UP: Final = 5.0
SCORED_WITHIN: Final = 600.0

SUMMARY, PAGE, HEALTH = "summary", "page of accounts", "account health"
AIMS: Final[Mapping[str, float]] = {SUMMARY: 0.050, PAGE: 0.050, HEALTH: 0.030}
"""p95 in seconds, at 100,000 accounts."""
SCORED_AIM: Final = 60.0


@dataclass(slots=True)
class Measured:
    """What one size took, in seconds; `behind` are events that were sent and not yet counted when reading ended."""

    accounts: int
    filled: float = 0
    scored_first: float = 0
    scored: float = 0
    scored_cpu: float = 0
    events_per_second: float = 0
    behind: int = 0
    delays: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in AIMS})

    def quantile(self, name: str, share: float) -> float:
        """A quantile of a route's delays."""
        ranked = sorted(self.delays[name])
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]

    def __str__(self) -> str:
        reads = " | ".join(
            f"{self.quantile(name, 0.5) * 1e3:.1f} | {self.quantile(name, 0.95) * 1e3:.1f}" for name in AIMS
        )
        return (
            f"| {self.accounts:,} | {self.scored:.1f} | {self.scored_cpu / self.accounts * 1e3:.2f} | {reads}"
            f" | {self.events_per_second:,.0f} | {self.behind:,} |"
        )


HEAD: Final = (
    "| accounts | scored anew, s | ms of CPU an account | summary p50 ms | p95 | page p50 ms | p95 | health p50 ms"
    " | p95 | events/s | not yet counted |\n" + "|---" * 11 + "|"
)


def measure(sizes: Sequence[int] = SIZES, seconds: float = SECONDS) -> Iterator[Measured]:
    """Measure one size after the other."""
    for accounts in sizes:
        with machine() as shop:
            found = Measured(accounts, filled=filled(shop, "portfolio", accounts))
            database = shop.postgres.url("portfolio")
            asyncio.run(_make_topics(shop.kafka))
            with health_score(database, shop.kafka, workers=WORKERS) as deployment:
                asyncio.run(_measure(found, database, shop.kafka, deployment, seconds))
            yield found


async def _make_topics(kafka: str) -> None:
    log = open_log(kafka, client_name="bench")
    await log.start()
    await log.ensure_topics([USAGE_EVENTS, CUSTOMER_SIGNALS, RENEWAL_EVENTS, PRIVACY_REQUESTS])
    await log.close()


async def _measure(found: Measured, url: str, kafka: str, deployment: Deployment, seconds: float) -> None:
    database, log = Database(url, application_name="bench", pool_size=2), open_log(kafka, client_name="bench")
    await log.start()
    headers = {"Authorization": f"Bearer {deployment.key}"}
    try:
        async with httpx.AsyncClient(base_url=deployment.url, headers=headers, trust_env=False, timeout=60) as http:
            found.scored_first = await _score_anew(http, database, 31)
            cpu = deployment.cpu_seconds()
            found.scored = await _score_anew(http, database, 40)
            found.scored_cpu = deployment.cpu_seconds() - cpu
            async with database.engine.connect() as connection:  # as autovacuum would in a minute
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                for table in ("account", "listing", "outbox"):
                    await connection.execute(text(f"VACUUM (ANALYZE) health_score.{table}"))
            await _read_under_load(found, http, database, log, seconds)
    finally:
        await log.close()
        await database.close()


async def _score_anew(http: httpx.AsyncClient, database: Database, weight: int) -> float:
    """Put another version of the default scorecard in force; answers how long until every account is scored by it."""
    document: Any = msgspec.json.decode(msgspec.json.encode(read_scorecard().body))
    document["groups"][0]["weight"] = weight
    (await http.put("/v1/scorecards/default", json=document)).raise_for_status()
    began = time.monotonic()
    (await http.post("/v1/scorecards/default/activate", json={})).raise_for_status()
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await _until_none(connection, "SELECT count(*) FROM health_score.rescoring WHERE ended_at IS NULL")
        scored = time.monotonic() - began
        # What was said is on its way still, and would disturb what is measured next.
        await _until_none(connection, "SELECT count(*) FROM (SELECT FROM health_score.outbox LIMIT 1) AS o")
    return scored


async def _until_none(connection: AsyncConnection, query: str) -> None:
    ends_at = time.monotonic() + SCORED_WITHIN
    while (await connection.execute(text(query))).scalar_one():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"after {SCORED_WITHIN:.0f} s still: {query}")
        await asyncio.sleep(0.05)


async def _read_under_load(
    found: Measured, http: httpx.AsyncClient, database: Database, log: EventLog, seconds: float
) -> None:
    stopping = asyncio.Event()
    feeding = asyncio.create_task(_feed(log, found.accounts, stopping))
    await asyncio.sleep(WARM_UP)
    chance = random.Random(5)
    paths = itertools.cycle(AIMS)
    began = time.monotonic()
    for turn in itertools.count():
        name = next(paths)
        path = {
            SUMMARY: "/v1/portfolio/summary?by=owner",
            PAGE: "/v1/accounts?sort=score&limit=50",
            HEALTH: f"/v1/accounts/{account_id(chance.randrange(found.accounts) + 1)}/health",
        }[name]
        asked = time.monotonic()
        (await http.get(path)).raise_for_status()
        found.delays[name].append(time.monotonic() - asked)
        if time.monotonic() > began + seconds:
            break
        await asyncio.sleep(max(0.0, began + (turn + 1) / REQUESTS_PER_SECOND - time.monotonic()))
    stopping.set()
    sent, found.events_per_second = await feeding
    async with database.engine.connect() as connection:
        counted = await connection.execute(text("SELECT count(*) FROM health_score.raw_event"))
        found.behind = sent - int(counted.scalar_one())


async def _feed(log: EventLog, accounts: int, stopping: asyncio.Event) -> tuple[int, float]:
    """Append events of random accounts at the set rate; answers how many, and the rate that was reached."""
    chance, began, sent = random.Random(7), time.monotonic(), 0
    many = EVENTS_PER_SECOND // APPENDS_PER_SECOND
    while not stopping.is_set():
        events = [_event(chance, accounts, sent + place) for place in range(many)]
        await log.append(events, within=timedelta(seconds=30))
        sent += many
        await asyncio.sleep(max(0.0, began + sent / EVENTS_PER_SECOND - time.monotonic()))
    return sent, sent / (time.monotonic() - began)


def _event(chance: random.Random, accounts: int, number: int) -> Outgoing:
    now = datetime.now(UTC)
    data = UsageRecorded(
        account_id=account_id(chance.randrange(accounts) + 1),
        event="Report Opened",
        feature=f"feature-{chance.randrange(12)}",
        occurred_at=now,
        received_at=now,
        user_id=f"user-{chance.randrange(5)}",
        properties=msgspec.Raw(b'{"plan":"team","seconds":12}'),
    )
    return encode(Event(f"event-{number}", "default", now, data))


def table(measured: Sequence[Measured]) -> str:
    """What was measured, as Markdown, and what the machine was like meanwhile."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    told = (
        f"{FACTS_OF_ONE} facts and about 35 active days an account; 1 process serves, {WORKERS} work;"
        f" {EVENTS_PER_SECOND:,} events/s of random accounts while reading; load average {load}; filled in "
        + ", ".join(f"{each.filled:.0f} s" for each in measured)
        + "; first scored in "
        + ", ".join(f"{each.scored_first:.1f} s" for each in measured)
    )
    return "\n".join((f"portfolio: {told}", HEAD, *map(str, measured)))


def draw(measured: Sequence[Measured], target: Path) -> None:
    """The growth of each as a chart."""
    reads = [
        Line(name, [(each.accounts, each.quantile(name, 0.95) * 1e3) for each in measured], AIMS[name] * 1e3)
        for name in AIMS
    ]
    scored = Line("scored anew", [(each.accounts, each.scored) for each in measured], SCORED_AIM)
    target.parent.mkdir(parents=True, exist_ok=True)
    panels = [
        Panel("read while 1,000 events/s come in, p95", "ms", reads),
        Panel("the whole portfolio scored anew", "s", [scored]),
    ]
    target.write_text(chart("accounts", panels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, nargs="+", default=list(SIZES), help="the sizes to measure")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of reading, for each size")
    parser.add_argument("--chart", type=Path, help="where to write the chart; none by default")
    wanted = parser.parse_args()
    measured = list(measure(wanted.accounts, wanted.seconds))
    print(table(measured))
    if wanted.chart is not None:
        draw(measured, wanted.chart)


if __name__ == "__main__":
    main()
