"""A member of a group that reads the embedded log."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import islice

import asyncpg
import structlog

from mainstay.messaging.port import Bounds, Gap, LogUnavailable, Position, Positions, Record
from mainstay.messaging.postgres.catalogue import Catalogue, StoredTopic
from mainstay.messaging.postgres.connections import FAILURES, Connections, as_unavailable, why
from mainstay.messaging.postgres.membership import Lease, Membership, Share
from mainstay.messaging.postgres.reader import Segments, Stretch, read
from mainstay.messaging.postgres.watcher import Head, Hints, Watcher
from mainstay.messaging.progress import Partition, Progress

FETCH_BYTES = 16 << 20
"""A fetch ends after this many bytes of values, so that a consumer's memory does not follow its backlog."""

NOTHING: Share = Share(frozenset(), frozenset(), changed=False)

_log = structlog.get_logger(__name__)


class PostgresConsumer:
    """Reads what a fetch asks for and holds nothing beyond it: the log itself is the buffer."""

    def __init__(
        self,
        *,
        log_id: str,
        group: str,
        topics: Sequence[str],
        positions: Positions,
        connections: Connections,
        catalogue: Catalogue,
        watcher: Watcher,
        hints: Hints,
        lease: timedelta,
    ) -> None:
        self._group = group
        self._topics = list(topics)
        self._connections = connections
        self._catalogue = catalogue
        self._watcher = watcher
        self._hints = hints
        self._lease = lease.total_seconds()
        self._membership = Membership(group, topics, lease)
        self._progress = Progress(log_id, group, positions)
        self._segments = Segments()
        self._names: dict[int, StoredTopic] = {}
        self._share = NOTHING
        self._leaving_since: dict[Lease, float] = {}
        self._held_until = 0.0
        self._moved = asyncio.Event()
        self._regroup = asyncio.Event()
        self._turn = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Join the group."""
        if self._task is not None:
            return
        self._watcher.add_member(self._group, self._regroup)
        self._task = asyncio.create_task(self._beat_for_ever(), name=f"lease of {self._group}")

    async def stop(self) -> None:
        """Leave the group, so that others take over at once."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._watcher.remove_member(self._group, self._regroup)
        self._watcher.remove_topics(list(self._names))
        self._share, self._names = NOTHING, {}
        self._progress.forget(self._progress.next)
        try:
            async with asyncio.timeout(2), self._connections.transaction() as connection:
                await self._membership.leave(connection)
        except (*FAILURES, LogUnavailable) as error:
            _log.info("left a group without a word; its leases run out", group=self._group, reason=str(error))
        self._hints.regrouped(self._group)

    async def fetch(self, *, up_to: int, within: timedelta) -> tuple[Sequence[Record], Sequence[Position]]:
        """The next records of the partitions held; see the port."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within.total_seconds()
        with self._watcher.wakes(self._moved), as_unavailable():
            while True:
                self._moved.clear()
                await self._adopt()
                records, positions = await self._read(up_to)
                remaining = deadline - loop.time()
                if records or remaining <= 0:
                    return records, positions
                try:
                    async with asyncio.timeout(remaining):
                        await self._moved.wait()
                except TimeoutError:
                    return (), ()

    async def rewind(self) -> None:
        """Forget what was fetched; go on from the stored offsets once the leases have been looked at again."""
        self._progress.forget(self._progress.next)
        self._held_until = 0.0
        self._regroup.set()

    async def done(self, positions: Sequence[Position]) -> None:
        """Say that these steps are committed."""
        self._progress.finish(positions)
        if self._share.leaving:
            self._regroup.set()

    def assigned(self) -> Mapping[Partition, int]:
        """The partitions held now and the next offset to fetch of each."""
        return dict(self._progress.next)

    def gaps(self) -> Sequence[Gap]:
        """The partitions held that stand still because records are missing."""
        return tuple(self._progress.gaps.values())

    async def lag(self) -> Mapping[Partition, int]:
        """Records appended but not yet done, of each partition held, as of the last look."""
        heads = {self._name(lease): head for lease, head in self._watcher.heads.items() if lease[0] in self._names}
        return {
            partition: max(0, heads[partition].next - done)
            for partition, done in self._progress.done.items()
            if partition in heads
        }

    def _name(self, lease: Lease) -> Partition:
        return self._names[lease[0]].name, lease[1]

    async def _adopt(self) -> None:
        """Bring the books in line with the leases: forget what was lost, begin what was gained."""
        held = self._share.held if asyncio.get_running_loop().time() < self._held_until else frozenset()
        reading = {self._name(lease): lease for lease in held - self._share.leaving}
        staying = {self._name(lease) for lease in held}
        self._progress.forget(self._progress.next.keys() - staying)
        heads = self._watcher.heads
        gained = [name for name, lease in reading.items() if name not in self._progress.next and lease in heads]

        async def look() -> Mapping[Partition, Bounds]:
            await self._watcher.look_now()
            return {name: Bounds(heads[reading[name]].first, heads[reading[name]].next) for name in gained}

        if gained:
            await self._progress.begin(gained, look)

    async def _read(self, up_to: int) -> tuple[list[Record], list[Position]]:
        ready = self._ready()
        if not ready:
            return [], []
        share = max(1, up_to // len(ready))
        try:
            async with self._connections.borrowed() as connection:
                stretches: list[Stretch] = []
                for lease, name, head in islice(ready, up_to):
                    first = self._progress.next[name]
                    found = await self._segments.locate(connection, *lease, first, head)
                    if found is None:
                        raise asyncpg.UndefinedTableError  # noqa: TRY301 - same remedy as a segment dropped meanwhile
                    segment, end = found
                    stretches.append(Stretch(lease[0], *name, segment, first, min(end, head.next, first + share)))
                runs = await read(connection, stretches, FETCH_BYTES)
        except asyncpg.UndefinedTableError:
            self._segments.forget()
            await self._watcher.look_now()
            return [], []
        positions = [
            self._progress.advance((run[0].topic, run[0].partition), run[-1].offset + 1) for run in runs if run
        ]
        return [record for run in runs for record in run], sorted(positions)

    def _ready(self) -> list[tuple[Lease, Partition, Head]]:
        """The partitions with records to read, beginning at another one each time."""
        found = []
        for lease in sorted(self._share.held - self._share.leaving):
            name = self._name(lease)
            head = self._watcher.heads.get(lease)
            if head is None or name not in self._progress.next:
                continue
            following = self._progress.next[name]  # the last look at the head may be older than the last fetch
            is_missing = self._progress.look_for_gap(name, Bounds(head.first, max(head.next, following)))
            if not is_missing and following < head.next:
                found.append((lease, name, head))
        self._turn += 1
        start = self._turn % len(found) if found else 0
        return found[start:] + found[:start]

    async def _beat_for_ever(self) -> None:
        while True:
            try:
                await self._beat()
            except (*FAILURES, LogUnavailable) as error:
                _log.warning("lease not renewed", group=self._group, reason=why(error))
            try:
                async with asyncio.timeout(self._lease / 4):
                    await self._regroup.wait()
            except TimeoutError:
                pass
            self._regroup.clear()

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        topics = await self._catalogue.find(self._topics)
        new = {topic.id: topic for topic in topics.values() if topic.id not in self._names}
        self._names = {**self._names, **new}
        self._watcher.add_topics(list(new))
        ids = {topic.name: topic.id for topic in self._names.values()}
        waited = {lease for lease, since in self._leaving_since.items() if began - since > self._lease}
        in_hand = {(ids[topic], partition) for topic, partition in self._progress.in_hand()} - waited
        async with self._connections.transaction(durable=False) as connection:
            share = await self._membership.beat(connection, list(self._names.values()), in_hand)
        self._leaving_since = {lease: self._leaving_since.get(lease, began) for lease in share.leaving}
        self._share = share
        self._held_until = began + self._lease
        self._moved.set()
        if share.changed:
            self._hints.regrouped(self._group)
