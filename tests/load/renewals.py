"""python -m tests.load.renewals: retention figures over 100,000 contracts with three years of history.

Contracts of a year in four currencies, renewed at other prices, with upsells, churn, customers that come back, and
corrections recorded later; asked as of now and as of a year ago. SQL writes the book, the figures come over HTTP.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from mainstay.db.migrate import migrate
from mainstay.kernel.clock import ManualClock
from mainstay.web.keys import create_key
from renewals.bootstrap import Service
from renewals.settings import Settings
from standalone.postgres import EmbeddedPostgres
from standalone.services import EVENT_LOG, HISTORIES
from tests.load.contract_import import measure_import

CONTRACTS = 100_000
SECRET = "a secret of thirty-two characters or more"
NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
TIMES = 10

# Contract n belongs to one of 80,000 customers, began between 2023-11 and 2024-11, has up to three terms of a year;
# one in twelve is not renewed, one in nine changes its price on a day within a term.
ENTRY = """
    INSERT INTO renewals.ledger_entry (contract_id, term, account_id, kind, start, end_exclusive, currency, amount,
        months, arr, entitlements, grace_days, continues, recorded_at, recorded_by, reason)
"""
FILL = (
    """
    INSERT INTO renewals.account (account_id, sequence, arr)
    SELECT 'a' || n, 0, '[]' FROM generate_series(1, :contracts * 4 / 5) n
    """,
    """
    CREATE TEMPORARY TABLE book AS
    SELECT n, 'c' || n AS id, 'a' || (1 + n * 7919 % (:contracts * 4 / 5)) AS account,
        (ARRAY['EUR', 'EUR', 'EUR', 'USD', 'USD', 'GBP', 'JPY'])[1 + n % 7] AS currency,
        date '2023-11-01' + (n * 31 % 365)::int AS began, 1200 + (n * 104729 % 9000000) / 100.0 AS price,
        CASE WHEN n % 12 = 0 THEN 1 + n % 2 ELSE 3 END::int AS terms, n % 9 = 0 AS steps
    FROM generate_series(1, CAST(:contracts AS bigint)) n
    """,
    """
    INSERT INTO renewals.contract (id, account_id, kind, currency, zone, anchor, anchor_number, term_months, at_end,
        amount, entered_at, entered_by)
    SELECT id, account, 'recurring', currency, 'Europe/Berlin', began, 1, 12, 'renew', price, began, 'bench' FROM book
    """,
    """
    CREATE TEMPORARY TABLE line AS
    SELECT b.*, t AS term, (began + make_interval(years => t - 1))::date AS start,
        (began + make_interval(years => t))::date AS until,
        round(price * (1 + (t - 1) * ((n % 5) - 1) / 20.0), 2) AS arr
    FROM book b, generate_series(1, b.terms) t
    """,
    f"""
    {ENTRY}
    SELECT id, term, account, kind, CASE WHEN kind = 'runs' THEN start ELSE until - 1 END, until, currency, arr, '12',
        trim_scale(CASE WHEN kind = 'renewed' THEN arr * 1.05 ELSE arr END), '{{}}', 15, term > 1,
        CASE WHEN kind = 'renewed' THEN until ELSE start END, 'bench', 'bench'
    FROM line, unnest(ARRAY['runs', 'due', 'renewed']) kind WHERE kind <> 'renewed' OR term < terms
    """,
    """
    INSERT INTO renewals.ledger_withdrawal (entry_id, recorded_at, recorded_by, reason)
    SELECT e.id, l.start + 100, 'bench', 'bench' FROM renewals.ledger_entry e
    JOIN line l ON l.id = e.contract_id AND l.term = e.term AND l.steps WHERE e.kind IN ('runs', 'due')
    """,
    f"""
    {ENTRY}
    SELECT id, term, account, kind, first, last, currency, arr * part, '12', trim_scale(arr * part), '{{}}', 15,
        term > 1 OR first > start, start + 100, 'bench', 'bench'
    FROM line, LATERAL (VALUES ('runs', start, start + 100, 1.0), ('runs', start + 100, until, 1.2),
        ('due', until - 1, until, 1.2)) v (kind, first, last, part) WHERE steps
    """,
    """
    INSERT INTO renewals.account_group (account_id, sequence, said_at, segment, tier, owner)
    SELECT 'a' || n, s, timestamptz '2023-06-01' + make_interval(months => s * 9), 'segment ' || n % 4,
        'tier ' || (n + s) % 3, 'owner ' || (n + s) % 40
    FROM generate_series(1, :contracts * 4 / 5) n, generate_series(1, 3) s
    """,
    """
    INSERT INTO renewals.exchange_rate (valid_from, currency, base, rate, recorded_at, recorded_by)
    SELECT day, currency, 'EUR', rate + extract(month FROM day) / 100000, '2023-01-01', 'bench'
    FROM generate_series(timestamptz '2023-01-01', '2026-11-01', '1 month') day,
        (VALUES ('USD', 0.92), ('GBP', 1.17), ('JPY', 0.0061)) r (currency, rate)
    """,
)
QUESTIONS = {
    "as of now": "/v1/kpis/retention?currency=EUR",
    "as of a year ago": "/v1/kpis/retention?currency=EUR&as_of=2025-11-29",
    "as of a year ago, known then": "/v1/kpis/retention?currency=EUR&as_of=2025-11-29&known_at=2025-11-29T09:00:00Z",
    "as of now, by segment": "/v1/kpis/retention?currency=EUR&by=segment",
    "as of now, by owner and cohort": "/v1/kpis/retention?currency=EUR&by=owner,cohort",
    "who is behind it: a page": "/v1/kpis/retention/customers?currency=EUR&movement=churned",
}


@dataclass(frozen=True)
class Timing:
    """Seconds of one question, of `TIMES` answers one after the other."""

    question: str
    median: float
    p95: float

    def __str__(self) -> str:
        return f"| {self.question} | {self.median:.2f} | {self.p95:.2f} |"


async def ask(url: str, contracts: int, times: int) -> list[Timing]:
    """Fill the tables at an address and ask every question so many times."""
    for history in (EVENT_LOG, *HISTORIES):
        await migrate(url, history)
    service = Service(
        Settings(database_url=url, event_log_url=url, secret_key=SECRET),
        clock=ManualClock(NOW),
        registry=CollectorRegistry(),
    )
    async with service.chassis.database.engine.begin() as connection:
        for statement in FILL:
            numbers = {"contracts": contracts} if ":contracts" in statement else {}
            await connection.execute(text(statement), numbers)
    async with service.chassis.database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
    key = await create_key(service.chassis.database, SECRET, "bench", ["renewals:read"])
    headers = {"Authorization": f"Bearer {key}"}
    found = []
    transport = httpx.ASGITransport(app=service.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://renewals", headers=headers) as http:
        for question, path in QUESTIONS.items():
            seconds = []
            for _ in range(times):
                await service.chassis.keys.refresh()  # they are good for five seconds
                begun = time.perf_counter()
                answer = await http.get(path, timeout=60)
                seconds.append(time.perf_counter() - begun)
                answer.raise_for_status()
            found.append(Timing(question, statistics.median(seconds), sorted(seconds)[-1 - times // 20]))
    await service.close()
    return found


def measure(contracts: int = CONTRACTS, times: int = TIMES) -> str:
    """How long answers take, as a table."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        server.start()
        try:
            found = asyncio.run(ask(server.url("postgres"), contracts, times))
        finally:
            server.remove()
    head = f"Retention over {contracts:,} contracts with three years of history, {times} answers each, seconds:"
    return "\n".join([head, "", "| | median | p95 |", "|---|---|---|", *map(str, found)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.load.renewals", description=__doc__)
    parser.add_argument("--contracts", type=int, default=CONTRACTS)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--import-rows", type=int, help="take in a file of so many contracts, and nothing else")
    wanted = parser.parse_args()
    if wanted.import_rows:
        print(measure_import(wanted.import_rows), flush=True)
        raise SystemExit
    print(measure(wanted.contracts, wanted.times), flush=True)
