"""Scores: exact, explained by parts that add up, and honest about what is missing."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.bands import FREE, Band, BandRules, Forced, Standing, Threshold
from health_score.domain.conditions import Attributes, Condition
from health_score.domain.decisions import NOTHING_DECIDED, Decided, Override
from health_score.domain.metrics.catalogue import METRICS, Catalogue
from health_score.domain.metrics.reading import Metric, Unit, Value
from health_score.domain.scales import Edge, Line, Steps, Table
from health_score.domain.scorecard import Force, Group, Measure, Scorecard, largest_remainder
from health_score.domain.scoring import OVERRIDE, Scored, Scorer, Status, placed
from health_score.scorecards.reading import read_scorecard
from tests.unit.health_score.figures import DAY, Figures, reading, score

RULES = BandRules(Threshold(50, 52, 48), Threshold(75, 77, 73), Fraction(2, 5))
IDENTITY = Line(((Fraction(), Fraction()), (Fraction(100), Fraction(100))))
NAMES = tuple("abcdefghi")
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def card(*groups: tuple[int, tuple[int, ...]], **of: dict[str, Any]) -> Scorecard:
    """A scorecard of groups (weight, weights of measures) whose measures a, b, c … score their metric as it is.

    `of` has more to say of single measures.
    """
    names = iter(NAMES)
    built = []
    for place, (weight, weights) in enumerate(groups):
        measures = []
        for each in weights:
            name = next(names)
            measures.append(Measure(name, name, Fraction(each), IDENTITY, **of.get(name, {})))
        built.append(Group(f"group-{place}", Fraction(weight), tuple(measures)))
    return Scorecard("test", 1, tuple(built), RULES)


def by_hand(points: int, measure: str | None = None) -> Override:
    return Override(AT, "ann", measure, points, "a call", AT + timedelta(days=9))


def total(scored: Scored) -> int | None:
    return scored.total.score


shapes = st.lists(
    st.tuples(st.integers(1, 100), st.lists(st.integers(1, 100), min_size=1, max_size=3).map(tuple)),
    min_size=1,
    max_size=3,
)
forces = st.one_of(
    st.builds(
        lambda band, below: Force(band, below=Fraction(below)),
        st.sampled_from([Band.RED, Band.YELLOW]),
        st.integers(1, 100),
    ),
    st.builds(
        lambda band, start: Force(band, start=Fraction(start)),
        st.sampled_from([Band.YELLOW, Band.GREEN]),
        st.integers(0, 100),
    ),
)
details = st.fixed_dictionaries(
    {}, optional={"forces": st.lists(forces, max_size=2).map(tuple), "optional": st.booleans()}
)
cards = st.builds(
    lambda groups, of: card(*groups, **of), shapes, st.dictionaries(st.sampled_from(NAMES), details, max_size=4)
)
figures = st.fixed_dictionaries({name: st.none() | st.fractions(0, 100, max_denominator=97) for name in NAMES})
decisions = st.builds(
    lambda whole, measures: Decided(
        score=None if whole is None else by_hand(whole),
        measures={name: by_hand(points, name) for name, points in measures.items()},
    ),
    st.none() | st.integers(0, 100),
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 100), max_size=3),
)


@given(cards, figures, st.just(NOTHING_DECIDED) | decisions)
def test_contributions_add_up_to_the_score(of: Scorecard, found: dict[str, Value], decided: Decided) -> None:
    scored = score(of, found, decided=decided)

    assert sum(part.contribution for part in scored.measures) == (total(scored) or 0)
    assert sum(scored.contributions.values()) == (total(scored) or 0)
    for place, part in enumerate(scored.measures):
        exact = part.effective_weight * (part.score or 0)
        if part.measure != OVERRIDE and not (scored.total.pushed and place == scored.total.pushed_by):
            assert floor(exact) <= part.contribution <= floor(exact) + 1 or scored.outcome.by_hand


@given(cards, st.lists(figures, min_size=2, max_size=8), st.just(NOTHING_DECIDED) | decisions, st.integers(1, 4))
def test_what_a_scorer_remembers_changes_nothing(
    of: Scorecard, found: list[dict[str, Value]], decided: Decided, remembered: int
) -> None:
    class Forgetful(Scorer):
        REMEMBERED = remembered

    values: dict[str, Value] = {}
    scorer = Forgetful(of, Figures(values=values))
    for each in (*found, *found):
        values.update(each)

        assert scorer.scored(reading(), decided=decided) == score(of, each, decided=decided)


@given(cards, figures)
def test_weights_of_what_counts_add_up_to_one(of: Scorecard, found: dict[str, Value]) -> None:
    scored = score(of, found)

    counted = [part for part in scored.measures if part.score is not None]
    assert sum(part.effective_weight for part in scored.measures) == (1 if counted else 0)
    assert sum(part.weight for part in scored.measures) in ({1} if counted else {0, 1})
    assert scored.total.coverage == sum(part.weight for part in counted)
    assert (total(scored) is None) == (not counted)


@given(cards, figures, st.sampled_from(NAMES), st.fractions(0, 100, max_denominator=97))
def test_no_measure_s_improvement_lowers_the_score(
    of: Scorecard, found: dict[str, Value], name: str, better: Fraction
) -> None:
    value = found[name]
    if value is None or better < value:
        return
    before, after = score(of, found), score(of, found | {name: better})

    assert (total(before) or 0) <= (total(after) or 0)
    order = [Band.RED, Band.YELLOW, Band.GREEN]
    bands = [placed(RULES, each.outcome, None, DAY)[0] for each in (before, after)]
    if Band.UNKNOWN not in bands:
        assert order.index(bands[0]) <= order.index(bands[1])


@given(cards, figures)
def test_a_forced_band_and_its_score_agree(of: Scorecard, found: dict[str, Value]) -> None:
    scored = score(of, found)
    band, _ = placed(RULES, scored.outcome, None, DAY)

    if scored.total.score is not None and band is not Band.UNKNOWN:
        assert RULES.plain(scored.total.score) is band


def test_what_is_missing_leaves_its_weight_to_its_group_then_to_the_others() -> None:
    of = card((60, (1, 3)), (40, (1,)))

    assert total(score(of, {"a": Fraction(100), "b": Fraction(0), "c": Fraction(50)})) == 35  # 60 % of 25, 40 % of 50
    assert total(score(of, {"a": Fraction(100), "c": Fraction(50)})) == 80
    assert total(score(of, {"c": Fraction(50)})) == 50
    assert total(score(of, {})) is None
    assert score(of, {"c": Fraction(50)}).total.coverage == Fraction(2, 5)


def test_each_measure_says_why_it_does_not_count() -> None:
    of = card(
        (1, (1, 1, 1, 1, 1)),
        a={"after_days": 28},
        b={"fresh_for_days": 60},
        c={"when": (Condition("tier", ("gold",)),)},
    )
    every = dict.fromkeys("abcd", Fraction(50))

    young = score(of, every, age_days=28, seen={"b": DAY - timedelta(days=61)})
    assert [part.status for part in young.measures] == ["grace", "stale", "na", "ok", "na"]
    old = score(of, every, age_days=29, seen={"b": DAY - timedelta(days=60)}, attributes=Attributes(tier="gold"))
    assert [part.status for part in old.measures] == ["ok", "ok", "ok", "ok", "na"]


def test_a_measure_that_is_not_asked_takes_nothing_from_the_coverage() -> None:
    of = card((1, (1, 1, 2)), a={"when": (Condition("tier", ("gold",)),)}, b={"optional": True})

    silver = score(of, {"c": Fraction(60)}, attributes=Attributes(tier="silver"))
    assert [*(part.weight for part in silver.measures), silver.total.coverage] == [0, 0, 1, 1]
    gold = score(of, {"c": Fraction(60)}, attributes=Attributes(tier="gold"))
    assert [part.weight for part in gold.measures] == [Fraction(1, 3), 0, Fraction(2, 3)]
    assert gold.total.coverage == Fraction(2, 3)
    both = score(of, {"b": Fraction(0), "c": Fraction(60)}, attributes=Attributes(tier="silver"))
    assert [part.weight for part in both.measures] == [0, Fraction(1, 3), Fraction(2, 3)]
    assert total(both) == 40


@pytest.mark.parametrize(
    ("condition", "tier", "holds"),
    [
        (Condition("tier", ("gold", "silver")), "silver", True),
        (Condition("tier", ("gold",)), "silver", False),
        (Condition("tier", ("gold",)), None, False),
        (Condition("tier", ("gold",), negated=True), "silver", True),
        (Condition("tier", ("gold",), negated=True), "gold", False),
        (Condition("tier", ("gold",), negated=True), None, True),
    ],
)
def test_a_condition_holds(condition: Condition, tier: str | None, holds: bool) -> None:  # noqa: FBT001 - a table
    assert condition.holds(Attributes(tier=tier)) is holds


def test_a_measure_may_score_what_is_undefined() -> None:
    assert total(score(card((1, (1,))), {})) is None
    assert total(score(card((1, (1,)), a={"undefined_scores": Fraction(0)}), {})) == 0


@pytest.mark.parametrize(
    ("figure", "published", "band", "contributions"),
    [
        (Fraction(49), 49, Band.RED, {"a": 16 - 20, "b": 53}),  # 49 is below 50: from 69 down to 49
        (Fraction(50), 70, Band.YELLOW, {"a": 17, "b": 53}),
    ],
)
def test_a_measure_forces_the_score_below_its_band_s_end(
    figure: Fraction, published: int, band: Band, contributions: dict[str, int]
) -> None:
    of = card((1, (1, 2)), a={"forces": (Force(Band.RED, below=Fraction(50)),)})

    scored = score(of, {"a": figure, "b": Fraction(80)})

    assert total(scored) == published
    assert scored.contributions == contributions
    standing = Standing(Band.YELLOW, DAY - timedelta(days=1))
    assert placed(RULES, scored.outcome, standing, DAY)[0] is band  # by hysteresis 49 would stay yellow


def test_a_measure_may_also_lift_the_score_and_what_is_bad_weighs_more() -> None:
    lifted = card((1, (1, 3)), a={"forces": (Force(Band.YELLOW, start=Fraction(90)),)})
    assert total(score(lifted, {"a": Fraction(95), "b": Fraction(10)})) == 50
    both = card(
        (1, (1, 3)),
        a={"forces": (Force(Band.GREEN, start=Fraction(90)),)},
        b={"forces": (Force(Band.RED, below=Fraction(20)),)},
    )
    scored = score(both, {"a": Fraction(95), "b": Fraction(10)})
    assert (total(scored), scored.total.forced) == (49, Forced(Band.RED, Band.RED))


@pytest.mark.parametrize(
    ("forced", "bands"),
    [
        (FREE, "red yellow green unknown"),
        (Forced(at_most=Band.RED), "red red red red"),
        (Forced(at_most=Band.YELLOW), "red yellow yellow unknown"),
        (Forced(at_least=Band.YELLOW), "yellow yellow green unknown"),
        (Forced(at_least=Band.GREEN), "green green green green"),
        (Forced(Band.YELLOW, Band.YELLOW), "yellow yellow yellow yellow"),
    ],
)
def test_bands_are_kept_within_what_is_forced(forced: Forced, bands: str) -> None:
    found = [forced.bound(band) for band in (Band.RED, Band.YELLOW, Band.GREEN, Band.UNKNOWN)]
    assert found == bands.split()


def test_what_a_person_sets_counts_and_what_was_computed_stays_beside() -> None:
    of = card((1, (1, 1)), b={"after_days": 30})
    decided = Decided(score=by_hand(80), measures={"b": by_hand(90, "b")})

    scored = score(of, {"a": Fraction(20)}, age_days=3, decided=decided)

    assert (total(scored), scored.outcome.computed.score) == (80, 20)
    assert scored.contributions == {"a": 10, "b": 45, OVERRIDE: 25}
    assert [(part.status, part.computed_score) for part in scored.measures[:2]] == [
        (Status.OK, None),
        (Status.OVERRIDDEN, None),
    ]
    assert placed(RULES, scored.outcome, Standing(Band.RED, DAY), DAY) == (Band.GREEN, Band.RED)


def test_an_override_of_nothing_the_card_has_changes_nothing() -> None:
    plain = score(card((1, (1,))), {"a": Fraction(20)})
    scored = score(card((1, (1,))), {"a": Fraction(20)}, decided=Decided(measures={"gone": by_hand(90, "gone")}))
    assert (total(scored), scored.measures) == (20, plain.measures)


@pytest.mark.parametrize(("value", "expected"), [(-5, 0), (0, 0), (3, 15), (10, 50), (15, 75), (20, 100), (99, 100)])
def test_a_line_is_straight_between_its_points_and_flat_outside(value: int, expected: int) -> None:
    line = Line(((Fraction(0), Fraction(0)), (Fraction(10), Fraction(50)), (Fraction(20), Fraction(100))))
    assert line.score(Fraction(value)) == expected


@pytest.mark.parametrize(("value", "expected"), [(0, 100), (4, 100), (5, 50), (9, 50), (10, 50), (11, 0), (1_000, 0)])
def test_a_step_contains_its_lower_edge_unless_it_begins_above(value: int, expected: int) -> None:
    steps = Steps((Edge(Fraction(5)), Edge(Fraction(10), above=True)), (Fraction(100), Fraction(50), Fraction(0)))
    assert steps.score(Fraction(value)) == expected


def test_a_table_looks_at_two_figures_and_may_have_empty_cells() -> None:
    table = Table("b", (Edge(Fraction(1)),), (Edge(Fraction(1)),), ((Fraction(1), None), (Fraction(3), Fraction(4))))
    of = Scorecard("test", 1, (Group("g", Fraction(1), (Measure("m", "a", Fraction(1), table),)),), RULES)

    cells = {(a, b): total(score(of, {"a": a, "b": b})) for a in (0, 1, None) for b in (0, 1, None)}
    assert cells == {
        (0, 0): 1, (0, 1): None, (0, None): None,
        (1, 0): 3, (1, 1): 4, (1, None): None,
        (None, 0): None, (None, 1): None, (None, None): None,
    }  # fmt: skip


def test_points_left_go_to_the_largest_remainders() -> None:
    sixths = [2, 3, 7]
    assert largest_remainder(sixths, 6, 2) == [0, 1, 1]
    assert largest_remainder(sixths, 6, 1) == [0, 0, 1]


def test_the_default_scorecard_judges_the_dead_red_and_the_new_not_at_all() -> None:
    default = read_scorecard().card
    dead: dict[str, Value] = {**dict.fromkeys(METRICS, None), "features_used_28d": 0, "days_since_last_activity": 400}
    new: dict[str, Value] = {**dict.fromkeys(METRICS, None), "features_used_28d": 3, "days_since_last_activity": 0}

    after_years = score(default, dead).total
    assert (after_years.score, after_years.coverage >= default.bands.coverage_floor) == (0, True)
    assert score(default, new, age_days=3).total.coverage < default.bands.coverage_floor


def test_facts_that_nobody_sends_take_nothing_from_the_default_scorecard() -> None:
    default = read_scorecard().card
    usage: dict[str, Value] = {line.metric: Fraction(1, 2) for _, line in default.lines if not line.optional}

    without = score(default, usage).total
    assert without.coverage == 1
    assert score(default, usage | {"nps_90d": 100, "csm_sentiment": 100}).total.score != without.score


def test_an_operator_s_metric_has_no_value_until_it_is_defined() -> None:
    line = Measure("calls", "custom.calls_28d", Fraction(1), IDENTITY)
    of = Scorecard("test", 1, (Group("g", Fraction(1), (line,)),), RULES)
    defined = Catalogue({"custom.calls_28d": Metric("custom.calls_28d", Unit.EVENTS, lambda _: 70, lambda _: DAY)})

    assert Scorer(of, Catalogue()).outcome(reading()).total.score is None
    assert Scorer(of, defined).outcome(reading()).total.score == 70
    assert defined.like("custom.calls") == ["custom.calls_28d"]
    assert (defined.knows("custom.other"), defined.knows("custom."), defined.knows("other")) == (True, False, False)
