"""A consumer's database: its effects, moved together with its offsets by the database kit's own unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Integer, MetaData, Table, Text, select, text
from sqlalchemy.dialects.postgresql import insert

from mainstay.db.engine import Database
from mainstay.db.outbox import Relay
from mainstay.db.tables import kit_tables
from mainstay.db.work import OffsetStore, Transaction, Transactions
from mainstay.kernel.clock import SystemClock
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import EventLog, Record

_metadata = MetaData(schema="contract")
_kit = kit_tables(_metadata)
_effect = Table(
    "effect",
    _metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("member", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one record did, in the order of the commits."""

    topic: str
    partition: int
    offset: int
    key: str
    value: str
    member: str


class Effects:
    """One row per effect and no unique key: a double effect would show."""

    def __init__(self, url: str, member: str = "test") -> None:
        self.database = Database(url, application_name=member, pool_size=3)
        self.transactions = Transactions(self.database, _kit, clock=SystemClock())
        self.offsets = OffsetStore(self.database, _kit)
        self._member = member

    async def create(self) -> None:
        async with self.database.engine.begin() as connection:
            await connection.execute(text("CREATE SCHEMA contract"))
            await connection.run_sync(_metadata.create_all)
            await connection.execute(insert(_kit.relay).values(id=1))

    async def close(self) -> None:
        await self.database.close()

    async def handle(self, batch: Batch[Record]) -> None:
        """A handler: the offsets and the effects in one transaction."""
        async with self.transactions(batch) as tx:
            await self.write(tx, batch.messages)

    async def settle(self, batch: Batch[Any]) -> None:
        """Move offsets and put refused records aside, nothing else."""
        async with self.transactions(batch):
            pass

    async def write(self, tx: Transaction, records: Sequence[Record]) -> None:
        rows = [
            {
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "key": record.key,
                "value": record.value[:100].decode(),
                "member": self._member,
            }
            for record in records
        ]
        await tx.connection.execute(insert(_effect), rows)

    async def relay(self, log: EventLog) -> int:
        """Carry the dead letters from the outbox to the log."""
        return await Relay(self.database, _kit, log, SystemClock()).drain()

    async def all(self) -> list[Effect]:
        async with self.database.engine.connect() as connection:
            columns = [column for column in _effect.columns if column.name != "id"]
            rows = await connection.execute(select(*columns).order_by(_effect.c.id))
            return [Effect(*row) for row in rows]

    async def count(self) -> int:
        async with self.database.engine.connect() as connection:
            return int((await connection.execute(text("SELECT count(*) FROM contract.effect"))).scalar_one())
