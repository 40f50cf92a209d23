"""The event log port on Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from mainstay.kernel.patience import Patience
from mainstay.messaging.kafka import records
from mainstay.messaging.kafka.admin import admin, ensure_topics
from mainstay.messaging.kafka.consumer import KafkaConsumer
from mainstay.messaging.kafka.errors import FAILURES, as_unavailable, why
from mainstay.messaging.kafka.flusher import ANSWER_WITHIN, BATCH_BYTES, Call, Flusher, Part
from mainstay.messaging.limits import Keys, check
from mainstay.messaging.port import Bounds, LogUnavailable, Outgoing, Positions, Record, Topic
from mainstay.messaging.room import Room

QUEUE_BYTES = 64 << 20
SESSION = timedelta(seconds=10)
"""How long a member may be silent before others take its partitions."""
REQUEST_WITHIN_MS = 10_000


class KafkaLog:
    """The log on a Kafka cluster. One object a process: its callers share one flusher a partition.

    The producer is not idempotent: with it, one record over the size limit makes every later batch of the partition
    fail, and batches in flight never expire. Sizes are checked first, and effects happen once by the ids of events.
    """

    def __init__(self, url: str, *, client_name: str, session: timedelta = SESSION) -> None:
        """`url` is kafka://host:port[,host:port]. Connects at `start`."""
        records.install()
        self._servers = url.removeprefix("kafka://").rstrip("/")
        self._client_name = client_name
        self._session = session
        self._keys = Keys()
        self._room = Room(QUEUE_BYTES)
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[str, int] = {}
        self._flushers: dict[tuple[str, int], Flusher] = {}
        self._with_answers = Patience(ANSWER_WITHIN)
        self._with_appends: dict[timedelta, Patience] = {}
        self._id: str | None = None
        self._starting = asyncio.Lock()

    @property
    def id(self) -> str:
        """The cluster's id; known after `start`."""
        if self._id is None:
            raise LogUnavailable("the log is not started")
        return self._id

    async def start(self) -> None:
        """Connect. Raises `LogUnavailable`; may be called again."""
        async with self._starting:
            if self._producer is None:
                self._producer = await self._connect()

    async def _connect(self) -> AIOKafkaProducer:
        with as_unavailable():
            async with admin(self._servers, self._client_name) as client:
                self._id = (await client.describe_cluster())["cluster_id"]
            producer = AIOKafkaProducer(
                bootstrap_servers=self._servers,
                client_id=self._client_name,
                acks="all",
                enable_idempotence=False,
                max_batch_size=BATCH_BYTES,
                request_timeout_ms=REQUEST_WITHIN_MS,
            )
            try:
                await producer.start()
            except BaseException:  # also a cancellation: a producer that began has tasks to end
                await producer.stop()
                raise
        return producer

    async def close(self) -> None:
        """Flush what was promised and disconnect."""
        await asyncio.gather(*[flusher.stop() for flusher in self._flushers.values()])
        self._flushers.clear()
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(5):
                    await producer.stop()
            except FAILURES:
                pass  # nothing that was promised is left in it

    async def ensure_topics(self, topics: Iterable[Topic]) -> None:
        """Create what is missing; bring retention up to date."""
        with as_unavailable():
            async with admin(self._servers, self._client_name) as client:
                await ensure_topics(client, topics)

    async def append(self, records: Sequence[Outgoing], *, within: timedelta = timedelta(seconds=10)) -> None:
        """Append and return when every record is on all in-sync replicas; see the port."""
        if not records:
            return
        keys = check(records, self._keys)
        call: Call | None = None
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within.total_seconds()
        patience = self._with_appends.get(within) or self._patience_of(within)
        try:
            producer = self._started()
            try:
                parts, size = _divide(records, keys, self._partitions)
            except KeyError:  # a topic's first records
                async with asyncio.timeout_at(deadline):
                    await self._learn_partitions(producer, {record.topic for record in records})
                patience = Patience(deadline - loop.time())
                parts, size = _divide(records, keys, self._partitions)
            if not self._room.enter_now(size):
                async with asyncio.timeout_at(deadline):
                    await self._room.enter(size)
                patience = Patience(deadline - loop.time())
            call = next(iter(parts.values())).call
            for place, part in parts.items():
                self._flusher(producer, place).add(part)
            patience.begin(call, loop)
            await call.stored
        except TimeoutError:
            unacknowledged = range(len(records)) if call is None else call.unacknowledged()
            failures = {self._flushers[place].failure for place in parts} if call else {"no metadata of the topic"}
            reason = f"not acknowledged within {within.total_seconds():g} s: {', '.join(sorted(failures))}"
            raise LogUnavailable(reason, unacknowledged) from None
        except FAILURES as error:
            raise LogUnavailable(why(error), range(len(records))) from error
        except LogUnavailable as error:
            raise LogUnavailable(str(error), range(len(records)) if call is None else error.unacknowledged) from error
        finally:
            if call is not None:
                patience.end(call)
                call.forget()

    def consumer(self, group: str, topics: Sequence[str], positions: Positions) -> KafkaConsumer:
        """A new member of a group, not started yet."""
        return KafkaConsumer(
            servers=self._servers,
            client_name=self._client_name,
            log_id=self.id,
            group=group,
            topics=topics,
            positions=positions,
            session=self._session,
        )

    async def bounds(self, topic: str) -> Mapping[int, Bounds]:
        """First and next offset of each partition."""
        with as_unavailable():
            async with self._reader() as reader:
                await self._partition_count(self._started(), topic)
                partitions = [TopicPartition(topic, number) for number in range(self._partitions[topic])]
                first = await reader.beginning_offsets(partitions)
                following = await reader.end_offsets(partitions)
        return {place.partition: Bounds(first[place], following[place]) for place in partitions}

    async def read(self, topic: str, partition: int, start: int, limit: int) -> Sequence[Record]:
        """Up to `limit` records from `start` on, without a group; what is forgotten is left out."""
        place = TopicPartition(topic, partition)
        found: list[Record] = []
        with as_unavailable():
            async with self._reader() as reader:
                reader.assign([place])
                start = max(start, (await reader.beginning_offsets([place]))[place])
                end = (await reader.end_offsets([place]))[place]
                reader.seek(place, start)
                while len(found) < limit and await reader.position(place) < end:
                    batch = await reader.getmany(place, timeout_ms=1_000, max_records=limit - len(found))
                    found.extend(batch.get(place, ()))
        return found

    async def healthy(self) -> str | None:
        """None when the log answers, else the reason in one line."""
        if self._producer is None:
            return "the log is not started"
        try:
            async with asyncio.timeout(2):
                answered = await self._producer.client.force_metadata_update()
        except FAILURES as error:
            return why(error)
        return None if answered else "Kafka: no broker answers"

    def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise LogUnavailable("the log is not started, or closed")
        return self._producer

    async def _learn_partitions(self, producer: AIOKafkaProducer, topics: Iterable[str]) -> None:
        for topic in topics:
            await self._partition_count(producer, topic)

    async def _partition_count(self, producer: AIOKafkaProducer, topic: str) -> int:
        count = self._partitions.get(topic)
        if count is None:
            # Not partitions_for(): it waits ten seconds for a topic that nobody has made.
            cluster = await producer.client.fetch_all_metadata()
            count = len(cluster.partitions_for_topic(topic) or ())
            if not count:
                # Its owner makes it when it starts, and brokers take a moment to tell of it.
                raise LogUnavailable(f"the topic {topic} does not exist yet")
            await producer.partitions_for(topic)
            self._partitions[topic] = count
        return count

    def _patience_of(self, within: timedelta) -> Patience:
        found = self._with_appends[within] = Patience(within.total_seconds())
        return found

    def _flusher(self, producer: AIOKafkaProducer, place: tuple[str, int]) -> Flusher:
        flusher = self._flushers.get(place)
        if flusher is None:
            flusher = self._flushers[place] = Flusher(producer, *place, room=self._room, patience=self._with_answers)
        return flusher

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer without a group."""
        reader = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            client_id=self._client_name,
            enable_auto_commit=False,
            auto_offset_reset="none",
            request_timeout_ms=REQUEST_WITHIN_MS,
        )
        try:
            await reader.start()
            yield reader
        finally:
            await reader.stop()


def _divide(
    records: Sequence[Outgoing], keys: Sequence[tuple[bytes, int]], counts: Mapping[str, int]
) -> tuple[dict[tuple[str, int], Part], int]:
    """The parts of a call, one a partition, and how many bytes they take. Raises `KeyError` for an unknown topic."""
    call = Call()
    parts: dict[tuple[str, int], Part] = {}
    whole = 0
    for index, (record, (key, key_hash)) in enumerate(zip(records, keys, strict=True)):
        topic = record.topic
        place = (topic, key_hash % counts[topic])
        part = parts.get(place)
        if part is None:
            part = parts[place] = Part(call)
        part.indexes.append(index)
        part.rows.append((key, record))
        size = len(record.value) + 200
        part.size += size
        whole += size
    return parts, whole
