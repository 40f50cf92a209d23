"""One task a log that knows how far each partition has come, and wakes whoever waits for it to go further."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from mainstay.messaging.port import LogUnavailable
from mainstay.messaging.postgres.connections import FAILURES, Connections, why

CHANNEL = "mainstay_event_log"
POLL = 0.5
"""Seconds between looks when no hint comes; hints come within milliseconds and can be lost, looks cannot."""
HINT_EVERY = 0.02
RETRY = 0.25

HEADS = """
SELECT topic_id, partition, first_offset, next_offset, segment FROM event_log.partition_head
WHERE topic_id = ANY($1::integer[])
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """How far a partition has come: its first record kept, the next one's offset, and its open segment."""

    first: int
    next: int
    segment: int


class Watcher:
    """Looks at the heads of the topics somebody reads, on one LISTEN connection for all consumers of a process."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._topics: Counter[int] = Counter()
        self._heads: dict[tuple[int, int], Head] = {}
        self._waiting: set[asyncio.Event] = set()
        self._regrouping: dict[str, set[asyncio.Event]] = {}
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="event log watcher")

    async def stop(self) -> None:
        """End, and close the connection."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def heads(self) -> Mapping[tuple[int, int], Head]:
        """By (topic id, partition), as of the last look."""
        return self._heads

    @contextmanager
    def wakes(self, event: asyncio.Event) -> Iterator[None]:
        """Set `event` whenever a head has moved."""
        self._waiting.add(event)
        try:
            yield
        finally:
            self._waiting.discard(event)

    def add_topics(self, topics: Iterable[int]) -> None:
        """Watch these topics too."""
        self._topics.update(list(topics))
        self._look.set()

    def remove_topics(self, topics: Iterable[int]) -> None:
        """Take back `add_topics`."""
        self._topics.subtract(list(topics))
        self._topics = +self._topics

    def add_member(self, group: str, regroup: asyncio.Event) -> None:
        """Set `regroup` whenever a member of the group comes or goes."""
        self._regrouping.setdefault(group, set()).add(regroup)

    def remove_member(self, group: str, regroup: asyncio.Event) -> None:
        """Take back `add_member`."""
        self._regrouping.get(group, set()).discard(regroup)

    async def look_now(self) -> None:
        """Look, and return when it is done: something that was read has gone meanwhile."""
        async with self._connections.borrowed() as connection:
            await self._refresh(connection)

    async def _run(self) -> None:
        while True:
            connection: Any = None
            try:
                connection = await self._connections.dedicated()
                await connection.add_listener(CHANNEL, self._hinted)
                while True:
                    await self._refresh(connection)
                    try:
                        async with asyncio.timeout(POLL):
                            await self._look.wait()
                    except TimeoutError:
                        pass
                    self._look.clear()
            except FAILURES as error:
                _log.warning("event log not watched", reason=why(error))
            finally:
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(RETRY)

    async def _refresh(self, connection: Any) -> None:
        if not self._topics:
            return
        moved = False
        for topic_id, partition, first, following, segment in await connection.fetch(HEADS, list(self._topics)):
            head = Head(first, following, segment)
            if self._heads.get((topic_id, partition)) != head:
                self._heads[topic_id, partition] = head
                moved = True
        if moved:
            for event in self._waiting:
                event.set()

    def _hinted(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        for word in payload.split():
            kind, _, name = word.partition(":")
            if kind == "topic" and int(name) in self._topics:
                self._look.set()
            elif kind == "group":
                for regroup in self._regrouping.get(name, ()):
                    regroup.set()


class Hints:
    """Tells the watchers of all processes, after a commit and on another connection, at most 50 times a second.

    NOTIFY inside the appending transaction would serialise the commits of the whole database cluster.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._words: set[str] = set()
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="event log hints")

    async def stop(self) -> None:
        """Send what is left, then end."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._send()

    def appended(self, topics: Iterable[int]) -> None:
        """Topics have grown."""
        self._words.update([f"topic:{topic}" for topic in topics])
        self._some.set()

    def regrouped(self, group: str) -> None:
        """A member of the group came or went."""
        self._words.add(f"group:{group}")
        self._some.set()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            await self._send()
            await asyncio.sleep(HINT_EVERY)

    async def _send(self) -> None:
        words, self._words = self._words, set()
        if not words:
            return
        try:
            async with self._connections.borrowed() as connection:
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, " ".join(sorted(words)))
        except (*FAILURES, LogUnavailable) as error:
            _log.debug("hint not sent", reason=str(error))  # whoever waits looks by itself soon
