"""The health of sources, and what is said when one leaves its own pattern."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from mainstay.contracts.sources import SourceActiveAgain, SourceSilent, SourceVolumeDeviated
from mainstay.kernel.clock import ManualClock
from tests.integration.ingest.observatory import Observatory, observing

HOUR = timedelta(hours=1)


@pytest.fixture
async def place(migrated_url: str, clock: ManualClock) -> AsyncIterator[Observatory]:
    async with observing(migrated_url, clock) as place:
        yield place


async def live(place: Observatory, hours: int, events: int) -> None:
    """So many hours pass; events come in each, and the timers run a few times an hour."""
    for _ in range(hours):
        for _ in range(2):
            if events:
                place.sends(events // 2)
            await place.observer.write()
            await place.timers.run_due()
            place.clock.advance(HOUR / 2)


async def weeks_before(place: Observatory, weeks: int, events: int) -> datetime:
    """Weeks with events in every hour, written down as they would have been."""
    now = place.clock.now()
    start = now - timedelta(weeks=weeks)
    for n in range(weeks * 168):
        place.sends(events, at=start + n * HOUR)
    await place.observer.write()
    return now


async def test_rates_errors_and_clock_are_shown(place: Observatory) -> None:
    assert (await place.health())["state"] == "never_seen"
    place.observer.counted("web", place.clock.now() - 2 * HOUR, accepted=100, refused={"event-too-large": 3}, waiting=5)
    place.clock.advance(timedelta(seconds=20))
    place.observer.counted("web", place.clock.now(), accepted=7, refused={}, waiting=0, warned=2)
    for skew in (1.0, 1.0, 1.0, 900.0):
        place.observer.saw(place.sent(("Login", {}), skew=skew))
    await place.observer.write()

    health = await place.health()

    assert health["state"] == "active"
    assert health["last_seen"] == "2026-03-02T09:00:20Z"
    minute, hour, day = health["rates"]
    assert minute == {"seconds": 60, "accepted": 7, "waiting": 0, "warned": 2, "refused": {}}
    assert hour["accepted"] == 7
    assert (day["accepted"], day["waiting"], day["refused"]) == (107, 5, {"event-too-large": 3})
    assert health["skew"]["median_seconds"] == pytest.approx(1.0, rel=0.11)
    assert health["skew"]["p95_seconds"] == pytest.approx(900, rel=0.11)
    assert (health["usual"], health["quiet_limit_seconds"]) == (None, None)


async def test_silence_is_said_once_and_once_when_it_is_over(place: Observatory) -> None:
    now = await weeks_before(place, 3, 100)
    await live(place, 2, 100)
    assert await place.said() == []
    last_seen = place.clock.now() - HOUR / 2
    await live(place, 6, 0)

    [event] = await place.said()
    assert event.data == SourceSilent("web", last_seen, event.data.quiet_seconds, 7200)  # it sent once an hour
    assert 7200 < event.data.quiet_seconds <= 3 * 3600
    health = await place.health()
    assert (health["state"], health["usual"]) == ("silent", {"events": 100.0, "spread": 0.0, "weeks": 3})

    back = place.clock.now()
    await live(place, 2, 100)
    [event] = await place.said()
    assert event.data == SourceActiveAgain("web", last_seen, event.data.last_seen)
    assert back <= event.data.last_seen
    assert (await place.health())["state"] == "active"
    assert place.clock.now() > now


async def test_a_volume_out_of_pattern_is_said_once_and_once_when_it_is_usual_again(place: Observatory) -> None:
    await weeks_before(place, 4, 200)
    await live(place, 3, 1_000)
    await live(place, 1, 200)
    assert (await place.health())["state"] == "unusual"
    await live(place, 3, 200)

    above, usual = [event.data for event in await place.said()]
    assert isinstance(above, SourceVolumeDeviated)
    assert (above.direction, above.events, above.usual) == ("above", 1_000, 200.0)
    assert (usual.direction, usual.events) == ("usual", 200)


async def test_a_source_quiet_for_long_is_watched_no_more_and_again_when_it_sends(place: Observatory) -> None:
    place.sends(1)
    await place.observer.write()
    place.clock.advance(timedelta(weeks=9))
    await place.timers.run_due()
    assert await place.timers.run_due() == 0
    async with place.chassis.database.engine.connect() as connection:
        armed = "SELECT count(*) FROM ingest.due WHERE kind = 'source-watch'"
        assert await connection.scalar(text(armed)) == 0
        place.sends(1)
        await place.observer.write()
        assert await connection.scalar(text(armed)) == 1


async def test_old_counts_are_forgotten(place: Observatory) -> None:
    place.sends(5, at=place.clock.now() - timedelta(days=3))
    place.sends(5, at=place.clock.now() - timedelta(weeks=11))
    place.sends(5)
    await place.observer.write()
    place.clock.advance(2 * HOUR)
    await place.timers.run_due()
    async with place.chassis.database.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM ingest.source_minute")) == 1
        assert await connection.scalar(text("SELECT count(*) FROM ingest.source_hour")) == 2
