"""What was seen of sources, in PostgreSQL; every write adds to what is there, so that processes add up."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest.application.observing import MOST_NAMES, MOST_PROPERTIES, Seen, SeenEvent
from ingest.application.watching import SOURCE_RETENTION, SOURCE_WATCH, SWEEP_EVERY, WATCH_EVERY
from mainstay.db.work import Transactions
from mainstay.kernel.clock import Clock


class Notes:
    """What the application calls `Notebook`."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions, self._clock = transactions, clock

    async def add(self, seen: Seen) -> None:
        """Add it to what is there, in one transaction.

        The rows of the sources are locked first and in order: who writes of the same source waits, so bounds hold.
        """
        async with self._transactions() as tx:
            await _sources(tx.connection, seen)
            events = await _bounded_events(tx.connection, seen)
            await _events(tx.connection, events)
            await _properties(tx.connection, events)
            await _minutes(tx.connection, seen)
            await _hours(tx.connection, seen)
            await _skews(tx.connection, seen)
            ids = _ids(seen)
            await tx.due.arm_many(SOURCE_WATCH, [(each, self._clock.now() + WATCH_EVERY) for each in ids])
            await tx.due.arm(SOURCE_RETENTION, "all", self._clock.now() + SWEEP_EVERY)


def _ids(seen: Seen) -> Sequence[str]:
    """The sources that anything came from."""
    return sorted({source_id for source_id, _ in seen.spans} | {event.source_id for event in seen.events})


async def _sources(connection: AsyncConnection, seen: Seen) -> None:
    spans: dict[str, list[datetime]] = defaultdict(list)
    for (source_id, _), span in seen.spans.items():
        spans[source_id] += span
    for event in seen.events:
        spans[event.source_id] += (event.first_seen, event.last_seen)
    for source_id, hour, _ in seen.skews:
        spans[source_id].append(hour)
    ids = sorted(spans)
    await connection.execute(
        text(
            "INSERT INTO ingest.seen_source AS s (source_id, first_seen, last_seen, other_events)"
            " SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:first AS timestamptz[]),"
            " CAST(:last AS timestamptz[]), CAST(:others AS bigint[])) AS t (id, first, last, others) ORDER BY id"
            " ON CONFLICT (source_id) DO UPDATE SET first_seen = least(s.first_seen, excluded.first_seen),"
            " last_seen = greatest(s.last_seen, excluded.last_seen),"
            " other_events = s.other_events + excluded.other_events"
        ),
        {
            "ids": ids,
            "first": [min(spans[each]) for each in ids],
            "last": [max(spans[each]) for each in ids],
            "others": [seen.other_events.get(each, 0) for each in ids],
        },
    )


async def _bounded_events(connection: AsyncConnection, seen: Seen) -> Sequence[SeenEvent]:
    """The events whose names are known or still have room; the count of the others is added to their source."""
    ids = sorted({event.source_id for event in seen.events})
    rows = await connection.execute(
        text("SELECT source_id, event FROM ingest.seen_event WHERE source_id = ANY(:ids)"), {"ids": ids}
    )
    known: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        known[row.source_id].add(row.event)
    kept: list[SeenEvent] = []
    others: dict[str, int] = defaultdict(int)
    for event in sorted(seen.events, key=lambda each: (each.source_id, each.event)):
        names = known[event.source_id]
        if event.event in names or len(names) < MOST_NAMES:
            names.add(event.event)
            kept.append(event)
        else:
            others[event.source_id] += event.count
    for source_id, count in others.items():
        await connection.execute(
            text("UPDATE ingest.seen_source SET other_events = other_events + :count WHERE source_id = :id"),
            {"id": source_id, "count": count},
        )
    return kept


async def _events(connection: AsyncConnection, events: Sequence[SeenEvent]) -> None:
    await connection.execute(
        text(
            "INSERT INTO ingest.seen_event AS s"
            " (source_id, event, count, looked_at, other_properties, first_seen, last_seen)"
            " SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:names AS text[]), CAST(:counts AS bigint[]),"
            " CAST(:looked AS bigint[]), CAST(:others AS bigint[]), CAST(:first AS timestamptz[]),"
            " CAST(:last AS timestamptz[]))"
            " ON CONFLICT (source_id, event) DO UPDATE SET count = s.count + excluded.count,"
            " looked_at = s.looked_at + excluded.looked_at,"
            " other_properties = s.other_properties + excluded.other_properties,"
            " first_seen = least(s.first_seen, excluded.first_seen),"
            " last_seen = greatest(s.last_seen, excluded.last_seen)"
        ),
        {
            "ids": [each.source_id for each in events],
            "names": [each.event for each in events],
            "counts": [each.count for each in events],
            "looked": [each.looked_at for each in events],
            "others": [each.other_properties for each in events],
            "first": [each.first_seen for each in events],
            "last": [each.last_seen for each in events],
        },
    )


async def _properties(connection: AsyncConnection, events: Sequence[SeenEvent]) -> None:
    """Properties that are known or still have room, as `_bounded_events` does for names."""
    with_some = [each for each in events if each.properties]
    rows = await connection.execute(
        text(
            "SELECT DISTINCT p.source_id, p.event, p.property FROM ingest.seen_property p JOIN"
            " unnest(CAST(:ids AS text[]), CAST(:names AS text[])) AS t (id, name)"
            " ON p.source_id = t.id AND p.event = t.name"
        ),
        {"ids": [each.source_id for each in with_some], "names": [each.event for each in with_some]},
    )
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        known[row.source_id, row.event].add(row.property)
    kept: list[tuple[str, str, str, str, int]] = []
    others: list[tuple[str, str, int]] = []
    for event in with_some:
        names = known[event.source_id, event.event]
        beyond = 0
        for (name, kind), count in sorted(event.properties.items()):
            if name in names or len(names) < MOST_PROPERTIES:
                names.add(name)
                kept.append((event.source_id, event.event, name, kind, count))
            else:
                beyond += count
        if beyond:
            others.append((event.source_id, event.event, beyond))
    await _upsert(
        connection,
        "INSERT INTO ingest.seen_property AS s (source_id, event, property, type, count) SELECT * FROM"
        " unnest(CAST(:c0 AS text[]), CAST(:c1 AS text[]), CAST(:c2 AS text[]), CAST(:c3 AS text[]),"
        " CAST(:c4 AS bigint[])) ON CONFLICT (source_id, event, property, type)"
        " DO UPDATE SET count = s.count + excluded.count",
        kept,
    )
    await _upsert(
        connection,
        "UPDATE ingest.seen_event s SET other_properties = s.other_properties + t.count FROM"
        " unnest(CAST(:c0 AS text[]), CAST(:c1 AS text[]), CAST(:c2 AS bigint[])) AS t (id, name, count)"
        " WHERE s.source_id = t.id AND s.event = t.name",
        others,
    )


async def _minutes(connection: AsyncConnection, seen: Seen) -> None:
    await _upsert(
        connection,
        "INSERT INTO ingest.source_minute AS s (source_id, at, outcome, count) SELECT * FROM"
        " unnest(CAST(:c0 AS text[]), CAST(:c1 AS timestamptz[]), CAST(:c2 AS text[]), CAST(:c3 AS bigint[]))"
        " ON CONFLICT (source_id, at, outcome) DO UPDATE SET count = s.count + excluded.count",
        [(*key, count) for key, count in sorted(seen.outcomes.items())],
    )


async def _hours(connection: AsyncConnection, seen: Seen) -> None:
    taken: dict[tuple[str, datetime], int] = defaultdict(int)
    refused: dict[tuple[str, datetime], int] = defaultdict(int)
    for (source_id, minute, outcome), count in seen.outcomes.items():
        hour = minute.replace(minute=0)
        if outcome in ("accepted", "waiting"):
            taken[source_id, hour] += count
        elif outcome.startswith("refused:"):
            refused[source_id, hour] += count
    await _upsert(
        connection,
        "INSERT INTO ingest.source_hour AS s (source_id, at, taken, refused, first_seen, last_seen) SELECT * FROM"
        " unnest(CAST(:c0 AS text[]), CAST(:c1 AS timestamptz[]), CAST(:c2 AS bigint[]), CAST(:c3 AS bigint[]),"
        " CAST(:c4 AS timestamptz[]), CAST(:c5 AS timestamptz[])) ON CONFLICT (source_id, at) DO UPDATE SET"
        " taken = s.taken + excluded.taken, refused = s.refused + excluded.refused,"
        " first_seen = least(s.first_seen, excluded.first_seen), last_seen = greatest(s.last_seen, excluded.last_seen)",
        [(*key, taken[key], refused[key], *span) for key, span in sorted(seen.spans.items())],
    )


async def _skews(connection: AsyncConnection, seen: Seen) -> None:
    await _upsert(
        connection,
        "INSERT INTO ingest.source_skew AS s (source_id, at, bucket, count) SELECT * FROM"
        " unnest(CAST(:c0 AS text[]), CAST(:c1 AS timestamptz[]), CAST(:c2 AS int[]), CAST(:c3 AS bigint[]))"
        " ON CONFLICT (source_id, at, bucket) DO UPDATE SET count = s.count + excluded.count",
        [(*key, count) for key, count in sorted(seen.skews.items())],
    )


async def _upsert(connection: AsyncConnection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """A statement over columns c0, c1, …; nothing to do for no rows. They come sorted: no deadlock."""
    if rows:
        columns: Mapping[str, list[Any]] = {
            f"c{place}": list(column) for place, column in enumerate(zip(*rows, strict=True))
        }
        await connection.execute(text(statement), columns)
