"""What a contender's process is told, and what it prints: one line of JSON."""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

EDGE: Final = 0.15
"""The share of the records at the beginning, and of those at the end, that is not counted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The log and the database to use, how many records to consume, and where batches are written to or read from."""

    kafka: str
    database: str
    events: int
    batches: Path
    profile: Path | None


@dataclass(slots=True)
class Report:
    """What was done: records, seconds on the wall's clock and of this process's CPU, and each record's delay (s).

    Of `wanted` records those between the first 15 % and the last 15 % count, from a commit to a commit: neither what a
    process does once nor an end at which some of it has nothing to do any more.
    """

    wanted: int
    events: int = 0
    seconds: float = 0
    cpu: float = 0
    p50: float = 0
    p99: float = 0
    _seen: int = 0
    _delays: list[tuple[float, int]] = field(default_factory=list)
    _began: tuple[float, float] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all records are done."""
        return self._seen >= self.wanted

    def done(self, records: int, delay: float) -> None:
        """So many records are committed, so long after they were fetched."""
        now, cpu = time.perf_counter(), time.process_time()
        counted, self._seen = self._seen < (1 - EDGE) * self.wanted, self._seen + records
        if self._began is None:
            if self._seen >= EDGE * self.wanted:
                self._began = now, cpu
        elif counted:
            self.events += records
            self._delays.append((delay, records))
            self.seconds, self.cpu = now - self._began[0], cpu - self._began[1]

    def tell(self) -> None:
        """Print."""
        self.p50, self.p99 = _quantile(self._delays, 0.5), _quantile(self._delays, 0.99)
        told = ("events", "seconds", "cpu", "p50", "p99")
        print(json.dumps({name: getattr(self, name) for name in told}))


def _quantile(delays: Sequence[tuple[float, int]], share: float) -> float:
    left = share * sum(records for _, records in delays)
    for delay, records in sorted(delays):
        left -= records
        if left <= 0:
            return delay
    return 0.0


def wanted() -> Wanted:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kafka")
    parser.add_argument("database")
    parser.add_argument("events", type=int)
    parser.add_argument("batches", type=Path)
    parser.add_argument("--profile", type=Path)
    told = parser.parse_args()
    return Wanted(told.kafka, told.database, told.events, told.batches, told.profile)
