"""Milestones on a real database: each once a term, at most one message a contract, whatever happens to the clock."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from mainstay.contracts.renewals import MilestoneReached, RenewalRiskChanged, RenewalWindowOpened
from renewals.bootstrap import Service
from tests.integration.renewals.office import Office, account_record, banded, instant, scored

YEAR = {"start": "2026-01-01", "end": "2026-12-31"}
MONTHS_NOTICE = {"amount": 1, "unit": "months"}


async def milestones(office: Office, contract: dict[str, Any], number: int = 1) -> list[Any]:
    answer = await office.reads(f"/v1/renewals/{contract['id']}.{number}")
    return [(each["name"], each["on"], each["late_by_seconds"]) for each in answer["milestones"] if each["reached_at"]]


async def told(office: Office) -> list[tuple[str, str]]:
    """The milestones that people hear of, since the last call."""
    return [(each.milestone, each.term_id) for each in await office.said_of(MilestoneReached) if not each.superseded]


async def test_each_milestone_comes_on_its_day_where_the_contract_is(office: Office) -> None:
    contract = await office.enters(**YEAR, zone="Europe/Berlin", notice=MONTHS_NOTICE, external_id="crm-1")
    await office.hears(scored("acme", 81, "green", "2026-09-01"))

    said = []
    for _ in range(360):
        await office.passes(1)
        said += await office.said_of(MilestoneReached)

    assert [(each.milestone, str(each.occurred_at), each.superseded) for each in said] == [
        ("window", "2026-09-30 22:00:00+00:00", False),
        ("days_60", "2026-11-01 23:00:00+00:00", False),
        ("notice_deadline", "2026-11-29 23:00:00+00:00", False),
        ("days_30", "2026-12-01 23:00:00+00:00", False),
        ("due", "2026-12-30 23:00:00+00:00", False),
    ]
    assert {(each.external_id, each.health.band, str(each.ends_before)) for each in said} == {
        ("crm-1", "green", "2027-01-01")
    }
    assert [name for name, _, _ in await milestones(office, contract)] == [each.milestone for each in said]


async def test_after_downtime_all_are_recorded_and_the_latest_is_told(office: Office) -> None:
    contract = await office.enters(**YEAR, notice=MONTHS_NOTICE)
    await office.said()

    await office.it_is("2026-12-03T06:00")

    events = await office.said()
    hour = 3_600
    assert await milestones(office, contract) == [
        ("window", "2026-10-01", 63 * 24 * hour + 6 * hour),
        ("days_60", "2026-11-02", 31 * 24 * hour + 6 * hour),
        ("notice_deadline", "2026-11-30", 3 * 24 * hour + 6 * hour),
        ("days_30", "2026-12-02", 24 * hour + 6 * hour),
    ]
    reached = [each for each in events if isinstance(each, MilestoneReached)]
    assert [(each.milestone, each.superseded) for each in reached] == [
        ("window", True),
        ("days_60", True),
        ("notice_deadline", True),
        ("days_30", False),
    ]
    assert [each.superseded for each in events if isinstance(each, RenewalWindowOpened)] == [True]


async def test_terms_that_pass_in_one_go_are_recorded_and_the_latest_of_the_last_is_told(office: Office) -> None:
    contract = await office.enters(start="2026-01-01", term_months=6)
    await office.said()

    await office.it_is(office.clock.now() + timedelta(days=500))

    assert await told(office) == [("days_60", f"{contract['id']}.3")]
    for number, expected in ((1, 4), (2, 4), (3, 2)):
        assert len(await milestones(office, contract, number)) == expected


async def test_an_end_that_moves_counts_the_days_anew_and_repeats_none(office: Office) -> None:
    contract = await office.enters(**YEAR)
    await office.it_is("2026-11-15")  # the window, and 60 days
    await office.amends(contract, end="2027-06-30")
    await office.passes(240)

    reached = [(each.milestone, str(each.on)) for each in await office.said_of(MilestoneReached)]
    assert reached[:4] == [
        ("window", "2026-10-01"),
        ("days_60", "2026-11-02"),
        ("days_30", "2027-06-01"),
        ("due", "2027-06-30"),
    ]


async def test_an_end_that_moves_closer_reaches_at_once_what_it_passed(office: Office) -> None:
    contract = await office.enters(**YEAR)
    await office.it_is("2026-01-20")
    await office.said()

    await office.amends(contract, end="2026-03-10")

    assert await told(office) == [("days_60", f"{contract['id']}.1")]
    await office.passes(50)
    assert [name for name, _, _ in await milestones(office, contract)] == ["window", "days_60", "days_30", "due"]


async def test_terms_that_were_over_before_their_contract_was_entered_tell_nobody(office: Office) -> None:
    contract = await office.enters(start="2023-01-01", term_months=12)
    over = await office.enters("bolt", start="2024-01-01", end="2024-12-31", at_end="cancel")

    assert await office.said_of(MilestoneReached) == []
    assert await milestones(office, contract, 2) == await milestones(office, over) == []


async def test_what_a_renewal_by_hand_comes_before_is_not_reached(office: Office) -> None:
    contract = await office.enters(**YEAR)
    await office.it_is("2026-11-10")
    await office.said()

    await office.http.post(f"/v1/contracts/{contract['id']}/renewals", json={"term_months": 12})
    await office.it_is("2027-01-05")

    assert await told(office) == []
    assert [name for name, _, _ in await milestones(office, contract)] == ["window", "days_60"]


async def test_what_fell_due_while_a_contract_was_cancelled_is_recorded_when_that_is_withdrawn(office: Office) -> None:
    contract = await office.enters(**YEAR)
    await office.it_is("2026-10-05")
    await office.http.post(f"/v1/contracts/{contract['id']}/cancellation", json={})
    await office.it_is("2026-12-05")
    await office.said()

    await office.http.delete(f"/v1/contracts/{contract['id']}/cancellation")

    assert await told(office) == [("days_30", f"{contract['id']}.1")]
    assert [name for name, _, _ in await milestones(office, contract)] == ["window", "days_60", "days_30"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Auckland", "Africa/Cairo"])
async def test_a_clock_that_jumps_an_hour_reaches_each_once(office: Office, zone: str) -> None:
    for number in range(5):
        await office.enters(f"account-{number}", start="2026-01-01", term_months=12, zone=zone)
    await office.it_is("2026-11-01")
    await office.said()

    for hour in range(-14, 38):
        for jump in (0, 1, -1, 0):
            await office.it_is(instant("2026-11-02") + timedelta(hours=hour + jump))

    reached = await office.said_of(MilestoneReached)
    assert sorted((each.account_id, each.milestone) for each in reached) == [
        (f"account-{number}", "days_60") for number in range(5)
    ]


async def test_two_processes_and_a_new_one_reach_each_once(office: Office) -> None:
    for number in range(12):
        await office.enters(f"account-{number % 5}", **YEAR, external_id=f"c{number}")
    await office.said()
    office.clock.move_to(instant("2026-12-02T00:00:01"))

    await asyncio.gather(*(office.another_runner(batch=2).run_due() for _ in range(4)))
    reborn = Service(office.service.settings, clock=office.clock)
    await reborn.timers.run_due()
    await reborn.close()

    reached = [(each.term_id, each.milestone) for each in await office.said_of(MilestoneReached)]
    assert len(reached) == len(set(reached)) == 12 * 3


# The policy decides the days, risk is seen within the window


async def test_a_policy_by_tier_and_segment_sets_windows_and_days(office: Office) -> None:
    gold, other = [await office.enters(account, **YEAR) for account in ("gold", "other")]
    await office.learns(account_record("gold", tier="gold", segment="enterprise"))
    rule = {"name": "gold", "tiers": ["gold"], "window_months": 6, "milestone_days": [120, 14]}
    assert (await office.http.put("/v1/renewal-policy", json={"rules": [rule]})).status_code == 201

    await office.passes(360)

    assert [name for name, _, _ in await milestones(office, gold)] == ["window", "days_120", "days_14", "due"]
    assert (await milestones(office, gold))[0][1] == "2026-07-01"
    assert [name for name, _, _ in await milestones(office, other)] == ["window", "days_60", "days_30", "due"]


async def test_an_account_that_becomes_gold_has_its_window_at_once(office: Office) -> None:
    rule = {"name": "gold", "tiers": ["gold"], "window_months": 6}
    await office.http.put("/v1/renewal-policy", json={"rules": [rule]})
    contract = await office.enters(**YEAR)
    await office.it_is("2026-08-01")
    await office.said()

    await office.learns(account_record("acme", tier="gold", at="2026-08-01"))
    await office.it_is("2026-08-01T00:01")

    assert await told(office) == [("window", f"{contract['id']}.1")]


async def test_red_within_the_window_is_a_risk_and_so_is_a_window_that_opens_red(office: Office) -> None:
    await office.enters("acme", **YEAR)
    await office.enters("bolt", **YEAR)
    await office.hears(scored("bolt", 30, "red", "2026-09-01"), scored("acme", 80, "green", "2026-09-01"))
    await office.it_is("2026-10-01")
    opened = await office.said_of(RenewalRiskChanged)

    await office.it_is("2026-10-20T12:00")
    await office.hears(banded("acme", 40, "red", "2026-10-20T11:00"))
    await office.it_is("2026-10-20T12:01")
    fell = await office.said_of(RenewalRiskChanged)
    await office.hears(banded("acme", 80, "green", "2026-10-21T11:00"))
    await office.it_is("2026-10-21T12:00")

    def shown(events: list[Any]) -> list[Any]:
        return [(each.account_id, each.risk, each.previous_risk, each.health.band) for each in events]

    assert shown(opened) == [("bolt", "at_risk", None, "red")]
    assert shown(fell) == [("acme", "at_risk", "none", "red")]
    assert shown(await office.said_of(RenewalRiskChanged)) == [("acme", "none", "at_risk", "green")]


async def test_a_renewal_whose_health_nobody_knows_says_so(office: Office) -> None:
    contract = await office.enters(**YEAR)

    await office.it_is("2026-10-01")

    (risk,) = await office.said_of(RenewalRiskChanged)
    assert (risk.risk, risk.health) == ("unknown", None)
    shown = await office.reads(f"/v1/renewals/{contract['id']}.1")
    assert shown["health"] == {"is_known": False, "score": None, "band": "unknown", "coverage": None, "as_of": None}
    assert shown["risk"] == "unknown"


async def test_a_renewal_that_is_closed_is_at_no_risk(office: Office) -> None:
    await office.enters(**YEAR, at_end="cancel")
    await office.hears(scored("acme", 30, "red", "2026-09-01"))
    await office.it_is("2027-01-05")
    await office.said()

    await office.hears(banded("acme", 80, "green", "2027-01-06"), banded("acme", 30, "red", "2027-01-07"))
    await office.it_is("2027-01-08")

    assert await office.said_of(RenewalRiskChanged) == []
