"""Accounts given to other owners: what it would make, and how it is told to health-score."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from mainstay.contracts.alerts import AccountReassigned
from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Decoder
from mainstay.messaging.port import Record
from tests.integration.alerts.sinks import MailSink
from tests.integration.alerts.test_routing import MONDAY, falls, office, person, post
from tests.integration.alerts.world import World, known

__all__ = ["office"]

MINE: dict[str, Any] = {
    "id": "mine",
    "name": "Mine",
    "category": "lifecycle",
    "triggers": [{"handover": True}],
    "steps": [
        {"key": "call", "title": "Call them", "role": "csm", "due": {"days": 1}},
        {"key": "look", "title": "Look", "role": "owner", "due": {"days": 1}},
        {"key": "offer", "title": "Offer", "role": "sales", "due": {"days": 1}},
        {"key": "plan", "title": "Plan", "role": "csm", "after": "call", "due": {"days": 2}},
    ],
}


async def book(alerts: World) -> None:
    """Four accounts of ann's with 10, 40, 60 and 90 thousand of ARR, and one of bob's with 50."""
    for one in ("ann", "bob", "cat"):
        await person(alerts, one)
    now = alerts.clock.now()
    for number, (owner, thousands) in enumerate([("ann", 10), ("ann", 40), ("ann", 60), ("ann", 90), ("bob", 50)]):
        arr = (MoneyData(Decimal(thousands * 1_000), "EUR"),)
        await alerts.hears(known(now, account=f"a{number}", owner=owner, value={"arr": arr}))


async def given(alerts: World) -> list[AccountReassigned]:
    rows = await alerts.rows(
        "SELECT topic, key, value, header_names, header_values FROM alerts.outbox"
        " WHERE topic = 'alert-events' ORDER BY id"
    )
    decode = Decoder(AccountReassigned)
    found = []
    for number, row in enumerate(rows):
        headers = tuple(zip(row.header_names, row.header_values, strict=True))
        event = decode(Record(row.topic, 0, number, row.key, row.value, headers, alerts.clock.now()))
        if event is not None:
            found.append(event.data)
    return found


async def test_the_preview_spreads_fairly_and_shows_the_load_before_and_after(office: World, mail: MailSink) -> None:
    await book(office)
    await falls(office, "a3", value={"arr": (MoneyData(Decimal(90_000), "EUR"),)}, sequence=2)

    question: dict[str, Any] = {"from": {"owner": "ann"}, "to": ["bob", "cat"]}
    answer = await post(office, "/v1/reassignments/preview", **question)

    loads = {load["person_id"]: load for load in answer["loads"]}
    assert (loads["ann"]["before"]["accounts"], loads["ann"]["after"]["accounts"]) == (4, 0)
    assert {name: load["after"]["points"] for name, load in loads.items()} == {"ann": 0, "bob": 15, "cat": 15}
    assert sum(load["after"]["open_alerts"] for load in loads.values()) == 1
    assert loads["ann"]["before"]["arr"] == [{"amount": "200000", "currency": "EUR"}]
    assert loads["bob"]["before"]["tasks"] == 0
    assert not await given(office)
    assert not mail.mails


async def test_the_preview_counts_the_tasks_that_go_with_the_accounts(office: World, mail: MailSink) -> None:
    await book(office)
    async with office.api() as api:
        saved = await api.put("/v1/playbooks/mine", json={"playbook": MINE})
    assert saved.status_code == 201, saved.text
    for account in ("a0", "a1", "a4"):
        await post(office, "/v1/playbooks/mine/runs", 201, account_id=account)

    question: dict[str, Any] = {"from": {"owner": "ann"}, "to": ["bob"]}
    answer = await post(office, "/v1/reassignments/preview", **question)

    tasks = {load["person_id"]: (load["before"]["tasks"], load["after"]["tasks"]) for load in answer["loads"]}
    assert tasks == {"ann": (4, 0), "bob": (2, 6)}  # the task for sales stays with sales
    assert not mail.mails


async def test_accounts_are_given_on_their_day_each_once(office: World) -> None:
    await book(office)
    tomorrow = (MONDAY + timedelta(days=1)).date()
    begun = await post(
        office,
        "/v1/reassignments",
        202,
        **{"from": {"match": {"owners": ["ann"]}}, "to": ["cat"]},
        effective_on=str(tomorrow),
        reason="ann leaves",
    )
    await office.application.due.run_due()
    early = await given(office)
    office.clock.move_to(MONDAY + timedelta(days=1))
    for _ in range(2):
        await office.application.due.run_due()

    done = await office.get(f"/v1/reassignments/{begun['id']}")
    told = await given(office)
    assert not early
    assert (done["moved"], done["total"], done["finished_at"] is not None) == (4, 4, True)
    assert [(each.account_id, each.previous_owner, each.owner) for each in told] == [
        (f"a{number}", "ann", "cat") for number in range(4)
    ]
    assert {(each.effective_on, each.by, each.reason) for each in told} == {(tomorrow, "the tests", "ann leaves")}


async def test_what_cannot_be_given_away_is_refused_at_its_place(office: World) -> None:
    await book(office)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"from": {"owner": "ann"}, "to": ["zoe"]}, "/to/0"),
        ({"from": {"owner": "nobody"}, "to": ["cat"]}, "/from"),
        ({"from": {"team": "none"}, "to": ["cat"]}, "/from/team"),
        ({"from": {"accounts": ["a1", "zz"]}, "to": ["cat"]}, "/from/accounts"),
        ({"from": {"match": {}}, "to": ["cat"]}, "/from/match"),
        ({"from": {"owner": "ann", "team": "x"}, "to": ["cat"]}, "/from"),
        ({"from": {"owner": "ann"}, "to": ["cat"], "effective_on": "2026-03-01"}, "/effective_on"),
    ]
    for body, pointer in cases:
        refused = await post(office, "/v1/reassignments/preview", 422, **body)
        assert [error["pointer"] for error in refused["errors"]] == [pointer], body
