"""What a contender's process is told, and what it prints: one line of JSON."""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


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
    """What was done: records, seconds on the wall's clock and of this process's CPU, and each record's delay (s)."""

    events: int = 0
    seconds: float = 0
    cpu: float = 0
    p50: float = 0
    p99: float = 0
    _delays: list[tuple[float, int]] = field(default_factory=list)
    _began: float = 0
    _cpu: float = 0

    def begin(self) -> None:
        """The clocks start: the first records are here."""
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def done(self, records: int, delay: float) -> None:
        """So many records are committed, so long after they were fetched."""
        self.events += records
        self._delays.append((delay, records))

    def tell(self) -> None:
        """Stop the clocks and print."""
        self.seconds, self.cpu = time.perf_counter() - self._began, time.process_time() - self._cpu
        self.p50, self.p99 = _quantile(self._delays, 0.5), _quantile(self._delays, 0.99)
        print(json.dumps({name: value for name, value in asdict(self).items() if not name.startswith("_")}))


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
