"""How many evaluations of rules a second: scores of many accounts move, and every rule about scores looks at each.

Batches as a backlog brings them, beside one event at a time, which is what alerts did without batches.
"""

import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry
from sqlalchemy import text

from alerts.application.watching import Heard
from alerts.bootstrap import Application, build_application, outgoing_client
from alerts.domain.observations import SCORE, Observation, ScoreMoved
from alerts.domain.rules import Rulebook
from alerts.domain.words import Band
from alerts.rulebook import rule_of
from alerts.settings import Settings
from alerts.store.tables import kit
from mainstay.db.engine import Database
from mainstay.db.work import Transactions
from mainstay.kernel.clock import SystemClock
from mainstay.messaging.consuming import Batch
from tests.load.alerts.desk import SECRET, database_url
from tests.load.alerts.traffic import rules

ACCOUNTS = 100_000
RULES = 200
BATCH = 500
SECONDS = 20.0
PAST = 30
"""Moves of each account's score before the clock starts, a day apart."""

ACCOUNTS_AND_PAST = """
INSERT INTO alerts.account (account_id, sequence, name, owner, tier, zone, arr, response_within_hours, team)
SELECT 'account-' || n, 1, 'Account ' || n, 'csm-' || n % 50, (ARRAY['gold', 'silver', 'bronze'])[1 + n % 3], 'UTC',
    '[{"amount": "12000.00", "currency": "EUR"}]', '{}', '[]'
FROM generate_series(0, :accounts - 1) n
"""
PAST_SCORES = """
INSERT INTO alerts.observation (account_id, subject, occurred_at, event_id, kind, fact)
SELECT 'account-' || n, :subject, now() - make_interval(days => day), 'past ' || day, 'score-moved',
    jsonb_build_object('score', 60 + day % 7, 'previous', 60 + (day + 1) % 7, 'band', 'yellow')
FROM generate_series(0, :accounts - 1) n, generate_series(1, :past) day
"""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Facts and evaluations (rules that looked at a fact's subject) a second."""

    batch: int
    facts_per_second: float
    evaluations_per_second: float


@dataclass(frozen=True, slots=True)
class Evaluations:
    """The two ways, side by side."""

    accounts: int
    rules: int
    found: Sequence[Evaluated]

    def __str__(self) -> str:
        lines = [
            f"alerts: {self.rules} rules, {self.accounts:,} accounts, {PAST} moves of each score on record",
            f"  {'facts a batch':>14}{'facts/s':>10}{'evaluations/s':>15}",
        ]
        lines += [
            f"  {each.batch:>14,}{each.facts_per_second:>10,.0f}{each.evaluations_per_second:>15,.0f}"
            for each in self.found
        ]
        first, one = self.found
        return "\n".join((*lines, f"  in batches: {first.facts_per_second / one.facts_per_second:.1f}x one by one"))


async def measure(accounts: int = ACCOUNTS, count: int = RULES) -> Evaluations:
    """Fill a database and evaluate, first in batches, then one by one."""
    book = Rulebook({rule.id: rule for rule in (rule_of({"version": 1, **one}) for one in rules(count))})
    looking = len(book.watching(SCORE)) + len(book.on_variables)
    async with database_url() as url, _opened(url, book) as (database, application):
        async with database.engine.begin() as connection:
            await connection.execute(text(ACCOUNTS_AND_PAST), {"accounts": accounts})
            await connection.execute(text(PAST_SCORES), {"accounts": accounts, "past": PAST, "subject": SCORE})
            await connection.execute(text("ANALYZE alerts.account"))
            await connection.execute(text("ANALYZE alerts.observation"))
        found = [await _evaluated(application, accounts, looking, size) for size in (BATCH, 1)]
        return Evaluations(accounts, count, found)


@asynccontextmanager
async def _opened(url: str, book: Rulebook) -> AsyncIterator[tuple[Database, Application]]:
    settings = Settings(database_url=url, secret_key=SECRET)
    database = Database(url, application_name="bench")
    client, clock = outgoing_client(settings), SystemClock()
    transactions = Transactions(database, kit, clock=clock)
    try:
        yield (
            database,
            build_application(settings, transactions, database, clock, client, CollectorRegistry(), rulebook=book),
        )
    finally:
        await client.close()
        await database.close()


async def _evaluated(application: Application, accounts: int, looking: int, size: int) -> Evaluated:
    chance = random.Random(size)
    facts = 0
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < SECONDS:
        now = datetime.now(UTC)
        heard = []
        for number in range(size):
            fact = ScoreMoved(chance.randrange(55, 70), 64, Band.YELLOW)
            account, event = f"account-{chance.randrange(accounts)}", f"{size} {facts + number}"
            at = now + timedelta(microseconds=number)
            heard.append(Heard("bench", event, Observation(account, event, at, fact)))
        await application.watch(Batch((), tuple(heard)))
        facts += size
    return Evaluated(size, facts / took, facts * looking / took)
