"""The program itself: `python -m alerts` between a real log, a real database and a real destination."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from mainstay.contracts.envelope import encode
from mainstay.contracts.topics import ALERT_EVENTS, TOPICS
from mainstay.db.engine import Database
from mainstay.messaging.open import open_log
from mainstay.testing import eventually
from mainstay.web.keys import create_key
from mainstay.web.serving import bind
from tests.integration.alerts.sinks import HANG, HttpSink
from tests.integration.alerts.world import SECRET_KEY, fell, known

Process = asyncio.subprocess.Process


def settings(url: str, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "MAINSTAY_DATABASE_URL": url,
        "MAINSTAY_SECRET_KEY": SECRET_KEY,
        "MAINSTAY_ALERTS_PORT": str(port),
        "MAINSTAY_ALERTS_WORK_PORT": str(port),
        "MAINSTAY_ALERTS_ALLOW_PRIVATE_DESTINATIONS": "true",
    }


def free_port() -> int:
    bound = bind("127.0.0.1", 0)
    port: int = bound.getsockname()[1]
    bound.close()
    return port


@asynccontextmanager
async def running(environment: dict[str, str], *words: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "alerts", *words, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ready(port: int) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
        except httpx.TransportError:
            return False


async def test_from_the_log_to_the_destination_and_over_a_kill(migrated_url: str, sink: HttpSink) -> None:
    port = free_port()
    environment = settings(migrated_url, port)
    database = Database(migrated_url, application_name="test")
    key = await create_key(database, SECRET_KEY, "test", ["alerts:read", "alerts:write"])
    log = open_log(migrated_url, client_name="test")
    await log.start()
    await log.ensure_topics(TOPICS)
    now = datetime.now(UTC)
    sink.answers.append(HANG)

    async with (
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {key}"}, trust_env=False
        ) as api,
        running(environment) as first,
    ):
        await eventually(lambda: ready(port), within=30)
        channel = (await api.post("/v1/channels", json={"name": "x", "kind": "webhook", "url": sink.url})).json()
        sink.secret = channel["secret"]
        await log.append([encode(known(now)), encode(fell("green", "red", now))])
        await eventually(lambda: len(sink.arrivals) == 1, within=20)
        first.kill()  # between the call and the mark
        await first.wait()

        async with running(environment) as second:
            await eventually(lambda: len(sink.arrivals) == 2, within=60)
            await eventually(lambda: _is_delivered(api), within=10)
            second.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(second.wait(), 10) == 0

    assert len(set(sink.ids)) == 1
    assert [message["data"]["account"]["name"] for message in sink.verified()] == ["Acme", "Acme"]
    said = [record for partition in range(6) for record in await log.read(ALERT_EVENTS.name, partition, 0, 10)]
    opened = {record.header("ce_id") for record in said if record.header("ce_type") == "mainstay.alert.opened.v1"}
    assert len(opened) == 1  # a relay that is killed may append again, same id; a playbook may have started besides
    await log.close()
    await database.close()


async def _is_delivered(api: httpx.AsyncClient) -> bool:
    answer: Any = (await api.get("/v1/deliveries")).json()
    return [one["state"] for one in answer["data"]] == ["delivered"]


async def test_a_destination_that_hangs_does_not_keep_it_from_stopping(migrated_url: str, sink: HttpSink) -> None:
    port = free_port()
    database = Database(migrated_url, application_name="test")
    key = await create_key(database, SECRET_KEY, "test", ["alerts:write"])
    sink.usual = HANG

    async with (
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {key}"}, trust_env=False
        ) as api,
        running(settings(migrated_url, port)) as process,
    ):
        await eventually(lambda: ready(port), within=30)
        channel = (await api.post("/v1/channels", json={"name": "x", "kind": "webhook", "url": sink.url})).json()
        await api.post(f"/v1/channels/{channel['id']}/test")
        await eventually(lambda: len(sink.arrivals) == 1, within=20)
        process.send_signal(signal.SIGTERM)

        assert await asyncio.wait_for(process.wait(), 12) == 0
    await database.close()


@pytest.mark.parametrize("part", ["serve", "work"])
async def test_each_part_runs_alone_and_stops_cleanly(migrated_url: str, part: str) -> None:
    port = free_port()

    async with running(settings(migrated_url, port), part) as process:
        await eventually(lambda: ready(port), within=30)
        process.send_signal(signal.SIGTERM)

        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_without_a_secret_key_it_refuses_to_start(migrated_url: str) -> None:
    environment = settings(migrated_url, free_port())
    del environment["MAINSTAY_SECRET_KEY"]

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "alerts", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await process.communicate()

    assert process.returncode == 2
    assert complaint.decode().count("\n") == 1
    assert "MAINSTAY_SECRET_KEY" in complaint.decode()
