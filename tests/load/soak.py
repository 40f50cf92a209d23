"""python -m tests.load.soak --minutes 10: does ingest's memory stay flat at 80 % of what the machine can take?"""

import argparse
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.load.ingest.servers import Server, ingest, workshop
from tests.load.ingest.traffic import size_of

SIZE = size_of(100)
SHARE = 0.8
"""Of the measured capacity."""
CAPACITY_SECONDS = 8.0
SAMPLE_EVERY = 5.0
TURN = 60.0
"""Seconds after which the load generator starts anew: its requests state times, and old ones take another path."""
SETTLED_AFTER = 60.0
"""Seconds; what is loaded and grown at the first use is no slope."""
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Soak:
    """Resident memory in bytes, as (seconds since the start, bytes); rates in events a second."""

    capacity: float
    rate: float
    samples: Sequence[tuple[float, int]]

    @property
    def slope(self) -> float:
        """Bytes a second, by least squares over the samples after the first minute."""
        settled = [each for each in self.samples if each[0] >= SETTLED_AFTER] or self.samples
        if len(settled) < 2:
            return 0.0
        return statistics.linear_regression([at for at, _ in settled], [size for _, size in settled]).slope

    def __str__(self) -> str:
        sizes = [size / MIB for _, size in self.samples]
        return (
            f"ingest, {self.samples[-1][0] / 60:.1f} min at {self.rate:,.0f} events/s"
            f" ({self.rate / self.capacity:.0%} of {self.capacity:,.0f}), resident memory: start {sizes[0]:.1f} MiB,"
            f" median {statistics.median(sizes):.1f}, max {max(sizes):.1f}, slope {self.slope * 3600 / MIB:+.1f} MiB/h"
        )


def soak(minutes: float) -> Soak:
    """Measure the capacity, then load ingest with a share of it for that long."""
    with workshop() as shop, ingest(shop) as server:
        capacity = server.measure(SIZE, CAPACITY_SECONDS).events_per_second
        return Soak(capacity, SHARE * capacity, list(_sampled(server, SHARE * capacity, minutes * 60)))


def _sampled(server: Server, rate: float, seconds: float) -> Iterator[tuple[float, int]]:
    began = time.monotonic()
    ends_at = began + seconds
    while (left := ends_at - time.monotonic()) > SAMPLE_EVERY / 2:
        with subprocess.Popen(server.generator(SIZE, min(TURN, left), rate), stdout=subprocess.DEVNULL) as load:
            while load.poll() is None:
                yield time.monotonic() - began, server.process.memory_info().rss
                try:
                    load.wait(SAMPLE_EVERY)
                except subprocess.TimeoutExpired:
                    continue
        if load.returncode != 0:
            raise ChildProcessError(f"the load generator ended with status {load.returncode}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    print(soak(parser.parse_args().minutes))


if __name__ == "__main__":
    main()
