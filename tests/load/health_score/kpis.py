"""How long key figures take: a year of 10,000 accounts with 100 facts and 120 active days each.

Rows are written straight into a PostgreSQL of its own; the handlers then answer as they do behind the API.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from health_score.application.kpis import (
    ACTIVE_USERS,
    ADOPTION,
    CSAT,
    NPS,
    OUTCOMES,
    SUPPORT,
    TRAINING,
    Kpi,
    KpiQuery,
)
from health_score.bootstrap import build_handlers
from health_score.domain.kpis.attribution import Axis
from health_score.domain.kpis.periods import Every
from health_score.scorecards.reading import read_scorecard
from health_score.store.tables import HISTORY, kit
from mainstay.db.engine import Database
from mainstay.db.migrate import migrate
from mainstay.db.work import Transactions
from mainstay.kernel.clock import ManualClock
from mainstay.service.subjects import Subjects
from standalone.postgres import EmbeddedPostgres

SECRET = "a secret of the benchmark, long enough to be one"
ACCOUNTS = 10_000
AT_ONCE = 500
FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
KPIS: tuple[Kpi[Any], ...] = (NPS, CSAT, SUPPORT, TRAINING, ADOPTION, ACTIVE_USERS, OUTCOMES)

_AT = "TIMESTAMPTZ '2025-01-01Z' + make_interval(hours => (a * 7 + n * {step}) % 8600)"
_ID = "'account_id', 'account-' || a, 'occurred_at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
_SOON = "to_char((at + interval '3 hours') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
_KINDS = (
    # (kind, how many, thing, the rest of the body)
    ("account", 2, "'account'", "'owner', 'csm-' || (a + n) % 50, 'tier', (ARRAY['high', 'medium'])[1 + n % 2]"),
    ("ticket", 40, "'t' || n", "'ticket_id', 't' || n, 'priority', 'normal'"),
    ("ticket", 20, "'t' || n", f"'ticket_id', 't' || n, 'first_response_at', {_SOON}, 'resolved_at', {_SOON}"),
    (
        "survey_response",
        20,
        "'r' || n",
        "'response_id', 'r' || n, 'kind', (ARRAY['nps', 'csat'])[1 + n % 2], 'score', 1 + n % 5",
    ),
    (
        "training",
        10,
        "'c' || n",
        "'training_id', 'c' || n, 'course', 'Basics', 'stage', 'completed', 'contact_id', 'u' || n % 5",
    ),
    ("objective", 4, "'o' || n", "'objective_id', 'o' || n, 'state', 'achieved', 'due_on', '2025-06-30'"),
    ("feedback", 4, "'f' || n", "'feedback_id', 'f' || n, 'state', 'released'"),
)


def measure() -> str:
    """Start a PostgreSQL of its own, fill it, and ask every key figure once."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start()
        try:
            return "\n".join(asyncio.run(_measure(server.ensure_database())))
        finally:
            server.remove()


async def _measure(url: str) -> list[str]:
    await migrate(url, HISTORY)
    database = Database(url, application_name="kpis", pool_size=2)
    try:
        for statement in _rows():
            for first in range(1, ACCOUNTS + 1, AT_ONCE):
                async with database.engine.begin() as connection:
                    await connection.execute(text(statement), {"first": first, "last": first + AT_ONCE - 1})
        async with database.engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await autocommit.execute(text("VACUUM ANALYZE health_score.fact"))
            await autocommit.execute(text("VACUUM ANALYZE health_score.account_day"))
        clock = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
        transactions = Transactions(database, kit, clock=clock)
        kpis = build_handlers(database, transactions, read_scorecard(), clock, subjects=Subjects(SECRET)).kpis
        told = [
            f"a year of {ACCOUNTS:,} accounts with 100 facts and 120 active days each, by month and owner, seconds:"
        ]
        for kpi in KPIS:
            begin, cpu = time.perf_counter(), time.process_time()
            counted = await kpis(kpi, KpiQuery(FIRST, LAST, Every.MONTH, (Axis.OWNER,)))
            took, cpu = time.perf_counter() - begin, time.process_time() - cpu
            told.append(f"  {kpi.name:<13}{took:>6.1f}, {cpu:.1f} of CPU here; {len(counted.rows)} rows")
        return told
    finally:
        await database.close()


def _rows() -> Iterator[str]:
    yield (
        "INSERT INTO health_score.account (account_id, created_at, zone, first_day, seats_by_day)"
        " SELECT 'account-' || a, now(), 'Europe/Berlin', DATE '2025-01-01', '[[\"2025-01-01\", 20]]'"
        " FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS a ORDER BY a"
    )
    for place, (kind, count, thing, body) in enumerate(_KINDS):
        at = _AT.format(step=211 + place)
        yield (
            "INSERT INTO health_score.fact (account_no, kind, thing_id, occurred_at, event_id, source, known_at, body)"
            f" SELECT a, '{kind}', {thing}, at, 'e{place}-' || n, 'crm', at, jsonb_build_object({_ID}, {body})"
            f" FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS a, generate_series(1, {count}) AS n,"
            f" LATERAL (SELECT {at} AS at) AS t"
        )
    yield (
        "INSERT INTO health_score.account_day (account_no, day, events, users, features, feature_users)"
        " SELECT a, DATE '2025-01-01' + 3 * n, 40, decode('ff0f', 'hex'), decode('07', 'hex'),"
        " decode('02ff0f01ff02f00f', 'hex')"
        " FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS a, generate_series(0, 119) AS n"
    )
    yield (
        "INSERT INTO health_score.account_user (account_no, user_id, user_no, first_day)"
        " SELECT a, 'u' || n, n, DATE '2025-01-01' + n"
        " FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS a, generate_series(0, 11) AS n"
    )
    yield (
        "INSERT INTO health_score.account_feature (account_no, feature, feature_no) SELECT a, 'feature-' || n, n"
        " FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS a, generate_series(0, 2) AS n"
    )


if __name__ == "__main__":
    print(measure())
