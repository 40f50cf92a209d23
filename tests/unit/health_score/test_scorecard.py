"""Scores: exact, explained by parts that add up, and honest about what is missing."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.bands import BandRules, Threshold
from health_score.domain.metrics import METRICS, Value
from health_score.domain.scales import Line, Steps
from health_score.domain.scorecard import Group, Measure, Scorecard, Scored, largest_remainder
from health_score.scorecards.reading import read_scorecard

RULES = BandRules(Threshold(50, 52, 48), Threshold(75, 77, 73), Fraction(2, 5))
IDENTITY = Line(((Fraction(), Fraction()), (Fraction(100), Fraction(100))))
NAMES = tuple(METRICS)


def card(*groups: tuple[int, tuple[int, ...]]) -> Scorecard:
    """A scorecard of groups (weight, weights of measures); a measure scores its metric as it is."""
    names = iter(NAMES)
    built = []
    for place, (weight, weights) in enumerate(groups):
        measures = []
        for each in weights:
            name = next(names)
            measures.append(Measure(name, name, Fraction(each), IDENTITY))
        built.append(Group(f"group-{place}", Fraction(weight), tuple(measures)))
    return Scorecard("test", 1, tuple(built), RULES)


def score(of: Scorecard, *values: Value, age_days: int = 1_000) -> Scored:
    return of.score(dict(zip(NAMES, [*values, *[None] * len(NAMES)], strict=False)), age_days)


cards = st.lists(
    st.tuples(st.integers(1, 100), st.lists(st.integers(1, 100), min_size=1, max_size=3).map(tuple)),
    min_size=1,
    max_size=3,
).map(lambda groups: card(*groups))
values = st.lists(st.none() | st.fractions(0, 100, max_denominator=97), min_size=9, max_size=9)


@given(cards, values)
def test_contributions_add_up_to_the_score(of: Scorecard, found: list[Value]) -> None:
    scored = score(of, *found)

    assert sum(part.contribution for part in scored.measures) == (scored.total.score or 0)
    for part in scored.measures:
        exact = part.effective_weight * (part.score or 0)
        assert floor(exact) <= part.contribution <= floor(exact) + 1


@given(cards, values)
def test_weights_of_what_counts_add_up_to_one(of: Scorecard, found: list[Value]) -> None:
    scored = score(of, *found)

    counted = [part for part in scored.measures if part.score is not None]
    assert sum(part.effective_weight for part in scored.measures) == (1 if counted else 0)
    assert sum(part.weight for part in scored.measures) == 1
    assert scored.total.coverage == sum(part.weight for part in counted)
    assert (scored.total.score is None) == (not counted)


def test_what_is_missing_leaves_its_weight_to_its_group_then_to_the_others() -> None:
    of = card((60, (1, 3)), (40, (1,)))

    assert score(of, Fraction(100), Fraction(0), Fraction(50)).total.score == 35  # 60 % of 25, 40 % of 50
    assert score(of, Fraction(100), None, Fraction(50)).total.score == 80
    assert score(of, None, None, Fraction(50)).total.score == 50
    assert score(of, None, None, None).total.score is None
    assert score(of, None, None, Fraction(50)).total.coverage == Fraction(2, 5)


def test_in_the_first_days_of_a_life_a_measure_is_missing() -> None:
    measure = Measure("m", "events_28d", Fraction(1), IDENTITY, after_days=28)

    assert measure.score(10, age_days=28) is None
    assert measure.score(10, age_days=29) == 10


def test_a_measure_may_score_what_is_undefined() -> None:
    assert Measure("m", "stickiness_28d", Fraction(1), IDENTITY).score(None, 100) is None
    assert Measure("m", "stickiness_28d", Fraction(1), IDENTITY, undefined_scores=Fraction(0)).score(None, 100) == 0


@pytest.mark.parametrize(("value", "expected"), [(-5, 0), (0, 0), (3, 15), (10, 50), (15, 75), (20, 100), (99, 100)])
def test_a_line_is_straight_between_its_points_and_flat_outside(value: int, expected: int) -> None:
    line = Line(((Fraction(0), Fraction(0)), (Fraction(10), Fraction(50)), (Fraction(20), Fraction(100))))
    assert line.score(Fraction(value)) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, 100), (4, 100), (5, 50), (9, 50), (10, 0), (1_000, 0)])
def test_a_step_contains_its_lower_edge(value: int, expected: int) -> None:
    steps = Steps((Fraction(5), Fraction(10)), (Fraction(100), Fraction(50), Fraction(0)))
    assert steps.score(Fraction(value)) == expected


def test_points_left_go_to_the_largest_remainders() -> None:
    parts = [Fraction(1, 3), Fraction(1, 2), Fraction(7, 6)]
    assert largest_remainder(parts, 2) == [0, 1, 1]
    assert largest_remainder(parts, 1) == [0, 0, 1]


def test_the_default_scorecard_judges_the_dead_red_and_the_new_not_at_all() -> None:
    default = read_scorecard().card
    dead: dict[str, Value] = {**dict.fromkeys(METRICS, None), "features_used_28d": 0, "days_since_last_activity": 400}
    new: dict[str, Value] = {**dict.fromkeys(METRICS, None), "features_used_28d": 3, "days_since_last_activity": 0}

    after_years = default.score(dead, 1_000).total
    assert (after_years.score, after_years.coverage >= default.bands.coverage_floor) == (0, True)
    assert default.score(new, 3).total.coverage < default.bands.coverage_floor
