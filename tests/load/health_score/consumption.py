"""How fast health-score consumes usage events to committed scores, beside other ways to do it, in turns.

    python -m tests.load.health_score [--events 120000] [--rounds 3] [--profile]

All read the same records of the same Kafka topic into the same durable PostgreSQL, each into a fresh database, and each
is one process. health-score stores, deduplicates, counts, scores and publishes, for accounts that have two months of
history; what the others leave out is told where they are written (contenders/). After each turn a check compares what
every account's day holds with what the records say. Latency is from an event's fetch to the commit of its effect.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.messaging.open import open_log
from tests.load.health_score import quix_python
from tests.load.health_score.machine import Machine, filled, machine
from tests.load.health_score.profile import Profile, read_samples
from tests.load.health_score.traffic import ACCOUNTS, EVENTS, Counts, append_traffic, expected, read_records

ROUNDS: Final = 3
PLAIN_EVENTS: Final = 1_000
"""The plain consumer takes so many of the records only: it would need minutes for all."""

TURN_WITHIN: Final = 600.0
OURS: Final = "health-score"


@dataclass(frozen=True, slots=True)
class Contender:
    """A process that consumes: the Python to run it with and its module, and what its tables hold afterwards.

    `aim` is how many times as fast as this one health-score wants to be; `at_most` is the number of records it takes.
    """

    name: str
    program: Callable[[], Sequence[str]]
    counts: str
    aim: float = 0
    at_most: int = EVENTS * 1_000


def _module(name: str) -> Callable[[], Sequence[str]]:
    return lambda: (sys.executable, "-m", f"tests.load.health_score.contenders.{name}")


_DAYS: Final = "SELECT {id}, d.events, bit_count(d.users), bit_count(d.features) FROM {days} AS d {joined}"

CONTENDERS: Final = (
    Contender(
        OURS,
        _module("ours"),
        _DAYS.format(
            id="a.account_id",
            days="(SELECT DISTINCT ON (account_no) * FROM health_score.account_day ORDER BY account_no, day DESC)",
            joined="JOIN health_score.account a USING (account_no)",
        ),
    ),
    Contender(
        "plain ORM, per event",
        _module("plain_orm"),
        "SELECT d.account_id, d.events, (SELECT count(*) FROM plain_user_day u WHERE u.account_id = d.account_id),"
        " (SELECT count(DISTINCT feature) FROM plain_usage e WHERE e.account_id = d.account_id) FROM plain_day d",
        aim=5,
        at_most=PLAIN_EVENTS,
    ),
    Contender(
        "Quix Streams",
        quix_python.command,
        "SELECT d.account_id, d.events, (SELECT count(*) FROM quix_user_day u WHERE u.account_id = d.account_id),"
        " (SELECT count(*) FROM quix_feature_day f WHERE f.account_id = d.account_id) FROM quix_day d",
        aim=1,
    ),
    Contender(
        "bare COPY and upserts",
        _module("bare"),
        _DAYS.format(id="'account-' || lpad(d.account_no::text, 6, '0')", days="bare_day", joined=""),
        aim=0.6,
    ),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a contender did in one round; times in seconds."""

    events: int
    seconds: float
    cpu: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All contenders in one run; a figure is the median of the rounds."""

    turns: Mapping[str, Sequence[Turn]] = field(default_factory=dict)

    def median(self, name: str, figure: Callable[[Turn], float]) -> float:
        """Over the contender's turns."""
        return statistics.median(figure(turn) for turn in self.turns[name])

    def ratio(self, name: str) -> float:
        """How many times as many events a second health-score consumes."""
        return self.median(OURS, _rate) / self.median(name, _rate)

    def __str__(self) -> str:
        load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
        rounds = len(self.turns[OURS])
        told = f"consumption of usage events, {ACCOUNTS} accounts, {rounds} rounds, load average {load}"
        head = "| | events/s | µs of CPU an event | p50 ms | p99 ms | health-score is | aim |\n" + "|---" * 7 + "|"
        return "\n".join((told, head, *(self._line(each) for each in CONTENDERS if each.name in self.turns)))

    def _line(self, contender: Contender) -> str:
        name = contender.name
        cpu = self.median(name, lambda turn: turn.cpu / turn.events) * 1e6
        p50, p99 = (1e3 * self.median(name, figure) for figure in (lambda turn: turn.p50, lambda turn: turn.p99))
        figures = f"| {name} | {self.median(name, _rate):,.0f} | {cpu:.1f} | {p50:.1f} | {p99:.1f} |"
        if name == OURS:
            return f"{figures} | |"
        if contender.aim < 1:
            return f"{figures} {self.ratio(name):.0%} | {contender.aim:.0%} |"
        return f"{figures} {self.ratio(name):.2f}x | {contender.aim:g}x |"


def _rate(turn: Turn) -> float:
    return turn.events / turn.seconds


def compare(events: int = EVENTS, rounds: int = ROUNDS) -> Comparison:
    """Fill the topic, and let the contenders take turns."""
    with machine() as shop, tempfile.TemporaryDirectory() as folder:
        course = _Course(shop, Path(folder), events)
        found: dict[str, list[Turn]] = {contender.name: [] for contender in CONTENDERS}
        for _ in range(rounds):
            for contender in CONTENDERS:
                found[contender.name].append(course.turn(contender))
        return Comparison(found)


def profile(events: int = EVENTS) -> Profile:
    """Where health-score's CPU time goes meanwhile."""
    with machine() as shop, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "samples.json"
        turn = _Course(shop, Path(folder), events).turn(CONTENDERS[0], "--profile", str(target))
        return Profile(turn.events, turn.cpu, read_samples(target))


class _Course:
    """The topic, the accounts with their history, and the check after each turn."""

    def __init__(self, shop: Machine, folder: Path, events: int) -> None:
        self._shop, self._folder, self._events = shop, folder, events
        asyncio.run(self._fill())
        filled(shop, "filled", ACCOUNTS)
        self._expected: dict[int, Mapping[str, Counts]] = {}

    def turn(self, contender: Contender, *more: str) -> Turn:
        """One contender's turn, in a fresh database. Raises `AssertionError` when it has counted anything else."""
        events = min(self._events, contender.at_most)
        database = self._shop.database("turn", "filled")
        program = [*contender.program(), self._shop.kafka, database, str(events)]
        done = subprocess.run(
            [*program, str(self._folder / "batches.json"), *more],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=TURN_WITHIN,
        )
        asyncio.run(self._check(contender, database, events))
        return Turn(**json.loads(done.stdout.splitlines()[-1]))

    async def _fill(self) -> None:
        log = open_log(self._shop.kafka, client_name="bench")
        await log.start()
        await log.ensure_topics([USAGE_EVENTS])
        await append_traffic(log, self._events)
        await log.close()

    async def _check(self, contender: Contender, database: str, events: int) -> None:
        if events not in self._expected:
            log = open_log(self._shop.kafka, client_name="bench")
            await log.start()
            self._expected[events] = expected(await read_records(log, events))
            await log.close()
        connection = await asyncpg.connect(database)
        counted = {row[0]: Counts(*row[1:]) for row in await connection.fetch(contender.counts)}
        await connection.close()
        wanted = self._expected[events]
        wrong = [account for account, counts in wanted.items() if counted.get(account) != counts]
        assert not wrong, f"{contender.name}: {wrong[0]} has {counted.get(wrong[0])}, not {wanted[wrong[0]]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--profile", action="store_true", help="sample health-score's consumption instead")
    wanted = parser.parse_args()
    print(profile(wanted.events) if wanted.profile else compare(wanted.events, wanted.rounds))


if __name__ == "__main__":
    main()
