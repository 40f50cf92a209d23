"""What waits or was refused is read again: in order, once, and with nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from ingest.application.quarantine import EventUnknown, Filter, State
from ingest.application.replaying import Outcome
from ingest.application.stated import Alias, RefusedEvent
from ingest.domain.policy import Action, Plan
from ingest.domain.refusal import Refused
from ingest.store.quarantine import QuarantineStore
from mainstay.db.engine import Database
from mainstay.kernel.clock import ManualClock
from mainstay.messaging.port import LogUnavailable
from mainstay.testing import eventually
from tests.integration.ingest.replays import Replays, opened_replays, read
from tests.integration.ingest.ward import POLICY


@pytest.fixture
async def replays(migrated_url: str, clock: ManualClock) -> AsyncIterator[Replays]:
    async with opened_replays(migrated_url, clock, {"segment": read, "sensors": read}) as replays:
        yield replays


def opens(number: int, user: str = "ann", **more: Any) -> dict[str, Any]:
    return {"user": user, "event": f"e{number}", "id": f"{user}-{number}", **more}


async def test_what_waits_follows_its_membership_in_order_and_with_its_own_time(
    replays: Replays, clock: ManualClock
) -> None:
    came_at = clock.now()
    for number in range(5):
        received = await replays.receives(opens(number), protocol="sensors" if number == 2 else "segment")
        assert (received.accepted, list(received.waiting)) == (0, [0])
    clock.advance(timedelta(hours=2))

    await replays.receives({"user": "ann", "joins": "acme"})
    await replays.due.run_due()

    events = await replays.events()
    assert [event.data.event for event in events] == ["e0", "e1", "e2", "e3", "e4"]
    assert {event.data.account_id for event in events} == {"acme"}
    assert {event.data.received_at for event in events} == {came_at}
    assert await replays.ward.rows() == []


async def test_an_id_that_was_made_stays(replays: Replays) -> None:
    await replays.receives({"user": "ann", "event": "nameless"})
    [row] = await replays.ward.rows()
    assert row.made_id

    await replays.receives({"user": "ann", "joins": "acme"})
    await replays.due.run_due()

    assert [event.id for event in await replays.events()] == [row.event_id]


async def test_a_membership_between_look_up_and_putting_aside_is_not_missed(
    replays: Replays, migrated_url: str
) -> None:
    """The insertion is held up by a lock; the membership is learned, and its timer done, before it goes on."""
    other = Database(migrated_url, application_name="another process")
    async with other.engine.begin() as holding:
        await holding.exec_driver_sql("LOCK TABLE ingest.quarantine IN SHARE MODE")
        putting_aside = asyncio.create_task(replays.receives(opens(1)))
        await eventually(lambda: _is_held_up(replays))
        await replays.ward.people.learn([replays.ward.member("ann", "acme")], [])
        assert await replays.ward.query("SELECT 1 FROM ingest.due WHERE kind = 'quarantine-people'")
        await holding.exec_driver_sql("DELETE FROM ingest.due")  # as its runner does, which finds nothing
    received = await putting_aside
    await other.close()
    assert list(received.waiting) == [0]

    await eventually(replays.due.run_due)

    assert await replays.names() == ["e1"]
    assert await replays.ward.rows() == []


async def _is_held_up(replays: Replays) -> bool:
    return bool(
        await replays.ward.query(
            "SELECT 1 FROM pg_locks WHERE relation = 'ingest.quarantine'::regclass AND NOT granted"
        )
    )


async def test_the_sweep_finds_what_was_missed(replays: Replays, clock: ManualClock) -> None:
    await replays.receives(opens(1))
    await replays.receives(opens(1, user="bob"))
    await replays.ward.people.learn([replays.ward.member("ann", "acme")], [])
    await replays.ward.query("DELETE FROM ingest.due")
    await replays.standing.arm()
    await replays.standing.arm()
    clock.advance(timedelta(minutes=1))

    await replays.due.run_due()

    assert await replays.names() == ["e1"]
    assert [row.user_id for row in await replays.ward.rows()] == ["bob"]


async def test_who_belongs_to_two_accounts_waits_until_one_is_left(replays: Replays, clock: ManualClock) -> None:
    people, member = replays.ward.people, replays.ward.member
    await people.learn([member("ann", "acme"), member("ann", "beta")], [])
    await replays.receives(opens(1))
    await replays.due.run_due()
    assert [(row.state, row.reason) for row in await replays.ward.rows()] == [("waiting", "account-ambiguous")]

    await people.learn([member("ann", "beta", at=clock.now() + timedelta(seconds=1), is_member=False)], [])
    await replays.due.run_due()

    assert [event.data.account_id for event in await replays.events()] == ["acme"]


async def test_an_alias_brings_what_the_anonymous_did(replays: Replays, clock: ManualClock) -> None:
    await replays.receives(opens(1, user="anonymous:7"))
    await replays.ward.people.learn([replays.ward.member("ann", "acme")], [])
    await replays.due.run_due()
    assert await replays.names() == []

    await replays.ward.people.learn([], [Alias("anonymous:7", "ann", clock.now())])
    await replays.due.run_due()

    assert await replays.names() == ["e1"]


async def test_a_membership_of_the_known_reaches_the_anonymous(replays: Replays, clock: ManualClock) -> None:
    await replays.ward.people.learn([], [Alias("anonymous:7", "ann", clock.now())])
    await replays.receives(opens(1, user="anonymous:7"))

    await replays.ward.people.learn([replays.ward.member("ann", "acme")], [])
    await replays.due.run_due()

    assert await replays.names() == ["e1"]


async def test_a_plan_that_was_mended_lets_its_events_through(replays: Replays) -> None:
    replays.source.policy = replace(POLICY, plan=Plan({}, unplanned=Action.QUARANTINE))
    await replays.receives(opens(1, account="acme"))
    [row] = await replays.ward.rows()
    assert (row.state, row.reason) == ("refused", "event-unplanned")
    assert (await replays.one(row.id))[0] is Outcome.REFUSED

    replays.source.policy = POLICY
    assert await replays.one(row.id) == (Outcome.TAKEN, None)

    assert await replays.names() == ["e1"]
    with pytest.raises(EventUnknown):
        await replays.one(row.id)


async def test_what_is_still_refused_stays_with_its_new_reason(replays: Replays) -> None:
    await replays.receives(opens(1))
    [row] = await replays.ward.rows()
    replays.source.policy = replace(POLICY, plan=Plan({}, unplanned=Action.QUARANTINE))

    await replays.receives({"user": "ann", "joins": "acme"})
    await replays.due.run_due()

    [stays] = await replays.ward.rows()
    assert (stays.id, stays.state, stays.reason) == (row.id, "refused", "event-unplanned")
    assert stays.document == row.document


async def test_a_log_that_is_away_loses_nothing(replays: Replays, clock: ManualClock) -> None:
    for number in range(3):
        await replays.receives(opens(number))
    replays.switch.is_cut = True
    await replays.receives({"user": "ann", "joins": "acme"})
    await replays.due.run_due()
    rows = await replays.ward.rows()
    assert [row.state for row in rows] == ["waiting"] * 3
    with pytest.raises(LogUnavailable):
        await replays.one(rows[0].id)
    assert len(await replays.ward.rows()) == 3

    replays.switch.is_cut = False
    assert await replays.due.run_due() == 0
    clock.advance(timedelta(seconds=10))
    await replays.due.run_due()

    assert await replays.names() == ["e0", "e1", "e2"]
    assert await replays.ward.rows() == []


async def test_thousands_are_marked_and_replayed_in_order(replays: Replays) -> None:
    replays.source.policy = replace(POLICY, plan=Plan({}, unplanned=Action.QUARANTINE))
    for start in range(0, 3_000, 1_000):
        await replays.receives(*(opens(number, account="acme") for number in range(start, start + 1_000)))
    await replays.receives(b'{"user": "ann"}')
    replays.source.policy = POLICY

    assert await replays.many(Filter(reason="event-unplanned")) == 3_000
    assert await replays.many(Filter(reason="event-unplanned")) == 0
    await replays.due.run_due()

    assert await replays.names() == [f"e{number}" for number in range(3_000)]
    assert [(row.state, row.reason) for row in await replays.ward.rows()] == [("refused", "event-missing")]


async def test_one_that_breaks_a_reader_holds_up_nobody(replays: Replays) -> None:
    replays.source.policy = replace(POLICY, plan=Plan({}, unplanned=Action.QUARANTINE))
    await replays.receives(opens(1, account="acme"), opens(2, account="acme"), opens(3, account="acme"))
    exploding = b'{"user": "ann", "event": "Explodes"}'
    await replays.ward.query("UPDATE ingest.quarantine SET document = :d WHERE event_id = 'ann-2'", d=exploding)
    replays.source.policy = POLICY

    await replays.many(Filter(source="product"))
    await replays.due.run_due()

    assert await replays.names() == ["e1", "e3"]
    assert [(row.state, row.reason) for row in await replays.ward.rows()] == [("refused", "replay-failed")]


async def test_a_protocol_that_is_gone_says_so(replays: Replays) -> None:
    await replays.receives(opens(1), protocol="telepathy")
    [row] = await replays.ward.rows()

    outcome, kept = await replays.one(row.id)

    assert outcome is Outcome.REFUSED
    assert kept is not None
    assert (kept.state, kept.reason) == (State.REFUSED, "protocol-unknown")


async def test_what_the_erased_did_leaves_without_a_trace(replays: Replays) -> None:
    await replays.receives(opens(1))
    replays.nobody.users = {"ann"}
    [row] = await replays.ward.rows()

    assert await replays.one(row.id) == (Outcome.SUPPRESSED, None)
    assert await replays.names() == []


async def test_two_runners_keep_the_order(replays: Replays) -> None:
    for start in range(0, 1_200, 400):
        await replays.receives(*(opens(number) for number in range(start, start + 400)))
    await replays.receives({"user": "ann", "joins": "acme"})
    await replays.many(Filter(user_id="ann"))

    await asyncio.gather(replays.due.run_due(), replays.due.run_due())
    await replays.due.run_due()

    assert await replays.names() == [f"e{number}" for number in range(1_200)]
    assert await replays.ward.rows() == []


async def test_retention_deletes_what_is_old(replays: Replays, clock: ManualClock) -> None:
    await replays.receives(*(opens(number) for number in range(2_400)))
    clock.advance(timedelta(days=29))
    await replays.receives(opens(9, user="bob"))
    await replays.standing.arm()
    await replays.due.run_due()
    assert len(await replays.ward.rows()) == 2_401

    clock.advance(timedelta(days=1, hours=1))
    await replays.due.run_due()

    assert [row.user_id for row in await replays.ward.rows()] == ["bob"]
    expired = replays.ward.replay_registry.get_sample_value("mainstay_ingest_quarantine_expired_total")
    assert expired == 2_400


async def test_what_was_refused_and_now_waits_follows_its_membership(replays: Replays) -> None:
    event = RefusedEvent(0, msgspec.json.encode(opens(1)), Refused("event-too-large", "An event is small."), "ann-1")
    await replays.ward.keeper.refuse(replays.ward.delivery(), [event])

    await replays.many(Filter(reason="event-too-large"))
    await replays.due.run_due()
    [row] = await replays.ward.rows()
    assert (row.state, row.reason, row.user_id) == ("waiting", "account-unknown", "ann")
    await replays.receives({"user": "ann", "joins": "acme"})
    await replays.due.run_due()

    assert await replays.names() == ["e1"]
    assert await replays.ward.rows() == []


async def test_large_events_are_replayed_a_few_at_a_time_and_in_order(
    replays: Replays, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        await replays.receives(opens(number))
    [size, *_] = [row.size for row in await replays.ward.rows()]
    monkeypatch.setattr("ingest.store.quarantine.READ_BYTES", 2 * size)
    async with replays.ward.database.engine.connect() as connection:
        shelf = QuarantineStore(connection)
        page, more_follow = await shelf.page(Filter(), before=None, limit=5)
        assert ([kept.event_id for kept in page], more_follow) == (["ann-6", "ann-5"], True)
        page, more_follow = await shelf.page(Filter(), before=page[-1].id - 3, limit=2)
        assert ([kept.event_id for kept in page], more_follow) == (["ann-1", "ann-0"], False)
        monkeypatch.setattr("ingest.store.quarantine.READ_BYTES", 1)
        assert [kept.event_id for kept in await shelf.lock_of_users(["ann"], 5)] == ["ann-0"]

    await replays.receives({"user": "ann", "joins": "acme"})
    await replays.due.run_due()

    assert await replays.names() == [f"e{number}" for number in range(7)]
