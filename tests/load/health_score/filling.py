"""Fills health-score's database with a portfolio that has a past: by COPY, the same one for the same number and day.

Each account has users, features, days of use, closes, a record, a contract and facts, and its midnight is armed. Raw
events it has none: they are looked at for repeated ids alone, and scores are computed from account-days. Scores come
from health-score itself, with the first scoring of the portfolio.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.assessing import CLOSE
from health_score.domain.activity import DayOfUse, to_bytes, users_of_to_bytes
from health_score.store.account_rows import StatedRow
from health_score.store.statements import FactRow, Kept, row_of
from health_score.store.tables import kit
from mainstay.contracts.envelope import Event
from mainstay.contracts.facts import SurveyResponseFact, TicketFact, TouchpointFact
from mainstay.contracts.ingest import AccountFact, ContactFact
from mainstay.db.engine import Database, copy_rows
from mainstay.kernel.clock import day_of, start_of_day

DAYS: Final = 60
"""Of use and of closes: as far back as the metrics of the default scorecard look."""

FEATURES: Final = 12
SHAPES: Final = 64
"""So many different lives there are; accounts share them."""

ZONES: Final = tuple(ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York"))
OWNERS: Final = 100
AT_ONCE: Final = 2_000
"""Accounts of one COPY, so that what is prepared fits into memory."""

FACTS_OF_ONE: Final = 5

_DAY: Final = timedelta(days=1)
_json = msgspec.json.Encoder()

_CLOSES = text(
    "INSERT INTO health_score.health_day (account_no, day, score, band, coverage, scorecard_no, reported_score,"
    " reported_band, reported_at)"
    " SELECT a.account_no, a.closed_through - n, s.score, CASE WHEN s.score < 50 THEN 'red' WHEN s.score < 75"
    " THEN 'yellow' ELSE 'green' END, 10000, :card, s.score, 'green', :at"
    " FROM health_score.account a CROSS JOIN generate_series(0, CAST(:days AS int) - 1) AS n"
    " CROSS JOIN LATERAL (SELECT CAST(35 + (a.account_no * 7 + n / 9) % 60 AS smallint) AS score) AS s"
    " WHERE a.account_no BETWEEN :first AND :last"
)

_NAMES = (
    text(
        "INSERT INTO health_score.account_user (account_no, user_id, user_no, first_day)"
        " SELECT t.account_no, 'user-' || n, n, CAST(:since AS date) FROM unnest(CAST(:numbers AS int[]),"
        " CAST(:users AS int[])) AS t (account_no, users) CROSS JOIN LATERAL generate_series(0, t.users - 1) AS n"
    ),
    text(
        "INSERT INTO health_score.account_feature (account_no, feature, feature_no)"
        " SELECT account_no, 'feature-' || n, n FROM unnest(CAST(:numbers AS int[])) AS account_no,"
        " generate_series(0, CAST(:features AS int) - 1) AS n"
    ),
)

_TABLES: Final = ("account", "account_user", "account_feature", "account_day", "health_day", "fact", "listing")


@dataclass(frozen=True, slots=True)
class Shape:
    """A life: how many users, and by days before today what was used, as rows of `account_day` without the account."""

    users: int
    days: Sequence[tuple[int, int, bytes, bytes, bytes]]

    def rows(self, number: int, today: date) -> Iterator[tuple[Any, ...]]:
        """The days of use of an account."""
        for back, *use in self.days:
            yield (number, today - back * _DAY, *use)


def account_id(number: int) -> str:
    """The id of an account by its number, 1 and up."""
    return f"account-{number:06}"


def shapes() -> Sequence[Shape]:
    """Lives of many kinds: busy and quiet, growing and fading, with weekends."""
    chance = random.Random(20)
    return [_shape(chance, chance.choice((3, 5, 8, 13, 21, 34))) for _ in range(SHAPES)]


def shape_of(number: int, known: Sequence[Shape]) -> Shape:
    """The life of an account by its number."""
    return known[number * 7 % SHAPES]


def _shape(chance: random.Random, users: int) -> Shape:
    level, slope = chance.uniform(0.2, 0.9), chance.uniform(-0.006, 0.006)
    days = []
    for back in range(1, DAYS + 1):
        at_work = 0.15 if back % 7 in (0, 1) else 1.0
        if chance.random() > min(1.0, (level + slope * (DAYS - back)) * at_work + 0.1):
            continue
        use = DayOfUse()
        for user in chance.sample(range(users), max(1, int(users * chance.uniform(0.1, 0.7)))):
            for _ in range(3):
                use.count(user, chance.randrange(FEATURES))
        days.append((back, use.events, to_bytes(use.users), to_bytes(use.features), users_of_to_bytes(use)))
    return Shape(users, days)


async def fill(database: Database, accounts: int, now: datetime, *, card: int) -> None:
    """Write so many accounts, numbered from 1, into an empty schema. `card` is the number of the closes' scorecard."""
    known = shapes()
    for first in range(1, accounts + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, accounts + 1))
        async with database.engine.begin() as connection:
            await _fill(connection, numbers, known, now, card)
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        for name in ("account_no", "facts_mark"):
            sequence = "health_score.account_account_no_seq" if name == "account_no" else "health_score.facts_mark"
            await connection.execute(text(f"SELECT setval('{sequence}', {accounts})"))
        for table in _TABLES:
            await connection.execute(text(f"VACUUM (ANALYZE) health_score.{table}"))


async def _fill(
    connection: AsyncConnection, numbers: Sequence[int], known: Sequence[Shape], now: datetime, card: int
) -> None:
    lives = [(number, shape_of(number, known), ZONES[number % len(ZONES)]) for number in numbers]
    records = [_record(number, shape, zone, now) for number, shape, zone in lives]
    await copy_rows(connection, "health_score.account", tuple(records[0]), [tuple(each.values()) for each in records])
    days = (row for number, shape, zone in lives for row in shape.rows(number, day_of(now, zone)))
    columns = ("account_no", "day", "events", "users", "features", "feature_users")
    await copy_rows(connection, "health_score.account_day", columns, days)
    facts = [_row(fact, number, now) for number in numbers for fact in _facts(number, now)]
    await copy_rows(connection, "health_score.fact", FactRow._fields, facts)
    armed = [
        (CLOSE, account_id(number), start_of_day(day_of(now, zone) + _DAY, zone), "{}") for number, _, zone in lives
    ]
    await copy_rows(connection, kit.due, ("kind", "key", "due_at", "payload"), armed)
    names = {
        "numbers": list(numbers),
        "users": [shape.users for _, shape, _ in lives],
        "since": now.date() - DAYS * _DAY,
        "features": FEATURES,
    }
    for statement in _NAMES:
        await connection.execute(statement, {name: names[name] for name in statement.compile().params})
    closes = {"card": card, "at": now, "days": DAYS, "first": numbers[0], "last": numbers[-1]}
    await connection.execute(_CLOSES, closes)


def _record(number: int, shape: Shape, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """An account's row. The order of its columns is that of the COPY."""
    today, said = day_of(now, zone), _said(number)
    began = now - (DAYS + 30) * _DAY
    stated = {name: StatedRow(value, began, f"record-{number}") for name, value in said.items()}
    return {
        "account_id": account_id(number),
        "account_no": number,
        "created_at": began,
        "sequence": 1,
        "stated": _json.encode(stated).decode(),
        **said,
        "arr": _json.encode([{"amount": f"{1_000 + number % 997 * 100}.00", "currency": _currency(number)}]).decode(),
        "seats": shape.users + number % 5,
        "seats_by_day": _json.encode([(today - DAYS * _DAY, shape.users + number % 5)]).decode(),
        "value_sequence": 1,
        "next_renewal_on": today + (1 + number % 365) * _DAY,
        "first_day": today - max((back for back, *_ in shape.days), default=1) * _DAY,
        "last_active": today - min((back for back, *_ in shape.days), default=1) * _DAY,
        "closed_through": today - _DAY,
        "standing_band": "yellow",
        "standing_on": today - DAYS * _DAY,
        "facts_mark": number,
    }


def _said(number: int) -> dict[str, Any]:
    return {
        "name": f"Company {number}",
        "owner": f"csm-{number % OWNERS}",
        "tier": ("strategic", "enterprise", "growth", "long tail")[min(3, number % 10)],
        "zone": ZONES[number % len(ZONES)].key,
        "industry": ("software", "finance", "health", "retail", "public")[number % 5],
        "segment": ("emea", "amer", "apac")[number % 3],
    }


def _currency(number: int) -> str:
    return ("EUR", "USD", "USD", "CNY")[number % 4]


def _facts(number: int, now: datetime) -> Iterator[Kept]:
    account, chance = account_id(number), random.Random(number)

    def ago(days: int) -> datetime:
        return now - chance.randrange(1, days) * _DAY

    yield AccountFact(account_id=account, occurred_at=now - (DAYS + 30) * _DAY, **_said(number))
    champion, ticket = f"{account}-champion", ago(60)
    yield ContactFact(
        account_id=account, contact_id=champion, occurred_at=ago(90), name="Ann", role="champion", status="active"
    )
    yield TouchpointFact(account_id=account, touchpoint_id=f"{account}-call", occurred_at=ago(100), kind="call")
    yield SurveyResponseFact(
        account_id=account,
        response_id=f"{account}-nps",
        occurred_at=ago(80),
        kind="nps",
        score=chance.randrange(11),
        contact_id=champion,
    )
    yield TicketFact(
        account_id=account,
        ticket_id=f"{account}-ticket",
        occurred_at=ticket,
        opened_at=ticket,
        priority=chance.choice(("low", "normal", "high", "urgent")),
    )


def _row(fact: Kept, number: int, now: datetime) -> FactRow:
    return row_of(Event(f"{type(fact).__name__}-{number}", "crm", fact.occurred_at, fact), number, now)
