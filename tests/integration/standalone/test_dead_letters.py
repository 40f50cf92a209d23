from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.messaging.consuming import DeadLetter
from mainstay.messaging.dead_letters import dead_letter_record
from mainstay.messaging.open import open_log
from mainstay.messaging.port import EventLog, Record, dead_letter_topic
from standalone.dead_letters import UnknownGroup, described, redrive_letters, waiting_letters
from standalone.settings import StandaloneSettings

GROUP = "health-score"


@pytest.fixture
def settings(tmp_path: Path, migrated_url: str) -> StandaloneSettings:
    return StandaloneSettings(home=tmp_path, database_url=migrated_url)


@pytest.fixture
async def log(migrated_url: str) -> AsyncIterator[EventLog]:
    opened = open_log(migrated_url, client_name="test")
    await opened.start()
    await opened.ensure_topics([USAGE_EVENTS, dead_letter_topic(GROUP)])
    yield opened
    await opened.close()


def letter(value: bytes, offset: int) -> DeadLetter:
    record = Record(USAGE_EVENTS.name, 3, offset, "acme", value, (("ce_id", b"e1"),), datetime.now(UTC))
    return DeadLetter(record, "it could not be read")


async def returned(log: EventLog) -> list[Record]:
    return [
        record
        for partition, bounds in (await log.bounds(USAGE_EVENTS.name)).items()
        for record in await log.read(USAGE_EVENTS.name, partition, bounds.first, 100)
    ]


async def test_dead_letters_are_shown_and_sent_round_again_once(settings: StandaloneSettings, log: EventLog) -> None:
    await log.append([dead_letter_record(GROUP, letter(value, at)) for at, value in enumerate((b"one", b"two"))])

    waiting = await waiting_letters(settings, GROUP, 50)
    counts = [await redrive_letters(settings, GROUP, 1), await redrive_letters(settings, GROUP, None)]

    assert [described(found)[:2] for found in waiting] == [
        ("usage-events/3 @ 0", "acme"),
        ("usage-events/3 @ 1", "acme"),
    ]
    assert described(waiting[0])[3] == "it could not be read"
    assert counts == [1, 1]
    assert await redrive_letters(settings, GROUP, None) == 0
    assert await waiting_letters(settings, GROUP, 50) == []
    assert [(record.key, record.value, record.headers) for record in await returned(log)] == [
        ("acme", value, (("ce_id", b"e1"),)) for value in (b"one", b"two")
    ]


async def test_a_group_that_does_not_exist_is_refused(settings: StandaloneSettings) -> None:
    with pytest.raises(UnknownGroup, match="there are health-score, alerts, renewals"):
        await waiting_letters(settings, "nobody", 50)
