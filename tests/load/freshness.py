"""From an event's POST to the changed score in the API, on the embedded form, under a steady stream of events.

python -m tests.load.freshness [--rate 2000] [--probes 200]
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.running import Running, eventually, running

EVENTS_PER_SECOND = 2_000
EVENTS_A_REQUEST = 25
SENDERS = 4
AIM = 1.0  # second, of the 95th percentile
BACKGROUND_ACCOUNTS = 60
PROBES = 200
PROBES_PER_SECOND = 5
POLL_EVERY = 0.01  # seconds


@dataclass(frozen=True, slots=True)
class Freshness:
    """Delays in seconds from the start of the POST to the first answer that shows another score."""

    delays: list[float]
    events_per_second: float

    def quantile(self, share: float) -> float:
        return sorted(self.delays)[min(len(self.delays) - 1, int(share * len(self.delays)))]

    def __str__(self) -> str:
        return (
            f"event to changed score in the API, {len(self.delays)} probes at {self.events_per_second:,.0f} events/s: "
            f"p50 {statistics.median(self.delays) * 1000:.0f} ms, p95 {self.quantile(0.95) * 1000:.0f} ms, "
            f"p99 {self.quantile(0.99) * 1000:.0f} ms (aim: p95 {AIM * 1000:.0f} ms), "
            f"load average {', '.join(f'{each:.1f}' for each in os.getloadavg())}"
        )


def measure(rate: int = EVENTS_PER_SECOND, probes: int = PROBES) -> Freshness:
    """Start an embedded Mainstay of its own, give it quiet accounts, load it, and wake one account after another."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "home") as mainstay:
        prepare(mainstay, probes)
        return asyncio.run(probe_under_load(mainstay, rate, probes))


def prepare(mainstay: Running, accounts: int) -> None:
    """Accounts that were busy for two months and went quiet three weeks ago: one event moves their score."""
    today = datetime.now(UTC)
    for number in range(accounts):
        batch = [
            track(f"probe-{number}", today - timedelta(days=days), f"probe-{number}-{days}") for days in range(21, 81)
        ]
        mainstay.post("ingest", "/v1/batch", {"batch": batch, "sentAt": today.isoformat()})
    eventually(
        lambda: all(settled(mainstay, number) for number in range(accounts)), "the quiet accounts have scores", 120
    )


def settled(mainstay: Running, number: int) -> bool:
    answer = mainstay.http("health_score").get(f"/v1/accounts/probe-{number}/metrics")
    if answer.status_code != httpx.codes.OK or answer.json()["metrics"]["days_since_last_activity"] != 21:
        return False
    return mainstay.get("health_score", f"/v1/accounts/probe-{number}/health")["score"] is not None


async def probe_under_load(mainstay: Running, rate: int, accounts: int) -> Freshness:
    headers = {"Authorization": f"Bearer {mainstay.key}"}
    limits = httpx.Limits(max_connections=50)
    async with (
        httpx.AsyncClient(base_url=mainstay.url("ingest"), headers=headers, trust_env=False, limits=limits) as ingest,
        httpx.AsyncClient(
            base_url=mainstay.url("health_score"), headers=headers, trust_env=False, limits=limits
        ) as health,
    ):
        stop = asyncio.Event()
        senders = [asyncio.create_task(background(ingest, stop, number, rate / SENDERS)) for number in range(SENDERS)]
        probes = []
        for number in range(accounts):
            probes.append(asyncio.create_task(wake(ingest, health, f"probe-{number}")))
            await asyncio.sleep(1 / PROBES_PER_SECOND)
        delays = await asyncio.gather(*probes)
        stop.set()
        return Freshness(delays, sum(await asyncio.gather(*senders)))


async def background(ingest: httpx.AsyncClient, stop: asyncio.Event, sender: int, rate: float) -> float:
    """Send events at the set rate until told to stop; answers the rate that was reached."""
    started = time.monotonic()
    sent = 0
    while not stop.is_set():
        now = datetime.now(UTC)
        batch = [
            track(busy_account(sent + number), now, f"busy-{sender}-{sent + number}", user=f"u{sent % 97}")
            for number in range(EVENTS_A_REQUEST)
        ]
        (await ingest.post("/v1/batch", json={"batch": batch, "sentAt": now.isoformat()})).raise_for_status()
        sent += EVENTS_A_REQUEST
        ahead = started + sent / rate - time.monotonic()
        if ahead > 0:
            await asyncio.sleep(ahead)
    return sent / (time.monotonic() - started)


def busy_account(number: int) -> str:
    return f"busy-{number % BACKGROUND_ACCOUNTS}"


async def wake(ingest: httpx.AsyncClient, health: httpx.AsyncClient, account: str) -> float:
    """Send one event of a quiet account and wait for another score; answers the delay in seconds."""
    path = f"/v1/accounts/{account}/health"
    before = (await health.get(path)).json()["score"]
    started = time.monotonic()
    event = track(account, datetime.now(UTC), f"{account}-awake")
    (await ingest.post("/v1/track", json=event)).raise_for_status()
    while (await health.get(path)).json()["score"] == before:
        assert time.monotonic() < started + 30, f"{account}: the score did not move"
        await asyncio.sleep(POLL_EVERY)
    return time.monotonic() - started


def track(account: str, at: datetime, message_id: str, *, user: str = "ann") -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Report Viewed",
        "userId": user,
        "context": {"groupId": account},
        "timestamp": at.isoformat(),
        "messageId": message_id,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=EVENTS_PER_SECOND, help="events a second")
    parser.add_argument("--probes", type=int, default=PROBES, help="accounts to wake, one after the other")
    wanted = parser.parse_args()
    print(measure(wanted.rate, wanted.probes))


if __name__ == "__main__":
    main()
