"""API keys: made, found, revoked; only the keyed hash is stored."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator

import pytest
import structlog
from sqlalchemy import text

from mainstay.db.engine import Database
from mainstay.observability.logs import configure_logging
from mainstay.testing import eventually
from mainstay.web.keys import (
    KeyRing,
    KeysStale,
    KeyUnknown,
    ScopeMissing,
    UnknownScope,
    create_key,
    hash_key,
    key_id,
    list_keys,
    revoke_key,
)

SECRET = "s" * 32


class Seconds:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    opened = Database(migrated_url, application_name="test")
    yield opened
    await opened.close()


async def test_a_key_opens_what_its_scopes_name(database: Database) -> None:
    ring = KeyRing(database, SECRET)
    presented = await create_key(database, SECRET, "crm", ["health:read"], "crm-eu")
    await ring.refresh()

    key = ring.find(presented)
    assert (key.id, key.name, key.source, key.scopes) == (
        key_id(presented),
        "crm",
        "crm-eu",
        frozenset({"health:read"}),
    )
    assert ring.authorize(presented, "health:read") is key
    with pytest.raises(ScopeMissing):
        ring.authorize(presented, "health:write")


async def test_an_admin_key_opens_everything(database: Database) -> None:
    ring = KeyRing(database, SECRET)
    presented = await create_key(database, SECRET, "root", ["admin"])
    await ring.refresh()
    assert ring.authorize(presented, "alerts:write").source == "default"


async def test_only_a_keyed_hash_is_stored(database: Database) -> None:
    presented = await create_key(database, SECRET, "crm", ["admin"])
    async with database.engine.connect() as connection:
        row = (await connection.execute(text("SELECT * FROM access.api_key"))).one()
    secret_part = presented.rsplit("_", 1)[1]
    assert bytes(row.key_hash) == hash_key(SECRET, presented) != hash_key("t" * 32, presented)
    assert secret_part not in repr(row)


async def test_a_key_of_another_deployment_is_unknown(database: Database) -> None:
    ring = KeyRing(database, "t" * 32)
    presented = await create_key(database, SECRET, "crm", ["admin"])
    await ring.refresh()
    with pytest.raises(KeyUnknown):
        ring.find(presented)


async def test_a_revoked_key_is_refused_after_the_next_look(database: Database) -> None:
    ring = KeyRing(database, SECRET)
    presented = await create_key(database, SECRET, "crm", ["admin"])
    stopping = asyncio.Event()
    running = asyncio.create_task(ring.run(stopping))
    await eventually(lambda: ring.stale() is None)
    assert ring.find(presented).name == "crm"

    assert await revoke_key(database, key_id(presented))
    assert not await revoke_key(database, "0000")

    def is_refused() -> bool:
        try:
            ring.find(presented)
        except KeyUnknown:
            return True
        return False

    await eventually(is_refused, within=5)
    stopping.set()
    await asyncio.wait_for(running, 5)
    (listed,) = await list_keys(database)
    assert listed.revoked_at is not None
    assert listed.scopes == ("admin",)


async def test_keys_that_cannot_be_read_for_five_seconds_open_nothing(database: Database) -> None:
    seconds = Seconds()
    ring = KeyRing(database, SECRET, now=seconds)
    presented = await create_key(database, SECRET, "crm", ["admin"])
    with pytest.raises(KeysStale):
        ring.find(presented)
    await ring.refresh()
    seconds.now += 4.9
    assert ring.find(presented).name == "crm"
    seconds.now += 0.2
    with pytest.raises(KeysStale):
        ring.find(presented)
    assert ring.stale() == "API keys could not be read for 5 s"
    await ring.refresh()
    assert ring.find(presented).name == "crm"


async def test_a_ring_waits_for_a_database_that_is_away() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", application_name="test")
    ring = KeyRing(away, SECRET)
    stopping = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(ring.run(stopping))
        await eventually(lambda: logs)
    assert not running.done()
    stopping.set()
    await asyncio.wait_for(running, 5)
    await away.close()


@pytest.mark.parametrize("scopes", [[], ["health:delete"], ["admin", "*"]])
async def test_a_key_needs_scopes_that_exist(database: Database, scopes: list[str]) -> None:
    with pytest.raises(UnknownScope):
        await create_key(database, SECRET, "crm", scopes)
    assert await list_keys(database) == []


async def test_a_key_never_shows_in_logs(database: Database) -> None:
    presented = await create_key(database, SECRET, "crm", ["admin"])
    secret_part = presented.rsplit("_", 1)[1]
    stream = io.StringIO()
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    configuration = structlog.get_config()
    try:
        configure_logging("test", "DEBUG", stream=stream)
        log = structlog.get_logger("canary")
        log.info("got %s", presented, headers={"Authorization": f"Bearer {presented}"}, body=presented.encode())
        logging.getLogger("other").warning("sent %s in %s", presented, {"a": [presented]})
        try:
            int(presented)
        except ValueError:
            log.exception("failed", dsn="postgresql://me:hunter2@db/x", secret_key="k", nested={"api_key": "abc"})
    finally:
        logging.getLogger().handlers = handlers
        logging.getLogger().setLevel(level)
        structlog.configure(**configuration)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) >= 3
    for canary in (secret_part, "hunter2", "abc"):
        assert canary not in stream.getvalue()
    assert f"mst_{key_id(presented)}_[redacted]" in stream.getvalue()
