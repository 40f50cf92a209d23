"""health-score as a test speaks of it: events go in, the clock moves, the API and the outbox are looked at."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import msgspec
from sqlalchemy import text

from health_score.bootstrap import Handlers
from health_score.consumers import usage_recorded
from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Decoder, Event, encode
from mainstay.contracts.facts import FACTS
from mainstay.contracts.health_score import EVENTS
from mainstay.contracts.ingest import AccountFact, UsageRecorded
from mainstay.contracts.renewals import AccountValueChanged
from mainstay.db.engine import Database
from mainstay.kernel.clock import ManualClock
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Record
from mainstay.web.keys import KeyRing

SECRET = "a secret of the tests, long enough to be one"
START = datetime(2026, 3, 1, 9, tzinfo=UTC)

_ids = count(1)


def instant(told: str | datetime) -> datetime:
    return told if isinstance(told, datetime) else datetime.fromisoformat(told).astimezone(UTC)


def usage(account: str, *, at: str | datetime, user: str | None = "ann", feature: str = "reports", **more: Any) -> Any:
    """A usage event; `received` is when it came in (default: when it happened), `id` its own (default: a new one)."""
    happened = instant(at)
    data = UsageRecorded(
        account_id=account,
        event=more.get("event", "Report Opened"),
        feature=feature,
        occurred_at=happened,
        received_at=instant(more.get("received", happened)),
        user_id=user,
        properties=msgspec.Raw(more.get("properties", b"{}")),
    )
    return Event(more.get("id") or f"u{next(_ids)}", more.get("source", "default"), happened, data)


def fact(account: str, *, at: str | datetime, **fields: Any) -> Any:
    """A fact about an account."""
    event_id = fields.pop("id", None) or f"f{next(_ids)}"
    return Event(event_id, "crm", instant(at), AccountFact(account, instant(at), **fields))


def stated(data: Any, *, id: str | None = None, source: str = "crm") -> Any:  # noqa: A002 - an event's id
    """A fact of any kind."""
    return Event(id or f"f{next(_ids)}", source, data.occurred_at, data)


def value(account: str, *, at: str | datetime, sequence: int = 1, seats: int | None = None, arr: Any = ()) -> Any:
    """What renewals says an account is worth; `arr` is (amount, currency) pairs."""
    money = tuple(MoneyData(amount, currency) for amount, currency in arr)
    data = AccountValueChanged(account, sequence, instant(at), arr=money, seats=seats)
    return Event(f"v{next(_ids)}", "mainstay/renewals", instant(at), data)


def daily(account: str, first: str, last: str, *, users: int = 3, per_user: int = 1, features: int = 2) -> list[Any]:
    """Use on each day from `first` to `last`, at noon UTC."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    events = []
    while day <= end:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        events += [
            usage(account, at=noon, user=f"user-{user}", feature=f"feature-{(user + turn) % features}")
            for user in range(users)
            for turn in range(per_user)
        ]
        day += timedelta(days=1)
    return events


def record_of(event: Any) -> Record:
    """An event as the log hands it out."""
    sent = encode(event)
    return Record(sent.topic, 0, 0, sent.key, sent.value, tuple(sent.all_headers()), event.time)


class Health:
    """The real handlers on a real PostgreSQL, and the API in front of it."""

    def __init__(
        self, database: Database, clock: ManualClock, handlers: Handlers, api: httpx.AsyncClient, keys: KeyRing
    ) -> None:
        self.keys = keys
        self.database = database
        self.clock = clock
        self.handlers = handlers
        self.api = api
        self._decode = Decoder(*EVENTS)

    async def receives(self, *events: Any) -> None:
        """A batch of events of one topic."""
        if isinstance(events[0].data, UsageRecorded):
            uses = [use for each in events if (use := usage_recorded(record_of(each))) is not None]
            await self.handlers.usage(Batch((), tuple(uses)))
            return
        handlers: dict[Any, Any] = {
            **dict.fromkeys(FACTS, self.handlers.facts),
            AccountValueChanged: self.handlers.values,
        }
        await handlers[type(events[0].data)](Batch((), events))

    async def lives_through(self, *events: Any) -> None:
        """Usage received as it happens: the clock moves along, timers run on the way, each day a batch."""
        by_day: dict[date, list[Any]] = {}
        for event in events:
            by_day.setdefault(event.time.date(), []).append(event)
        for day in sorted(by_day):
            await self.until(max(event.time for event in by_day[day]))
            await self.receives(*by_day[day])

    async def until(self, told: str | datetime) -> None:
        """Move the clock, and run what comes due on the way, at its hour."""
        end = instant(told)
        while (due := await self._next_due()) is not None and due <= end:
            self.clock.move_to(max(due, self.clock.now()))
            await self.handlers.due.run_due()
            await self.handlers.studies_due.run_due()
        self.clock.move_to(max(end, self.clock.now()))

    async def settle(self) -> None:
        """Let the debounced rebuilds happen."""
        await self.until(self.clock.now() + timedelta(seconds=4))

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.api.get(f"/v1{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def metrics(self, account: str, as_of: str | None = None) -> Any:
        answer = await self.get(f"/accounts/{account}/metrics", **({"as_of": as_of} if as_of else {}))
        return answer["metrics"]

    async def health(self, account: str) -> Any:
        return await self.get(f"/accounts/{account}/health")

    async def history(self, account: str, **params: Any) -> Any:
        data: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(f"/accounts/{account}/health/history", limit=500, **params, **cursor)
            data += page["data"]
            if page["next_cursor"] is None:
                return data
            cursor = {"cursor": page["next_cursor"]}

    async def said(self, *types: type, account: str | None = None) -> list[Any]:
        """The events said so far, of these types (default: all), in order."""
        async with self.database.engine.connect() as connection:
            rows = await connection.execute(text("SELECT * FROM health_score.outbox ORDER BY id"))
            records = [
                Record(
                    row.topic,
                    0,
                    row.id,
                    row.key,
                    row.value,
                    tuple(zip(row.header_names, row.header_values, strict=True)),
                    row.written_at,
                )
                for row in rows
            ]
        events = [event.data for record in records if (event := self._decode(record)) is not None]
        return [
            event
            for event in events
            if (not types or isinstance(event, types)) and (account is None or event.account_id == account)
        ]

    async def rows(self, query: str) -> list[Any]:
        async with self.database.engine.connect() as connection:
            return list(await connection.execute(text(query)))

    async def _next_due(self) -> datetime | None:
        (row,) = await self.rows("SELECT min(due_at) AS due_at FROM health_score.due")
        due_at: datetime | None = row.due_at
        return due_at
