"""How soon a message is there, and whether a destination that hangs delays those for others.

Both on `python -m alerts` with its log in PostgreSQL: an event is appended as health-score's relay would, and a
receiver on loopback notes when the message about it came.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mainstay.testing import eventually
from tests.load.alerts.desk import Desk, Sink, desk
from tests.load.alerts.traffic import account, fell, rules

RULES = 50
PROBES = 200
PROBES_PER_SECOND = 10
DELIVERIES = 1_000
HANGING = 100
"""Messages that wait for the destination that hangs, so that it is tried all the time."""
AIM = 1.0  # second, of the 95th percentile
AIM_RATIO = 1.2


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the append of a changed band to the message about it at a receiver."""

    rules: int
    delays: Sequence[float]

    def __str__(self) -> str:
        p50, p95 = statistics.median(self.delays) * 1e3, quantile(self.delays, 0.95) * 1e3
        return (
            f"alerts: changed band to message, {self.rules} rules, {len(self.delays)} probes: p50 {p50:.0f} ms, "
            f"p95 {p95:.0f} ms (aim: p95 {AIM * 1e3:.0f} ms), load average {os.getloadavg()[0]:.1f}"
        )


@dataclass(frozen=True, slots=True)
class Beside:
    """Deliveries to a fast receiver, alone and beside one that hangs: a second, and their delays in seconds."""

    alone: tuple[float, Sequence[float]]
    hanging: tuple[float, Sequence[float]]

    def __str__(self) -> str:
        lines = [f"alerts: {DELIVERIES} deliveries to a fast receiver, probes of {PROBES_PER_SECOND} a second"]
        lines.append(f"  {'':28}{'deliveries/s':>13}{'p50 ms':>9}{'p95 ms':>9}")
        for name, (rate, delays) in (("alone", self.alone), ("beside one that hangs", self.hanging)):
            p50, p95 = statistics.median(delays) * 1e3, quantile(delays, 0.95) * 1e3
            lines.append(f"  {name:28}{rate:>13,.0f}{p50:>9.0f}{p95:>9.0f}")
        ratio = quantile(self.hanging[1], 0.95) / quantile(self.alone[1], 0.95)
        return "\n".join((*lines, f"  p95 beside it: {ratio:.2f}x of alone (aim: at most {AIM_RATIO}x)"))


def quantile(delays: Sequence[float], share: float) -> float:
    """The delay below which that share of them lies."""
    return sorted(delays)[min(len(delays) - 1, int(share * len(delays)))]


async def latency() -> Latency:
    """Accounts fall, one after the other, under many rules."""
    async with desk() as at, Sink().listening() as sink:
        for rule in rules(RULES):
            await at.rule(rule)
        await at.channel(sink, "fast")
        return Latency(RULES, await _probed(at, sink, "slow-fall", PROBES))


async def beside() -> Beside:
    """First with the fast receiver only, then the same beside one that never answers and always has messages."""
    found = []
    for hangs in (False, True):
        async with desk() as at, Sink().listening() as fast, Sink(hangs=True).listening() as stuck:
            await at.channel(fast, "fast")
            if hangs:
                await at.channel(stuck, "stuck")
                await _fall(at, "stuck", HANGING)
                await eventually(lambda stuck=stuck: stuck.came, within=30)  # type: ignore[misc]  # this round's own
            delays = await _probed(at, fast, "probe", PROBES)
            before, began = len(fast.came), time.perf_counter()
            await _fall(at, "many", DELIVERIES)
            wanted = before + DELIVERIES
            await eventually(lambda f=fast, n=wanted: len(f.came) >= n, within=120)  # type: ignore[misc]  # this round's own
            found.append((DELIVERIES / (max(at for at, _ in fast.came.values()) - began), delays))
    return Beside(*found)


async def _fall(at: Desk, name: str, count: int) -> None:
    now = datetime.now(UTC)
    names = [f"{name}-{number}" for number in range(count)]
    await at.hears([account(each, now) for each in names])
    await at.hears([fell(each, now) for each in names])


async def _probed(at: Desk, sink: Sink, name: str, count: int) -> Sequence[float]:
    now = datetime.now(UTC)
    names = [f"{name}-{number}" for number in range(count)]
    await at.hears([account(each, now) for each in names])
    await asyncio.sleep(2)  # the accounts are on another topic: what is measured is the way of the fall
    sent: dict[str, float] = {}
    for each in names:
        sent[each] = time.perf_counter()
        await at.hears([fell(each, datetime.now(UTC))])
        await asyncio.sleep(1 / PROBES_PER_SECOND)
    await eventually(lambda: sent.keys() <= _accounts(sink).keys(), within=60)
    came = _accounts(sink)
    return [came[each] - sent[each] for each in names]


def _accounts(sink: Sink) -> Mapping[str, float]:
    """When the first message about each account came."""
    found: dict[str, float] = {}
    for at, body in sink.came.values():
        found.setdefault(json.loads(body)["data"]["account"]["id"], at)
    return found
