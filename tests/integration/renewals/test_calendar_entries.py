"""What stands in calendars: entries move, go and come back, whatever moves them, and never double."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from mainstay.contracts.health_score import TeamMember
from mainstay.contracts.renewals import MilestoneReached
from tests.integration.renewals.calendars import (
    EVE,
    NOTICE,
    OFF,
    ON,
    SAM,
    USUAL,
    YEAR,
    all_are,
    by_icalendar,
    entries,
    hands_over,
    link,
    moved_on,
    owns,
    read,
    rows,
    saves,
    told,
)
from tests.integration.renewals.office import Office


async def test_a_calendar_has_the_days_of_every_term_that_is_up_for_renewal(office: Office) -> None:
    await owns(office, EVE, "acme")
    await office.enters("acme", **YEAR)
    await office.enters("acme", kind="one_time", start="2026-01-01", end="2026-12-31")

    assert told(await entries(office, await link(office))) == USUAL


async def test_the_days_are_those_on_which_milestones_are_told(office: Office) -> None:
    await saves(office, {"name": "gold", "tiers": ["gold"], "window_months": 6, "milestone_days": [120, 45, 1]})
    await owns(office, EVE, "acme", tier="gold")
    await office.enters("acme", **YEAR)
    standing = await entries(office, await link(office))
    await office.said()

    await office.it_is("2026-12-31T09:00")

    events = [each for each in await office.said_of(MilestoneReached) if each.term_id.endswith(".1")]
    berlin = ZoneInfo("Europe/Berlin")
    days = {each.milestone.replace("_", "-"): str(each.occurred_at.astimezone(berlin).date()) for each in events}
    days["notice"] = days.pop("notice-deadline")
    assert {name: day for name, (day, _, _) in standing.items()} == days
    assert days.keys() == {"window", "days-120", "days-45", "days-1", "notice", "due"}


async def test_an_entry_that_moves_keeps_its_uid_and_its_sequence_rises(office: Office) -> None:
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)
    before = by_icalendar((await read(office, made)).text)

    await office.amends(contract, end="2027-01-31")

    after = by_icalendar((await read(office, made)).text)
    assert after.keys() == before.keys()
    due = f"{contract['id']}.1.due@mainstay"
    assert (before[due][0], after[due][0], after[due][2]) == ("2026-12-31", "2027-01-31", ON)
    assert all(after[uid][1] > before[uid][1] for uid in before)


async def test_another_window_of_the_policy_moves_the_entry_of_accounts_of_its_tier(office: Office) -> None:
    await owns(office, EVE, "acme", tier="gold")
    await owns(office, EVE, "bolt", tier="silver")
    gold, silver = await office.enters("acme", **YEAR), await office.enters("bolt", **YEAR)
    made = await link(office)
    before = by_icalendar((await read(office, made)).text)

    await saves(office, {"name": "gold", "tiers": ["gold"], "window_months": 6, "milestone_days": [60, 30]})

    after = by_icalendar((await read(office, made)).text)
    window = f"{gold['id']}.1.window@mainstay"
    assert (before[window][0], after[window][0]) == ("2026-10-01", "2026-07-01")
    assert after[window][1] > before[window][1]
    assert {uid for uid in before if after[uid] != before[uid]} == {window}
    assert f"{silver['id']}.1.window@mainstay" in after.keys() == before.keys()


async def test_other_days_of_the_policy_come_and_go_and_come_back(office: Office) -> None:
    await owns(office, EVE, "acme")
    await office.enters("acme", **YEAR)
    made = await link(office)
    before = await entries(office, made)

    await saves(office, {"name": "all", "milestone_days": [60, 7]})
    other = await entries(office, made)
    await saves(office)
    back = await entries(office, made)

    assert told(other) == USUAL | {"days-30": ("2026-12-02", OFF), "days-7": ("2026-12-25", ON)}
    assert told(back) == USUAL | {"days-7": ("2026-12-25", OFF)}
    assert moved_on(before, other)
    assert moved_on(other, back)
    assert other["due"] == before["due"]


async def test_an_accounts_new_tier_moves_its_entries(office: Office) -> None:
    await saves(office, {"name": "gold", "tiers": ["gold"], "window_days": 45, "milestone_days": [14]})
    await owns(office, EVE, "acme")
    await office.enters("acme", **YEAR)
    made = await link(office)
    before = await entries(office, made)

    await owns(office, EVE, "acme", tier="gold")

    after = await entries(office, made)
    changed = {"window": ("2026-11-17", ON), "days-60": ("2026-11-02", OFF), "days-30": ("2026-12-02", OFF)}
    assert told(before) == USUAL
    assert told(after) == USUAL | changed | {"days-14": ("2026-12-18", ON)}
    assert moved_on(before, after)


async def test_a_renewal_that_is_handed_over_stands_in_the_other_calendar_and_is_off_in_the_first(
    office: Office,
) -> None:
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    eve, sam = await link(office), await link(office, SAM)
    first = await entries(office, eve)
    assert await entries(office, sam) == {}

    await hands_over(office, contract, SAM)

    off, taken = await entries(office, eve), await entries(office, sam)
    assert (told(off), told(taken)) == (all_are(OFF, USUAL), USUAL)
    assert moved_on(first, off)
    # Who has both calendars in one program, where a UID is one entry, keeps the one that stands.
    assert all(taken[name][1] > off[name][1] for name in USUAL)

    await hands_over(office, contract, None)

    back, given = await entries(office, eve), await entries(office, sam)
    assert (told(back), told(given)) == (USUAL, all_are(OFF, USUAL))
    assert moved_on(off, back)
    assert moved_on(taken, given)
    assert all(back[name][1] > given[name][1] for name in USUAL)
    await office.passes(36)
    assert (told(await entries(office, eve)), await entries(office, sam)) == (USUAL, {})


async def test_whoever_has_a_renewal_with_somebody_sees_it_too(office: Office) -> None:
    both = {"name": "gold", "tiers": ["gold"], "owner": "csm_and_sales", "milestone_days": [60, 30]}
    await saves(office, both)
    sales = TeamMember("sales", SAM, date(2026, 1, 1))
    await owns(office, EVE, "acme", tier="gold", team=(sales,))
    await office.enters("acme", **YEAR)

    eve, sam = await link(office), await link(office, SAM)
    assert told(await entries(office, eve)) == told(await entries(office, sam)) == USUAL

    await saves(office, {**both, "owner": "csm"})
    assert (told(await entries(office, eve)), told(await entries(office, sam))) == (USUAL, all_are(OFF, USUAL))


async def test_a_teams_turn_by_date_moves_the_entries_on_that_day_without_a_word(office: Office) -> None:
    team = (
        TeamMember("csm", EVE, date(2026, 1, 1), date(2026, 6, 14)),
        TeamMember("csm", SAM, date(2026, 6, 15)),
    )
    await owns(office, "nobody@example.com", "acme", team=team)
    await office.enters("acme", **YEAR)
    eve, sam = await link(office), await link(office, SAM)

    await office.it_is("2026-06-14T21:59:59")
    assert (told(await entries(office, eve)), await entries(office, sam)) == (USUAL, {})
    before = await entries(office, eve)
    await office.it_is("2026-06-14T22:00")  # where the contract is the day begins

    after = await entries(office, eve)
    assert (told(after), told(await entries(office, sam))) == (all_are(OFF, USUAL), USUAL)
    assert moved_on(before, after)


async def test_a_cancelled_entry_is_told_as_cancelled_and_comes_back_with_a_higher_sequence(office: Office) -> None:
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)
    before = await entries(office, made)

    path = f"/v1/contracts/{contract['id']}/cancellation"
    await office.http.post(path, json={"effective": "2027-01-01", "reason": "no budget"})
    off = await entries(office, made)
    await office.http.delete(path)
    back = await entries(office, made)

    assert (told(off), told(back)) == (all_are(OFF, USUAL), USUAL)
    assert moved_on(before, off)
    assert moved_on(off, back)


async def test_a_cancellation_that_is_withdrawn_after_months_restores_the_entries(office: Office) -> None:
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)
    path = f"/v1/contracts/{contract['id']}/cancellation"
    await office.http.post(path, json={"effective": "2027-01-01", "reason": "no budget"})
    off = await entries(office, made)
    await office.passes(60)
    assert await entries(office, made) == {}
    assert await rows(office) == []

    await office.http.delete(path)

    back = await entries(office, made)
    assert told(back) == USUAL
    assert moved_on(off, back)


async def test_what_is_no_more_is_cancelled_for_a_while(office: Office) -> None:
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)
    first = await entries(office, made)

    await office.amends(contract, notice=None)
    off = await entries(office, made)
    await office.amends(contract, notice=NOTICE)
    back = await entries(office, made)
    await office.amends(contract, notice=None)
    await office.it_is("2026-02-09T08:00")
    assert told(await entries(office, made))["notice"] == ("2026-11-30", OFF)
    await office.it_is("2026-02-09T09:00")

    assert (off["notice"][2], back["notice"][2]) == (OFF, ON)
    assert first["notice"][1] < off["notice"][1] < back["notice"][1]
    assert "notice" not in await entries(office, made)


async def test_renewed_early_the_days_after_are_off_and_the_next_term_has_its_own(office: Office) -> None:
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)
    await office.it_is("2026-10-15T09:00")

    await office.http.post(f"/v1/contracts/{contract['id']}/renewals", json={})

    assert told(await entries(office, made)) == all_are(OFF, USUAL) | {"window": ("2026-10-01", ON)}
    assert told(await entries(office, made, term=2))["due"] == ("2027-12-31", ON)


async def test_of_a_renewal_that_is_closed_calendars_say_what_they_said(office: Office) -> None:
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    eve, sam = await link(office), await link(office, SAM)
    await office.it_is("2027-01-02T09:00")
    closed = await entries(office, eve)
    assert told(closed) == {name: USUAL[name] for name in ("notice", "days-30", "due")}

    await saves(office, {"name": "all", "milestone_days": [7]})
    await owns(office, SAM, "acme")
    await office.amends(contract, notice=None)

    assert await entries(office, eve) == closed
    assert await entries(office, sam) == {}
    after = told(await entries(office, sam, term=2))
    assert {name for name, (_, status) in after.items() if status == ON} == {"window", "days-7", "due"}


async def test_a_term_that_never_was_is_off(office: Office) -> None:
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    await office.it_is("2027-01-05T09:00")
    made = await link(office)
    before = await entries(office, made, term=2)

    path = f"/v1/contracts/{contract['id']}/cancellation"
    assert (await office.http.post(path, json={"effective": "2027-01-01", "reason": "late"})).status_code == 200

    after = await entries(office, made, term=2)
    assert told(after) == all_are(OFF, told(before))
    assert moved_on(before, after)


async def test_looking_again_and_again_writes_nothing(office: Office) -> None:
    await owns(office, EVE, "acme", "bolt")
    await office.enters("acme", **YEAR)
    contract = await office.enters("bolt", **YEAR)
    await office.http.post(f"/v1/contracts/{contract['id']}/cancellation", json={"effective": "2026-07-01"})
    made = await link(office)
    before, first = await rows(office), (await read(office, made)).content

    for _ in range(3):
        async with office.service.work() as work:
            await work.policies.look_at_everybody(office.clock.now())
        assert await office.it_is(office.clock.now()) >= 2
        office.clock.advance(timedelta(days=10))

    assert await rows(office) == before
    assert (await read(office, made)).content == first


async def test_what_no_calendar_shows_any_more_is_forgotten(office: Office) -> None:
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    await hands_over(office, contract, SAM)
    assert len(await rows(office)) == 10

    await office.passes(36)
    assert {row.owner for row in await rows(office)} == {SAM}

    await office.it_is("2027-02-06T00:00")
    kept = {(row.term, row.name) for row in await rows(office)}
    assert kept == {(2, name) for name in ("window", "days_60", "notice_deadline", "days_30", "due")}


async def test_contracts_that_end_soonest_come_first_where_there_are_too_many(office: Office) -> None:
    ends = {"acme": "2026-11-30", "bolt": "2026-09-30", "core": "2026-10-31"}
    await owns(office, EVE, *ends)
    ids = {account: (await office.enters(account, start="2026-01-01", end=end))["id"] for account, end in ends.items()}

    async with office.service.work() as work:
        found = await work.calendars.told_to(EVE, office.clock.now(), limit=2)

    assert {each.entry.contract_id for each in found} == {ids["bolt"], ids["core"]}
    days = [str(each.entry.day) for each in found if each.entry.contract_id == ids["bolt"]]
    assert days == ["2026-07-01", "2026-08-02", "2026-09-01", "2026-09-30"]
