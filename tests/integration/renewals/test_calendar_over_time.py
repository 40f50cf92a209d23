"""Calendars over any changes, and over the upgrade that brought the table of what they were told."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from random import Random
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from mainstay.contracts.health_score import TeamMember
from tests.integration.renewals.calendars import (
    EVE,
    NOTICE,
    SAM,
    YEAR,
    Entries,
    by_icalendar,
    entries,
    link,
    moved_on,
    owns,
    read,
    told,
)
from tests.integration.renewals.office import Office, account_record, instant

ENTRIES = import_module("renewals.migrations.versions.0008_calendar_entries")


@pytest.mark.parametrize("seed", range(3))
async def test_over_any_changes_an_entry_keeps_its_uid_and_its_sequence_rises_when_it_changes(
    office: Office, seed: int
) -> None:
    random = Random(seed)
    await owns(office, EVE, "acme")
    contract = await office.enters("acme", **YEAR)
    path = f"/v1/contracts/{contract['id']}"
    links = [await link(office), await link(office, SAM)]

    async def change() -> None:
        today = office.clock.now().date()
        turn = TeamMember("csm", random.choice([EVE, SAM]), today + timedelta(days=random.randint(0, 3)))
        rule = {
            "name": "gold",
            "tiers": ["gold"],
            "window_months": random.choice([2, 6]),
            "milestone_days": random.choice([[60, 30], [30, 7], []]),
        }
        changes: list[tuple[str, str, Any]] = [
            ("PATCH", path, {"end": f"202{random.choice([6, 7])}-12-{random.randint(10, 31)}"}),
            ("PATCH", path, {"notice": random.choice([None, NOTICE, {**NOTICE, "amount": 2}])}),
            ("PATCH", path, {"seats": random.randint(1, 9)}),
            ("POST", f"{path}/cancellation", {"effective": random.choice([None, "2026-06-01"])}),
            ("DELETE", f"{path}/cancellation", None),
            ("POST", f"{path}/renewals", {}),
            ("PUT", f"/v1/renewals/{contract['id']}.1/owner", {"owner": random.choice([SAM, None]), "reason": "so"}),
            ("PUT", "/v1/renewal-policy", {"rules": random.choice([[rule], []])}),
        ]
        match random.randrange(10):
            case 0:
                await office.learns(account_record("acme", owner=random.choice([EVE, SAM]), tier="gold"))
            case 1:
                await office.learns(account_record("acme", owner=EVE, team=(turn,)))
            case _:
                method, of, body = random.choice(changes)  # what is refused changes nothing
                await office.http.request(method, of, json=body)
        await office.it_is(office.clock.now() + timedelta(days=random.choice([0, 0, 0, 1])))

    async def shown() -> list[Entries]:
        return [by_icalendar((await read(office, each)).text) for each in links]

    before = await shown()
    for _ in range(20):
        await change()
        office.clock.advance(timedelta(minutes=1))  # a link is read so often a minute
        after = await shown()
        assert all(was.keys() <= now.keys() and moved_on(was, now) for was, now in zip(before, after, strict=True))
        before = after


async def test_calendars_of_before_the_upgrade_are_told_anew_after_it(office: Office) -> None:
    await office.it_is(max(datetime.now(UTC), instant("2026-01-05T09:00")))  # the upgrade goes by the machine's clock
    await owns(office, EVE, "acme")
    start = office.clock.now().date().isoformat()
    await office.enters("acme", start=start, term_months=12)
    made = await link(office)
    before = await entries(office, made)
    assert len(before) == 4

    async with office.service.chassis.database.engine.begin() as connection:
        await connection.run_sync(_back_and_forth)
    await office.it_is(office.clock.now() + timedelta(minutes=1))

    after = await entries(office, made)
    assert told(after) == told(before)
    assert moved_on(before, after)


def _back_and_forth(connection: Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        ENTRIES.downgrade()
        ENTRIES.upgrade()
