"""The two transports under test, and what a test does to each that the port has no word for."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import asyncpg
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from mainstay.db.engine import asyncpg_dsn
from mainstay.messaging.kafka import KafkaLog
from mainstay.messaging.port import EventLog
from mainstay.messaging.postgres import PostgresLog
from mainstay.messaging.postgres.segments import drop_oldest, roll
from standalone.ports import free_port
from standalone.postgres import EmbeddedPostgres
from tests.kafka import KafkaNode

SILENCE = timedelta(seconds=2)
"""How long a member may be silent in these tests before its partitions move."""


class Transport(Protocol):
    """A log somewhere, and the ways to hurt it."""

    url: str

    def open(self, name: str = "contract") -> EventLog:
        """The log, not started."""

    async def forget(self, topic: str, partition: int, before: int) -> None:
        """Lose the records before an offset, as retention would; perhaps some of other partitions too."""

    async def restart(self) -> None:
        """Kill the log's server and start it again with its data."""


def open_log(url: str, name: str) -> EventLog:
    """A log with short silences, for this process or a member's."""
    if url.startswith("kafka://"):
        return KafkaLog(url, client_name=name, session=SILENCE)
    return PostgresLog(url, client_name=name, lease=SILENCE, upkeep_every=timedelta(seconds=0.2))


class Embedded:
    """The log in a PostgreSQL database."""

    def __init__(self, url: str, server: EmbeddedPostgres) -> None:
        self.url = url
        self._server = server

    def open(self, name: str = "contract") -> EventLog:
        return open_log(self.url, name)

    async def forget(self, topic: str, partition: int, before: int) -> None:  # noqa: ARG002 - segments span partitions
        connection = await asyncpg.connect(asyncpg_dsn(self.url))
        try:
            async with connection.transaction():
                topic_id = await connection.fetchval("SELECT id FROM event_log.topic WHERE name = $1", topic)
                await roll(connection, topic_id)
                await drop_oldest(connection, topic_id)
        finally:
            await connection.close()

    async def restart(self) -> None:
        await asyncio.to_thread(self._server.stop, "immediate")
        await asyncio.to_thread(self._server.start)


class OnKafka:
    """The log on a real broker."""

    def __init__(self, url: str, node: KafkaNode) -> None:
        self.url = url
        self._node = node

    def open(self, name: str = "contract") -> EventLog:
        return open_log(self.url, name)

    async def forget(self, topic: str, partition: int, before: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.url.removeprefix("kafka://"))
        await admin.start()
        try:
            await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=before)})
        finally:
            await admin.close()

    async def restart(self) -> None:
        await asyncio.to_thread(self._node.kill)
        await asyncio.to_thread(self._node.start)


@contextmanager
def durable_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, on a port that it keeps, which loses nothing when it is stopped at once."""
    server = EmbeddedPostgres(folder, port=free_port(), durable=True)
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")
        server.remove()
