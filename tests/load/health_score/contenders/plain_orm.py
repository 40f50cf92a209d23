"""The consumer that one would write first: an ORM session and a transaction for each event.

It does less than health-score (no zones, no trends, no score, no events of its own), and everything it does is right:
each event counts once, the offset moves with the effect, active users are exact.
"""

import time
from datetime import date, datetime, timedelta
from typing import Any

import uvloop
from sqlalchemy import ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainstay.contracts.envelope import Decoder
from mainstay.contracts.ingest import UsageRecorded
from mainstay.db.engine import Database
from mainstay.messaging.open import open_log
from mainstay.messaging.port import Record
from tests.load.health_score.contenders.reporting import Report, Wanted, wanted
from tests.load.health_score.traffic import read_records


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "plain_account"

    id: Mapped[str] = mapped_column(primary_key=True)
    last_active: Mapped[date]
    active_users_28d: Mapped[int]


class Usage(Base):
    __tablename__ = "plain_usage"

    source: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("plain_account.id"))
    user_id: Mapped[str | None]
    event: Mapped[str]
    feature: Mapped[str]
    occurred_at: Mapped[datetime]
    properties: Mapped[str]


class Day(Base):
    __tablename__ = "plain_day"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    events: Mapped[int]


class UserDay(Base):
    __tablename__ = "plain_user_day"

    account_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)


class Offset(Base):
    __tablename__ = "plain_offset"

    partition: Mapped[int] = mapped_column(primary_key=True)
    next_offset: Mapped[int]


class PlainConsumer:
    """Handles one record after the other."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._decode = Decoder(UsageRecorded)

    async def create_tables(self) -> None:
        async with self._engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def __call__(self, record: Record) -> None:
        event: Any = self._decode(record)
        data: UsageRecorded = event.data
        day = data.occurred_at.date()
        async with self._sessions() as session, session.begin():
            await self._move(session, record)
            if await session.get(Usage, (event.source, event.id)) is not None:
                return
            account = await session.get(Account, data.account_id)
            if account is None:
                account = Account(id=data.account_id, last_active=day, active_users_28d=0)
                session.add(account)
                await session.flush()
            session.add(
                Usage(
                    source=event.source,
                    event_id=event.id,
                    account_id=account.id,
                    user_id=data.user_id,
                    event=data.event,
                    feature=data.feature,
                    occurred_at=data.occurred_at.replace(tzinfo=None),
                    properties=bytes(data.properties).decode(),
                )
            )
            of_day = await session.get(Day, (account.id, day))
            if of_day is None:
                session.add(Day(account_id=account.id, day=day, events=1))
            else:
                of_day.events += 1
            user = data.user_id
            if user is not None and await session.get(UserDay, (account.id, day, user)) is None:
                session.add(UserDay(account_id=account.id, day=day, user_id=user))
            account.last_active = max(account.last_active, day)
            account.active_users_28d = await self._active_users(session, account.id, day)

    @staticmethod
    async def _active_users(session: AsyncSession, account_id: str, day: date) -> int:
        counted = await session.execute(
            select(func.count(UserDay.user_id.distinct())).where(
                UserDay.account_id == account_id, UserDay.day > day - timedelta(days=28), UserDay.day <= day
            )
        )
        return counted.scalar_one()

    @staticmethod
    async def _move(session: AsyncSession, record: Record) -> None:
        offset = await session.get(Offset, record.partition, with_for_update=True)
        if offset is None:
            session.add(Offset(partition=record.partition, next_offset=record.offset + 1))
        else:
            offset.next_offset = record.offset + 1


async def consume(told: Wanted) -> None:
    """Handle the first records of the log, one by one."""
    log = open_log(told.kafka, client_name="bench")
    await log.start()
    records = await read_records(log, told.events)
    await log.close()
    database = Database(told.database, application_name="bench", pool_size=2)
    plain = PlainConsumer(database.engine)
    await plain.create_tables()
    report = Report(told.events)
    for record in records:
        fetched = time.perf_counter()
        await plain(record)
        report.done(1, time.perf_counter() - fetched)
    report.tell()
    await database.close()


if __name__ == "__main__":
    uvloop.run(consume(wanted()))
