"""What senders hear while the log, the database or the key table is away, and afterwards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.db.engine import asyncpg_dsn
from standalone.postgres import EmbeddedPostgres
from tests.integration.ingest.door import BATCH, Door, opened
from tests.integration.ingest.test_cloudevents import usage
from tests.integration.ingest.test_segment import track


class LogDatabase:
    """A database of the log's own, which can go away and come back."""

    def __init__(self, server: EmbeddedPostgres, name: str) -> None:
        self._server, self._name = server, name
        self.url = server.url(name)

    async def goes_away(self) -> None:
        await self._do(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        await self._do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")

    async def comes_back(self) -> None:
        await self._do(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    async def _do(self, statement: str) -> None:
        connection = await asyncpg.connect(asyncpg_dsn(self._server.url("postgres")))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture
async def log_database(
    postgres_server: EmbeddedPostgres, migrated_template: str, migrated_url: str
) -> AsyncIterator[LogDatabase]:
    name = f"log_{urlsplit(migrated_url).path.removeprefix('/')}"
    database = LogDatabase(postgres_server, name)
    await database._do(f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield database
    await database._do(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def open_door(url: str, log: LogDatabase) -> AsyncIterator[Door]:
    async with opened(url, log_url=log.url, append_within_seconds=0.5) as door:
        yield door


def assert_repeat_later(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_a_log_that_is_away_at_the_start_is_waited_for(migrated_url: str, log_database: LogDatabase) -> None:
    await log_database.goes_away()
    async with open_door(migrated_url, log_database) as door:
        assert_repeat_later(await door.post("/v1/track", track()))
        ready = await door.http.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["info"]["event log"] != "ok"

        await log_database.comes_back()
        await door.until_connected()
        assert (await door.post("/v1/track", track())).status_code == 200
        assert [event.id for event in await door.events(USAGE_EVENTS)] == ["m1"]


async def test_a_log_that_goes_away_is_told_and_forgiven(migrated_url: str, log_database: LogDatabase) -> None:
    async with open_door(migrated_url, log_database) as door:
        await door.until_connected()
        assert (await door.post("/v1/track", track(messageId="before"))).status_code == 200

        await log_database.goes_away()
        single = await door.post("/v1/track", track(messageId="meanwhile"))
        assert_repeat_later(single)
        assert (single.json()["code"], single.json()["message"]) == ("log-unavailable", single.json()["detail"])
        assert_repeat_later(await door.post("/v1/batch", {"batch": [track(messageId="meanwhile")] * 2}))
        verdicts = await door.post("/v1/events", [usage(), usage(), usage(id="")], headers=BATCH)
        assert_repeat_later(verdicts)
        assert [one["result"] for one in verdicts.json()["results"]] == ["retry", "retry", "invalid"]
        assert "mainstay_ingest_append_failures_total 3.0" in (await door.http.get("/metrics")).text

        await log_database.comes_back()
        await door.until_accepted("/v1/track", track(messageId="after"))
        stored = {event.id for event in await door.events(USAGE_EVENTS)}
        assert {"before", "after"} <= stored <= {"before", "meanwhile", "e1", "after"}


async def test_keys_that_cannot_be_checked_open_nothing(door: Door) -> None:
    door.service.chassis.keys._fresh_until = float("-inf")

    answer = await door.post("/v1/track", track())
    assert_repeat_later(answer)
    assert answer.json()["code"] == "keys-unavailable"


async def test_a_database_that_is_not_migrated_is_not_ready(postgres_url: str) -> None:
    async with opened(postgres_url, key=False) as door:
        ready = await door.http.get("/readyz")

        assert ready.status_code == 503
        assert ready.json()["checks"]["migrations"] == "ingest: not migrated yet"
        assert_repeat_later(await door.post("/v1/track", track()))
