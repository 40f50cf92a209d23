"""The metrics of facts, each against its table of cases (fact_cases.py)."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from health_score.domain.facts.known import Facts
from health_score.domain.metrics.catalogue import FACTS, METRICS
from mainstay.contracts.facts import (
    TicketFact,
)
from tests.unit.health_score.fact_cases import CASES, answer, contact, policy, ticket, touch, training
from tests.unit.health_score.stating import TODAY, days_ago, measured, reading, statements


def test_every_metric_of_facts_has_its_cases() -> None:
    assert set(CASES) == {metric.name for metric in FACTS}


@pytest.mark.parametrize(
    ("name", "facts", "expected"),
    [
        pytest.param(name, facts, expected, id=f"{name}-{place}")
        for name, cases in CASES.items()
        for place, (facts, expected) in enumerate(cases)
    ],
)
def test_a_metric_of_facts(name: str, facts: list[Any], expected: Any) -> None:
    assert measured(statements(*facts))[name] == expected


EVERYTHING = statements(*(fact for cases in CASES.values() for facts, _ in cases for fact in facts))


@given(st.randoms(use_true_random=False), st.integers(0, 120))
def test_neither_order_nor_repetition_of_facts_matters(chance: Random, back: int) -> None:
    day = TODAY - timedelta(days=back)
    shuffled = [*EVERYTHING, *chance.sample(EVERYTHING, 20)]
    chance.shuffle(shuffled)

    assert measured(shuffled, day) == measured(EVERYTHING, day)


def test_a_replay_knows_on_each_day_what_a_reading_of_that_day_knows() -> None:
    facts = Facts.of(EVERYTHING)
    replay = facts.replay()
    for back in range(420, -1, -1):
        instant = days_ago(back)
        known = replay.until(instant)
        assert known == facts.until(instant)


@pytest.mark.parametrize(
    ("name", "facts", "seen_on"),
    [
        ("open_tickets", [ticket("a", 50), TicketFact("acme", "a", days_ago(7), priority="low")], days_ago(7)),
        ("nps_90d", [answer("a", 100, 9), answer("b", 3, 5, kind="csat")], days_ago(100)),
        ("survey_csat_90d", [answer("a", 100, 9), answer("b", 3, 5, kind="csat")], days_ago(3)),
        ("days_since_last_touch", [touch("a", 40), touch("b", 2, result="no_answer")], days_ago(40)),
        ("contacts_trained_share", [contact("ann", 9), training("a", "ann")], days_ago(9)),
        ("success_plan", [], None),
    ],
)
def test_the_latest_evidence_of_a_metric(name: str, facts: list[Any], seen_on: datetime | None) -> None:
    assert METRICS[name].seen_on(reading(statements(*facts))) == (seen_on and seen_on.date())


def test_while_a_day_runs_only_what_was_said_by_now_is_known() -> None:
    now = datetime(2026, 3, 31, 10, tzinfo=UTC)
    waiting = replace(ticket("a", 0), occurred_at=now, opened_at=now - timedelta(hours=3))
    facts = statements(policy(response_within_hours=4), waiting, touch("later", 0))

    assert measured(facts, now=now)["days_since_last_touch"] is None
    assert measured(facts, now=now)["answered_in_time_share_90d"] is None
    assert measured(facts, now=now + timedelta(hours=1, minutes=55))["days_since_last_touch"] is None
    assert measured(facts, now=now + timedelta(hours=1, minutes=56))["days_since_last_touch"] == 0  # by a clock ahead
    assert measured(facts, now=now + timedelta(hours=2))["answered_in_time_share_90d"] == 0
