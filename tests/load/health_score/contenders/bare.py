"""The database's part of consumption alone: COPY, look-back, insert-on-conflict and upserts, and nothing else.

The rows are those that health-score writes, in the batches in which it wrote them: raw events, account-days and scores.
All are made before the clock starts, so what is measured is asyncpg and PostgreSQL: no log, no decoding, no numbers for
names, no merging of days, no scoring, nothing published, no locks, no triggers and no indexes but the keys.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any, Final

import asyncpg
import msgspec
import uvloop

from health_score.domain.activity import DayOfUse, to_bytes, users_of_to_bytes
from health_score.store.raw_events import WEEK, week_of
from mainstay.contracts.ingest import UsageRecorded
from mainstay.db.engine import asyncpg_dsn
from mainstay.messaging.open import open_log
from mainstay.messaging.port import Record
from tests.load.health_score.contenders.reporting import Report, Wanted, wanted
from tests.load.health_score.traffic import read_records

TABLES: Final = """
    CREATE TABLE bare_raw (
        received_week date NOT NULL, source text NOT NULL, event_id text NOT NULL, account_no integer NOT NULL,
        user_no integer, feature_no integer NOT NULL, event text NOT NULL, occurred_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL, properties text NOT NULL, PRIMARY KEY (event_id, source, received_week)
    ) PARTITION BY LIST (received_week);
    CREATE INDEX ON bare_raw (account_no, occurred_at);
    CREATE TABLE bare_day (
        account_no integer, day date, events integer NOT NULL, users bytea NOT NULL, features bytea NOT NULL,
        feature_users bytea NOT NULL, PRIMARY KEY (account_no, day)
    ) WITH (fillfactor = 80);
    CREATE TABLE bare_score (
        account_no integer PRIMARY KEY, score smallint, band text NOT NULL, coverage smallint NOT NULL, as_of date,
        computed_at timestamptz NOT NULL, measures jsonb NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE bare_offset (partition integer PRIMARY KEY, next_offset bigint NOT NULL);
    CREATE TEMPORARY TABLE staged (LIKE bare_raw) ON COMMIT DELETE ROWS;
"""
RAW: Final = (
    "received_week",
    "source",
    "event_id",
    "account_no",
    "user_no",
    "feature_no",
    "event",
    "occurred_at",
    "received_at",
    "properties",
)
MOVE: Final = (
    "INSERT INTO bare_offset SELECT * FROM unnest($1::int[], $2::bigint[])"
    " ON CONFLICT (partition) DO UPDATE SET next_offset = excluded.next_offset"
)
LOOK_BACK: Final = "SELECT source, event_id FROM bare_raw WHERE received_week = $1 AND event_id = ANY($2::text[])"
ADD: Final = (
    "INSERT INTO bare_raw SELECT * FROM staged ORDER BY event_id ON CONFLICT DO NOTHING RETURNING source, event_id"
)
DAYS: Final = (
    "INSERT INTO bare_day SELECT * FROM unnest($1::int[], $2::date[], $3::int[], $4::bytea[], $5::bytea[], $6::bytea[])"
    " ON CONFLICT (account_no, day) DO UPDATE SET events = excluded.events, users = excluded.users,"
    " features = excluded.features, feature_users = excluded.feature_users"
)
SCORES: Final = (
    "INSERT INTO bare_score SELECT no, 61, 'yellow', 7600, $2, $3, $4::jsonb FROM unnest($1::int[]) AS no"
    " ON CONFLICT (account_no) DO UPDATE SET score = excluded.score, band = excluded.band,"
    " coverage = excluded.coverage, as_of = excluded.as_of, computed_at = excluded.computed_at,"
    " measures = excluded.measures"
)


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one batch."""

    records: int
    offsets: tuple[list[int], list[int]]
    ids: list[str]
    raw: list[tuple[Any, ...]]
    days: list[list[Any]]


class Preparing:
    """Makes the rows of batches: the numbers and the days are those that the batches before have left."""

    def __init__(self, week: date, day: date) -> None:
        self._week, self._day = week, day
        self._decode = msgspec.json.Decoder(UsageRecorded).decode
        self._numbers: dict[tuple[int, str], dict[str | None, int]] = {}
        self._days: dict[int, DayOfUse] = {}
        self._seen: set[str] = set()

    def rows(self, records: Sequence[Record], steps: Sequence[tuple[int, int, int]]) -> Rows:
        """The rows of the next batch."""
        raw, ids, touched = {}, [], set()
        for record in records:
            data = self._decode(record.value)
            id_ = record.header("ce_id") or ""
            account = int(data.account_id.rpartition("-")[2])
            user, feature = self._number(account, "user", data.user_id), self._number(account, "feature", data.feature)
            ids.append(id_)
            raw[id_] = (
                *(self._week, "default", id_, account, user, feature, data.event, data.occurred_at, data.received_at),
                bytes(data.properties).decode(),
            )
            if id_ not in self._seen:
                self._seen.add(id_)
                self._days.setdefault(account, DayOfUse()).count(user, feature)
                touched.add(account)
        days = [(no, self._days[no]) for no in sorted(touched)]
        return Rows(
            len(records),
            ([partition for partition, _, _ in steps], [new for _, _, new in steps]),
            ids,
            list(raw.values()),
            [
                [no for no, _ in days],
                [self._day] * len(days),
                [use.events for _, use in days],
                [to_bytes(use.users) for _, use in days],
                [to_bytes(use.features) for _, use in days],
                [users_of_to_bytes(use) for _, use in days],
            ],
        )

    def _number(self, account: int, kind: str, name: str | None) -> int:
        known = self._numbers.setdefault((account, kind), {})
        return known.setdefault(name, len(known))


async def consume(told: Wanted) -> None:
    """Write the rows of every batch, each in a transaction of its own."""
    connection = await asyncpg.connect(asyncpg_dsn(told.database), server_settings={"jit": "off"})
    await connection.execute(TABLES)
    now = datetime.now(UTC)
    week, day = week_of(now.date()), now.date()
    for of in (week, week - WEEK):
        await connection.execute(f"CREATE TABLE bare_raw_{of:%Y%m%d} PARTITION OF bare_raw FOR VALUES IN ('{of}')")
    batches = await _batches(told, week, day)
    measures = await connection.fetchval(
        "SELECT measures::text FROM health_score.account ORDER BY length(measures::text) DESC LIMIT 1"
    )
    report = Report(told.events)
    for rows in batches:
        began = time.perf_counter()
        async with connection.transaction():
            await connection.execute(MOVE, *rows.offsets)
            await connection.copy_records_to_table("staged", columns=RAW, records=rows.raw)
            await connection.fetch(LOOK_BACK, week - WEEK, rows.ids)
            await connection.fetch(ADD)
            await connection.execute(DAYS, *rows.days)
            await connection.execute(SCORES, rows.days[0], day, now, measures)
        report.done(rows.records, time.perf_counter() - began)
    report.tell()
    await connection.close()


async def _batches(told: Wanted, week: date, day: date) -> Sequence[Rows]:
    log = open_log(told.kafka, client_name="bench")
    await log.start()
    by_partition: Mapping[int, list[Record]] = {
        partition: list(records)
        for partition, records in groupby(await read_records(log, told.events), lambda record: record.partition)
    }
    await log.close()
    preparing = Preparing(week, day)
    batches = []
    for steps in json.loads(await asyncio.to_thread(told.batches.read_text)):
        records = [record for partition, first, new in steps for record in by_partition[partition][first:new]]
        batches.append(preparing.rows(records, steps))
    return batches


if __name__ == "__main__":
    uvloop.run(consume(wanted()))
