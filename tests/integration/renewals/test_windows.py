"""Renewal windows on a real database: once per term, whatever happens to clocks and processes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from mainstay.contracts.renewals import HealthAtOpening, RenewalWindowOpened, TermEnded, TermRenewed
from renewals.bootstrap import Service
from tests.integration.renewals.office import Office, banded, euro, instant, scored

YEAR = {"start": "2026-01-01", "end": "2026-12-31"}


async def test_a_window_opens_on_its_day_with_the_health_of_that_moment(office: Office) -> None:
    contract = await office.enters(**YEAR, zone="Europe/Berlin", seats=20)
    await office.hears(scored("acme", 81, "green", "2026-09-01"), banded("acme", 44, "red", "2026-09-20"))
    await office.said()

    await office.it_is("2026-09-30T21:59:59")
    early = await office.said()
    await office.it_is("2026-09-30T22:00:00")

    assert early == []
    assert await office.said_of(RenewalWindowOpened) == [
        RenewalWindowOpened(
            account_id="acme",
            contract_id=contract["id"],
            term_id=contract["terms"][0]["id"],
            occurred_at=instant("2026-09-30T22:00"),
            window_opens_on=instant("2026-10-01").date(),
            ends_before=instant("2027-01-01").date(),
            amount=euro("1200.00"),
            seats=20,
            late_by_seconds=0,
            health=HealthAtOpening(44, "red", 0.5, instant("2026-09-20")),
        )
    ]


async def test_an_account_without_health_has_none_in_its_window(office: Office) -> None:
    await office.enters(**YEAR)

    await office.it_is("2026-10-01")

    (window,) = await office.said_of(RenewalWindowOpened)
    assert window.health is None


@pytest.mark.parametrize(
    "events",
    [
        [scored("acme", 50, "yellow", "2026-02-01"), scored("acme", 30, "red", "2026-02-02")],
        [scored("acme", 30, "red", "2026-02-02"), scored("acme", 50, "yellow", "2026-02-01")],
        [
            scored("acme", 30, "red", "2026-02-02"),
            banded("acme", 90, "green", "2025-06-01"),
        ],  # history, filled in later
        [
            scored("acme", 50, "green", "2026-02-02", event_id="a"),
            scored("acme", 30, "red", "2026-02-02", event_id="b"),
        ],
    ],
)
async def test_the_latest_health_holds_in_whatever_order_it_is_heard(office: Office, events: list[Any]) -> None:
    await office.enters(**YEAR)

    for event in events:
        await office.hears(event)
    await office.hears(*events)  # and all of it once more

    await office.it_is("2026-10-01")
    (window,) = await office.said_of(RenewalWindowOpened)
    assert (window.health.score, window.health.band) == (30, "red")
    assert window.health.as_of == instant("2026-02-02")


async def test_a_contract_entered_with_its_window_open_opens_it_at_once_marked_late(office: Office) -> None:
    contract = await office.enters(start="2025-03-01", end="2026-02-28")

    (window,) = await office.said_of(RenewalWindowOpened)
    await office.passes(30)
    assert window.occurred_at == instant("2025-12-01")
    assert window.late_by_seconds == timedelta(days=35, hours=9).total_seconds()
    assert contract["state"] == contract["terms"][0]["state"] == "window_open"
    assert await office.said_of(RenewalWindowOpened) == []


async def test_a_term_renews_and_the_next_has_a_window_of_its_own(office: Office) -> None:
    contract = await office.enters(**YEAR)

    await office.passes(700)

    happened = [data for data in await office.said() if isinstance(data, RenewalWindowOpened | TermRenewed | TermEnded)]
    assert [(type(data), data.term_id, str(data.occurred_at.date())) for data in happened] == [
        (RenewalWindowOpened, f"{contract['id']}.1", "2026-10-01"),
        (TermRenewed, f"{contract['id']}.1", "2027-01-01"),
        (RenewalWindowOpened, f"{contract['id']}.2", "2027-10-01"),
    ]
    assert isinstance(happened[1], TermRenewed)
    assert happened[1].next_term_id == f"{contract['id']}.2"


async def test_a_contract_that_is_not_renewed_ends(office: Office) -> None:
    contract = await office.enters(**YEAR, at_end="cancel")

    await office.passes(400)

    (ended,) = await office.said_of(TermEnded)
    assert (ended.term_id, ended.occurred_at, ended.reason) == (
        f"{contract['id']}.1",
        instant("2027-01-01"),
        "not renewed",
    )


async def test_after_three_days_of_downtime_what_was_due_is_done_once_and_marked_late(office: Office) -> None:
    await office.enters(**YEAR)

    await office.it_is("2026-10-04T06:00")
    await office.it_is("2026-10-04T06:01")

    (window,) = await office.said_of(RenewalWindowOpened)
    assert window.occurred_at == instant("2026-10-01")
    assert window.late_by_seconds == timedelta(days=3, hours=6).total_seconds()


async def test_a_clock_400_days_ahead_gives_each_milestone_once_and_in_order(office: Office) -> None:
    await office.enters(start="2026-01-01", term_months=6)

    await office.it_is(office.clock.now() + timedelta(days=400))
    await office.it_is("2026-01-05T10:00")  # and back
    await office.passes(420)

    happened = [data for data in await office.said() if isinstance(data, RenewalWindowOpened | TermRenewed)]
    until = [(type(data).__name__, data.term_id.rpartition(".")[2]) for data in happened]
    assert until == [
        ("RenewalWindowOpened", "1"),
        ("TermRenewed", "1"),
        ("RenewalWindowOpened", "2"),
        ("TermRenewed", "2"),
    ]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Auckland", "America/Sao_Paulo"])
async def test_a_clock_that_jumps_an_hour_to_and_fro_opens_each_window_once(office: Office, zone: str) -> None:
    for number in range(20):
        await office.enters(f"account-{number}", start="2026-01-01", term_months=12, zone=zone)

    for hour in range(-30, 30):
        base = instant("2026-10-01") + timedelta(hours=hour)
        for jump in (0, 1, -1, 0):
            await office.it_is(base + timedelta(hours=jump))

    windows = await office.said_of(RenewalWindowOpened)
    assert sorted(window.account_id for window in windows) == sorted(f"account-{number}" for number in range(20))


async def test_two_processes_open_each_window_once(office: Office) -> None:
    for number in range(30):
        await office.enters(f"account-{number % 7}", **YEAR, external_id=f"c{number}")
    office.clock.move_to(instant("2026-10-01T00:00:01"))
    others = [office.another_runner(batch=2) for _ in range(4)]

    await asyncio.gather(*(runner.run_due() for runner in others))

    windows = await office.said_of(RenewalWindowOpened)
    assert len(windows) == len({window.term_id for window in windows}) == 30


async def test_a_process_that_starts_anew_goes_on_where_the_last_one_stopped(office: Office) -> None:
    contract = await office.enters(**YEAR)
    await office.it_is("2026-10-01")
    reborn = Service(office.service.settings, clock=office.clock)
    try:
        office.clock.move_to(instant("2027-10-01"))
        await reborn.timers.run_due()
    finally:
        await reborn.close()

    windows = await office.said_of(RenewalWindowOpened)
    assert [window.term_id for window in windows] == [f"{contract['id']}.1", f"{contract['id']}.2"]


async def test_a_window_that_opened_does_not_open_again_when_the_end_moves(office: Office) -> None:
    contract = await office.enters(**YEAR)
    await office.it_is("2026-10-01")

    amended = await office.amends(contract, end="2027-06-30", seats=9)
    await office.passes(550)  # past the old end and the new one, until the next window

    windows = await office.said_of(RenewalWindowOpened)
    assert [window.term_id for window in windows] == [f"{contract['id']}.1", f"{contract['id']}.2"]
    assert amended["terms"][0]["window_opened_at"] == "2026-10-01T00:00:00Z"
    assert windows[1].ends_before == instant("2028-07-01").date()


async def test_an_end_that_moves_closer_opens_the_window_at_once(office: Office) -> None:
    contract = await office.enters(**YEAR)

    await office.amends(contract, end="2026-02-28")
    await office.passes(5)

    (window,) = await office.said_of(RenewalWindowOpened)
    assert (window.window_opens_on, window.ends_before) == (
        instant("2026-01-01").date(),  # December 1 would be before the term
        instant("2026-03-01").date(),
    )


async def test_days_before_the_end_can_be_set_instead_of_months(office: Office) -> None:
    contract = await office.enters(**YEAR, window_days=30)

    await office.it_is("2026-12-01T23:59")
    early = await office.said_of(RenewalWindowOpened)
    await office.it_is("2026-12-02")

    (window,) = await office.said_of(RenewalWindowOpened)
    assert early == []
    assert window.contract_id == contract["id"]


async def test_a_one_time_contract_has_no_window(office: Office) -> None:
    await office.enters(**YEAR, kind="one_time")

    await office.passes(370)

    assert await office.said_of(RenewalWindowOpened) == []


async def test_amending_while_timers_fire_blocks_nobody_and_loses_no_window(office: Office) -> None:
    accounts = [f"team@{number}" for number in range(12)]
    contracts = [await office.enters(account, **YEAR, external_id=account) for account in accounts]
    office.clock.move_to(instant("2026-10-01T00:00:01"))
    runners = [office.another_runner(batch=3) for _ in range(3)]

    await asyncio.gather(
        *(runner.run_due() for runner in runners),
        *(office.amends(contract, end="2026-11-30", seats=number) for number, contract in enumerate(contracts)),
        *(office.enters(account, **YEAR) for account in reversed(accounts)),
    )
    await office.it_is("2026-10-02")

    windows = await office.said_of(RenewalWindowOpened)
    assert len(windows) == len({window.term_id for window in windows}) == 24
