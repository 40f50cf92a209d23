"""Facts as unit tests speak of them: wire structs become statements as they do in the store."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from health_score.domain.activity import Activity, Life
from health_score.domain.facts.known import Facts, Statement
from health_score.domain.metrics.catalogue import METRICS, as_of, measure, reach_of
from health_score.domain.metrics.reading import Value
from health_score.store.statements import row_of, statement_of
from mainstay.contracts.envelope import Event

TODAY = date(2026, 3, 31)
BERLIN = ZoneInfo("Europe/Berlin")


def days_ago(days: int, hour: int = 12) -> datetime:
    """An hour, UTC, of a day before `TODAY`."""
    return datetime.combine(TODAY - timedelta(days=days), time(hour), tzinfo=UTC)


def statements(*data: Any) -> list[Statement]:
    """What these facts state; the first one has the lowest id."""
    rows = [
        row_of(Event(f"e{place:03}", "crm", each.occurred_at, each), 1, each.occurred_at)
        for place, each in enumerate(data)
    ]
    return [statement_of(row.kind, row.thing_id, row.occurred_at, row.event_id, row.known_at, row.body) for row in rows]


def measured(
    stated: Iterable[Statement], day: date = TODAY, zone: ZoneInfo = BERLIN, now: datetime | None = None
) -> dict[str, Value]:
    """Every metric as of the end of a day, or of now in its course."""
    return measure(reading(stated, day, zone, now))


def reading(
    stated: Iterable[Statement], day: date = TODAY, zone: ZoneInfo = BERLIN, now: datetime | None = None
) -> Any:
    facts = Facts.of(list(stated)).in_zone(zone)
    known = facts.as_of(day, now or datetime.max.replace(tzinfo=UTC) - timedelta(days=2))
    nothing = Activity(day, life=Life())
    return as_of(nothing, day, running=now is not None, seats=None, reach=reach_of(METRICS.values()), known=known)
