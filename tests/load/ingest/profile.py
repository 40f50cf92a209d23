"""Where ingest's CPU time goes, by part and by function, at 1 and at 100 events a request."""

import json
import signal
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.load.ingest.servers import Round, ingest, workshop
from tests.load.ingest.traffic import Size, size_of

SECONDS = 8.0
WARM_UP = 2.0
FUNCTIONS = 25
PARTS = {
    "/uvicorn/": "HTTP: uvicorn and httptools",
    "/mainstay/web/": "HTTP: Mainstay's limits around uvicorn",
    "/ingest/api/": "reading and answering (ingest.api, msgspec)",
    "/ingest/domain/": "rules of names and times (ingest.domain)",
    "/ingest/application/": "the pipeline (ingest.application)",
    "/ingest/store/": "identities and policies in memory (ingest.store)",
    "/ingest/": "writing records (ingest.records), metrics",
    "/mainstay/messaging/": "the flusher (mainstay.messaging)",
    "/mainstay/": "other kits of Mainstay",
    "/aiokafka/": "Kafka's protocol (aiokafka)",
    "/asyncio/": "tasks and futures (asyncio)",
    "/prometheus_client/": "metrics (prometheus-client)",
}
"""Part of a file's path -> what it is; the first that fits holds."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Samples of one round: (file, function, its line, count), the most first."""

    size: Size
    under: Round
    samples: Sequence[tuple[str, str, int, int]]

    def __str__(self) -> str:
        whole = sum(count for *_, count in self.samples)
        micros = self.under.cpu_per_event * 1e6
        parts: Counter[str] = Counter()
        for file, _, _, count in self.samples:
            parts[_part(file)] += count
        head = (
            f"ingest at {self.size.events} event(s) a request, sampled: {self.under.events_per_second:,.0f} events/s,"
            f" {micros:.1f} µs of CPU an event, {whole:,} samples"
        )
        lines = [head, *(f"  {count / whole:6.1%}  {part}" for part, count in parts.most_common()), "  by function:"]
        for file, function, line, count in self.samples[:FUNCTIONS]:
            place = "/".join(Path(file).parts[-2:])
            lines.append(f"  {count / whole:6.1%}{count / whole * micros:7.2f} µs  {function} ({place}:{line})")
        return "\n".join(lines)


def _part(file: str) -> str:
    return next((part for path, part in PARTS.items() if path in file), "the rest of Python and its libraries")


def profile(sizes: Sequence[int] = (1, 100)) -> list[Profile]:
    """Sample ingest under full load."""
    found = []
    with workshop() as shop, tempfile.TemporaryDirectory() as folder:
        for size in map(size_of, sizes):
            target = Path(folder) / f"{size.events}.json"
            with ingest(shop, module=("tests.load.ingest.profiled", str(target))) as server:
                server.measure(size, WARM_UP)
                server.process.send_signal(signal.SIGUSR1)
                under = server.measure(size, SECONDS)
            samples = [
                (str(file), str(name), int(line), int(count))
                for file, name, line, count in json.loads(target.read_text())
            ]
            found.append(Profile(size, under, samples))
    return found
