"""The team of an account: who had which role in which days, as all facts have it."""

from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.facts.known import Facts
from health_score.domain.team import Assignment, team_of
from mainstay.contracts.ingest import AccountFact, TeamAssignment
from tests.unit.health_score.stating import BERLIN, statements


def said(month: int, *team: TeamAssignment, hour: int = 12) -> AccountFact:
    return AccountFact("acme", datetime(2026, month, 10, hour, tzinfo=UTC), team=team)


def csm(person: str | None, since: date | None = None, until: date | None = None) -> TeamAssignment:
    return TeamAssignment("csm", person, since, until)


CASES: list[tuple[str, list[AccountFact], list[tuple[Any, ...]]]] = [
    ("since the day it was said", [said(1, csm("kim"))], [("kim", date(2026, 1, 10), None)]),
    ("which is one of the account's zone", [said(1, csm("kim"), hour=23)], [("kim", date(2026, 1, 11), None)]),
    (
        "another one ends it",
        [said(1, csm("kim")), said(3, csm("lee", date(2026, 4, 1)))],
        [("kim", date(2026, 1, 10), date(2026, 3, 31)), ("lee", date(2026, 4, 1), None)],
    ),
    (
        "said again it goes on",
        [said(1, csm("kim")), said(2, csm("kim")), said(3, csm("kim", until=date(2026, 6, 30)))],
        [("kim", date(2026, 1, 10), date(2026, 6, 30))],
    ),
    ("nobody has it", [said(1, csm("kim")), said(2, csm(None))], [("kim", date(2026, 1, 10), date(2026, 2, 9))]),
    (
        "what is said last holds from its day on, whatever was said of days after",
        [said(1, csm("kim", date(2026, 6, 1))), said(2, csm("lee", date(2026, 3, 1)))],
        [("lee", date(2026, 3, 1), None)],
    ),
    (
        "two in one fact",
        [said(1, csm("lee", date(2026, 2, 1)), csm("kim", date(2025, 1, 1), date(2026, 1, 31)))],
        [("kim", date(2025, 1, 1), date(2026, 1, 31)), ("lee", date(2026, 2, 1), None)],
    ),
    (
        "the first and the last day there are",
        [said(1, csm("kim", date.min, date.max)), said(2, csm("kim", date.min, date.max))],
        [("kim", date.min, date.max)],
    ),
]


@pytest.mark.parametrize(("facts", "team"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_who_is_the_csm_in_which_days(facts: list[AccountFact], team: list[tuple[Any, ...]]) -> None:
    assert team_of(Facts.of(statements(*facts)).in_zone(BERLIN)) == tuple(Assignment("csm", *each) for each in team)


def test_roles_do_not_touch_each_other() -> None:
    facts = [said(1, csm("kim"), TeamAssignment("sales", "sam")), said(2, TeamAssignment("sales", "sue"))]

    roles = [(each.role, each.person) for each in team_of(Facts.of(statements(*facts)))]

    assert roles == [("csm", "kim"), ("sales", "sam"), ("sales", "sue")]


@given(st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_does_not_matter(chance: Random) -> None:
    stated = statements(*(fact for _, facts, _ in CASES for fact in facts))
    shuffled = [*stated, *chance.sample(stated, 5)]
    chance.shuffle(shuffled)

    assert team_of(Facts.of(shuffled)) == team_of(Facts.of(stated))
