"""The topics of the embedded log: declared once, remembered by every process."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mainstay.messaging.port import Topic
from mainstay.messaging.postgres.connections import Connections
from mainstay.messaging.postgres.segments import create_segment


@dataclass(frozen=True, slots=True)
class StoredTopic:
    """A topic as the log holds it."""

    id: int
    name: str
    partitions: int


class Catalogue:
    """Names to ids and partitions. A topic never changes its partitions, so what is known stays true."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._by_name: dict[str, StoredTopic] = {}

    def known(self, name: str) -> StoredTopic | None:
        """A topic seen before."""
        return self._by_name.get(name)

    async def find(self, names: Iterable[str]) -> dict[str, StoredTopic]:
        """Those of the topics that exist."""
        names = list(names)
        if any(name not in self._by_name for name in names):
            async with self._connections.borrowed() as connection:
                rows = await connection.fetch("SELECT id, name, partitions FROM event_log.topic")
            self._by_name = {row["name"]: StoredTopic(row["id"], row["name"], row["partitions"]) for row in rows}
        return {name: self._by_name[name] for name in names if name in self._by_name}

    async def ensure(self, topics: Iterable[Topic]) -> None:
        """Create what is missing, with its first segment; bring the retention of the others up to date."""
        async with self._connections.transaction() as connection:
            # One creator at a time, else two processes that start together meet in a unique violation.
            await connection.execute("SELECT FROM event_log.log FOR UPDATE")
            for topic in sorted(topics, key=lambda topic: topic.name):
                await _ensure_one(connection, topic)


async def _ensure_one(connection: Any, topic: Topic) -> None:
    existing = await connection.fetchval(
        "UPDATE event_log.topic SET kept = $2 WHERE name = $1 RETURNING id", topic.name, topic.kept
    )
    if existing is not None:
        return
    topic_id = await connection.fetchval(
        "INSERT INTO event_log.topic (name, partitions, kept) VALUES ($1, $2, $3) RETURNING id",
        topic.name,
        topic.partitions,
        topic.kept,
    )
    await connection.execute(
        "INSERT INTO event_log.partition_head (topic_id, partition) SELECT $1, * FROM generate_series(0, $2 - 1)",
        topic_id,
        topic.partitions,
    )
    await create_segment(connection, topic_id, number=0)
