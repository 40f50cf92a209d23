"""What was seen of sources, read again: for watching them, and to show."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest.application.health import Counts, LearnedEvent
from ingest.application.watching import Watched
from ingest.domain.patterns import Direction, Hour
from mainstay.contracts.envelope import Event, encode
from mainstay.db.engine import Database
from mainstay.db.work import Transaction

_WATCHED = "source_id, first_seen, last_seen, silent_since, deviation"


class SourceWatch:
    """One transaction in which sources are judged; what the application calls `Watching`."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def lock(self, source_ids: Sequence[str]) -> Sequence[Watched]:
        """Those of the sources that were seen, locked in order."""
        rows = await self._tx.connection.execute(
            text(
                f"SELECT {_WATCHED} FROM ingest.seen_source WHERE source_id = ANY(:ids) ORDER BY source_id FOR UPDATE"
            ),
            {"ids": list(source_ids)},
        )
        return [_watched(row) for row in rows]

    async def hours(self, source_ids: Sequence[str], since: datetime) -> Mapping[str, Sequence[Hour]]:
        """The hours in which something came from each."""
        return await _hours(self._tx.connection, source_ids, since)

    async def remember(self, watched: Watched) -> None:
        """Keep what was said of a source."""
        await self._tx.connection.execute(
            text(
                "UPDATE ingest.seen_source SET silent_since = :silent_since, deviation = :deviation"
                " WHERE source_id = :id"
            ),
            {"id": watched.source_id, "silent_since": watched.silent_since, "deviation": watched.direction.value},
        )

    async def forget_before(self, *, minutes: datetime, hours: datetime) -> None:
        """Remove counts that are older."""
        for table, before in (("source_minute", minutes), ("source_skew", minutes), ("source_hour", hours)):
            await self._tx.connection.execute(
                text(f"DELETE FROM ingest.{table} WHERE at < :before"), {"before": before}
            )

    def say(self, *events: Event[Any]) -> None:
        """Publish events once the transaction has committed."""
        self._tx.publish(*(encode(event) for event in events))


class SeenSources:
    """What was seen, to show; what the application calls `Seeing`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen(self, source_ids: Sequence[str]) -> Mapping[str, Watched]:
        """Those of the sources that were seen."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text(f"SELECT {_WATCHED} FROM ingest.seen_source WHERE source_id = ANY(:ids)"),
                {"ids": list(source_ids)},
            )
            return {row.source_id: _watched(row) for row in rows}

    async def hours(self, source_id: str, since: datetime) -> Sequence[Hour]:
        """The hours in which something came from it."""
        async with self._database.engine.connect() as connection:
            return (await _hours(connection, [source_id], since)).get(source_id, ())

    async def counts(self, source_id: str, since: Sequence[datetime]) -> Sequence[Counts]:
        """For each of the instants: outcome -> events of the minutes from it on."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text(
                    "SELECT t.since, m.outcome, sum(m.count) AS events FROM ingest.source_minute m"
                    " JOIN unnest(CAST(:since AS timestamptz[])) AS t (since) ON m.at >= t.since"
                    " WHERE m.source_id = :id GROUP BY t.since, m.outcome"
                ),
                {"id": source_id, "since": list(since)},
            )
            found: dict[datetime, dict[str, int]] = defaultdict(dict)
            for row in rows:
                found[row.since][row.outcome] = int(row.events)
        return [found[each] for each in since]

    async def skews(self, source_id: str, since: datetime) -> Sequence[tuple[int, int]]:
        """(bucket of skew, requests), by bucket."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text(
                    "SELECT bucket, sum(count) AS requests FROM ingest.source_skew"
                    " WHERE source_id = :id AND at >= :since GROUP BY bucket ORDER BY bucket"
                ),
                {"id": source_id, "since": since},
            )
            return [(row.bucket, int(row.requests)) for row in rows]

    async def names(self, source_id: str) -> tuple[Mapping[str, int], int]:
        """How often each event name came, and how many events came under names beyond the first 1,000."""
        async with self._database.engine.connect() as connection:
            rows = await connection.execute(
                text("SELECT event, count AS seen FROM ingest.seen_event WHERE source_id = :id"), {"id": source_id}
            )
            names = {row.event: row.seen for row in rows}
            others = await connection.scalar(
                text("SELECT other_events FROM ingest.seen_source WHERE source_id = :id"), {"id": source_id}
            )
        return names, others or 0

    async def learned(self, source_id: str, *, after: str | None, limit: int) -> Sequence[LearnedEvent]:
        """What was learned of its events, by name, after one of them."""
        async with self._database.engine.connect() as connection:
            events = (
                await connection.execute(
                    text(
                        "SELECT event, count AS seen, looked_at, other_properties, first_seen, last_seen"
                        " FROM ingest.seen_event WHERE source_id = :id AND event > :after ORDER BY event LIMIT :limit"
                    ),
                    {"id": source_id, "after": after or "", "limit": limit},
                )
            ).all()
            properties = await connection.execute(
                text(
                    "SELECT event, property, type, count AS seen FROM ingest.seen_property"
                    " WHERE source_id = :id AND event = ANY(:events) ORDER BY event, property, type"
                ),
                {"id": source_id, "events": [row.event for row in events]},
            )
            types: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
            for row in properties:
                types[row.event][row.property][row.type] = row.seen
        return [
            LearnedEvent(
                row.event,
                row.seen,
                row.looked_at,
                row.other_properties,
                row.first_seen,
                row.last_seen,
                types[row.event],
            )
            for row in events
        ]


async def _hours(
    connection: AsyncConnection, source_ids: Sequence[str], since: datetime
) -> Mapping[str, Sequence[Hour]]:
    rows = await connection.execute(
        text(
            "SELECT source_id, at, taken, first_seen, last_seen FROM ingest.source_hour"
            " WHERE source_id = ANY(:ids) AND at >= :since"
        ),
        {"ids": list(source_ids), "since": since},
    )
    found: dict[str, list[Hour]] = defaultdict(list)
    for row in rows:
        found[row.source_id].append(Hour(row.at, row.taken, row.first_seen, row.last_seen))
    return found


def _watched(row: Any) -> Watched:
    return Watched(
        row.source_id,
        row.first_seen,
        row.last_seen,
        row.silent_since,
        Direction(row.deviation) if row.deviation else Direction.USUAL,
    )
