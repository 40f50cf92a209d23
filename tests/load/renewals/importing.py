"""How fast a file of contracts is taken in: its upload, and the work behind it. See `python -m tests.load.renewals`."""

import asyncio
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry

from mainstay.db.migrate import migrate
from mainstay.kernel.clock import ManualClock
from mainstay.web.keys import create_key
from renewals.bootstrap import Service
from renewals.settings import Settings
from standalone.postgres import EmbeddedPostgres
from standalone.services import EVENT_LOG, HISTORIES

ROWS = 20_000
SECRET = "a secret of thirty-two characters or more"
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
HEADER = "account_id,external_id,kind,currency,zone,start,end,amount,seats,at_end"


def file_of(rows: int) -> bytes:
    """Contracts of a year, five to an account, none of which is up for renewal."""
    lines = (
        f"a{n // 5},K-{n},recurring,EUR,Europe/Berlin,2026-01-01,2026-12-31,{1200 + n % 900}.50,{n % 90},renew"
        for n in range(rows)
    )
    return "\n".join([HEADER, *lines]).encode()


async def take_in(url: str, rows: int) -> str:
    """The same file twice: entered, then found unchanged."""
    for history in (EVENT_LOG, *HISTORIES):
        await migrate(url, history)
    clock = ManualClock(NOW)
    settings = Settings(database_url=url, event_log_url=url, secret_key=SECRET)
    service = Service(settings, clock=clock, registry=CollectorRegistry())
    key = await create_key(service.chassis.database, SECRET, "bench", ["renewals:read", "renewals:write"])
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
    told = []
    transport = httpx.ASGITransport(app=service.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://renewals", headers=headers) as http:
        for what, wanted in (("entered", "entered"), ("the same again", "unchanged")):
            clock.advance(timedelta(minutes=1))
            await service.chassis.keys.refresh()  # they are good for five seconds
            begun = time.perf_counter()
            answer = await http.post("/v1/contract-imports", params={"source": "bench"}, content=file_of(rows))
            answer.raise_for_status()
            arrived = time.perf_counter()
            await service.timers.run_due()
            done = time.perf_counter()
            await service.chassis.keys.refresh()
            job = (await http.get(answer.headers["Location"])).json()
            if job[wanted] != rows:
                raise RuntimeError(f"{job[wanted]} of {rows} rows were {wanted}")
            told.append(f"| {what} | {rows / (arrived - begun):,.0f} | {rows / (done - arrived):,.0f} |")
    await service.close()
    return "\n".join(told)


def measure(rows: int = ROWS) -> str:
    """Rows a second, as a table."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        server.start()
        try:
            found = asyncio.run(take_in(server.url("postgres"), rows))
        finally:
            server.remove()
    head = f"A file of {rows:,} contracts, rows a second:"
    return f"{head}\n\n| | arrive | are worked on |\n|---|---|---|\n{found}"
