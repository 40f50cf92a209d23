"""Each event counts once, on its own day, in the account's zone."""

from typing import Any

from .conftest import Health, usage


async def test_an_event_sent_twice_counts_once(health: Health) -> None:
    event = usage("acme", user="ann", at="2026-03-01T09:00Z", id="e1")

    await health.receives(event, event)
    await health.receives(event)

    metrics = await health.metrics("acme", as_of="2026-03-01")
    assert (metrics["active_users_1d"], metrics["events_28d"]) == (1, 1)
