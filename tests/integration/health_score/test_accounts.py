"""The account's record: facts in any order, snapshots, what it is worth; and the lists that show it."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from health_score.consumers import NoSuchFact, stated_by_alerts
from health_score.domain.account import ZoneUnknown
from mainstay.contracts.alerts import AccountReassigned, FactStated
from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.health_score import AccountChanged
from mainstay.contracts.ingest import ServicePolicy, TeamAssignment
from mainstay.messaging.port import Record
from tests.integration.health_score.health import START, Health, daily, fact, instant, usage, value


async def test_facts_of_one_field_resolve_by_time_whatever_order_they_come_in(health: Health) -> None:
    facts = [
        fact("acme", at="2026-02-01T00:00Z", id="a", owner="ann", tier="gold", name="Acme"),
        fact("acme", at="2026-02-02T00:00Z", id="b", owner="bob"),
        fact("acme", at="2026-02-02T00:00Z", id="c", owner="cem"),
        fact("acme", at="2026-02-03T00:00Z", id="d", tier=None),
    ]
    for seed in range(5):
        random.Random(seed).shuffle(facts)
        for each in facts:
            await health.receives(each)
        account = await health.get("/accounts/acme")
        assert (account["name"], account["owner"], account["tier"]) == ("Acme", "cem", None)


async def test_each_change_of_the_record_is_one_numbered_snapshot(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    await health.receives(fact("acme", at="2026-03-01T08:00Z", name="Acme", owner="ann"))
    same = fact("acme", at="2026-03-01T08:01Z", name="Acme")
    await health.receives(same)
    await health.receives(same)
    await health.receives(value("acme", at="2026-03-01T08:02Z", seats=5, arr=[(Decimal("1200.50"), "EUR")]))

    snapshots = await health.said(AccountChanged)
    assert [snapshot.sequence for snapshot in snapshots] == [1, 2, 3]
    assert (snapshots[1].name, snapshots[1].owner, snapshots[1].value.seats) == ("Acme", "ann", None)
    assert snapshots[2].value.arr[0].amount == Decimal("1200.50")


async def test_the_whole_record_is_shown_and_said_when_one_thing_changes(health: Health) -> None:
    await health.receives(
        fact(
            "acme",
            at="2026-02-01T00:00Z",
            stage="onboarding",
            locale="de-AT",
            currency="EUR",
            parent_account_id="acme-group",
            external_ids={"crm": "001", "billing": "b-7", "old": "x"},
            team=(TeamAssignment("csm", "kim"), TeamAssignment("sales", "sam", date(2025, 1, 1), date(2026, 3, 31))),
            service_policy=ServicePolicy(touch_every_days=30, budget=MoneyData(Decimal("1200.50"), "EUR")),
            partnership="strategic",
            brand_value="high",
            go_live_planned_on=date(2026, 4, 1),
            delivery_partner="Globex",
            coverage_role="coordinator",
            coverage_assignment="pool",
        ),
        fact("acme", at="2026-02-02T00:00Z", external_ids={"billing": "b-8", "old": None}, go_live_on=date(2026, 5, 1)),
    )
    await health.receives(fact("acme", at="2026-02-20T00:00Z", team=(TeamAssignment("csm", "lee"),)))

    team: list[dict[str, str | None]] = [
        {"role": "csm", "person": "kim", "since": "2026-02-01", "until": "2026-02-19"},
        {"role": "csm", "person": "lee", "since": "2026-02-20", "until": None},
        {"role": "sales", "person": "sam", "since": "2025-01-01", "until": "2026-03-31"},
    ]
    by_hand = {"how": "hand", "rule": None, "version": None, "reason": None, "person": None}
    assert (await health.get("/accounts/acme"))["record"] == {
        "stage": "onboarding",
        "locale": "de-AT",
        "currency": "EUR",
        "parent_account_id": "acme-group",
        "external_ids": {"billing": "b-8", "crm": "001"},
        "team": team,
        "service_policy": {
            "name": None,
            "touch_every_days": 30,
            "response_within_hours": None,
            "mode": None,
            "served_by": None,
            "training": None,
            "budget": {"amount": "1200.50", "currency": "EUR"},
        },
        "partnership": "strategic",
        "brand_value": "high",
        "go_live_planned_on": "2026-04-01",
        "go_live_on": "2026-05-01",
        "delivery_partner": "Globex",
        "coverage_role": "coordinator",
        "coverage_assignment": "pool",
        "tier_by": None,
        "stage_by": by_hand,
        "stage_target_days": 90,
        "service": {
            "policy": None,
            "by": {**by_hand, "reason": "stated for this account"},
            "promises": {"touch_every_days": 30, "budget": {"amount": "1200.50", "currency": "EUR"}},
        },
    }
    said = (await health.said(AccountChanged))[-1]
    assert (said.sequence, said.stage, said.locale, said.currency) == (2, "onboarding", "de-AT", "EUR")
    assert (said.parent_account_id, said.external_ids) == ("acme-group", {"billing": "b-8", "crm": "001"})
    assert msgspec.to_builtins(said.team, order="sorted") == tuple(
        {name: value for name, value in sorted(each.items()) if value is not None} for each in team
    )


async def test_a_record_of_which_nothing_was_stated_is_empty(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))

    record = (await health.get("/accounts/acme"))["record"]

    assert (record.pop("external_ids"), record.pop("team")) == ({}, [])
    assert set(record.values()) == {None}


async def test_a_fact_with_an_unknown_zone_is_refused_whole(health: Health) -> None:
    await health.receives(fact("acme", at="2026-03-01T08:00Z", name="Acme"))

    for zone in ("Mars/Olympus", "", "America", "../UTC", "a" * 5_000):
        with pytest.raises(ZoneUnknown):
            await health.receives(fact("acme", at="2026-03-01T08:01Z", name="Other", zone=zone))

    assert (await health.get("/accounts/acme"))["name"] == "Acme"


async def _portfolio(health: Health) -> None:
    for name, days, owner, tier in (
        ("busy", ("2025-11-01", "2026-02-28"), "ann", "gold"),
        ("gone", ("2025-11-01", "2025-12-10"), "bob", "gold"),
        ("new", ("2026-02-27", "2026-02-28"), "ann", None),
        ("none", None, "bob", "silver"),
    ):
        await health.receives(fact(name, at="2026-03-01T08:00Z", name=name.title(), owner=owner, tier=tier))
        if days:
            await health.receives(*daily(name, *days, users=5, features=7))
    await health.receives(
        value("busy", at="2026-03-01T08:00Z", arr=[(Decimal("1000.10"), "EUR"), (Decimal(50), "USD")]),
        value("gone", at="2026-03-01T08:00Z", arr=[(Decimal("0.20"), "EUR")]),
        value("new", at="2026-03-01T08:00Z", arr=[(Decimal(2000), "EUR")]),
    )
    await health.settle()


async def test_the_list_is_filtered_sorted_and_paged(health: Health) -> None:
    await _portfolio(health)

    async def ids(**params: Any) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await health.get("/accounts", **params, **cursor)
            found += [account["account_id"] for account in page["data"]]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    for limit in (1, 2, 3, 50):
        assert await ids(limit=limit) == ["busy", "gone", "new", "none"]
        assert (await ids(limit=limit, sort="score"))[0] == "gone"
        assert (await ids(limit=limit, sort="score"))[-1] == "none"
        assert (await ids(limit=limit, sort="-score"))[-2:] == ["gone", "none"]
        assert await ids(limit=limit, sort="last_active_on") == ["gone", "busy", "new", "none"]
        assert await ids(limit=limit, sort="-last_active_on") == ["new", "busy", "gone", "none"]
        assert await ids(limit=limit, sort="name") == ["busy", "gone", "new", "none"]
    assert await ids(band="green") == ["busy"]
    assert await ids(band="unknown") == ["new", "none"]
    assert await ids(owner="bob") == ["gone", "none"]
    assert await ids(tier="gold", owner="ann") == ["busy"]
    assert await ids(owner="nobody") == []


async def test_the_portfolio_adds_up_by_band_and_currency(health: Health) -> None:
    await _portfolio(health)

    summary = await health.get("/portfolio/summary")

    assert (summary["accounts"], summary["silent"]) == (4, 1)
    assert summary["arr"] == [{"amount": "3000.30", "currency": "EUR"}, {"amount": "50", "currency": "USD"}]
    bands = {band["band"]: (band["accounts"], band["arr"]) for band in summary["bands"]}
    assert bands["green"] == (
        1,
        [{"amount": "1000.10", "currency": "EUR"}, {"amount": "50", "currency": "USD"}],
    )
    assert bands["red"] == (1, [{"amount": "0.20", "currency": "EUR"}])
    assert bands["unknown"] == (2, [{"amount": "2000", "currency": "EUR"}])
    assert bands["yellow"] == (0, [])


async def test_an_account_shows_its_record_life_and_health(health: Health) -> None:
    await _portfolio(health)

    account = await health.get("/accounts/busy")

    assert account["first_active_on"] == "2025-11-01"
    assert account["last_active_on"] == "2026-02-28"
    assert account["zone"] == "UTC"
    assert account["value"]["arr"][0] == {"amount": "1000.10", "currency": "EUR"}
    assert account["health"]["band"] == "green"
    assert instant(account["health"]["band_since"]) < instant("2026-02-28T00:00Z")


async def test_an_account_given_away_has_its_new_owner_with_the_day(health: Health) -> None:
    await health.receives(fact("acme", at="2026-02-22T09:00Z", owner="ann"))
    given = AccountReassigned("acme", START, "bob", date(2026, 3, 2), "r1", "max", "ann leaves", previous_owner="ann")
    out = encode(Event("e1", "mainstay/alerts", START, given))
    heard = stated_by_alerts(Record(out.topic, 0, 0, out.key, out.value, out.headers, START))
    assert heard is not None

    for _ in range(2):
        await health.receives(heard)

    (*_, said) = await health.said(AccountChanged, account="acme")
    assert said.owner == "bob"
    assert [(each.role, each.person, each.since) for each in said.team] == [("csm", "bob", date(2026, 3, 2))]
    assert len(await health.said(AccountChanged, account="acme")) == 2


def playbook_fact(kind: str, stated: Any) -> FactStated:
    return FactStated("acme", START, kind, msgspec.Raw(msgspec.json.encode(stated)), "r1", "p", 3, "s")


def heard(data: Any, event_id: str = "e1") -> Any:
    out = encode(Event(event_id, "mainstay/alerts", data.occurred_at, data))
    return stated_by_alerts(Record(out.topic, 0, 0, out.key, out.value, out.headers, START))


async def test_what_a_playbook_states_is_a_fact_like_any_other(health: Health) -> None:
    await health.receives(fact("acme", at="2026-02-22T09:00Z", stage="growth", tier="gold"))
    objective = {"objective_id": "o1", "words": "Live in spring", "state": "active", "due_on": "2026-05-01"}
    said = [
        playbook_fact("account", {"stage": "will_churn", "by": "playbook p"}),
        playbook_fact("objective", objective),
    ]

    for _ in range(2):
        for number, each in enumerate(said):
            await health.receives(heard(each, f"e{number}"))

    account = await health.get("/accounts/acme")
    assert (account["stage"], account["tier"]) == ("will_churn", "gold")
    plan = await health.get("/accounts/acme/success-plan")
    assert [(each["objective_id"], each["words"]) for each in plan["objectives"]] == [("o1", "Live in spring")]


@pytest.mark.parametrize(
    ("kind", "stated"),
    [("weather", {}), ("account", {"stage": "sold"}), ("account", ["no object"]), ("objective", {"words": "no id"})],
)
def test_what_is_no_fact_goes_aside(kind: str, stated: Any) -> None:
    with pytest.raises(NoSuchFact, match=kind):
        heard(playbook_fact(kind, stated))
