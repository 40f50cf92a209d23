"""How long everybody's worklist takes: pages of 50 over a portfolio with many open things of every kind."""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from alerts.application.worklist import Asked
from alerts.bootstrap import build_application, outgoing_client
from alerts.playbook_reader import shipped_playbook_documents
from alerts.settings import Settings
from alerts.store.tables import kit
from mainstay.db.engine import Database
from mainstay.db.work import Transactions
from mainstay.kernel.clock import SystemClock
from tests.load.alerts.delivering import quantile
from tests.load.alerts.desk import SECRET, database_url

ACCOUNTS = 25_000
PLAYBOOK = "low-adoption"
STEP = "look"
PAGE = 50
PAGES = 5
ROUNDS = 20

# Four things at an account on average: two or three alerts, a task, a promise or a touch, sometimes a case.
FILL = (
    """
    INSERT INTO alerts.account (account_id, sequence, name, owner, tier, zone, arr, response_within_hours, team,
        next_renewal_on, touch_every_days)
    SELECT 'account-' || n, 1, 'Account ' || n, 'csm-' || n % 50,
        (ARRAY['strategic', 'Enterprise', 'growth', NULL, 'Größer'])[1 + n % 5],
        (ARRAY['UTC', 'Pacific/Kiritimati', 'America/Los_Angeles'])[1 + n % 3],
        CASE n % 7 WHEN 0 THEN '[]' WHEN 1
            THEN jsonb_build_array(jsonb_build_object('amount', '700.00', 'currency', 'EUR'),
                jsonb_build_object('amount', CAST(n % 900 * 100 AS text), 'currency', 'JPY'))
            ELSE jsonb_build_array(jsonb_build_object('amount', CAST(round(exp(random() * 13)::numeric, 2) AS text),
                'currency', 'EUR')) END, '{}', '[]',
        CURRENT_DATE + CAST(random() * 400 - 30 AS int), CASE WHEN n % 2 = 0 THEN 30 END
    FROM generate_series(1, :accounts) n
    """,
    """
    INSERT INTO alerts.observation (account_id, subject, occurred_at, event_id, kind, fact)
    SELECT account_id, 'score', now() - make_interval(days => days), 'score ' || days, 'score-moved',
        jsonb_build_object('score', CAST(random() * 100 AS int), 'previous', 50, 'band', 'yellow')
    FROM alerts.account, unnest(ARRAY[1, 20, 40, 60]) days WHERE random() < 0.9
    """,
    """
    INSERT INTO alerts.observation (account_id, subject, occurred_at, event_id, kind, fact)
    SELECT account_id, 'band', now() - interval '1 day', 'band', 'band-entered', jsonb_build_object(
        'band', (ARRAY['red', 'yellow', 'green', 'unknown'])[1 + CAST(random() * 3 AS int)], 'previous', 'green',
        'score', 50, 'reason', 'so', 'said', CAST('[]' AS jsonb))
    FROM alerts.account WHERE random() < 0.9
    """,
    """
    INSERT INTO alerts.account_health (account_id, band, score)
    SELECT account_id, (SELECT fact ->> 'band' FROM alerts.observation o WHERE o.account_id = a.account_id
            AND subject = 'band' ORDER BY occurred_at DESC LIMIT 1),
        CAST(coalesce((SELECT fact FROM alerts.observation o WHERE o.account_id = a.account_id AND subject = 'score'
            ORDER BY occurred_at DESC LIMIT 1), (SELECT fact FROM alerts.observation o
            WHERE o.account_id = a.account_id AND subject = 'band')) ->> 'score' AS int)
    FROM alerts.account a
    """,
    """
    INSERT INTO alerts.alert (id, identity, account_id, subject, rule, rule_version, category, grade, severity, words,
        opened_at, opened_by, recorded_at, state, quiet, told, said, acknowledged_at, snoozed_until)
    SELECT account_id || ' alert ' || n, 'i', account_id, 'band', 'band-worsened', 1, 'risk', 'red',
        (ARRAY['info', 'warning', 'critical'])[1 + floor(power(random(), 2) * 3)::int],
        '{"band": "red", "previous": "green", "score": "41", "why": "so", "since": "2026-01-01"}',
        now(), 'e', now(), CASE WHEN n = 3 THEN 'acknowledged' ELSE 'open' END, false, true, '[]',
        CASE WHEN n = 3 THEN now() END, CASE WHEN random() < 0.05 THEN now() + interval '1 hour' END
    FROM alerts.account, generate_series(1, 3) n WHERE random() < 0.8
    """,
    """
    INSERT INTO alerts.run (id, account_id, playbook, version, document, cause, started_at, started_by, state)
    SELECT account_id || ' run', account_id, :playbook, 1, CAST(:document AS jsonb), 'c', now(), 'b', 'open'
    FROM alerts.account WHERE random() < 0.8
    """,
    """
    INSERT INTO alerts.task (id, run_id, account_id, step, number, state, due_on)
    SELECT account_id || ' task', id, account_id, :step, 1, 'open', CURRENT_DATE + CAST(random() * 30 - 12 AS int)
    FROM alerts.run
    """,
    """
    INSERT INTO alerts.account_touch (account_id, touched_at, next_due_on)
    SELECT account_id, now() - make_interval(days => CAST(random() * 60 AS int)),
        CASE WHEN random() < 0.5 THEN CURRENT_DATE + CAST(random() * 30 - 8 AS int) END
    FROM alerts.account WHERE random() < 0.8
    """,
    """
    INSERT INTO alerts.risk_case (id, account_id, state, reason, arr_at_risk, alert_ids, opened_at, opened_by)
    SELECT account_id || ' case', account_id, (ARRAY['at-risk', 'plan-in-place', 'saving'])[1 + (random() * 2)::int],
        'price', '[]', '{}', now(), 'b'
    FROM alerts.account WHERE random() < 0.2
    """,
    "ANALYZE",
)


@dataclass(frozen=True, slots=True)
class Worked:
    """Seconds for the first page of everybody's list, for each of the pages after it, and for a person's first."""

    accounts: int
    things: int
    first: Sequence[float]
    later: Sequence[float]
    one: Sequence[float]

    def __str__(self) -> str:
        load = os.getloadavg()[0]
        lines = [
            f"alerts: worklist, {self.accounts:,} accounts, {self.things:,} things, pages of {PAGE}, load {load:.1f}",
            f"  {'':28}{'p50 ms':>9}{'p95 ms':>9}",
        ]
        for name, took in (
            ("everybody's, first page", self.first),
            (f"everybody's, pages 2 to {PAGES}", self.later),
            ("a person's, first page", self.one),
        ):
            lines.append(f"  {name:28}{statistics.median(took) * 1e3:>9.0f}{quantile(took, 0.95) * 1e3:>9.0f}")
        return "\n".join(lines)


async def fill(database: Database, accounts: int, seed: float = 0.5) -> int:
    """Accounts with open things; answers how many things."""
    document = msgspec.json.encode(shipped_playbook_documents()[PLAYBOOK]).decode()
    async with database.engine.begin() as connection:
        await connection.execute(text("SELECT setseed(:seed)"), {"seed": seed})
        for statement in FILL:
            given = {"accounts": accounts, "playbook": PLAYBOOK, "document": document, "step": STEP}
            asked = text(statement)
            await connection.execute(asked, {name: given[name] for name in asked.compile().params})
        things = await connection.scalar(
            text(
                "SELECT (SELECT count(*) FROM alerts.alert) + (SELECT count(*) FROM alerts.task)"
                " + (SELECT count(*) FROM alerts.account_touch) + (SELECT count(*) FROM alerts.risk_case)"
            )
        )
        return int(things or 0)


async def measure(accounts: int = ACCOUNTS) -> Worked:
    """Ask for pages as the route does."""
    async with database_url() as url:
        settings = Settings(database_url=url, secret_key=SECRET)
        database = Database(url, application_name="bench")
        client, clock = outgoing_client(settings), SystemClock()
        transactions = Transactions(database, kit, clock=clock)
        try:
            things = await fill(database, accounts)
            application = build_application(settings, transactions, database, clock, client, CollectorRegistry())
            page = application.handlers.worklist.page
            first: list[float] = []
            later: list[float] = []
            one: list[float] = []
            for number in range(ROUNDS):
                behind = None
                for place in range(PAGES):
                    began = time.perf_counter()
                    rows = await page(Asked(PAGE + 1, behind=behind))
                    (later if place else first).append(time.perf_counter() - began)
                    behind = rows[PAGE - 1].place
                began = time.perf_counter()
                await page(Asked(PAGE + 1, owner=f"csm-{number % 50}"))
                one.append(time.perf_counter() - began)
            return Worked(accounts, things, first, later, one)
        finally:
            await client.close()
            await database.close()


if __name__ == "__main__":
    print(asyncio.run(measure()))
