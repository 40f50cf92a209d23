"""Ingest beside its peers and the bare flusher: the same records, the same broker, one process each, in turns."""

import asyncio
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.messaging.open import open_log
from mainstay.messaging.port import Record
from tests.load.ingest.servers import BareFlusher, Round, fastapi, fastify, has_node, ingest, workshop
from tests.load.ingest.traffic import SIZES, Size

ROUNDS = 3
SECONDS = 4.0
WARM_UP = 1.5

OURS = "Mainstay"
BARE = "the bare flusher"


class Contender(Protocol):
    """What takes its turn."""

    @property
    def name(self) -> str: ...

    def measure(self, size: Size, seconds: float) -> Round:
        """One round."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All contenders at one size of request; a figure is the median of its rounds."""

    size: Size
    rounds: Mapping[str, Sequence[Round]] = field(default_factory=dict)

    def median(self, name: str, figure: Callable[[Round], float]) -> float:
        """Over the contender's rounds."""
        return statistics.median(figure(one) for one in self.rounds[name])

    def ratio(self, name: str) -> float:
        """How many times as many events a second ingest takes as the other does."""
        return self.median(OURS, _rate) / self.median(name, _rate)

    def __str__(self) -> str:
        head = (
            f"ingest, {self.size.events:,} event(s) a request, {self.size.connections} at a time\n"
            f"  {'':30}{'events/s':>10}{'µs CPU/event':>14}{'p50 ms':>9}{'p99 ms':>9}{'Mainstay is':>13}"
        )
        return "\n".join((head, *(self._line(name) for name in self.rounds)))

    def _line(self, name: str) -> str:
        cpu = self.median(name, lambda one: one.cpu_per_event) * 1e6
        p50, p99 = (1e3 * self.median(name, figure) for figure in (lambda one: one.p50, lambda one: one.p99))
        figures = f"  {name:30}{self.median(name, _rate):>10,.0f}{cpu:>14.1f}{p50:>9.1f}{p99:>9.1f}"
        if name == OURS:
            return figures
        return figures + (f"{self.ratio(name):>13.0%}" if name == BARE else f"{self.ratio(name):>12.1f}x")


def _rate(one: Round) -> float:
    return one.events_per_second


def compare(rounds: int = ROUNDS, seconds: float = SECONDS, sizes: Sequence[Size] = SIZES) -> list[Comparison]:
    """Start a broker, a database and every contender, and let them take turns; a comparison for each size."""
    with ExitStack() as stack:
        shop = stack.enter_context(workshop())
        contenders: list[Contender] = [stack.enter_context(ingest(shop))]  # the first: it makes the topic
        contenders.append(stack.enter_context(fastapi(shop)))
        if has_node():
            contenders.append(stack.enter_context(fastify(shop)))
        else:
            print("Node and npm are not here: the peer in Node is left out.", flush=True)
        check_sameness(asyncio.run(_first_records(shop.kafka)))
        contenders.append(BareFlusher(BARE, shop.kafka))
        return [_compared(contenders, size, rounds, seconds) for size in sizes]


def _compared(contenders: Sequence[Contender], size: Size, rounds: int, seconds: float) -> Comparison:
    for contender in contenders:
        contender.measure(size, WARM_UP)
    found: dict[str, list[Round]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            found[contender.name].append(contender.measure(size, seconds))
    return Comparison(size, found)


def check_sameness(records: Sequence[Record]) -> None:
    """Raises unless each server wrote the same key, the same headers and the same fields of the same call."""
    kinds = {
        (
            record.key,
            record.partition,
            tuple(sorted(name for name, _ in record.headers)),
            tuple(sorted(json.loads(record.value))),
        )
        for record in records
    }
    if len(kinds) != 1:
        raise ValueError(f"the servers do not write the same records: {kinds}")


async def _first_records(kafka: str) -> list[Record]:
    """What each server wrote of the call that showed that it runs."""
    log = open_log(kafka, client_name="bench")
    await log.start()
    try:
        found: list[Record] = []
        for partition, bounds in (await log.bounds(USAGE_EVENTS.name)).items():
            found += await log.read(USAGE_EVENTS.name, partition, bounds.first, bounds.next - bounds.first)
        return found
    finally:
        await log.close()
