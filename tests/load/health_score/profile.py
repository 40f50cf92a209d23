"""Where the CPU time of consumption goes: samples by part of the program and by function."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FUNCTIONS: Final = 30
PARTS: Final = {
    "/mainstay/messaging/": "reading the log (mainstay.messaging)",
    "/aiokafka/": "Kafka's protocol (aiokafka)",
    "/mainstay/contracts/": "decoding and encoding events (mainstay.contracts, msgspec)",
    "/health_score/consumers": "decoding and encoding events (mainstay.contracts, msgspec)",
    "/health_score/store/raw_events": "raw events: rows and the look for repeated ids (store.raw_events)",
    "/health_score/store/numbers": "numbers for users and features (store.numbers)",
    "/health_score/store/": "rows to and from the other tables (store)",
    "/health_score/application/": "handlers (application)",
    "/health_score/domain/metrics/": "windows and metrics (domain.metrics)",
    "/health_score/domain/": "scoring (domain)",
    "/sqlalchemy/": "SQLAlchemy",
    "/asyncpg/": "PostgreSQL's protocol (asyncpg)",
    "/asyncio/": "tasks and futures (asyncio, uvloop)",
    "/mainstay/": "other kits of Mainstay",
}
"""Part of a file's path -> what it is; the first that fits holds."""

Sample = tuple[str, str, int, int]
"""File, function, its line, and how many."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Samples of one run, the most first; CPU in seconds."""

    events: int
    cpu: float
    samples: Sequence[Sample]

    def __str__(self) -> str:
        whole = sum(count for *_, count in self.samples)
        micros = self.cpu / self.events * 1e6
        parts: Counter[str] = Counter()
        for file, _, _, count in self.samples:
            parts[_part(file)] += count
        lines = [f"health-score's consumption, sampled: {micros:.1f} µs of CPU an event, {whole:,} samples"]
        lines += [
            f"  {count / whole:6.1%}{count / whole * micros:7.2f} µs  {part}" for part, count in parts.most_common()
        ]
        lines.append("  by function:")
        for file, function, line, count in self.samples[:FUNCTIONS]:
            place = "/".join(Path(file).parts[-2:])
            lines.append(f"  {count / whole:6.1%}{count / whole * micros:7.2f} µs  {function} ({place}:{line})")
        return "\n".join(lines)


def _part(file: str) -> str:
    return next((part for path, part in PARTS.items() if path in file), "the rest of Python and its libraries")


def read_samples(target: Path) -> Sequence[Sample]:
    """The samples that `sampled` wrote."""
    return [(str(file), str(name), int(line), int(count)) for file, name, line, count in json.loads(target.read_text())]
