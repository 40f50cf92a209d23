"""Raw events as they are written are what PostgreSQL reads."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from health_score.application.uses import UsageEvent, Use
from health_score.store.raw_rows import CHUNK, COLUMNS, chunks_of
from mainstay.db.engine import copy_binary
from tests.integration.health_score.health import Health

WEEK = date(2026, 2, 23)
ROWS = "SELECT {} FROM raw_rows ORDER BY place"

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
numbers = st.integers(0, 2**31 - 1)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])
instants = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001 - of `zones`
properties = st.dictionaries(texts, texts, max_size=3).map(msgspec.json.encode)


@st.composite
def uses(draw: st.DrawFn) -> Use:
    user_id = draw(st.none() | texts)
    event = UsageEvent(
        "acme",
        draw(texts),
        "reports",
        draw(instants),
        draw(instants),
        user_id,
        msgspec.Raw(draw(properties)),
        id=draw(texts),
        source=draw(texts),
    )
    return Use(event, draw(numbers), None if user_id is None else draw(st.none() | numbers), draw(numbers))


async def stored(health: Health, written: list[Use]) -> list[tuple[Any, ...]]:
    """The uses as PostgreSQL has them after a COPY, in their order."""
    async with health.database.engine.begin() as connection:
        await connection.execute(
            text(
                "CREATE TEMPORARY TABLE raw_rows (LIKE health_score.raw_event, place serial) ON COMMIT DROP"  # no keys
            )
        )
        await copy_binary(connection, "raw_rows", COLUMNS, chunks_of(WEEK, written))
        return [tuple(row) for row in await connection.execute(text(ROWS.format(", ".join(COLUMNS))))]


def as_told(use: Use) -> tuple[Any, ...]:
    event, is_erased = use.event, use.user is None and use.event.user_id is not None
    return (
        use.account_no,
        use.user,
        use.feature,
        event.occurred_at,
        event.received_at,
        event.id,
        event.source,
        event.event,
        WEEK,
        "{}" if is_erased else bytes(event.properties).decode(),
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(written=st.lists(uses(), max_size=8))
async def test_postgresql_reads_what_was_written(health: Health, written: list[Use]) -> None:
    assert await stored(health, written) == [as_told(use) for use in written]


async def test_many_rows_go_in_pieces(health: Health) -> None:
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    big = msgspec.Raw(b'{"a":"' + b"x" * (CHUNK // 3) + b'"}')
    written = [Use(UsageEvent("acme", "e", "f", at, at, "ann", big, id=f"e{n}"), 1, n, 2) for n in range(10)]

    assert len(list(chunks_of(WEEK, written))) > 3
    assert await stored(health, written) == [as_told(use) for use in written]


async def test_a_text_that_postgresql_cannot_hold_is_refused(health: Health) -> None:
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)

    with pytest.raises(Exception, match="invalid byte sequence"):
        await stored(health, [Use(UsageEvent("acme", "a\x00b", "f", at, at, id="e1"), 1, None, 2)])
