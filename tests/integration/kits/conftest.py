"""A small service with the kit's tables, so that the kits are tried as a service uses them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import Column, MetaData, Table, Text, text

from mainstay.db.engine import Database
from mainstay.db.tables import KitTables, kit_tables
from mainstay.db.work import OffsetStore, Transactions
from mainstay.kernel.clock import ManualClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Service:
    """The parts of a service, and one table of its own, `note`."""

    database: Database
    tables: KitTables
    note: Table
    clock: ManualClock
    transactions: Transactions
    offsets: OffsetStore

    async def notes(self) -> list[str]:
        async with self.database.engine.connect() as connection:
            return list((await connection.execute(text("SELECT id FROM svc.note ORDER BY id"))).scalars())

    async def scalar(self, sql: str) -> object:
        async with self.database.engine.connect() as connection:
            return (await connection.execute(text(sql))).scalar()


@pytest.fixture
async def service(postgres_url: str) -> AsyncIterator[Service]:
    database = Database(postgres_url, application_name="svc", pool_size=10)
    metadata = MetaData(schema="svc")
    tables = kit_tables(metadata)
    note = Table("note", metadata, Column("id", Text, primary_key=True))
    async with database.engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA svc"))
        await connection.run_sync(metadata.create_all)
        await connection.execute(text("INSERT INTO svc.relay VALUES (1)"))
    clock = ManualClock(NOON)
    yield Service(
        database,
        tables,
        note,
        clock,
        Transactions(database, tables, clock=clock),
        OffsetStore(database, tables),
    )
    await database.close()
