"""The stages of an account's life: by people's word and rules' moves, in whatever order they become known."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.metrics.catalogue import BUILT_IN
from health_score.domain.rules import Known, Look
from health_score.domain.stages import (
    STAGES,
    Move,
    StageRules,
    Word,
    missed_go_live,
    overdue,
    stages_of,
)
from health_score.rulebook.reading import Kind, read_rules, shipped_body

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")


def word(days: int, stage: str | None, *, by: str = "e") -> Word:
    return Word(AT + days * DAY, by, stage)


def move(days: int, previous: str | None, stage: str) -> Move:
    return Move(AT + days * DAY, previous, stage, "rule", 1, "because")


def shipped() -> StageRules:
    rules = read_rules(Kind.STAGES, shipped_body(Kind.STAGES), catalogue=BUILT_IN)
    assert isinstance(rules, StageRules)
    return rules


def seeing(**known: Known) -> Look:
    return known.get


CASES = [
    ("a rule goes on from what people said", [word(0, "growth")], [move(1, "growth", "nurture")], "growth nurture"),
    ("people go on from a rule", [word(2, "renewal")], [move(1, None, "growth")], "growth renewal"),
    (
        "what people said before, and is heard of later, makes a move from another stage untrue",
        [word(0, "growth"), word(1, "will_churn")],
        [move(2, "growth", "nurture")],
        "growth will_churn",
    ),
    ("of one instant, people's word counts first", [word(1, "renewal")], [move(1, None, "growth")], "renewal"),
    ("the same stage said again is the same stay", [word(0, "growth"), word(5, "growth")], [], "growth"),
    ("a stage can be withdrawn", [word(0, "growth"), word(5, None)], [], "growth None"),
]


@pytest.mark.parametrize(("words", "moves", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_stages_are_those_by_hand_and_the_moves_that_go_on_from_them(
    words: list[Word], moves: list[Move], told: str
) -> None:
    assert " ".join(str(entry.stage) for entry in stages_of(words, moves).entries) == told


stage = st.none() | st.sampled_from(STAGES)
steps = st.lists(
    st.builds(word, st.integers(0, 20), stage) | st.builds(move, st.integers(0, 20), stage, st.sampled_from(STAGES)),
    max_size=12,
    unique_by=lambda step: step.at,
)


@given(steps, st.randoms(use_true_random=False))
def test_the_order_in_which_steps_become_known_does_not_matter(found: list[Word | Move], random: object) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis gives a Random

    def entries(of: list[Word | Move]) -> object:
        words = sorted((each for each in of if isinstance(each, Word)), key=lambda each: each.at)
        return stages_of(words, [each for each in of if isinstance(each, Move)]).entries

    assert entries(mixed) == entries(found)


@given(steps)
def test_stays_follow_each_other_and_every_word_of_people_counts(found: list[Word | Move]) -> None:
    words = sorted((each for each in found if isinstance(each, Word)), key=lambda each: each.at)
    stages = stages_of(words, [each for each in found if isinstance(each, Move)])

    before: str | None = None
    for entry in stages.entries:
        assert entry.previous == before != entry.stage
        before = entry.stage
    for each in words:
        then = stages.until(each.at + timedelta(microseconds=1))
        assert (then.stage if then else None) == each.stage


def test_shipped_rules_lead_through_the_stages() -> None:
    rules = shipped()

    def goes(stage: str | None, **known: Known) -> str | None:
        found = rules.next_move(stage, seeing(**known), AT, ())
        return found.stage if found else None

    assert goes(None) is None  # of whom nobody said anything, nothing is known
    assert goes(None, days_to_planned_go_live=20) == "onboarding"
    assert goes(None, days_since_first_term=10) == "onboarding"
    assert goes(None, days_since_first_term=400) is None
    assert goes("onboarding", activation=0.5) == goes("onboarding", days_since_go_live=0) == "growth"
    assert goes("onboarding", activation=0.49) is None
    assert goes("growth", days_to_renewal=90) == goes("nurture", days_to_renewal=0) == "renewal"
    assert goes("growth", days_to_renewal=91) is goes("growth", days_to_renewal=-1) is None
    assert goes("renewal", days_to_renewal=355) == "nurture"
    assert goes("growth", days_in_stage=180, seat_utilisation=0.8) == "nurture"
    assert goes("will_churn", days_to_renewal=3) is goes("churned", days_to_renewal=3) is None
    assert rules.needs_life({"onboarding"})
    assert not rules.needs_life({None, "growth", "renewal"})


def test_a_move_says_which_rule_and_which_values_made_it() -> None:
    found = shipped().next_move("growth", seeing(days_to_renewal=42), AT, ())

    assert found is not None
    assert (found.previous, found.stage, found.rule, found.version) == ("growth", "renewal", "renewal-near", 0)
    assert found.values == {"days_to_renewal": 42}
    assert found.reason == "the renewal is within 90 days – days_to_renewal is 42"


def test_a_rule_that_moved_an_account_today_does_not_move_it_again() -> None:
    rules = shipped()
    assert rules.next_move("growth", seeing(days_to_renewal=42), AT, {"renewal-near"}) is None


def test_a_stay_is_overdue_from_the_day_after_its_target() -> None:
    rules = shipped()
    entry = stages_of([word(0, "onboarding")], []).entries[0]
    first = date(2026, 3, 1)

    assert overdue(entry, rules, UTC_ZONE, first + 90 * DAY) is None
    late = overdue(entry, rules, UTC_ZONE, first + 91 * DAY)
    assert late is not None
    assert (late.occurred_at, late.due_on) == (datetime(2026, 5, 31, tzinfo=UTC), date(2026, 5, 30))
    assert overdue(stages_of([word(0, "nurture")], []).entries[0], rules, UTC_ZONE, first + 9_999 * DAY) is None


@pytest.mark.parametrize(
    ("planned", "actual", "stage", "is_missed"),
    [
        (9, None, "onboarding", True),
        (10, None, "onboarding", False),  # today is in time
        (9, 8, "onboarding", False),
        (9, 12, "onboarding", True),  # it still lies ahead
        (None, None, "onboarding", False),
        (9, None, "churned", False),
    ],
)
def test_a_planned_go_live_is_missed_when_its_day_is_over(
    planned: int | None, actual: int | None, stage: str, *, is_missed: bool
) -> None:
    def day(number: int | None) -> date | None:
        return None if number is None else date(2026, 3, number)

    found = missed_go_live(day(planned), day(actual), stage, UTC_ZONE, date(2026, 3, 10))
    assert (found is not None) is is_missed
