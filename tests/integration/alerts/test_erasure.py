"""Erasing accounts from alerts: nothing stays, and nobody hears of them any more."""

from datetime import timedelta
from itertools import count
from typing import Any

from mainstay.contracts.envelope import Event
from mainstay.contracts.privacy import ErasureRequested, SuppressionLifted
from mainstay.service.subjects import subject_hash
from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.world import SECRET_KEY, World, fell, known

_ids = count(1)


def asked(alerts: World, kind: Any, subject_id: str, *, lifted: bool = False) -> Event[Any]:
    number, now = next(_ids), alerts.clock.now()
    data = SuppressionLifted if lifted else ErasureRequested
    subject = subject_hash(SECRET_KEY, kind, subject_id)
    return Event(f"r{number}", "mainstay/ingest", now, data(f"e{number}", kind, subject, now))


async def holds(alerts: World, canary: str) -> list[str]:
    """Every column of alerts' tables, but the outbox, that holds the text."""
    columns = await alerts.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'alerts'"
        " AND table_name <> 'outbox' AND data_type IN ('text', 'jsonb', 'bytea', 'ARRAY')"
    )
    return [
        f"{table}.{column}"
        for table, column in columns
        if await alerts.rows(
            f'SELECT 1 FROM alerts."{table}" WHERE position(:canary IN "{column}"::text) > 0', canary=canary
        )
    ]


async def test_an_erased_account_leaves_nothing_and_nobody_is_told(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    now = alerts.clock.now()
    for account in ("acme-canary", "globex"):
        await alerts.hears(known(now, account=account), fell("green", "red", now, account=account))

    await alerts.hears(asked(alerts, "account", "acme-canary"))

    assert await holds(alerts, "canary") == []
    await alerts.delivers()
    assert len(sink.ids) == 1
    assert [alert["account"]["id"] for alert in await alerts.alerts()] == ["globex"]


async def test_attempts_and_replays_of_an_erased_account_go_with_it(alerts: World, sink: HttpSink) -> None:
    async with alerts.api() as api:
        await api.post("/v1/channels", json={"name": "chat", "kind": "slack", "url": sink.url})
        sink.usual = (400, {}, b"no message about acme-canary here")
        now = alerts.clock.now()
        await alerts.hears(known(now, account="acme-canary"), fell("green", "red", now, account="acme-canary"))
        await alerts.delivers()
        assert (await api.post("/v1/deliveries/replay", json={"account_id": "acme-canary"})).status_code == 202
    assert {"attempt.answer", "replay.wanted"} <= set(await holds(alerts, "canary"))

    await alerts.hears(asked(alerts, "account", "acme-canary"))
    await alerts.application.due.run_due()

    assert await holds(alerts, "canary") == []
    assert await alerts.rows("SELECT 1 FROM alerts.due WHERE kind <> 'forget'") == []


async def test_what_comes_later_of_an_erased_account_is_left_out_until_it_comes_back(
    alerts: World, sink: HttpSink
) -> None:
    await alerts.webhook(sink.url)
    await alerts.hears(asked(alerts, "account", "acme"))
    now = alerts.clock.now()

    await alerts.hears(known(now), fell("green", "red", now))

    assert await holds(alerts, "acme") == []
    assert await alerts.delivers() == 0

    await alerts.hears(asked(alerts, "account", "acme", lifted=True))
    later = now + timedelta(hours=1)
    alerts.clock.move_to(later)
    await alerts.hears(known(later), fell("green", "red", later))
    assert await alerts.delivers() == 1


async def test_a_users_erasure_is_confirmed_with_zero(alerts: World) -> None:
    await alerts.hears(asked(alerts, "user", "ann"))

    rows = await alerts.rows("SELECT convert_from(value, 'UTF8') AS said FROM alerts.outbox")
    assert ['"rows_erased"' in row.said for row in rows] == [False]
