"""Facts: kept as they were stated, known from their own day on, whatever the order in which they come."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from health_score.store.facts import RememberedFacts
from mainstay.contracts.facts import TicketFact, TouchpointFact
from mainstay.contracts.health_score import AccountChanged
from mainstay.contracts.ingest import ContactFact
from tests.integration.health_score.health import START, Health, daily, fact, instant, stated, usage, value


def ticket(account: str, name: str, *, at: str, id: str | None = None, **fields: Any) -> Any:  # noqa: A002 - as tests speak of events
    return stated(TicketFact(account, name, instant(at), **fields), id=id)


async def facts_of(health: Health, account: str) -> Any:
    async with health.handlers.works() as work:
        (number,) = [a.number for a in (await work.accounts.lock([account])).values()]
        return (await work.facts.of([number]))[number]


async def test_a_fact_of_any_kind_brings_the_account_into_being(health: Health) -> None:
    await health.receives(stated(ContactFact("acme", "ann", START, role="champion")))

    assert (await health.get("/accounts/acme"))["name"] is None
    assert len(await health.said(AccountChanged)) == 1


async def test_a_fact_is_kept_with_all_that_it_states(health: Health) -> None:
    held = TouchpointFact("acme", "t1", START, "meeting", result="held", minutes=30, after=None, by="kim")
    await health.receives(stated(held, id="e1"))

    (kept,) = (await facts_of(health, "acme")).statements

    assert (kept.kind, kept.thing_id, kept.by, kept.at, kept.known_at) == ("touchpoint", "t1", "e1", START, START)
    assert kept.fields == {
        "touchpoint_id": "t1",
        "kind": "meeting",
        "result": "held",
        "minutes": 30,
        "after": None,
        "by": "kim",
    }


async def test_imported_history_was_known_when_it_happened(health: Health) -> None:
    await health.receives(
        fact("acme", at="2026-02-22T09:00Z", tier="gold"), fact("acme", at="2026-02-22T08:59Z", tier="silver")
    )

    assert [kept.known_at for kept in (await facts_of(health, "acme")).statements] == [
        instant("2026-02-22T08:59Z"),
        START,
    ]


async def test_a_fact_received_again_is_kept_once(health: Health) -> None:
    asked = ticket("acme", "t1", at="2026-03-01T08:00Z", opened_at=instant("2026-03-01T08:00Z"), id="e1")

    await health.receives(asked, asked)
    await health.receives(asked)

    assert len((await facts_of(health, "acme")).statements) == 1


async def test_of_each_field_the_latest_statement_holds_in_whatever_order_they_come(health: Health) -> None:
    first = ticket("acme", "t1", at="2026-03-01T07:00Z", priority="high", subject="Slow", id="e1")
    second = ticket("acme", "t1", at="2026-03-01T08:00Z", priority="low", id="e2")
    await health.receives(second)
    await health.receives(first)

    (thing,) = (await facts_of(health, "acme")).until(START).of("ticket")

    assert (thing.said("priority"), thing.said("subject")) == ("low", "Slow")


async def test_a_fact_of_an_earlier_day_makes_its_closes_again_and_no_others(health: Health) -> None:
    await health.receives(*daily("acme", "2026-02-01", "2026-02-28"))
    await health.settle()

    await health.receives(ticket("acme", "t1", at="2026-02-10T08:00Z", id="late"))

    (row,) = await health.rows("SELECT dirty_from, dirty_by FROM health_score.account")
    assert (row.dirty_from, row.dirty_by) == (date(2026, 2, 10), ["late"])
    await health.settle()
    (row,) = await health.rows("SELECT dirty_from FROM health_score.account")
    assert row.dirty_from is None


async def test_a_fact_of_the_running_day_is_seen_at_once(health: Health) -> None:
    await health.receives(*daily("acme", "2026-02-01", "2026-02-28"))
    await health.settle()
    (before,) = await health.rows("SELECT as_of, computed_at FROM health_score.account")

    health.clock.advance(timedelta(hours=1))
    await health.receives(ticket("acme", "t1", at="2026-03-01T09:30Z"))

    (after,) = await health.rows("SELECT as_of, computed_at FROM health_score.account")
    assert (str(before.as_of), str(after.as_of)) == ("2026-02-28", "2026-03-01")
    assert after.computed_at > before.computed_at


async def test_a_fact_by_a_clock_that_runs_ahead_is_seen_at_once(health: Health) -> None:
    await health.receives(stated(TicketFact("acme", "t1", START + timedelta(minutes=4), opened_at=START)))

    assert (await health.metrics("acme"))["open_tickets"] == 1


async def test_what_is_planned_counts_when_its_time_has_come(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    (before,) = await health.rows("SELECT computed_at FROM health_score.account")
    health.clock.advance(timedelta(hours=1))

    await health.receives(stated(TouchpointFact("acme", "t1", instant("2026-03-05T09:00Z"), "call")))

    (after,) = await health.rows("SELECT computed_at, dirty_from FROM health_score.account")
    assert (after.computed_at, after.dirty_from) == (before.computed_at, None)


async def test_what_contracts_are_worth_is_kept_as_a_fact(health: Health) -> None:
    await health.receives(value("acme", at="2026-03-01T08:00Z", seats=20, arr=[("100.00", "EUR")]))

    (worth,) = (await facts_of(health, "acme")).until(START).of("value")

    assert worth.said("seats") == 20
    assert str(worth.said("arr")[0]["amount"]) == "100.00"


async def add_in_vain(health: Health) -> None:
    """A transaction that adds a fact, reads it, and fails at the next: no text of PostgreSQL holds a NUL."""
    async with health.handlers.works() as work:
        accounts = await work.accounts.lock(["acme"])
        number = accounts["acme"].number
        await work.facts.add([ticket("acme", "t2", at="2026-03-01T07:30Z")], accounts, START)
        assert len((await work.facts.of([number]))[number].statements) == 2
        await work.facts.add([ticket("acme", "t3\0", at="2026-03-01T07:30Z")], accounts, START)


async def test_what_a_process_remembers_is_never_older_than_the_rows(health: Health) -> None:
    await health.receives(ticket("acme", "t1", at="2026-03-01T07:00Z"))
    await facts_of(health, "acme")

    with pytest.raises(DBAPIError):
        await add_in_vain(health)

    assert len((await facts_of(health, "acme")).statements) == 1
    await health.receives(ticket("acme", "t3", at="2026-03-01T08:00Z"))
    assert [kept.thing_id for kept in (await facts_of(health, "acme")).statements] == ["t1", "t3"]


async def test_a_process_remembers_no_more_statements_than_it_may(health: Health) -> None:
    await health.receives(*(ticket("acme", f"t{n}", at="2026-03-01T07:00Z") for n in range(30)))
    facts = await facts_of(health, "acme")
    remembered = RememberedFacts()

    for number in range(RememberedFacts.MOST // 30 + 5):
        remembered.put(number, 1, facts)

    assert remembered.get(0, 1) is None
    assert remembered.get(RememberedFacts.MOST // 30 + 4, 1) is facts
    assert remembered.get(RememberedFacts.MOST // 30 + 4, 2) is None
