"""health-score as processes on the embedded event log: usage comes in, scores go out, nothing is lost or doubled."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from mainstay.contracts.envelope import Decoder, encode
from mainstay.contracts.health_score import AccountChanged, BandChanged, ScoreChanged
from mainstay.contracts.topics import ACCOUNT_EVENTS, HEALTH_EVENTS, USAGE_EVENTS
from mainstay.db.engine import Database
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, LogUnavailable, Outgoing, Topic
from mainstay.testing import eventually
from mainstay.web.keys import create_key
from tests.integration.health_score.health import SECRET, usage

_decode = Decoder(AccountChanged, BandChanged, ScoreChanged)


@dataclass
class Running:
    """The processes of health-score, seen from outside."""

    http: httpx.AsyncClient
    environment: dict[str, str]
    processes: dict[str, asyncio.subprocess.Process]

    async def ready(self) -> bool:
        try:
            return (await self.http.get("/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def start(self, name: str) -> None:
        self.processes[name] = await start(self.environment, *name.split())

    async def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self.processes.pop(name)
        process.send_signal(number)
        return await asyncio.wait_for(process.wait(), 12)

    async def metrics(self, account: str) -> Any:
        answer = await self.http.get(f"/v1/accounts/{account}/metrics")
        return answer.json()["metrics"] if answer.status_code == httpx.codes.OK else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def start(environment: dict[str, str], *part: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "health_score", *part, env=environment, stderr=asyncio.subprocess.PIPE
    )


@pytest.fixture
def environment(url: str) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")},
        "MAINSTAY_DATABASE_URL": url,
        "MAINSTAY_SECRET_KEY": SECRET,
        "MAINSTAY_HEALTH_SCORE_PORT": str(free_port()),
        "MAINSTAY_HEALTH_SCORE_WORK_PORT": str(free_port()),
    }


@asynccontextmanager
async def running(environment: dict[str, str], *parts: str) -> AsyncIterator[Running]:
    database = Database(environment["MAINSTAY_DATABASE_URL"], application_name="tests")
    key = await create_key(database, SECRET, "tests", ["health:read"])
    await database.close()
    http = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{environment['MAINSTAY_HEALTH_SCORE_PORT']}",
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
    )
    it = Running(http, environment, {})
    try:
        for part in parts:
            await it.start(part)
        await eventually(it.ready, within=30)
        yield it
    finally:
        await http.aclose()
        for process in it.processes.values():
            process.kill()
            await process.wait()


@asynccontextmanager
async def event_log(url: str) -> AsyncIterator[EventLog]:
    log = open_log(url, client_name="tests")
    await log.start()
    await log.ensure_topics([USAGE_EVENTS])
    yield log
    await log.close()


async def said(log: EventLog, topic: Topic) -> list[Any]:
    """Everything on a topic that health-score writes, as data."""
    try:
        bounds = await log.bounds(topic.name)
    except LogUnavailable:
        return []
    records = [r for number in bounds for r in await log.read(topic.name, number, bounds[number].first, 1_000)]
    return [event.data for record in records if (event := _decode(record))]


def used(account: str, day: datetime, number: int) -> Outgoing:
    return encode(usage(account, at=day, received=datetime.now(UTC), user=f"user-{number}", id=f"{account}-{number}"))


def three_months(account: str, *, until_days_ago: int) -> list[Outgoing]:
    now = datetime.now(UTC)
    return [used(account, now - timedelta(days=ago), ago) for ago in range(until_days_ago, 90)]


async def test_usage_comes_in_and_scores_go_out(url: str, environment: dict[str, str]) -> None:
    async with event_log(url) as log, running(environment, "serve", "work") as health:
        await log.append(three_months("acme", until_days_ago=20))

        async def settled() -> Any:
            answer = await health.http.get("/v1/accounts/acme/health")
            return answer.status_code == httpx.codes.OK and answer.json()["score"] is not None and answer.json()

        quiet = await eventually(settled, within=20)
        await log.append([used("acme", datetime.now(UTC), 1_000)])

        async def moved() -> Any:
            now = (await health.http.get("/v1/accounts/acme/health")).json()
            return now["score"] != quiet["score"] and now

        awake = await eventually(moved, within=10)
        assert awake["score"] > quiet["score"]

        async def told() -> bool:
            last = [data for data in await said(log, HEALTH_EVENTS) if isinstance(data, ScoreChanged)][-1:]
            return bool(last) and last[0].caused_by == ("acme-1000",) and last[0].score == awake["score"]

        await eventually(told, within=10)
        assert [data.sequence for data in await said(log, ACCOUNT_EVENTS)] == [1]
        work = httpx.AsyncClient(base_url=f"http://127.0.0.1:{environment['MAINSTAY_HEALTH_SCORE_WORK_PORT']}")
        async with work:
            assert (await work.get("/readyz")).status_code == httpx.codes.OK
            assert "mainstay_consumer_records" in (await work.get("/metrics")).text
        assert [await health.stop("serve"), await health.stop("work")] == [0, 0]


async def test_a_stream_goes_on_over_a_restart_and_ends_with_its_process(url: str, environment: dict[str, str]) -> None:
    async def lines(health: Running, seen: str, until: str) -> list[str]:
        taken: list[str] = []
        async with health.http.stream("GET", "/v1/changes", headers={"Last-Event-ID": seen}, timeout=20) as answer:
            async for line in answer.aiter_lines():
                taken.append(line)
                if until in line:
                    break
        return taken

    async with event_log(url) as log, running(environment, "serve", "work") as health:
        await log.append([used("acme", datetime.now(UTC), 1)])
        first = await asyncio.wait_for(lines(health, "0", '"subject":"acme"'), 20)
        seen = [line.removeprefix("id: ") for line in first if line.startswith("id: ")][-1]

        reading = asyncio.create_task(lines(health, seen, "never"))
        await asyncio.sleep(0.5)  # the stream is open, and says nothing yet
        assert await health.stop("serve") == 0
        await asyncio.wait_for(reading, 5)

        await log.append([used("globex", datetime.now(UTC), 2)])
        await health.start("serve")
        await eventually(health.ready, within=30)
        after = await asyncio.wait_for(lines(health, seen, '"subject":"globex"'), 20)
        assert any('"subject":"globex"' in line for line in after)
        assert first[-1] not in after


async def test_killed_again_and_again_it_counts_each_event_once(url: str, environment: dict[str, str]) -> None:
    now = datetime.now(UTC)
    # Two in three are sent twice.
    numbers = [number for number in range(3_000) for _ in range(1 + bool(number % 3))]
    async with event_log(url) as log, running(environment, "serve", "work") as health:
        for turn, begin in enumerate(range(0, len(numbers), 1_000)):
            await log.append([used("acme", now, number) for number in numbers[begin : begin + 1_000]])
            if turn < 4:
                await health.stop("work", signal.SIGKILL)
                await health.start("work")

        async def all_counted() -> bool:
            metrics = await health.metrics("acme")
            return metrics is not None and metrics["events_28d"] >= 3_000

        await eventually(all_counted, within=60)
        metrics = await health.metrics("acme")
        assert (metrics["events_28d"], metrics["active_users_28d"]) == (3_000, 3_000)


async def test_poison_goes_aside_and_the_rest_goes_on(url: str, environment: dict[str, str]) -> None:
    now = datetime.now(UTC)
    good = [used("acme", now, number) for number in range(40)]
    torn = Outgoing(good[0].topic, "acme", b'{"account_id":', good[0].headers)
    ancient = encode(usage("acme", at="1969-12-31T00:00Z", received=now, id="ancient"))
    nul = encode(usage("acme", at=now, received=now, user="a\x00b", id="nul"))
    async with event_log(url) as log, running(environment, "") as health:
        await log.append([*good[:20], torn, nul, ancient, *good[20:]])

        async def all_counted() -> bool:
            metrics = await health.metrics("acme")
            return metrics is not None and metrics["events_28d"] == 40

        await eventually(all_counted, within=20)

        async def aside() -> int:
            return (await log.bounds("health-score.dead-letter"))[0].next

        assert await eventually(lambda: _is(aside, 3), within=10)
        assert await health.stop("") == 0


async def _is(count: Any, expected: int) -> bool:
    return bool(await count() == expected)


async def test_another_file_is_another_version_and_a_wrong_one_is_refused(
    url: str, environment: dict[str, str], tmp_path: Path
) -> None:
    document = (files("health_score.scorecards") / "default.yaml").read_text(encoding="utf-8")
    card = tmp_path / "card.yaml"
    environment["MAINSTAY_HEALTH_SCORE_SCORECARD"] = str(card)

    card.write_text(document)
    async with event_log(url) as log, running(environment, "") as health:
        await log.append(three_months("acme", until_days_ago=3))

        async def scored() -> bool:
            answer = await health.http.get("/v1/accounts/acme/health")
            return answer.status_code == httpx.codes.OK and answer.json()["score"] is not None

        await eventually(scored, within=20)
        assert await health.stop("") == 0

    card.write_text(document.replace("weight: 60\n        after", "weight: 70\n        after"))
    async with running(environment, "") as health:

        async def scored_anew() -> bool:
            answer = await health.http.get("/v1/accounts/acme/health")
            return bool(answer.json()["scorecard"]["version"] == 2)

        await eventually(scored_anew, within=20)
        assert await health.stop("") == 0

    card.write_text(document.replace("weight: 60\n        after", "weight: sixty\n        after"))
    wrong = await start(environment)
    _, error = await asyncio.wait_for(wrong.communicate(), 20)
    assert (wrong.returncode, b"/groups/0/measures/0/weight" in error) == (2, True)


async def test_migrations_are_a_command(postgres_url: str, environment: dict[str, str]) -> None:
    migrated = await start({**environment, "MAINSTAY_DATABASE_URL": postgres_url}, "migrate")
    assert await migrated.wait() == 0
