"""Quix Streams doing the same aggregation into PostgreSQL. Runs in a Python of its own, with requirements/bench.txt.

Written as its documentation recommends: a sink gathers what was processed and writes it when the checkpoint is
committed (`commit_every`), with at-least-once processing, so the sink makes writes idempotent: an event counts once, by
its id. One transaction a checkpoint, for all partitions; COPY and set-based SQL with psycopg 3. It does less than
health-score: days in UTC alone, one figure in the place of a scorecard, nothing published.
"""

import json
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
from quixstreams import Application
from quixstreams.sinks import BaseSink

TABLES = """
    CREATE TABLE quix_event (
        source text, event_id text, account_id text NOT NULL, user_id text, event text NOT NULL, feature text NOT NULL,
        occurred_at timestamptz NOT NULL, received_at timestamptz NOT NULL, properties text NOT NULL,
        PRIMARY KEY (event_id, source)
    );
    CREATE TABLE quix_day (account_id text, day date, events integer NOT NULL, PRIMARY KEY (account_id, day));
    CREATE TABLE quix_user_day (account_id text, day date, user_id text, PRIMARY KEY (account_id, day, user_id));
    CREATE TABLE quix_feature_day (account_id text, day date, feature text, PRIMARY KEY (account_id, day, feature));
    CREATE TABLE quix_score (
        account_id text PRIMARY KEY, last_active date NOT NULL, active_users_28d integer NOT NULL,
        features_28d integer NOT NULL, score integer NOT NULL, computed_at timestamptz NOT NULL
    );
"""
STAGE = "CREATE TEMPORARY TABLE staged (LIKE quix_event) ON COMMIT DELETE ROWS"
COPY = "COPY staged FROM STDIN (FORMAT BINARY)"
TYPES = ["text"] * 6 + ["timestamptz"] * 2 + ["text"]
COUNT = """
    WITH fresh AS (
        INSERT INTO quix_event SELECT * FROM staged ON CONFLICT DO NOTHING
        RETURNING account_id, (occurred_at AT TIME ZONE 'UTC')::date AS day, user_id, feature
    ), users AS (
        INSERT INTO quix_user_day SELECT DISTINCT account_id, day, user_id FROM fresh WHERE user_id IS NOT NULL
        ON CONFLICT DO NOTHING
    ), features AS (
        INSERT INTO quix_feature_day SELECT DISTINCT account_id, day, feature FROM fresh ON CONFLICT DO NOTHING
    )
    INSERT INTO quix_day AS d SELECT account_id, day, count(*) FROM fresh GROUP BY 1, 2
    ON CONFLICT (account_id, day) DO UPDATE SET events = d.events + excluded.events
    RETURNING account_id
"""
SCORE = """
    INSERT INTO quix_score SELECT account_id, last_active, users, features, least(100, users + 5 * features), now()
    FROM (SELECT a.account_id,
        (SELECT max(day) FROM quix_day d WHERE d.account_id = a.account_id) AS last_active,
        (SELECT count(DISTINCT user_id) FROM quix_user_day u
            WHERE u.account_id = a.account_id AND u.day > current_date - 28) AS users,
        (SELECT count(DISTINCT feature) FROM quix_feature_day f
            WHERE f.account_id = a.account_id AND f.day > current_date - 28) AS features
        FROM unnest(%s::text[]) AS a (account_id)) AS figures
    ON CONFLICT (account_id) DO UPDATE SET last_active = excluded.last_active,
        active_users_28d = excluded.active_users_28d, features_28d = excluded.features_28d,
        score = excluded.score, computed_at = excluded.computed_at
"""
EDGE = 0.15
COMMIT_EVERY = 2_000
COMMIT_INTERVAL = 0.2  # seconds


class Scores(BaseSink):  # type: ignore[misc] # it is not in the environment that is checked
    """Gathers the events of a checkpoint and writes them in one transaction."""

    def __init__(self, database: str, events: int) -> None:
        super().__init__()
        self._wanted = events
        self._connection = psycopg.connect(database)
        self._connection.execute(TABLES)
        self._connection.execute(STAGE)
        self._connection.commit()
        self._rows: list[tuple[Any, ...]] = []
        self._first = 0.0
        self._seen = 0
        self._began: tuple[float, float] | None = None
        self.events = 0
        self.seconds = self.cpu = 0.0
        self.delays: list[tuple[float, int]] = []

    def setup(self) -> None:
        """Connected already."""

    def add(self, value: Any, *_: Any, headers: Any, **_more: Any) -> None:
        if not self._rows:
            self._first = time.perf_counter()
        named = dict(headers)
        self._rows.append(
            (
                named["ce_source"].decode(),
                named["ce_id"].decode(),
                value["account_id"],
                value.get("user_id"),
                value["event"],
                value["feature"],
                datetime.fromisoformat(value["occurred_at"]),
                datetime.fromisoformat(value["received_at"]),
                json.dumps(value.get("properties", {})),
            )
        )

    def flush(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        with self._connection.transaction(), self._connection.cursor() as cursor:
            with cursor.copy(COPY) as copy:
                copy.set_types(TYPES)
                for row in rows:
                    copy.write_row(row)
            touched = [account for (account,) in cursor.execute(COUNT).fetchall()]
            cursor.execute(SCORE, [sorted(set(touched))])
        self._count(len(rows))

    def _count(self, records: int) -> None:
        """As `reporting.Report` does, which this Python does not have."""
        now, cpu = time.perf_counter(), time.process_time()
        counted, self._seen = self._seen < (1 - EDGE) * self._wanted, self._seen + records
        if self._began is None:
            if self._seen >= EDGE * self._wanted:
                self._began = now, cpu
        elif counted:
            self.events += records
            self.delays.append((now - self._first, records))
            self.seconds, self.cpu = now - self._began[0], cpu - self._began[1]

    def on_paused(self) -> None:
        """Nothing is kept by partition."""
        self._rows.clear()


def quantile(delays: Sequence[tuple[float, int]], share: float) -> float:
    left = share * sum(records for _, records in delays)
    for delay, records in sorted(delays):
        left -= records
        if left <= 0:
            return delay
    return 0.0


def main() -> None:
    kafka, database, events = sys.argv[1].removeprefix("kafka://"), sys.argv[2], int(sys.argv[3])
    app = Application(
        broker_address=kafka,
        consumer_group=f"quix-{time.time_ns()}",
        auto_offset_reset="earliest",
        commit_every=COMMIT_EVERY,
        commit_interval=COMMIT_INTERVAL,
        auto_create_topics=False,
        use_changelog_topics=False,
        loglevel="WARNING",
    )
    sink = Scores(database, events)
    app.dataframe(app.topic("usage-events", value_deserializer="json")).sink(sink)
    app.run(count=events)
    told = {
        "events": sink.events,
        "seconds": sink.seconds,
        "cpu": sink.cpu,
        "p50": quantile(sink.delays, 0.5),
        "p99": quantile(sink.delays, 0.99),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
