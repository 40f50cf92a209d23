"""Closes of scores that facts take part in: what was stated counts from its own day on, whenever it comes."""

import random
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from health_score.bootstrap import build_handlers
from health_score.scorecards.reading import read_scorecard
from health_score.store.tables import kit
from mainstay.contracts.facts import Attendee, InvoiceFact, SurveyResponseFact, TicketFact, TouchpointFact
from mainstay.contracts.health_score import ScoreChanged
from mainstay.contracts.ingest import AccountFact, ContactFact, ServicePolicy
from mainstay.db.work import Transactions
from mainstay.service.subjects import Subjects
from tests.integration.health_score.health import SECRET, START, Health, daily, instant, stated, usage

CARD = """
id: of-facts
version: 1
bands:
  yellow: {begins: 50, enter: 52, leave: 48}
  green: {begins: 75, enter: 77, leave: 73}
  dwell_closes: 1
  coverage_floor: 0.2
groups:
  - name: all
    weight: 1
    measures:
      - {name: tickets, metric: tickets_opened_30d, weight: 1, line: [[0, 100], [12, 0]]}
      - {name: urgent, metric: open_urgent_tickets, weight: 1, line: [[0, 100], [4, 0]]}
      - {name: in_time, metric: answered_in_time_share_90d, weight: 1, line: [[0, 0], [1, 100]]}
      - {name: nps, metric: nps_90d, weight: 1, line: [[-100, 0], [100, 100]]}
      - {name: cadence, metric: touch_cadence_share, weight: 1, line: [[0.5, 100], [2, 0]]}
      - {name: personas, metric: personas_met_90d, weight: 1, line: [[0, 0], [3, 100]]}
      - {name: owed, metric: most_overdue_days, weight: 1, line: [[0, 100], [60, 0]]}
      - {name: champions, metric: champions_left_90d, weight: 1, line: [[0, 100], [2, 0]]}
      - {name: recency, metric: days_since_last_activity, weight: 1, line: [[0, 100], [20, 0]]}
"""


@pytest.fixture
def facts_count(health: Health, tmp_path: Path) -> Health:
    """health-score with a scorecard in which facts count."""
    (tmp_path / "card.yaml").write_text(CARD)
    health.handlers = build_handlers(
        health.database,
        Transactions(health.database, kit, clock=health.clock),
        read_scorecard(tmp_path / "card.yaml"),
        health.clock,
        subjects=Subjects(SECRET),
    )
    return health


def _scores(history: list[Any]) -> list[tuple[str, int | None, str, float]]:
    return [(close["day"], close["score"], close["band"], close["coverage"]) for close in history]


def history_of(chance: random.Random, first: datetime, days: int) -> list[Any]:
    """What is stated of an account, in order of time; some of it is said twice, corrected or withdrawn."""
    numbers = count(1)
    said: list[Any] = []

    def at() -> datetime:
        return first + timedelta(minutes=chance.randrange(days * 24 * 60))

    said.append(AccountFact("", at(), service_policy=ServicePolicy(touch_every_days=20, response_within_hours=8)))
    said.append(AccountFact("", at(), zone="Asia/Tokyo"))
    said.append(AccountFact("", at(), zone="America/New_York"))
    for _ in range(40):
        opened = at()
        ticket = TicketFact(
            "", f"t{next(numbers)}", opened, opened_at=opened, priority=chance.choice(("urgent", "low"))
        )
        answered = opened + timedelta(hours=chance.randrange(1, 20))
        solved = answered + timedelta(hours=chance.randrange(1, 200))
        said += [
            ticket,
            TicketFact("", ticket.ticket_id, answered, first_response_at=answered),
            TicketFact("", ticket.ticket_id, solved, resolved_at=solved),
        ]
    for _ in range(15):
        person = chance.choice(("ann", "bob", "cid"))
        said.append(SurveyResponseFact("", f"s{next(numbers)}", at(), "nps", chance.randrange(11), contact_id=person))
        said.append(ContactFact("", person, at(), role=chance.choice(("champion", "sponsor", None))))
        said.append(ContactFact("", person, at(), status=chance.choice(("active", "left"))))
        here = (Attendee("customer", contact_id=person), Attendee("customer", role=chance.choice(("admin", "it"))))
        said.append(TouchpointFact("", f"p{next(numbers)}", at(), "call", result="held", attendees=here))
    for _ in range(6):
        issued = at()
        invoice = InvoiceFact("", f"i{next(numbers)}", issued, due_on=issued.date() + timedelta(days=14))
        paid = issued + timedelta(days=chance.randrange(10, 60))
        said += [invoice, InvoiceFact("", invoice.invoice_id, paid, paid_on=paid.date(), state="paid")]
    return sorted(said, key=lambda fact: fact.occurred_at)


def told(account: str, said: list[Any]) -> list[Any]:
    """The same facts about an account, each with the same id whatever the order."""
    return [stated(replace(fact, account_id=account), id=f"{account}-{place:04}") for place, fact in enumerate(said)]


@pytest.mark.parametrize("seed", [1, 20260301])
async def test_closes_made_afterwards_from_facts_in_any_order_are_those_made_as_they_came(
    facts_count: Health, seed: int
) -> None:
    health, chance, days = facts_count, random.Random(seed), 60
    first = instant("2026-03-02T00:00Z")
    said = [fact for fact in history_of(chance, first, days) if fact.occurred_at < first + timedelta(days=days + 20)]
    uses = [first + timedelta(days=day, hours=9) for day in sorted(chance.sample(range(days), 20))]

    lived = [*told("lived", said), *(usage("lived", at=use) for use in uses)]
    for event in sorted(lived, key=lambda event: event.time):
        await health.until(event.time)
        await health.receives(event)
    end = first + timedelta(days=days + 30)
    await health.until(end)
    await health.receives(*(usage("filled", at=use, received=end) for use in uses))
    await health.settle()
    filled = told("filled", said)
    filled += chance.sample(filled, 30)
    chance.shuffle(filled)
    for start in range(0, len(filled), 37):
        await health.receives(*filled[start : start + 37])
        await health.settle()

    assert len({close["score"] for close in await health.history("lived")}) > 10
    assert _scores(await health.history("filled")) == _scores(await health.history("lived"))
    assert await health.metrics("filled") == await health.metrics("lived")
    for as_of in ("2026-03-20", "2026-04-15"):
        assert await health.metrics("filled", as_of) == await health.metrics("lived", as_of)


async def test_a_ticket_moves_the_score_in_its_own_transaction_and_is_named_as_the_cause(facts_count: Health) -> None:
    health = facts_count
    await health.receives(*daily("acme", "2026-02-01", "2026-02-28"))
    await health.settle()
    opened = TicketFact("acme", "t1", START, opened_at=START, priority="urgent")

    await health.receives(stated(opened, id="urgent"))

    change = (await health.said(ScoreChanged))[-1]
    assert change.caused_by == ("urgent",)
    assert {moved.measure for moved in change.changes} >= {"urgent"}
    assert (await health.metrics("acme"))["open_urgent_tickets"] == 1
    assert (await health.metrics("acme", as_of="2026-02-28"))["open_urgent_tickets"] is None


async def test_time_alone_moves_a_score_of_facts(facts_count: Health) -> None:
    health = facts_count
    await health.receives(*daily("acme", "2026-02-01", "2026-02-28"))
    await health.receives(
        stated(AccountFact("acme", instant("2026-02-01T00:00Z"), service_policy=ServicePolicy(touch_every_days=10))),
        stated(TouchpointFact("acme", "p1", instant("2026-02-27T12:00Z"), "call", result="held")),
    )
    await health.settle()

    await health.until("2026-03-20T12:00Z")

    (cadence,) = [part for part in (await health.health("acme"))["measures"] if part["measure"] == "cadence"]
    assert (cadence["value"], cadence["score"]) == (2.0, 0)
