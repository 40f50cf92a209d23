"""What a million users cost in bytes: the same people in one account, in a hundred, and in ten thousand.

Rows are written through health-score's own stores into a PostgreSQL of their own, and sizes are asked of it, indexes
included. Of many accounts a part is written, and what it takes is multiplied.
"""

import asyncio
import random
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.domain.activity import DayOfUse, from_bytes
from health_score.domain.metrics.series import SeriesDay
from health_score.store.activity import ActivityDays
from health_score.store.customs import Customs
from health_score.store.tables import HISTORY
from mainstay.db.engine import Database
from mainstay.db.migrate import migrate
from standalone.postgres import EmbeddedPostgres

USERS = 1_000_000
ACTIVE = 0.2
"""The share of an account's users that are active on a day."""
FEATURES = 12
FEATURES_OF_A_USER = 3
SERIES = 1
FIRST = date(2026, 1, 5)
USERS_AT_ONCE = 50_000
"""So many are written by one statement, within its time."""

TABLES = {"users": "account_user", "days": "account_day", "a custom metric": "custom_day"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A million users in so many accounts, of which so many are written, over so many days."""

    accounts: int
    written: int
    days: int

    @property
    def users_of_one(self) -> int:
        """The users of an account."""
        return USERS // self.accounts


SHAPES = (Shape(1, 1, 5), Shape(100, 5, 14), Shape(10_000, 500, 28))


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes of all accounts: once, and for each active day; `adoption` is the part that holds users by feature."""

    shape: Shape
    users: float
    days: float
    adoption: float
    custom: float

    def __str__(self) -> str:
        return (
            f"{self.shape.accounts:>7,} of {self.shape.users_of_one:>9,} users  {_mega(self.users)} once"
            f"  {_mega(self.days)} a day, {_mega(self.adoption)} of it users by feature"
            f"  {_mega(self.custom)} a day for a custom metric"
        )


def measure() -> str:
    """Start a PostgreSQL of its own, and measure each shape in it."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start()
        try:
            costs = asyncio.run(_measure(server.ensure_database()))
        finally:
            server.remove()
    told = (
        f"{USERS:,} users, {ACTIVE:.0%} of them active on a day, with {FEATURES_OF_A_USER} of {FEATURES} features each"
    )
    return "\n".join([told, *(f"  {cost}" for cost in costs)])


async def _measure(url: str) -> list[Cost]:
    await migrate(url, HISTORY)
    database = Database(url, application_name="storage", pool_size=1)
    try:
        return [await _cost(database, shape) for shape in SHAPES]
    finally:
        await database.close()


async def _cost(database: Database, shape: Shape) -> Cost:
    chance = random.Random(shape.accounts)
    async with database.engine.begin() as connection:
        for table in ("custom_day", "account_day", "account_user", "account"):
            await connection.execute(text(f"TRUNCATE health_score.{table} RESTART IDENTITY CASCADE"))
        empty = await _sizes(connection)
        await _people(connection, shape)
        for number in range(1, shape.written + 1):
            await _live(connection, number, shape, chance)
        sizes = await _sizes(connection)
        adoption = await connection.execute(
            text("SELECT sum(pg_column_size(feature_users)) FROM health_score.account_day")
        )
    part = shape.accounts / shape.written
    by_day = part / shape.days
    return Cost(
        shape,
        part * (sizes["users"] - empty["users"]),
        by_day * (sizes["days"] - empty["days"]),
        by_day * float(adoption.scalar_one()),
        by_day * (sizes["a custom metric"] - empty["a custom metric"]),
    )


async def _people(connection: AsyncConnection, shape: Shape) -> None:
    await connection.execute(
        text(
            "INSERT INTO health_score.account (account_id, created_at) SELECT 'account-' || n, now()"
            " FROM generate_series(1, :accounts) AS n ORDER BY n"
        ),
        {"accounts": shape.written},
    )
    for begin in range(0, shape.users_of_one, USERS_AT_ONCE):
        await connection.execute(
            text(
                "INSERT INTO health_score.account_user (account_no, user_id, user_no, first_day)"
                " SELECT a.account_no, gen_random_uuid()::text, n, CAST(:first AS date)"
                " FROM health_score.account a, generate_series(CAST(:begin AS int), CAST(:last AS int)) AS n"
            ),
            {"begin": begin, "last": min(begin + USERS_AT_ONCE, shape.users_of_one) - 1, "first": FIRST},
        )


async def _live(connection: AsyncConnection, number: int, shape: Shape, chance: random.Random) -> None:
    days = {FIRST + timedelta(days=place): _use(shape.users_of_one, chance) for place in range(shape.days)}
    await ActivityDays(connection).add({(number, day): use for day, use in days.items()})
    counted: Mapping[date, SeriesDay] = {
        day: SeriesDay(events=use.events // FEATURES, users=use.users_of[0]) for day, use in days.items()
    }
    await Customs(connection, {}).add({(number, SERIES, day): found for day, found in counted.items()})


def _use(users: int, chance: random.Random) -> DayOfUse:
    """A day: its active users, and of each feature those who used it."""
    users_of = [bytearray((users + 7) // 8) for _ in range(FEATURES)]
    active = chance.sample(range(users), max(1, int(users * ACTIVE)))
    for user in active:
        for feature in _some_features(chance):
            users_of[feature][user >> 3] |= 1 << (user & 7)
    by_feature = {feature: bits for feature, stored in enumerate(users_of) if (bits := from_bytes(bytes(stored)))}
    use = DayOfUse(events=len(active) * FEATURES_OF_A_USER, users_of=by_feature)
    for feature, bits in by_feature.items():
        use.users |= bits
        use.features |= 1 << feature
    use.users_of.setdefault(0, 0)
    return use


def _some_features(chance: random.Random) -> Iterator[int]:
    first = chance.randrange(FEATURES)
    return ((first + place) % FEATURES for place in range(FEATURES_OF_A_USER))


async def _sizes(connection: AsyncConnection) -> dict[str, int]:
    sizes = {}
    for name, table in TABLES.items():
        found = await connection.execute(text(f"SELECT pg_total_relation_size('health_score.{table}')"))
        sizes[name] = int(found.scalar_one())
    return sizes


def _mega(size: float) -> str:
    return f"{size / 1e6:>7,.1f} MB"


if __name__ == "__main__":
    print(measure())
