"""Who belongs to which account, as the database keeps it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ingest.application.identities import REPLAY_PEOPLE
from ingest.application.ports import NotKept
from ingest.application.stated import Alias
from ingest.store.identities import IdentityStore
from ingest.store.tables import kit
from mainstay.db.engine import Database
from mainstay.kernel.clock import ManualClock
from tests.integration.ingest.ward import SECOND, Ward, opened_ward


@pytest.fixture
async def ward(migrated_url: str, clock: ManualClock) -> AsyncIterator[Ward]:
    async with opened_ward(migrated_url, clock) as ward:
        yield ward


async def test_a_user_is_found_with_every_account(ward: Ward) -> None:
    await ward.people.learn([ward.member("ann", "acme"), ward.member("ann", "beta"), ward.member("bob", "beta")], [])

    found = await ward.people.accounts_of({"ann", "bob", "eve"})

    assert found == {"ann": ["acme", "beta"], "bob": ["beta"]}


async def test_the_newest_statement_wins_in_any_order(ward: Ward) -> None:
    now = ward.clock.now()
    left = ward.member("ann", "acme", at=now, is_member=False)
    was_there = ward.member("ann", "acme", at=now - SECOND)
    await ward.people.learn([left], [])
    await ward.people.learn([was_there], [])
    assert await ward.people.accounts_of({"ann"}) == {}

    await ward.people.learn([ward.member("ann", "acme", at=now + SECOND), left, was_there], [])
    assert await ward.people.accounts_of({"ann"}) == {"ann": ["acme"]}


async def test_an_alias_leads_both_ways_and_not_for_ever(ward: Ward) -> None:
    now = ward.clock.now()
    chain = [Alias(f"a{n}", f"a{n + 1}", now) for n in range(6)]
    await ward.people.learn([ward.member("a0", "acme"), ward.member("a6", "beta")], [*chain, Alias("a6", "a0", now)])

    found = await ward.people.accounts_of({"a0", "a3", "a6"})

    assert found == {"a0": ["acme", "beta"], "a3": ["acme", "beta"], "a6": ["acme", "beta"]}
    assert await ward.people.same_people({"a1"}) == {"a1", "a0", "a2", "a3", "a4", "a5", "a6"}


async def test_a_junk_id_with_a_thousand_aliases_is_answered_in_bounded_steps(ward: Ward) -> None:
    now = ward.clock.now()
    await ward.people.learn([], [Alias("junk", f"u{n}", now + n * SECOND) for n in range(1_000)])

    assert await ward.people.same_people({"junk"}) == {"junk", *(f"u{n}" for n in range(984, 1_000))}


async def test_only_what_is_new_arms_a_replay(ward: Ward) -> None:
    async def armed() -> int:
        rows = await ward.query("SELECT count(*) FROM ingest.due WHERE kind = :kind", kind=REPLAY_PEOPLE)
        return int(rows[0].count)

    ann = ward.member("ann", "acme")
    await ward.people.learn([ann], [])
    assert await armed() == 1
    await ward.people.learn([ann], [])
    another_process = IdentityStore(ward.database, kit, ward.clock)
    await another_process.learn([ward.member("ann", "acme", at=ward.clock.now() + timedelta(days=1))], [])
    assert await armed() == 1

    await ward.people.learn([], [Alias("anonymous:1", "ann", ward.clock.now())])
    await another_process.learn([ward.member("ann", "acme", at=ward.clock.now() + timedelta(days=2))], [])
    assert await armed() == 2


async def test_a_repetition_costs_no_database(ward: Ward) -> None:
    ann, alias = ward.member("ann", "acme"), Alias("anonymous:1", "ann", ward.clock.now())
    await ward.people.learn([ann], [alias])
    await ward.query("ALTER TABLE ingest.membership RENAME TO away")
    await ward.query("ALTER TABLE ingest.alias RENAME TO away_too")

    await ward.people.learn([ward.member("ann", "acme", at=ward.clock.now() + 59 * 60 * SECOND)], [alias])

    with pytest.raises(NotKept):
        await ward.people.learn([ward.member("ann", "acme", is_member=False)], [])


async def test_what_another_process_said_is_forgotten_after_a_minute(ward: Ward) -> None:
    seconds = 0.0
    people = IdentityStore(ward.database, kit, ward.clock, now=lambda: seconds)
    now = ward.clock.now()
    await people.learn([ward.member("ann", "acme")], [])
    await ward.people.learn([ward.member("ann", "acme", at=now + SECOND, is_member=False)], [])

    seconds = 61.0
    await people.learn([ward.member("ann", "acme", at=now + 2 * SECOND)], [])

    assert await ward.people.accounts_of({"ann"}) == {"ann": ["acme"]}


async def test_memory_is_bounded(ward: Ward) -> None:
    people = IdentityStore(ward.database, kit, ward.clock, remembered=10)

    await people.learn([ward.member(f"u{n}", "acme") for n in range(100)], [])

    assert len(people._memberships) == 10


async def test_a_database_that_hangs_is_told_in_bounded_time(ward: Ward, migrated_url: str) -> None:
    people = IdentityStore(ward.database, kit, ward.clock, within=timedelta(milliseconds=200))
    other = Database(migrated_url, application_name="lock")
    async with other.engine.begin() as holding:
        await holding.exec_driver_sql("LOCK TABLE ingest.membership")
        with pytest.raises(NotKept):
            await people.accounts_of({"ann"})
        with pytest.raises(NotKept):
            await people.learn([ward.member("ann", "acme")], [])
    await other.close()

    assert await people.accounts_of({"ann"}) == {}
