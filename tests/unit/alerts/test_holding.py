"""Holding: for how long before, for how long after, and what a worsening is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.accounts import Account
from alerts.domain.episodes import Episode, look
from alerts.domain.holding import Holding
from alerts.domain.observations import Observation, ScoreMoved, Stated
from alerts.domain.rules import Rule, Rulebook
from alerts.domain.words import Band
from alerts.rulebook import rule_of, shipped_rulebook
from tests.unit.alerts.facts import at
from tests.unit.alerts.looks import LATER, episodes

H = timedelta(hours=1)


def low_score(**times: str) -> Rule:
    return rule_of(
        {
            "id": "low",
            "kind": "metric-threshold",
            "category": "risk",
            "levels": {"warning": 50, "critical": 25},
            "when": {"metric": "health_score"},
            "title": "$account",
            "text": "$value",
            "next_steps": ["call"],
            **times,
        }
    )


def scores(*values: tuple[float, int]) -> list[Observation]:
    return [Observation("acme", f"s{hours}", at(hours), ScoreMoved(score, None, Band.RED)) for hours, score in values]


def found(rule: Rule, history: Sequence[Observation], hours: float = 10_000) -> list[tuple[str, float, float | None]]:
    """(grade, hours from the start to its opening, and to its end) of each alert."""

    def since(instant: datetime) -> float:
        return (instant - at(0)) / H

    return [
        (one.grade, since(one.opened_at), since(one.end.at) if one.end else None)
        for one in episodes(Rulebook.of([rule]), history, now=at(hours))
    ]


CASES: list[tuple[str, dict[str, str], list[tuple[float, int]], list[tuple[str, float, float | None]]]] = [
    ("at once", {}, [(0, 45)], [("warning", 0, None)]),
    ("it passes", {}, [(0, 45), (3, 60)], [("warning", 0, 3)]),
    ("held for long enough", {"for": "2h"}, [(0, 45)], [("warning", 2, None)]),
    ("held, and passed later", {"for": "2h"}, [(0, 45), (3, 60)], [("warning", 2, 3)]),
    ("passed before it had held", {"for": "2h"}, [(0, 45), (1, 60)], []),
    ("passed the moment it would have opened", {"for": "2h"}, [(0, 45), (2, 60)], []),
    ("each break begins the wait anew", {"for": "2h"}, [(0, 45), (1, 60), (1.5, 45)], [("warning", 3.5, None)]),
    ("kept firing", {"keep_firing_for": "2h"}, [(0, 45), (3, 60)], [("warning", 0, 5)]),
    (
        "back within that time is the same",
        {"keep_firing_for": "2h"},
        [(0, 45), (3, 60), (4, 45)],
        [("warning", 0, None)],
    ),
    (
        "back after it is another",
        {"keep_firing_for": "1h"},
        [(0, 45), (3, 60), (6, 45)],
        [("warning", 0, 4), ("warning", 6, None)],
    ),
    ("a cooldown", {"cooldown": "5h"}, [(0, 45), (1, 60), (2, 45)], [("warning", 0, 1), ("warning", 6, None)]),
    ("over before the cooldown is", {"cooldown": "5h"}, [(0, 45), (1, 60), (2, 45), (3, 60)], [("warning", 0, 1)]),
    ("a worsening tells again", {}, [(0, 45), (2, 20)], [("warning", 0, 2), ("critical", 2, None)]),
    ("an easing tells nobody", {}, [(0, 20), (2, 45), (4, 20)], [("critical", 0, None)]),
    ("an easing, then over", {}, [(0, 20), (2, 45), (4, 60)], [("critical", 0, 4)]),
    ("a worsening must hold too", {"for": "2h"}, [(0, 45), (5, 20), (6, 45)], [("warning", 2, None)]),
]


@pytest.mark.parametrize(("times", "values", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_held(times: Any, values: Any, expected: Any) -> None:
    assert found(low_score(**times), scores(*values)) == expected


def test_a_score_that_swings_around_the_level_for_a_day_is_one_alert() -> None:
    swings = scores(*((hour / 2, 49 if hour % 2 == 0 else 51) for hour in range(48)))

    assert len(found(low_score(keep_firing_for="2h"), swings)) == 1


def test_what_will_change_by_itself_is_known_ahead() -> None:
    rulebook = Rulebook.of([low_score(**{"for": "2h", "keep_firing_for": "3h"})])

    assert look(rulebook, scores((0, 45)), Account("acme"), at(1)).again_at == at(2)
    assert look(rulebook, scores((0, 45), (5, 60)), Account("acme"), at(6)).again_at == at(8)
    assert look(rulebook, scores((0, 45), (5, 60)), Account("acme"), at(8)).again_at is None


HOLDINGS = st.builds(Holding, *([st.integers(0, 4).map(lambda hours: hours * H)] * 3))
HISTORIES = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([10, 30, 45, 60, 80])), max_size=12, unique_by=lambda one: one[0]
)


@given(holding=HOLDINGS, values=HISTORIES, data=st.data())
def test_neither_order_nor_repetition_nor_looking_before_matters(holding: Any, values: Any, data: Any) -> None:
    names = {"for": holding.hold_for, "keep_firing_for": holding.keep_firing_for, "cooldown": holding.cooldown}
    rule = low_score(**{name: f"{int(time / H)}h" for name, time in names.items()})
    rulebook, history = Rulebook.of([rule]), scores(*sorted(values))
    repeated = [seen for seen in history for _ in range(data.draw(st.integers(1, 2)))]

    straight = episodes(rulebook, history)
    assert episodes(rulebook, data.draw(st.permutations(repeated))) == straight

    # whoever only looks when something may change sees each alert open and end, as one that knows all of it
    seen: dict[str, Episode] = {}
    now = at(-1)
    while True:
        known = [one for one in history if one.at <= now]
        looked = look(rulebook, known, Account("acme"), now)
        for episode in looked.episodes:
            seen[episode.alert_id] = episode
        ahead = [one.at for one in history if one.at > now] + ([looked.again_at] if looked.again_at else [])
        if not ahead:
            break
        now = min(ahead)
    assert {one.alert_id: (one.opened_at, one.end) for one in straight} == {
        name: (one.opened_at, one.end) for name, one in seen.items()
    }


def stated(thing: str, hours: float, **fields: Any) -> Observation:
    return Observation("acme", f"{thing}{hours}", at(hours), Stated(thing, "x", fields))


THINGS: list[tuple[str, list[Observation], list[tuple[str, str, str | None]]]] = [
    (
        "resolved",
        [
            stated("ticket", 0, priority="urgent", first_response_at="2026-03-01T09:30:00+00:00"),
            stated("ticket", 5, resolved_at="2026-03-01T13:00:00+00:00"),
        ],
        [("ticket-urgent", "urgent", "settled")],
    ),
    (
        "ageing",
        [stated("ticket", 0, priority="low", first_response_at="2026-03-01T09:30:00+00:00")],
        [("ticket-ageing", "info", "superseded"), ("ticket-ageing", "warning", None)],
    ),
    ("detractor", [stated("survey", 0, kind="nps", score=2)], [("nps-detractor", "critical", "lapsed")]),
    ("promoter", [stated("survey", 0, kind="nps", score=10)], [("nps-promoter", "info", "lapsed")]),
    ("neither", [stated("survey", 0, kind="nps", score=8)], []),
    ("a csat is no nps", [stated("survey", 0, kind="csat", score=2)], []),
    (
        "a champion who left",
        [stated("contact", 0, role="champion"), stated("contact", 1, status="left")],
        [("champion-left", "champion", "lapsed")],
    ),
    (
        "overdue and paid",
        [stated("invoice", 0, due_on="2026-03-01"), stated("invoice", 24 * 9, paid_on="2026-03-10")],
        [("invoice-overdue", "info", "settled")],
    ),
    ("paid in time", [stated("invoice", 0, due_on="2026-03-01"), stated("invoice", 24, paid_on="2026-03-02")], []),
    (
        "used up",
        [stated("entitlement", 0, bought=100, used=95), stated("entitlement", 9, used=100)],
        [("entitlement-used", "info", "superseded"), ("entitlement-used", "warning", None)],
    ),
    (
        "untold",
        [stated("feedback", 0, state="released"), stated("feedback", 50, customer_told_at="2026-03-03T09:00:00+00:00")],
        [("feedback-untold", "info", "settled")],
    ),
    (
        "a step, and the touch that settled it",
        [
            stated("touch", 0, result="held", next_due_on="2026-03-02"),
            Observation("acme", "t2", at(24 * 4), Stated("touch", "y", {"result": "held"})),
        ],
        [
            ("next-step-overdue", "info", "settled"),
            ("touch-overdue", "info", "superseded"),
            ("touch-overdue", "warning", None),
        ],
    ),
    (
        "notice",
        [stated("contract", 0, ends_on="2026-12-31", notice={"amount": 1, "unit": "months"})],
        [
            ("notice-deadline", "info", "superseded"),
            ("notice-deadline", "warning", "superseded"),
            ("notice-deadline", "critical", "settled"),
        ],
    ),
]


@pytest.mark.parametrize(("history", "expected"), [case[1:] for case in THINGS], ids=[case[0] for case in THINGS])
def test_what_the_shipped_rules_make_of_things(history: Any, expected: Any) -> None:
    alerts = episodes(shipped_rulebook(), history, now=LATER)

    assert [(one.rule.id, one.grade, one.end.how.value if one.end else None) for one in alerts] == expected
