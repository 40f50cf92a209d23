"""The portfolio in groups and in motion, and what a CSM has to carry."""

from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import text

from mainstay.contracts.common import MoneyData
from mainstay.contracts.facts import TouchpointFact
from tests.integration.health_score.health import Health, daily, fact, instant, value


async def _portfolio(health: Health) -> None:
    """busy is green since long; gone was green in December and is red now; new has a few days; none was never seen."""
    for name, days, owner in (
        ("busy", ("2025-09-01", "2026-02-28"), "ann"),
        ("gone", ("2025-09-01", "2025-12-10"), "bob"),
        ("new", ("2026-02-27", "2026-02-28"), None),
        ("none", None, "ann"),
    ):
        await health.receives(fact(name, at="2026-03-01T08:00Z", owner=owner, tier="gold"))
        if days:
            await health.receives(*daily(name, *days, users=5, features=7))
    await health.receives(
        value("busy", at="2026-03-01T08:00Z", arr=[(Decimal(1000), "EUR"), (Decimal(5), "USD")]),
        value("gone", at="2026-03-01T08:00Z", arr=[(Decimal("0.20"), "EUR")]),
        value("new", at="2026-03-01T08:00Z", arr=[(Decimal(2000), "EUR")]),
    )
    await health.settle()


def money(*of: tuple[str, str]) -> list[dict[str, str]]:
    return [{"amount": amount, "currency": currency} for amount, currency in of]


async def test_groups_add_up_to_the_whole(health: Health) -> None:
    await _portfolio(health)

    summary = await health.get("/portfolio/summary", by="owner")

    assert summary["by"] == "owner"
    assert [(group["value"], group["accounts"], group["silent"]) for group in summary["groups"]] == [
        ("ann", 2, 0),
        ("bob", 1, 1),
        (None, 1, 0),
    ]
    ann, bob, nobody = summary["groups"]
    assert (ann["arr"], bob["arr"]) == (money(("1000", "EUR"), ("5", "USD")), money(("0.20", "EUR")))
    assert nobody["arr"] == money(("2000", "EUR"))
    assert {band["band"]: band["accounts"] for band in ann["bands"]} == {
        "red": 0,
        "yellow": 0,
        "green": 1,
        "unknown": 1,
    }
    assert summary["accounts"] == 4
    assert summary["movement"] is None


async def test_groups_come_in_pages(health: Health) -> None:
    await _portfolio(health)
    values: list[str | None] = []
    cursor: dict[str, str] = {}
    while True:
        page = await health.get("/portfolio/summary", by="owner", limit=1, **cursor)
        assert page["accounts"] == 4
        values += [group["value"] for group in page["groups"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert values == ["ann", "bob", None]
    answer = await health.api.get("/v1/portfolio/summary", params={"by": "tier", **cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-cursor")


async def test_movement_compares_the_bands_of_a_close_with_those_of_now(health: Health) -> None:
    await _portfolio(health)
    (then,) = await health.history("gone", **{"from": "2025-12-09", "to": "2025-12-09"})

    movement = (await health.get("/portfolio/summary", since="2025-12-09"))["movement"]

    assert then["band"] == "green"
    assert (movement["since"], movement["new"]) == ("2025-12-09", 2)
    assert movement["moves"] == [
        {"before": "green", "now": "red", "accounts": 1, "arr": money(("0.20", "EUR"))},
        {"before": None, "now": "unknown", "accounts": 2, "arr": money(("2000", "EUR"))},
    ]
    green = next(band for band in movement["bands"] if band["band"] == "green")
    assert green == {
        "band": "green",
        "accounts_then": 2,
        "accounts_now": 1,
        "arr_then": money(("1000.20", "EUR"), ("5", "USD")),
        "arr_now": money(("1000", "EUR"), ("5", "USD")),
    }


async def test_a_day_that_has_not_closed_everywhere_shows_no_movement(health: Health) -> None:
    for since, status in (("2026-02-27", 200), ("2026-02-28", 422), ("2026-03-01", 422), ("9999-12-31", 422)):
        answer = await health.api.get("/v1/portfolio/summary", params={"since": since})
        assert answer.status_code == status, since
        if status == 422:
            assert answer.json()["code"] == "day-not-closed"


async def _stated(health: Health, account: str, kind: str, thing: str, at: str, body: Any, event_id: str = "") -> None:
    """A fact as it is kept."""
    async with health.database.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO health_score.fact"
                " (account_no, kind, thing_id, occurred_at, event_id, source, known_at, body) SELECT account_no,"
                " :kind, :thing, CAST(:at AS timestamptz), :id, 'crm', CAST(:at AS timestamptz),"
                " CAST(:body AS jsonb) FROM health_score.account WHERE account_id = :account"
            ),
            {
                "account": account,
                "kind": kind,
                "thing": thing,
                "at": instant(at),
                "id": event_id or f"{thing}-{at}",
                "body": msgspec.json.encode(body).decode(),
            },
        )


async def _touched(health: Health, account: str, thing: str, at: str, **more: Any) -> None:
    stated = TouchpointFact(account, thing, instant(at), kind="call", **more)
    await _stated(health, account, "touchpoint", thing, at, stated)


async def test_a_csm_carries_accounts_touches_minutes_and_cost(health: Health) -> None:
    for name, owner, tier, arr in (
        ("big", "ann", "gold", 9_000),
        ("mid", "ann", "silver", 1_000),
        ("tiny", "ann", "silver", 5),
    ):
        await health.receives(fact(name, at="2026-01-01T00:00Z", owner=owner, tier=tier))
        await health.receives(value(name, at="2026-01-01T00:00Z", arr=[(Decimal(arr), "EUR")]))
    await health.receives(fact("theirs", at="2026-01-01T00:00Z", owner="bob"))
    await _touched(health, "big", "t1", "2026-02-01T10:00Z", minutes=30, cost=MoneyData(Decimal("12.50"), "EUR"))
    await _touched(health, "big", "t2", "2026-02-02T10:00Z", minutes=30, result="planned")
    await _touched(health, "big", "t2", "2026-02-03T10:00Z", result="held")
    await _touched(health, "mid", "t3", "2026-02-03T10:00Z", result="no_answer")
    await _touched(health, "mid", "t4", "2026-02-03T11:00Z", minutes=500, result="cancelled")
    await _touched(health, "tiny", "t5", "2026-02-04T10:00Z", minutes=180)
    await _touched(health, "tiny", "t6", "2026-02-04T11:00Z", minutes=60, is_internal=True)
    await _touched(health, "big", "t7", "2026-01-31T23:59Z", minutes=1_000)
    await _touched(health, "theirs", "t8", "2026-02-04T11:00Z", minutes=1_000)

    load = await health.get("/csms/ann/load", **{"from": "2026-02-01", "to": "2026-02-28"})

    assert (load["accounts"], load["arr"], load["currency"]) == (3, money(("10005", "EUR")), "EUR")
    assert load["effort"] == {
        "touches": 4,
        "unanswered": 1,
        "internal": 1,
        "minutes": 300,
        "without_minutes": 1,
        "cost": money(("12.50", "EUR")),
    }
    assert [(t["tier"], t["accounts"], t["arr"], t["effort"]["minutes"]) for t in load["by_tier"]] == [
        ("gold", 1, money(("9000", "EUR")), 60),
        ("silver", 2, money(("1005", "EUR")), 240),
    ]
    assert [(c["arr_class"], c["accounts"], c["effort"]["minutes"]) for c in load["by_arr_class"]] == [
        ("a", 1, 60),
        ("b", 1, 0),
        ("c", 1, 240),
    ]
    assert (load["of_little_value_minutes"], load["of_little_value_share"]) == (240, 0.8)


async def test_a_touch_counts_for_who_owned_the_account_when_it_took_place(health: Health) -> None:
    await health.receives(fact("acme", at="2026-02-10T00:00Z", owner="bob"))
    await _stated(health, "acme", "account", "account", "2026-01-10T00:00Z", {"owner": "ann"})
    await _stated(health, "acme", "account", "account", "2026-02-10T00:00Z", {"owner": "bob"})
    for thing, at, minutes in (
        ("t1", "2026-01-05T10:00Z", 1),
        ("t2", "2026-02-09T23:59Z", 10),
        ("t3", "2026-02-10T00:00Z", 100),
    ):
        await _touched(health, "acme", thing, at, minutes=minutes)

    ann = await health.get("/csms/ann/load", **{"from": "2026-01-01", "to": "2026-02-28"})
    bob = await health.get("/csms/bob/load", **{"from": "2026-01-01", "to": "2026-02-28"})
    nobody = await health.get("/csms/cem%2Fsales/load")

    assert (ann["accounts"], ann["effort"]["minutes"], ann["owner_assumed"]) == (0, 11, 1)
    assert (bob["accounts"], bob["effort"]["minutes"], bob["owner_assumed"]) == (1, 100, 0)
    assert (nobody["csm"], nobody["accounts"], nobody["effort"]["minutes"]) == ("cem/sales", 0, 0)
    assert nobody["of_little_value_share"] is None


async def test_a_day_of_load_is_one_of_the_accounts_zone(health: Health) -> None:
    await health.receives(fact("acme", at="2026-01-01T00:00Z", owner="ann", zone="Asia/Shanghai"))
    await _touched(health, "acme", "t1", "2026-01-31T16:00Z", minutes=10)

    january = await health.get("/csms/ann/load", **{"from": "2026-01-01", "to": "2026-01-31"})
    february = await health.get("/csms/ann/load", **{"from": "2026-02-01", "to": "2026-02-28"})

    assert (january["effort"]["minutes"], february["effort"]["minutes"]) == (0, 10)


async def test_a_period_has_to_be_one(health: Health) -> None:
    for first, last, code in (
        ("2026-02-02", "2026-02-01", "days-reversed"),
        ("2024-01-01", "2026-01-01", "period-too-long"),
    ):
        answer = await health.api.get("/v1/csms/ann/load", params={"from": first, "to": last})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
