"""What people hear of renewals: each thing once, late where it is late, and never the same thing from two rules."""

import json
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Event
from mainstay.contracts.facts import ContractFact, ContractTerm, Notice
from mainstay.contracts.renewals import HealthAtOpening, MilestoneReached, RenewalRiskChanged
from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.world import World, close, known, renewed, window_opened, world

ENDS = timedelta(days=90)
DAY = timedelta(days=1)
_ids = count()


@pytest.fixture
async def shipped(migrated_url: str) -> AsyncIterator[World]:
    """A world in which the playbooks that come with Mainstay are in force."""
    made = await world(migrated_url, None).open()
    yield made
    await close(made)


def milestone(
    name: str,
    on: datetime,
    *,
    ends: date,
    contract: str = "c1",
    late: timedelta = timedelta(),
    superseded: bool = False,
    **more: Any,
) -> Event[MilestoneReached]:
    data = MilestoneReached(
        account_id="acme",
        contract_id=contract,
        term_id="t1",
        milestone=name,
        on=on.date(),
        occurred_at=on,
        ends_before=ends,
        amount=MoneyData(Decimal("12000.00"), "EUR"),
        late_by_seconds=int(late.total_seconds()),
        superseded=superseded,
        health=HealthAtOpening(41, "red", 1.0, on),
        **more,
    )
    return Event(f"milestone {next(_ids)}", "mainstay/renewals", on, data)


def risk(kind: str, at: datetime, *, band: str, before: str | None = None) -> Event[RenewalRiskChanged]:
    data = RenewalRiskChanged(
        account_id="acme",
        contract_id="c1",
        term_id="t1",
        occurred_at=at,
        risk=kind,
        previous_risk=before,
        state="window_open",
        ends_before=at.date() + ENDS,
        amount=MoneyData(Decimal("12000.00"), "EUR"),
        health=HealthAtOpening(41, band, 1.0, at),
    )
    return Event(f"risk {next(_ids)}", "mainstay/renewals", at, data)


async def titles(alerts: World, sink: HttpSink) -> list[str]:
    await alerts.delivers()
    return [json.loads(arrival.body)["data"]["title"] for arrival in sink.arrivals]


async def test_a_term_is_told_as_its_days_come_and_its_end_once(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    start = alerts.clock.now()
    ends = start.date() + ENDS
    await alerts.hears(known(start), window_opened(start), milestone("window", start, ends=ends))
    await alerts.delivers()

    for left, name in ((60, "days_60"), (30, "days_30"), (1, "due")):
        alerts.clock.move_to(start + ENDS - left * DAY)
        await alerts.hears(milestone(name, alerts.clock.now(), ends=ends))
        await alerts.delivers()
    alerts.clock.move_to(start + ENDS)
    await alerts.hears(renewed(alerts.clock.now()))

    told = f"The renewal of Acme is due before {ends}"
    assert await titles(alerts, sink) == [
        told,
        "Days left until the term of Acme ends: 60",
        "Days left until the term of Acme ends: 30",
        "Days left until the term of Acme ends: 1",
        f"Resolved: {told}",
    ]
    assert {alert["state"] for alert in await alerts.alerts()} == {"resolved"}


async def test_after_downtime_the_latest_is_told_and_how_late(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    on = alerts.clock.now() - 3 * DAY
    ends = on.date() + 60 * DAY

    await alerts.hears(
        known(on),
        window_opened(on, superseded=True),
        milestone("window", on, ends=ends, late=3 * DAY, superseded=True),
        milestone("days_60", on, ends=ends, late=3 * DAY),
    )

    assert await titles(alerts, sink) == ["Days left until the term of Acme ends: 60 (told 3 days late)"]


async def test_a_milestone_names_the_contract_as_the_crm_does(alerts: World) -> None:
    now = alerts.clock.now()
    ends = now.date() + 60 * DAY

    await alerts.hears(known(now), milestone("days_60", now, ends=ends, external_id="K-17"))

    [alert] = await alerts.alerts()
    assert alert["reason"].startswith("Contract K-17, 12,000.00 EUR, ")


async def test_a_window_that_is_told_late_says_so_in_every_language(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url, language="zh-Hans")
    on = alerts.clock.now() - 3 * DAY

    await alerts.hears(known(on), window_opened(on, late_by_seconds=3 * 86_400))

    [title] = await titles(alerts, sink)
    assert title.endswith("（迟报 3 天）")


async def test_a_notice_deadline_that_two_systems_know_is_told_once(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    now = alerts.clock.now()
    ends_on = now.date() + 30 * DAY
    term = ContractTerm(ends_on - timedelta(days=364), ends_on, MoneyData(Decimal("12000.00"), "EUR"))
    stated = ContractFact(
        "acme", "crm-7", now - DAY, "recurring", "EUR", terms=(term,), notice=Notice(30, "days"), state="signed"
    )
    ends = ends_on + DAY

    await alerts.hears(known(now), Event("fact", "mainstay/ingest", now - DAY, stated))
    before = await titles(alerts, sink)
    await alerts.hears(milestone("notice_deadline", now, ends=ends, external_id="crm-7"))
    both = await titles(alerts, sink)
    await alerts.hears(milestone("notice_deadline", now, ends=ends, contract="c2"))
    alone = await titles(alerts, sink)

    assert before == both == ["Notice on contract crm-7 of Acme: 1 day left"]
    assert alone[1:] == ["Notice on contract c2 of Acme: 0 days left"]


async def test_red_within_the_window_is_told_a_day_later_if_it_is_still_so(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    start = alerts.clock.now()
    await alerts.hears(known(start), window_opened(start), risk("at_risk", start, band="red"))
    at_once = await titles(alerts, sink)

    alerts.clock.move_to(start + DAY)
    await alerts.application.due.run_due()
    a_day_later = await titles(alerts, sink)
    alerts.clock.advance(timedelta(hours=1))
    await alerts.hears(risk("none", alerts.clock.now(), band="green", before="at_risk"))

    told = f"The renewal of Acme before {start.date() + ENDS} is at risk"
    assert len(at_once) == 1
    assert a_day_later[1:] == [told]
    assert (await titles(alerts, sink))[2:] == [f"Resolved: {told}"]


async def test_red_that_passes_within_a_day_escalates_nothing(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    start = alerts.clock.now()
    await alerts.hears(known(start), risk("at_risk", start, band="red"))
    await alerts.hears(risk("none", start + timedelta(hours=5), band="yellow", before="at_risk"))

    alerts.clock.move_to(start + 2 * DAY)
    await alerts.application.due.run_due()

    assert await titles(alerts, sink) == []


async def test_the_checklist_of_a_renewal_starts_with_its_window_and_once(shipped: World) -> None:
    now = shipped.clock.now()
    opened = window_opened(now)
    await shipped.hears(known(now), opened)
    await shipped.hears(opened, window_opened(now, term="t2"))

    runs = (await shipped.get("/v1/playbook-runs", playbook="renewal"))["data"]
    assert [(run["playbook"], run["state"]) for run in runs] == [("renewal", "open")]
    assert {task["step"]: task["assignee"] for task in runs[0]["tasks"] if task["state"] == "open"} == {
        "review": "ann@example.com",
        "deciders": "ann@example.com",
    }
