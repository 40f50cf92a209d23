"""A topic, a group that reads it, and the oracle: what was acknowledged against what had an effect."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from prometheus_client import CollectorRegistry

from mainstay.db.errors import is_transient
from mainstay.kernel.clock import SystemClock
from mainstay.messaging.consuming import Batch, Subscription
from mainstay.messaging.metrics import RunnerMetrics
from mainstay.messaging.port import Consumer, EventLog, LogUnavailable, Outgoing, Position, Record, Topic
from mainstay.messaging.runner import Runner
from tests.contract.messaging.effects import Effects
from tests.contract.messaging.member import Orders
from tests.contract.messaging.transports import Transport

ROOT = Path(__file__).parents[3]


async def eventually(holds: Callable[[], Awaitable[bool]], within: float = 40.0, what: str = "the condition") -> None:
    """Wait until it holds; looks every 50 ms."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        with suppress(LogUnavailable, OSError):
            if await holds():
                return
        assert asyncio.get_running_loop().time() < deadline, f"{what} did not come to hold within {within} s"
        await asyncio.sleep(0.05)


class Member:
    """A member of the group in a process of its own."""

    def __init__(self, orders: Orders, log_file: Path) -> None:
        self.name = orders.name
        self._said = log_file
        with log_file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.contract.messaging.member", msgspec.json.encode(orders).decode()],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    async def says(self, *words: str, within: float = 40.0) -> None:
        """Wait until it has printed a line with one of the words."""

        async def said() -> bool:
            heard = any(word in self.said() for word in words)
            assert heard or self.process.poll() is None, f"{self.name} ended: {self.said()[-2000:]}"
            return heard

        await eventually(said, within, f"{self.name} saying {words}")

    def said(self) -> str:
        return self._said.read_text()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    async def ends(self) -> int:
        return await asyncio.to_thread(self.process.wait, 30)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass
class World:
    """One topic of a transport, with consumers whose effects lie in a real database."""

    transport: Transport
    log: EventLog
    effects: Effects
    database_url: str
    folder: Path
    topic: Topic
    group: str = field(default_factory=lambda: f"group-{uuid4().hex[:8]}")
    members: list[Member] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)

    def records(self, amount: int, keys: int = 20, value: Callable[[int], str] = str) -> list[Outgoing]:
        """New records in the order of their numbers, the keys in turn."""
        return [
            Outgoing(self.topic.name, f"account-{number % keys}", value(number).encode())
            for number in (next(self._numbers) for _ in range(amount))
        ]

    async def append(self, records: Sequence[Outgoing], within: timedelta = timedelta(seconds=5)) -> None:
        """Append as a client does: what is not acknowledged is repeated, in order."""
        left = list(records)
        while left:
            try:
                await self.log.append(left, within=within)
                break
            except LogUnavailable as error:
                left = [record for index, record in enumerate(left) if index in error.unacknowledged]
        self.sent.extend((record.key, record.value[:100].decode()) for record in records)

    def consumer(self, group: str | None = None) -> Consumer:
        return self.log.consumer(group or self.group, [self.topic.name], self.effects.offsets)

    def runner(
        self,
        handle: Callable[[Batch[Record]], Awaitable[None]] | None = None,
        decode: Callable[[Record], Record | None] = lambda record: record,
        up_to: int = 500,
        registry: CollectorRegistry | None = None,
    ) -> Runner[Record]:
        subscription = Subscription(self.topic, self.group, decode, handle or self.effects.handle, up_to=up_to)
        metrics = RunnerMetrics(registry or CollectorRegistry())
        return Runner(
            self.log,
            self.effects.offsets,
            subscription,
            self.effects.settle,
            SystemClock(),
            metrics,
            passes=is_transient,
        )

    def start_member(self, **orders: Any) -> Member:
        """Start a process that runs the same handler in the same group."""
        name = f"member-{len(self.members)}"
        member = Member(
            Orders(
                name=name,
                log=self.transport.url,
                database=self.database_url,
                topic=self.topic.name,
                partitions=self.topic.partitions,
                group=self.group,
                **orders,
            ),
            self.folder / f"{name}.log",
        )
        self.members.append(member)
        return member

    async def all_had_an_effect(self, within: float = 60.0) -> None:
        """Wait until the group has done everything that is in the log."""

        async def done() -> bool:
            bounds = await self.log.bounds(self.topic.name)
            log_id, topic = self.log.id, self.topic.name
            stored = await self.effects.offsets.load(log_id, self.group, topic, list(bounds))
            return all(stored.get(partition) == limits.next for partition, limits in bounds.items())

        await eventually(done, within, "the end of the log")

    async def check(self) -> None:
        """Nothing lost, no double effect, in order: within a partition for effects, within a key for numbers."""
        effects = await self.effects.all()
        places = Counter((effect.partition, effect.offset) for effect in effects)
        assert [place for place, times in places.items() if times > 1] == []
        lost = set(self.sent) - {(effect.key, effect.value) for effect in effects}
        assert lost == set()
        bounds = await self.log.bounds(self.topic.name)
        for partition, limits in bounds.items():
            offsets = [effect.offset for effect in effects if effect.partition == partition]
            assert offsets == list(range(limits.first, limits.next))
        order: dict[str, list[int]] = {}
        for effect in effects:
            order.setdefault(effect.key, []).append(int(effect.value))
        for key, numbers in order.items():
            assert list(dict.fromkeys(numbers)) == sorted(set(numbers)), key


async def drain(consumer: Consumer, amount: int, up_to: int = 500) -> tuple[list[Record], list[Position]]:
    """Fetch until that many records have come."""
    records: list[Record] = []
    steps: list[Position] = []

    async def enough() -> bool:
        found, positions = await consumer.fetch(up_to=up_to, within=timedelta(seconds=0.5))
        records.extend(found)
        steps.extend(positions)
        return len(records) >= amount

    await eventually(enough, what=f"{amount} records")
    return records, steps
