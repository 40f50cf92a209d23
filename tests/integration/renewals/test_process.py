"""Renewals as a process on the embedded event log: health comes in, windows and values go out, and it stops cleanly."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from mainstay.contracts.envelope import Decoder, encode
from mainstay.contracts.renewals import AccountValueChanged, ExpansionSignalled, RenewalWindowOpened
from mainstay.contracts.topics import CUSTOMER_SIGNALS, HEALTH_EVENTS, RENEWAL_EVENTS
from mainstay.db.engine import Database
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, LogUnavailable
from mainstay.testing import eventually
from mainstay.web.keys import create_key
from tests.integration.renewals.office import SECRET, scored
from tests.integration.renewals.test_expansion import uses
from tests.integration.renewals.test_signals import YEAR, fact, term

_decode = Decoder(RenewalWindowOpened, AccountValueChanged, ExpansionSignalled)


@dataclass
class Running:
    """The processes of renewals, seen from outside."""

    http: httpx.AsyncClient
    processes: dict[str, asyncio.subprocess.Process]

    async def ready(self) -> bool:
        try:
            return (await self.http.get("/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self.processes.pop(name)
        process.send_signal(number)
        return await asyncio.wait_for(process.wait(), 12)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def start(environment: dict[str, str], *part: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "renewals", *part, env=environment)


@pytest.fixture
def environment(migrated_url: str) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")},
        "MAINSTAY_DATABASE_URL": migrated_url,
        "MAINSTAY_SECRET_KEY": SECRET,
        "MAINSTAY_RENEWALS_PORT": str(free_port()),
        "MAINSTAY_RENEWALS_WORK_PORT": str(free_port()),
    }


@asynccontextmanager
async def running(environment: dict[str, str], *parts: str) -> AsyncIterator[Running]:
    database = Database(environment["MAINSTAY_DATABASE_URL"], application_name="tests")
    key = await create_key(database, SECRET, "tests", ["renewals:read", "renewals:write"])
    await database.close()
    processes = {part: await start(environment, *part.split()) for part in parts}
    http = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{environment['MAINSTAY_RENEWALS_PORT']}",
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
    )
    it = Running(http, processes)
    try:
        await eventually(it.ready, within=20)
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
    await log.ensure_topics([HEALTH_EVENTS])
    yield log
    await log.close()


async def said(log: EventLog) -> list[Any]:
    """Everything on renewal-events, as data."""
    try:
        bounds = await log.bounds(RENEWAL_EVENTS.name)
    except LogUnavailable:
        return []
    records = [r for number in bounds for r in await log.read(RENEWAL_EVENTS.name, number, bounds[number].first, 1_000)]
    return [event.data for record in records if (event := _decode(record))]


def window_is_open(account: str) -> dict[str, Any]:
    """A contract with a month to go."""
    today = datetime.now(UTC).date()
    return {
        "account_id": account,
        "kind": "recurring",
        "start": (today - timedelta(days=300)).isoformat(),
        "end": (today + timedelta(days=30)).isoformat(),
        "amount": {"amount": "900.00", "currency": "EUR"},
    }


async def test_health_comes_in_and_windows_go_out_over_the_log(migrated_url: str, environment: dict[str, str]) -> None:
    async with event_log(migrated_url) as log, running(environment, "serve", "work") as renewals:
        await log.append([encode(scored("acme", 41, "red", "2026-01-02"))])
        body = window_is_open("acme")

        async def knows_health() -> bool:
            # A contract of another year shows the health of its account.
            listed = await renewals.http.get("/v1/renewals", params={"account_id": "acme", "to": "2150-01-01"})
            return any(renewal["health"]["is_known"] for renewal in listed.json()["data"])

        later = await renewals.http.post("/v1/contracts", json={**body, "start": "2100-01-01", "end": "2100-12-31"})
        assert later.status_code == 201, later.text
        await eventually(knows_health, within=10)
        entered = await renewals.http.post("/v1/contracts", json=body)
        assert entered.status_code == 201, entered.text

        async def opened() -> list[Any]:
            return [data for data in await said(log) if isinstance(data, RenewalWindowOpened)]

        (window,) = await eventually(opened, within=10)
        assert (window.contract_id, window.health.score, window.health.band) == (entered.json()["id"], 41, "red")
        assert window.late_by_seconds > 0
        assert [await renewals.stop("serve"), await renewals.stop("work")] == [0, 0]


async def test_use_comes_in_and_a_signal_goes_out_over_the_log(migrated_url: str, environment: dict[str, str]) -> None:
    async with event_log(migrated_url) as log, running(environment, "serve", "work") as renewals:
        await log.ensure_topics([CUSTOMER_SIGNALS])
        entered = await renewals.http.post("/v1/contracts", json={**window_is_open("acme"), "seats": 10})
        assert entered.status_code == 201, entered.text
        used = uses("acme", "seats", datetime.now(UTC).isoformat(), used=10.0)
        await log.append([encode(used), encode(used)])

        async def signalled() -> list[Any]:
            return [data for data in await said(log) if isinstance(data, ExpansionSignalled)]

        (signal_,) = await eventually(signalled, within=20)
        listed = await renewals.http.get("/v1/opportunities", params={"account_id": "acme"})
        assert [each["id"] for each in listed.json()["data"]] == [signal_.opportunity_id]
        assert [await renewals.stop("serve"), await renewals.stop("work")] == [0, 0]


async def test_what_was_answered_survives_a_kill(migrated_url: str, environment: dict[str, str]) -> None:
    async with event_log(migrated_url) as log:
        async with running(environment, "") as renewals:
            entered = await renewals.http.post("/v1/contracts", json=window_is_open("acme"))
            await renewals.stop("", signal.SIGKILL)
            assert entered.status_code == 201
        async with running(environment, "") as renewals:

            async def all_said() -> bool:
                kinds = [type(data) for data in await said(log)]
                return RenewalWindowOpened in kinds and AccountValueChanged in kinds

            await eventually(all_said, within=20)
            found = await renewals.http.get(f"/v1/contracts/{entered.json()['id']}")
            assert found.json()["state"] == "window_open"
            assert await renewals.stop("") == 0


async def test_a_contract_comes_in_as_a_fact_over_the_log(migrated_url: str, environment: dict[str, str]) -> None:
    async with event_log(migrated_url) as log, running(environment, "") as renewals:
        await log.ensure_topics([CUSTOMER_SIGNALS])
        await log.append([encode(fact("2026-01-02T10:00", term(*YEAR)))])

        async def known() -> list[Any]:
            found: list[Any] = (await renewals.http.get("/v1/contracts")).json()["data"]
            return found

        (contract,) = await eventually(known, within=20)
        assert (contract["external_id"], contract["terms"][0]["seats"]) == ("K-7", 10)


async def test_an_import_whose_worker_is_killed_in_the_middle_goes_on(environment: dict[str, str]) -> None:
    rows = 1_500
    lines = [f"a{n},K-{n},recurring,EUR,2026-01-01,2026-12-31,{n}.00" for n in range(rows)]
    file = "\n".join(["account_id,external_id,kind,currency,start,end,amount", *lines])
    async with running(environment, "serve", "work") as renewals:
        answer = await renewals.http.post(
            "/v1/contract-imports", params={"source": "crm"}, content=file, headers={"Content-Type": "text/csv"}
        )
        assert answer.status_code == 202, answer.text

        async def entered() -> int:
            job = (await renewals.http.get(answer.headers["Location"])).json()
            assert job["read"] == rows
            return int(job["entered"])

        done = await eventually(entered, within=20)
        await renewals.stop("work", signal.SIGKILL)
        assert done < rows
        renewals.processes["work"] = await start(environment, "work")

        async def complete() -> bool:
            return await entered() == rows

        await eventually(complete, within=60)
        ledger = (await renewals.http.get("/v1/contracts", params={"limit": 500})).json()["data"]
        assert len({each["external_id"] for each in ledger}) == 500


async def test_migrations_are_a_command_and_a_missing_secret_is_one_line(
    postgres_url: str, environment: dict[str, str]
) -> None:
    migrated = await start({**environment, "MAINSTAY_DATABASE_URL": postgres_url}, "migrate")
    assert await migrated.wait() == 0

    del environment["MAINSTAY_SECRET_KEY"]
    refused = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "renewals", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, error = await refused.communicate()
    assert refused.returncode == 2
    assert error.decode().count("\n") == 1
    assert "MAINSTAY_SECRET_KEY" in error.decode()
