"""python -m tests.load.importing --rows 1000000: how fast files are imported, and whether memory grows with the file.

Each file goes in one request, unpaused, into an ingest of its own on Apache Kafka; a tenth of the rows first, all of
them then. The highest resident memory of the second, as a ratio to that of the first, is what must stay at 1.
"""

import argparse
import asyncio
import http.client
import json
import random
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode

from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.messaging.open import open_log
from tests.load.ingest.servers import Server, Workshop, ingest, workshop

ROWS = 1_000_000
SAMPLE_EVERY = 0.05
ANSWER_WITHIN = 3_600.0
MIB = 1 << 20
ACCOUNTS, USERS, FEATURES = 1_000, 20_000, 40
BEGINS = datetime(2024, 1, 1, tzinfo=UTC)
MAPPING = {
    "Id": "id",
    "Company": "account_id",
    "User": "user_id",
    "Action": "event",
    "Feature": "feature",
    "When": "occurred_at",
    "Items": "properties.items:number",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: how it is announced, its first line, and the line of a row."""

    name: str
    path: str
    media_type: str
    header: str
    line: Callable[[int, random.Random], str]


@dataclass(frozen=True, slots=True)
class Imported:
    """One import. Memory is ingest's, resident, in bytes, sampled from just before the file until its answer."""

    rows: int
    size: int
    seconds: float
    cpu_seconds: float
    memory: Sequence[int]

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds

    @property
    def peak(self) -> int:
        """The highest memory."""
        return max(self.memory)

    def __str__(self) -> str:
        start, median, peak = (at / MIB for at in (self.memory[0], statistics.median(self.memory), self.peak))
        return (
            f"{self.rows:>11,}{self.size / MIB:>9.1f}{self.seconds:>9.1f}{self.rate:>10,.0f}"
            f"{self.cpu_seconds / self.rows * 1e6:>12.1f}{start:>9.1f}{median:>8.1f}{peak:>8.1f}"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same kind of file twice: a tenth of the rows, and all of them."""

    name: str
    tenth: Imported
    whole: Imported

    @property
    def growth(self) -> float:
        """The highest memory of the whole file ÷ that of the tenth."""
        return self.whole.peak / self.tenth.peak

    def __str__(self) -> str:
        times = self.whole.rows / self.tenth.rows
        return (
            f"importing {self.name}, one file in one request; ingest's resident memory in MiB\n"
            f"{'rows':>11}{'MiB':>9}{'seconds':>9}{'rows/s':>10}{'µs CPU/row':>12}{'start':>9}{'median':>8}{'max':>8}\n"
            f"{self.tenth}\n{self.whole}   max: {self.growth:.2f}x for {times:.0f}x the rows"
        )


def _when(row: int) -> str:
    return (BEGINS + timedelta(seconds=20 * row)).isoformat().replace("+00:00", "Z")


def _track(row: int, chance: random.Random) -> str:
    account = chance.randrange(ACCOUNTS)
    return (
        f'{{"type":"track","messageId":"row-{row}-{chance.getrandbits(64):x}","event":"Report Opened",'
        f'"userId":"user-{account}-{chance.randrange(USERS // ACCOUNTS)}","timestamp":"{_when(row)}",'
        f'"context":{{"groupId":"account-{account}"}},'
        f'"properties":{{"feature":"feature-{chance.randrange(FEATURES)}","items":{chance.randrange(100)}}}}}\n'
    )


def _cells(row: int, chance: random.Random) -> str:
    account = chance.randrange(ACCOUNTS)
    return (
        f"row-{row}-{chance.getrandbits(64):x},account-{account},user-{account}-{chance.randrange(USERS // ACCOUNTS)},"
        f'"Report, opened",feature-{chance.randrange(FEATURES)},{_when(row)},{chance.randrange(100)}\r\n'
    )


KINDS = (
    Kind("NDJSON of Segment calls", "/v1/imports", "application/x-ndjson", "", _track),
    Kind(
        "CSV of events",
        f"/v1/imports?{urlencode({'kind': 'event', 'mapping': json.dumps(MAPPING)})}",
        "text/csv",
        ",".join(MAPPING) + "\r\n",
        _cells,
    ),
)


def compare(rows: int = ROWS) -> Iterator[Comparison]:
    """Import each kind of file; one after the other."""
    with workshop() as shop, tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            tenth, whole = (_imported(shop, kind, size, Path(folder) / "file") for size in (max(rows // 10, 1), rows))
            yield Comparison(kind.name, tenth, whole)


def _imported(shop: Workshop, kind: Kind, rows: int, file: Path) -> Imported:
    chance = random.Random(rows)  # seeded: each run imports the same
    with file.open("w", newline="") as target:
        target.write(kind.header)
        target.writelines(kind.line(row, chance) for row in range(rows))
    with ingest(shop) as server:
        before = asyncio.run(_stored(shop.kafka))
        found = _measured(server, kind, rows, file)
        stored = asyncio.run(_stored(shop.kafka)) - before
    if stored != rows:
        raise ValueError(f"{rows:,} rows were imported, and {stored:,} are in the log")
    return found


def _measured(server: Server, kind: Kind, rows: int, file: Path) -> Imported:
    answers: list[dict[str, object]] = []
    sending = threading.Thread(target=lambda: answers.append(_sent(server, kind, file)), daemon=True)
    memory = [server.process.memory_info().rss]
    cpu, began = server.process.cpu_times(), monotonic()
    sending.start()
    while sending.is_alive():
        sending.join(SAMPLE_EVERY)
        memory.append(server.process.memory_info().rss)
    seconds, spent = monotonic() - began, server.process.cpu_times()
    if not answers or answers[0].get("accepted") != rows:
        raise ValueError(f"not every row was taken: {answers}")
    used = spent.user + spent.system - cpu.user - cpu.system
    return Imported(rows, file.stat().st_size, seconds, used, memory)


def _sent(server: Server, kind: Kind, file: Path) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=ANSWER_WITHIN, blocksize=64 * 1024)
    headers = {
        "Authorization": f"Bearer {server.key}",
        "Content-Type": kind.media_type,
        "Content-Length": str(file.stat().st_size),
    }
    try:
        with file.open("rb") as body:
            connection.request("POST", kind.path, body, headers)
            answer = connection.getresponse()
            found: dict[str, object] = json.loads(answer.read())
            return found
    finally:
        connection.close()


async def _stored(kafka: str) -> int:
    """How many records the log holds of usage."""
    log = open_log(kafka, client_name="bench")
    await log.start()
    try:
        return sum(bounds.next - bounds.first for bounds in (await log.bounds(USAGE_EVENTS.name)).values())
    finally:
        await log.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.importing", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"of the larger file; {ROWS:,} if absent")
    for comparison in compare(parser.parse_args().rows):
        print(comparison, end="\n\n", flush=True)


if __name__ == "__main__":
    main()
