"""SIGKILL of each service's process, several times, while real usage arrives and people are told things."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.e2e.history import rows, send
from tests.e2e.running import SERVICES, Running, eventually, running
from tests.e2e.transports import transports
from tests.faults.sink import listening

KILLS_OF_EACH = 3
CONTRACTS = 40


@dataclass
class Killer:
    """Kills the services in a random order, each several times, waiting for each to be back before it dies again."""

    mainstay: Running
    seed: int
    kills: dict[str, list[float]] = field(default_factory=lambda: {service: [] for service in SERVICES})

    def run(self) -> None:
        chance = random.Random(self.seed)
        order = [service for service in SERVICES for _ in range(KILLS_OF_EACH)]
        chance.shuffle(order)
        for service in order:
            time.sleep(chance.uniform(0.1, 0.8))  # where in its work it dies is the point of the test
            eventually(lambda service=service: self.mainstay.ready(service), f"{service} is back", within=60)  # type: ignore[misc]  # a default argument binds the loop's variable
            instant = time.time()
            if self.mainstay.kill(service):
                self.kills[service].append(instant)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("transport", transports())
def test_kills_lose_nothing_and_double_nothing(
    transport: object, request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path
) -> None:
    sent = rows()
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    settings = {"MAINSTAY_DATABASE_URL": postgres_url, **transport(request)}  # type: ignore[operator]  # a pytest parameter is an object
    with listening() as sink, running(tmp_path / "home", **settings) as mainstay:
        channel = mainstay.post("alerts", "/v1/channels", {"name": "sink", "kind": "webhook", "url": sink.url})
        sink.secret = channel["secret"]
        killer = Killer(mainstay, seed)
        killing = threading.Thread(target=killer.run)
        killing.start()
        selling = threading.Thread(target=sign_contracts, args=(mainstay,))
        selling.start()
        while killing.is_alive():
            send(sent, host=mainstay.url("ingest"), write_key=mainstay.key)
        killing.join()
        selling.join()

        eventually(
            lambda: stored_ids(postgres_url).keys() >= {row.message_id for row in sent}, "all is stored", within=120
        )
        eventually(lambda: len(sink.sent) >= CONTRACTS, "every opened window was told", within=120)
        eventually(lambda: undelivered(mainstay) == 0, "no delivery is pending", within=60)

    stored = stored_ids(postgres_url)
    assert set(stored) == {row.message_id for row in sent}
    assert set(stored.values()) == {1}
    assert all(len(times) == KILLS_OF_EACH for times in killer.kills.values()), killer.kills
    assert sink.unverified == []
    for sent_at in sink.sent.values():
        assert len(sent_at) <= 1 + kills_between(killer.kills["alerts"], sent_at)


def kills_between(kills: Sequence[float], sent_at: Sequence[float]) -> int:
    """Kills that can have lost the mark of a message: those between the first and the last sending of one id."""
    return sum(min(sent_at) <= kill <= max(sent_at) + 1 for kill in kills)


def sign_contracts(mainstay: Running) -> None:
    """Enter contracts whose renewal window has just opened; repeats what was not answered."""
    ends = window_opening_today()
    for number in range(CONTRACTS):
        body = {
            "account_id": f"renewing-{number}",
            "kind": "recurring",
            "currency": "EUR",
            "zone": "UTC",
            "start": (ends - timedelta(days=364)).isoformat(),
            "end": ends.isoformat(),
            "amount": {"amount": "1200.00", "currency": "EUR"},
        }
        deadline = time.monotonic() + 60
        while True:
            try:
                mainstay.post("renewals", "/v1/contracts", body, **{"Idempotency-Key": f"contract-{number}"})
                break
            except (httpx.TransportError, httpx.HTTPStatusError):
                assert time.monotonic() < deadline, "renewals did not come back"
                time.sleep(0.1)
        time.sleep(0.2)  # spread over the time in which services die


def window_opening_today() -> date:
    """An inclusive end whose window of three calendar months opened within the last week."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=89)


def stored_ids(url: str) -> Counter[str]:
    """How often each event id stands in health-score's raw store."""

    async def count() -> Counter[str]:
        connection = await asyncpg.connect(url)
        try:
            found = await connection.fetch("SELECT event_id, count(*) AS copies FROM health_score.raw_event GROUP BY 1")
        finally:
            await connection.close()
        return Counter({row["event_id"]: row["copies"] for row in found})

    return asyncio.run(count())


def undelivered(mainstay: Running) -> int:
    pages = [mainstay.get("alerts", "/v1/deliveries", state=state, limit="500") for state in ("pending", "delivering")]
    return sum(len(page["data"]) for page in pages)
