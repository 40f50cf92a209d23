"""Ingest as a process: it migrates, serves, takes events, and stops cleanly."""

import asyncio
import os
import signal
import sys

import httpx

from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.db.migrate import migrate
from mainstay.messaging.open import open_log
from mainstay.testing import eventually
from mainstay.web.keys import ACCESS_HISTORY
from standalone.ports import free_port
from standalone.services import EVENT_LOG
from tests.integration.ingest.door import SECRET, made_key
from tests.integration.ingest.test_segment import track


async def ready(postgres_url: str, port: int) -> tuple[dict[str, str], str]:
    """The environment of ingest's processes on a migrated database, and a key."""
    for history in (EVENT_LOG, ACCESS_HISTORY):
        await migrate(postgres_url, history)
    environment = {
        **os.environ,
        "MAINSTAY_DATABASE_URL": postgres_url,
        "MAINSTAY_SECRET_KEY": SECRET,
        "MAINSTAY_INGEST_PORT": str(port),
        "MAINSTAY_INGEST_WORK_PORT": str(free_port()),
    }
    assert await (await run(environment, "migrate")).wait() == 0
    return environment, await made_key(postgres_url, ["ingest:write", "ingest:read"])


async def end(*processes: asyncio.subprocess.Process) -> None:
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def run(environment: dict[str, str], *part: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "ingest", *part, env=environment)


async def test_a_process_migrates_serves_and_stops_cleanly(postgres_url: str) -> None:
    port = free_port()
    environment, key = await ready(postgres_url, port)

    process = await run(environment)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

            async def taken() -> bool:
                try:
                    answer = await http.post("/v1/track", json=track(), headers={"Authorization": f"Bearer {key}"})
                except httpx.TransportError:
                    return False
                return answer.status_code == httpx.codes.OK

            await eventually(taken, 20)
            assert (await http.get("/readyz")).json()["status"] == "ready"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        await end(process)

    log = open_log(postgres_url, client_name="tests")
    await log.start()
    bounds = await log.bounds(USAGE_EVENTS.name)
    await log.close()
    assert sum(each.next - each.first for each in bounds.values()) == 1


async def test_what_waits_is_replayed_where_serving_and_working_are_apart(postgres_url: str) -> None:
    port = free_port()
    environment, key = await ready(postgres_url, port)
    headers = {"Authorization": f"Bearer {key}"}
    ann = {"userId": "ann", "event": "Opened", "messageId": "m1"}
    joins = {"groupId": "acme", "userId": "ann", "traits": {}}

    processes = [await run(environment, part) for part in ("serve", "work")]
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, headers=headers, timeout=20
        ) as http:

            async def taken() -> bool:
                try:
                    return (await http.post("/v1/track", json=ann)).status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

            async def none_waits() -> bool:
                return not (await http.get("/v1/quarantine")).json()["data"]

            await eventually(taken, 20)
            assert not await none_waits()
            assert (await http.post("/v1/group", json=joins)).status_code == httpx.codes.OK
            await eventually(none_waits, 20)
    finally:
        await end(*processes)

    log = open_log(postgres_url, client_name="tests")
    await log.start()
    bounds = await log.bounds(USAGE_EVENTS.name)
    await log.close()
    assert sum(each.next - each.first for each in bounds.values()) == 1


async def test_without_settings_a_process_says_what_is_missing() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ingest", "serve", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()

    assert process.returncode == 2
    assert b"MAINSTAY_SECRET_KEY" in said
