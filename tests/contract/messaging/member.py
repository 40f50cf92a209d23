"""A member of a consumer group as a process of its own, to be stopped, killed and woken: `python -m … '{orders}'`."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from mainstay.db.errors import is_transient
from mainstay.kernel.clock import SystemClock
from mainstay.messaging.consuming import Batch, Subscription
from mainstay.messaging.metrics import RunnerMetrics
from mainstay.messaging.port import PositionTaken, Record, Topic
from mainstay.messaging.runner import Runner
from tests.contract.messaging.effects import Effects
from tests.contract.messaging.transports import open_log


class Orders(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a member is to do. Seconds for `slow`; batches for `dies_in`."""

    name: str
    log: str
    database: str
    topic: str
    partitions: int
    group: str
    up_to: int = 50
    slow: float = 0.0
    """Takes this long for each batch."""
    dies_in: int = 0
    """Kills itself in this batch, after its effect is written and before it is committed."""
    holds_until: str = ""
    """Keeps its first batch in hand until this file exists."""


class Handler:
    """The test's handler, with the faults that were ordered."""

    def __init__(self, orders: Orders) -> None:
        self.effects = Effects(orders.database, orders.name)
        self._orders = orders
        self._batches = 0

    async def __call__(self, batch: Batch[Record]) -> None:
        self._batches += 1
        if self._orders.holds_until and self._batches == 1:
            say(f"holding {len(batch.messages)}")
            while not Path(self._orders.holds_until).exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
                await asyncio.sleep(0.02)
        try:
            async with self.effects.transactions(batch) as tx:
                await self.effects.write(tx, batch.messages)
                await asyncio.sleep(self._orders.slow)
                if self._batches == self._orders.dies_in:
                    say("dying")
                    os.kill(os.getpid(), signal.SIGKILL)
        except PositionTaken:
            say("taken")
            raise
        say("handled")


def say(words: str) -> None:
    print(words, flush=True)


async def main(orders: Orders) -> None:
    handler = Handler(orders)
    log = open_log(orders.log, orders.name)
    topic = Topic(orders.topic, orders.partitions, None)
    subscription = Subscription(topic, orders.group, lambda record: record, handler, up_to=orders.up_to)
    metrics = RunnerMetrics(CollectorRegistry())
    runner = Runner(
        log, handler.effects.offsets, subscription, handler.effects.settle, SystemClock(), metrics, passes=is_transient
    )
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    say("running")
    await runner.run(stopping)
    await log.close()
    await handler.effects.close()
    say("stopped")


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Orders)))
