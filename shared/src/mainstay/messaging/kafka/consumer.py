"""A member of a group that reads Kafka from the offsets of its own database."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, NoOffsetForPartitionError, OffsetOutOfRangeError

from mainstay.messaging.kafka.errors import FAILURES, as_unavailable, why
from mainstay.messaging.port import Bounds, Gap, LogUnavailable, Position, Positions, Record
from mainstay.messaging.progress import Partition, Progress

JOIN_WITHIN = 30.0
LEAVE_WITHIN = 5.0
REQUEST_WITHIN_MS = 10_000
FETCH_BYTES = 16 << 20
PARTITION_BYTES = 4 << 20
"""aiokafka holds one answer a partition and asks for the next when that is handed out: memory is bounded by these.

Not smaller: with a backlog a batch is then of few partitions, and what a handler does once a key (health-score scores
each account once a batch) is done for many records. Measured with ten thousand: 9 µs an event against 12 with 1 MiB."""
SILENT_FOR = timedelta(minutes=15)
"""A handler may take this long before the group takes its partitions away."""
STALLED_AFTER = 10.0
"""Seconds without a record, though there are some, after which the connection is made anew: it can hang for ever."""
LOOK_EVERY = 3.0
COMMIT_EVERY = 1.0

_log = structlog.get_logger(__name__)


class _Revoked(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no stubs
    """Forgets a partition the moment it goes or comes: what was fetched before has no say afterwards."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._progress.forget(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._progress.forget(assigned)


class KafkaConsumer:
    """Seeks to the stored offset of each partition it is given; records before it are discarded.

    The compare-and-set on the stored offset protects, not the seek: an assignment is live before its callback runs.
    """

    def __init__(
        self,
        *,
        servers: str,
        client_name: str,
        log_id: str,
        group: str,
        topics: Sequence[str],
        positions: Positions,
        session: timedelta,
    ) -> None:
        self._servers = servers
        self._client_name = client_name
        self._group = group
        self._topics = list(topics)
        self._session_ms = int(session.total_seconds() * 1000)
        self._progress = Progress(log_id, group, positions)
        self._member: AIOKafkaConsumer | None = None
        self._wanted = False
        self._progressed_at = 0.0
        self._looked_at = 0.0
        self._to_commit: dict[TopicPartition, int] = {}
        self._committer: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Join the group. Raises `LogUnavailable`."""
        self._wanted = True
        if self._member is None:
            await self._connect()
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_for_ever(), name=f"commits of {self._group}")

    async def stop(self) -> None:
        """Leave the group, so that others take over at once."""
        self._wanted = False
        committer, self._committer = self._committer, None
        if committer is not None:
            committer.cancel()
            await asyncio.gather(committer, return_exceptions=True)
        await self._commit()
        await self._disconnect()

    async def fetch(self, *, up_to: int, within: timedelta) -> tuple[Sequence[Record], Sequence[Position]]:
        """The next records of the partitions held; see the port."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within.total_seconds()
        with as_unavailable():
            while True:
                if self._member is None:
                    await self._reconnect()
                await self._adopt()
                records, positions = await self._take(up_to, max(0.0, deadline - loop.time()))
                if records:
                    self._progressed_at = loop.time()
                    return records, positions
                await self._watch_progress()
                if loop.time() >= deadline:
                    return (), ()

    async def rewind(self) -> None:
        """Forget what was fetched; go on from the stored offsets."""
        self._progress.forget(self._progress.next)

    async def done(self, positions: Sequence[Position]) -> None:
        """Say that these steps are committed; Kafka hears of it within a second, for lag tools."""
        self._progress.finish(positions)
        for position in positions:
            self._to_commit[TopicPartition(position.topic, position.partition)] = position.new

    def assigned(self) -> Mapping[Partition, int]:
        """The partitions held now and the next offset to fetch of each."""
        return dict(self._progress.next)

    def gaps(self) -> Sequence[Gap]:
        """The partitions held that stand still because records are missing."""
        return tuple(self._progress.gaps.values())

    async def lag(self) -> Mapping[Partition, int]:
        """Records appended but not yet done, of each partition held. Raises `LogUnavailable`."""
        done = dict(self._progress.done)
        if not done:
            return {}
        with as_unavailable():
            ends = await self._joined().end_offsets([TopicPartition(*partition) for partition in done])
        return {(place.topic, place.partition): max(0, end - done[place]) for place, end in ends.items()}

    def _joined(self) -> AIOKafkaConsumer:
        if self._member is None:
            raise LogUnavailable(f"{self._group} is not connected to Kafka")
        return self._member

    async def _connect(self) -> None:
        member = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            client_id=self._client_name,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 4,
            max_poll_interval_ms=int(SILENT_FOR.total_seconds() * 1000),
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_BYTES,
            request_timeout_ms=REQUEST_WITHIN_MS,
        )
        member.subscribe(self._topics, listener=_Revoked(self._progress))
        try:
            async with asyncio.timeout(JOIN_WITHIN):
                await member.start()
        except BaseException as error:
            await _close(member)
            if isinstance(error, FAILURES):
                raise LogUnavailable(why(error)) from error
            raise
        self._member = member
        self._progressed_at = self._looked_at = asyncio.get_running_loop().time()

    async def _disconnect(self) -> None:
        member, self._member = self._member, None
        self._progress.forget(self._progress.next)
        if member is not None:
            await _close(member)

    async def _reconnect(self) -> None:
        if not self._wanted:
            raise LogUnavailable(f"{self._group} is not started")
        await self._connect()

    async def _adopt(self) -> None:
        """Begin the partitions that are new, or forgotten by a rewind, at their stored offsets."""
        member = self._joined()
        assigned = member.assignment()
        self._progress.forget(self._progress.next.keys() - assigned)
        gained = [place for place in assigned if place not in self._progress.next]
        if not gained:
            return
        await self._progress.begin(gained, lambda: self._look(gained))
        try:
            for place in gained:
                if place in self._progress.gaps:
                    member.pause(place)
                    member.seek(place, self._progress.gaps[place].first)  # aiokafka asks for a position all the same
                else:
                    member.resume(place)
                    member.seek(place, self._progress.next[place])
        except (IllegalStateError, KeyError):
            self._progress.forget(gained)  # the group was rearranged meanwhile; the next turn knows more

    async def _look(self, partitions: Iterable[Partition]) -> Mapping[Partition, Bounds]:
        places = [TopicPartition(*partition) for partition in partitions]
        if not places:
            return {}
        first = await self._joined().beginning_offsets(places)
        following = await self._joined().end_offsets(places)
        return {(place.topic, place.partition): Bounds(first[place], following[place]) for place in places}

    async def _take(self, up_to: int, within: float) -> tuple[list[Record], list[Position]]:
        member = self._joined()
        try:
            async with asyncio.timeout(within + 0.5):  # a rebalance under way would hold it up longer
                fetched = await member.getmany(timeout_ms=int(within * 1000), max_records=up_to)
        except TimeoutError:
            return [], []
        except NoOffsetForPartitionError:
            return [], []  # fetched before the seek to the stored offset, which comes next
        except OffsetOutOfRangeError:
            await self._look_for_gaps(list(self._progress.next))
            return [], []
        records: list[Record] = []
        positions: list[Position] = []
        for place, found in fetched.items():
            expected = self._progress.next.get((place.topic, place.partition))
            if expected is None or place in self._progress.gaps:
                continue  # taken away, or given anew and not sought yet
            run: Sequence[Record] = found
            if found[0].offset < expected:  # an assignment is live before its seek
                run = [record for record in found if record.offset >= expected]
            if run:
                records += run
                positions.append(self._progress.advance((place.topic, place.partition), run[-1].offset + 1))
        return records, sorted(positions)

    async def _look_for_gaps(self, partitions: Iterable[Partition]) -> None:
        """Look whether the log has what comes next; a partition without it stands still."""
        member = self._joined()
        for partition, bounds in (await self._look(partitions)).items():
            if partition in self._progress.next and self._progress.look_for_gap(partition, bounds):
                member.pause(TopicPartition(*partition))

    async def _watch_progress(self) -> None:
        """Connect anew when records lie there and none come: after a broker's restart a consumer can hang for ever."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        behind = False
        try:
            async with asyncio.timeout(REQUEST_WITHIN_MS / 1000):
                moving = [place for place in self._progress.next if place not in self._progress.gaps]
                ends = await self._look(moving)
                behind = any(
                    limits.next > self._progress.next.get(place, limits.next) for place, limits in ends.items()
                )
        except FAILURES as error:
            _log.warning("Kafka does not answer", group=self._group, reason=why(error))
            behind = True
        if not behind:
            self._progressed_at = now
        elif now - self._progressed_at > STALLED_AFTER:
            _log.warning("no record comes though there are some; connecting anew", group=self._group)
            await self._disconnect()

    async def _commit_for_ever(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY)
            await self._commit()

    async def _commit(self) -> None:
        if not self._to_commit or self._member is None:
            return
        offsets, self._to_commit = self._to_commit, {}
        held = self._member.assignment()
        offsets = {place: offset for place, offset in offsets.items() if place in held}
        try:
            if offsets:
                async with asyncio.timeout(2):
                    await self._member.commit(offsets)
        except FAILURES as error:
            _log.debug("offsets not told to Kafka", group=self._group, reason=why(error))


async def _close(member: AIOKafkaConsumer) -> None:
    """Leave the group and disconnect.

    In a task of its own: a fetch that aiokafka (0.14) cancels while it backs off after an error ends as cancelled, and
    `stop` passes that on to its caller as if that had been cancelled. It also leaves the connections open then.
    """
    stopping = asyncio.create_task(member.stop())
    try:
        await asyncio.wait({stopping}, timeout=LEAVE_WITHIN)
    finally:
        stopping.cancel()
    ends: list[object] = await asyncio.gather(stopping, return_exceptions=True)
    end = ends[0]
    if not isinstance(end, BaseException):
        return
    if not isinstance(end, (*FAILURES, asyncio.CancelledError)):
        raise end
    _log.info("left Kafka without a word", reason=why(end))
    try:
        async with asyncio.timeout(LEAVE_WITHIN):
            await member._client.close()  # noqa: SLF001 - `stop` did not come so far, and does nothing a second time
    except FAILURES as error:
        _log.info("a connection to Kafka may be open still", reason=why(error))
