"""The event log port on PostgreSQL tables."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import asyncpg
import structlog

from mainstay.messaging.limits import Keys, check
from mainstay.messaging.port import Bounds, LogUnavailable, Outgoing, Positions, Record, Topic
from mainstay.messaging.postgres.appender import Appender, Row, encode_headers
from mainstay.messaging.postgres.catalogue import Catalogue, StoredTopic
from mainstay.messaging.postgres.connections import FAILURES, Connections, as_unavailable, why
from mainstay.messaging.postgres.consumer import FETCH_BYTES, PostgresConsumer
from mainstay.messaging.postgres.reader import Segments, Stretch, read
from mainstay.messaging.postgres.segments import UPKEEP_EVERY, keep_up
from mainstay.messaging.postgres.watcher import HEADS, Head, Hints, Watcher

LEASE = timedelta(seconds=5)
"""How long a member may be silent before others take its partitions."""

_log = structlog.get_logger(__name__)


class PostgresLog:
    """The embedded log. One object a process: its consumers share a watcher, its callers share flushes."""

    def __init__(
        self, url: str, *, client_name: str, lease: timedelta = LEASE, upkeep_every: timedelta = UPKEEP_EVERY
    ) -> None:
        """Connects at `start`. The tables come from the history in `mainstay.messaging.migrations`."""
        self._connections = Connections(url, client_name)
        self._catalogue = Catalogue(self._connections)
        self._hints = Hints(self._connections)
        self._watcher = Watcher(self._connections)
        self._appender = Appender(self._connections, self._hints.appended)
        self._keys = Keys()
        self._lease = lease
        self._upkeep_every = upkeep_every.total_seconds()
        self._upkeep: asyncio.Task[None] | None = None
        self._id: str | None = None
        self._starting = asyncio.Lock()

    @property
    def id(self) -> str:
        """The log's UUID; known after `start`."""
        if self._id is None:
            raise LogUnavailable("the log is not started")
        return self._id

    async def start(self) -> None:
        """Connect. Raises `LogUnavailable`; may be called again."""
        async with self._starting:
            if self._upkeep is None:
                await self._connect()

    async def _connect(self) -> None:
        with as_unavailable():
            await self._connections.open()
            async with self._connections.borrowed() as connection:
                self._id = str(await connection.fetchval("SELECT id FROM event_log.log"))
        self._hints.start()
        self._watcher.start()
        self._appender.start()
        self._upkeep = asyncio.create_task(self._keep_up(), name="event log upkeep")

    async def close(self) -> None:
        """Flush what was promised and disconnect."""
        upkeep, self._upkeep = self._upkeep, None
        if upkeep is not None:
            upkeep.cancel()
            await asyncio.gather(upkeep, return_exceptions=True)
        await self._appender.stop()
        await self._watcher.stop()
        await self._hints.stop()
        await self._connections.close()

    async def ensure_topics(self, topics: Iterable[Topic]) -> None:
        """Create what is missing; bring retention up to date."""
        with as_unavailable():
            await self._catalogue.ensure(topics)

    async def append(self, records: Sequence[Outgoing], *, within: timedelta = timedelta(seconds=10)) -> None:
        """Append and return when every record is committed; see the port."""
        if not records:
            return
        check(records, self._keys)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within.total_seconds()
        try:
            async with asyncio.timeout_at(deadline):
                topics = await self._topics(records)
        except (*FAILURES, LogUnavailable) as error:
            raise LogUnavailable(why(error), range(len(records))) from error
        rows: list[Row] = []
        size = 0
        for record in records:
            topic = topics[record.topic]
            partition = self._keys.look_up(record.key)[1] % topic.partitions
            rows.append((topic.id, partition, record.key, record.value, encode_headers(record.all_headers())))
            size += len(record.value) + 200
        await self._appender.append(rows, size, deadline - loop.time())

    def consumer(self, group: str, topics: Sequence[str], positions: Positions) -> PostgresConsumer:
        """A new member of a group, not started yet."""
        return PostgresConsumer(
            log_id=self.id,
            group=group,
            topics=topics,
            positions=positions,
            connections=self._connections,
            catalogue=self._catalogue,
            watcher=self._watcher,
            hints=self._hints,
            lease=self._lease,
        )

    async def bounds(self, topic: str) -> Mapping[int, Bounds]:
        """First and next offset of each partition."""
        heads = await self._heads(await self._topic(topic))
        return {partition: Bounds(head.first, head.next) for partition, head in heads.items()}

    async def read(self, topic: str, partition: int, start: int, limit: int) -> Sequence[Record]:
        """Up to `limit` records from `start` on, without a group; what is forgotten is left out."""
        stored = await self._topic(topic)
        found: list[Record] = []
        while len(found) < limit:
            head = (await self._heads(stored))[partition]
            start = max(start, head.first)
            if start >= head.next:
                break
            with as_unavailable():
                try:
                    async with self._connections.borrowed() as connection:
                        place = await Segments().locate(connection, stored.id, partition, start, head)
                        if place is None:
                            continue
                        end = min(place[1], start + limit - len(found))
                        stretch = Stretch(stored.id, topic, partition, place[0], start, end)
                        [run] = await read(connection, [stretch], FETCH_BYTES)
                except asyncpg.UndefinedTableError:
                    continue  # dropped meanwhile: the head says where the partition begins now
            found.extend(run)
            start += len(run)
        return found

    async def healthy(self) -> str | None:
        """None when the log answers, else the reason in one line."""
        try:
            async with asyncio.timeout(2), self._connections.borrowed() as connection:
                await connection.fetchval("SELECT id FROM event_log.log")
        except LogUnavailable as error:
            return str(error)
        except FAILURES as error:
            return why(error)
        return None

    async def _topics(self, records: Sequence[Outgoing]) -> dict[str, StoredTopic]:
        names = {record.topic for record in records}
        topics = await self._catalogue.find(names)
        if len(topics) < len(names):
            # Its owner makes it when it starts.
            raise LogUnavailable(f"the topic {min(names - topics.keys())} does not exist yet")
        return topics

    async def _topic(self, name: str) -> StoredTopic:
        with as_unavailable():
            topic = (await self._catalogue.find([name])).get(name)
        if topic is None:
            raise LogUnavailable(f"the topic {name} does not exist")
        return topic

    async def _heads(self, topic: StoredTopic) -> dict[int, Head]:
        with as_unavailable():
            async with self._connections.borrowed() as connection:
                rows = await connection.fetch(HEADS, [topic.id])
        return {partition: Head(first, following, segment) for _, partition, first, following, segment in rows}

    async def _keep_up(self) -> None:
        while True:
            try:
                async with self._connections.transaction() as connection:
                    did = await keep_up(connection)
            except (*FAILURES, LogUnavailable) as error:
                _log.info("upkeep put off", reason=why(error))
                did = None
            if did:
                _log.info("event log upkeep", did=did)
            else:
                await asyncio.sleep(self._upkeep_every)
