"""Backtests: figures from counts, what was known when, warnings before outcomes, and fitted weights."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.activity import Activity, DayOfUse
from health_score.domain.backtest.draft import draft
from health_score.domain.backtest.figures import Ranking, Tally, deciles
from health_score.domain.backtest.fitting import TooLittleToFit, fit_weights
from health_score.domain.backtest.outcomes import Churned, Contracted, Listed, Silent
from health_score.domain.backtest.past import Arrival, Past, Value, known_at
from health_score.domain.backtest.scoring import AsReported
from health_score.domain.backtest.study import EMPTY_DIGEST, Observation, Plan, examine, lead_days
from health_score.domain.bands import Band
from health_score.domain.facts.known import Facts, Statement
from health_score.domain.history import Close
from health_score.domain.scorecard import CardKey
from health_score.domain.scoring import Scorer
from health_score.scorecards.reading import read_scorecard

FIRST = date(2026, 1, 1)
CASES = st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60)


def _day(number: int) -> date:
    return FIRST + timedelta(days=number)


def _use(*users: int) -> DayOfUse:
    use = DayOfUse()
    for user in users:
        use.count(user, 0)
    return use


def _past(*active: int, account: str = "acme", **more: object) -> Past:
    return Past(account, Activity(date.min, {_day(number): _use(0, 1) for number in active}), **more)  # type: ignore[arg-type]  # more of its fields


def _ranking(cases: list[tuple[int, bool]]) -> Ranking:
    ranking = Ranking()
    for score, happened in cases:
        ranking.count(score, happened=happened)
    return ranking


@given(CASES)
def test_auc_is_the_share_of_pairs_in_order_with_ties_as_half(cases: list[tuple[int, bool]]) -> None:
    hit = [score for score, happened in cases if happened]
    spared = [score for score, happened in cases if not happened]
    pairs = [Fraction(1) if low < high else Fraction(low == high, 2) for low in hit for high in spared]
    assert _ranking(cases).auc() == (sum(pairs) / len(pairs) if pairs else None)


@given(CASES, CASES)
def test_figures_do_not_depend_on_how_accounts_are_divided(
    some: list[tuple[int, bool]], others: list[tuple[int, bool]]
) -> None:
    added = _ranking(some)
    added.add(_ranking(others))
    assert added == _ranking(some + others)


@given(CASES.filter(bool))
def test_deciles_hold_every_case_once_and_rise(cases: list[tuple[int, bool]]) -> None:
    rows = deciles(_ranking(cases))
    assert sum(row.cases for row in rows) == len(cases)
    assert sum(row.outcomes for row in rows) == sum(happened for _, happened in cases)
    assert [row.decile for row in rows] == sorted({row.decile for row in rows})
    assert all(before.highest < after.lowest for before, after in pairwise(rows))
    assert sum(row.mean_rank * row.cases for row in rows) == Fraction(len(cases), 2)


def test_bands_have_precision_recall_and_lift() -> None:
    tally = Tally()
    for band, happened, times in (
        (Band.RED, True, 6), (Band.RED, False, 2), (Band.YELLOW, True, 2), (Band.GREEN, False, 10),
    ):  # fmt: skip
        for _ in range(times):
            tally.count(50, band, 3, happened=happened)
    tally.count(None, Band.UNKNOWN, 3, happened=True)

    red, yellow, green, unknown = tally.by_band()
    assert red[3:] == (Fraction(3, 4), Fraction(3, 4), Fraction(15, 8))
    assert yellow[3:] == (Fraction(1), Fraction(1, 4), Fraction(5, 2))
    assert green[3:] == (Fraction(0), Fraction(0), Fraction(0))
    assert unknown[3:] == (None, Fraction(0), None)
    assert tally.unscored == 1


@pytest.mark.parametrize(
    ("bands", "lead"),
    [
        ("ggrrr", 3),  # red for three closes
        ("ggryr", 3),  # yellow between is still a warning
        ("rgyyy", None),  # green again: that warning was taken back
        ("rguyr", 1),  # unknown is no warning
        ("ggggg", None),
        ("", None),
    ],
)
def test_a_warning_counts_from_the_first_red_that_was_not_taken_back(bands: str, lead: int | None) -> None:
    names = {"r": Band.RED, "y": Band.YELLOW, "g": Band.GREEN, "u": Band.UNKNOWN}
    closes = {_day(at): Close(_day(at), 50, names[band], 10_000, CardKey("x", 1)) for at, band in enumerate(bands)}
    assert lead_days(closes, _day(len(bands))) == lead


def test_the_median_lead_is_over_those_warned_and_beside_it_over_all() -> None:
    tally = Tally()
    for lead in (10, 20, 40, None, None):
        tally.count_lead(lead)
    assert tally.lead() == (5, 3, Fraction(20), Fraction(15), Fraction(30), Fraction(10))


def test_silence_is_asked_of_the_active_and_begins_after_their_last_day() -> None:
    past, silent = _past(0, 10, 200), Silent(90, 30)
    assert [silent.is_asked(past, _day(day)) for day in (0, 39, 40, 199, 200)] == [True, True, False, False, True]
    assert [silent.happens(past, _day(day)) for day in (9, 10, 109, 110)] == [False, True, True, False]
    assert silent.days(past, _day(300)) == [_day(11), _day(201)]
    assert silent.days(past, _day(289)) == [_day(11)]


def test_arr_that_falls_is_a_contraction_and_arr_that_ends_is_churn() -> None:
    values = [
        Value(_day(day), {"EUR": Decimal(amount)} if amount else {})
        for day, amount in ((0, 100), (50, 120), (100, 80), (200, 0), (300, 50))
    ]
    past = _past(0, values=values)
    assert Contracted(60).days(past, date.max) == [_day(100)]
    assert Churned(60).days(past, date.max) == [_day(200)]
    assert [Churned(60).happens(past, _day(day)) for day in (139, 140, 199, 200)] == [False, True, True, False]
    assert [Churned(60).is_asked(past, _day(day)) for day in (-1, 0, 199, 200, 300)] == [
        False, True, True, False, True,
    ]  # fmt: skip


def test_a_list_asks_until_its_last_day() -> None:
    listed = Listed(30, {"acme": [_day(10), _day(100)]})
    past = _past(0)
    assert [listed.happens(past, _day(day)) for day in (-21, -20, 9, 10, 70)] == [False, True, True, False, True]
    assert [listed.is_asked(past, _day(day)) for day in (99, 100)] == [True, False]


def test_what_came_late_was_not_known_before_and_history_always_was() -> None:
    happened = datetime(2026, 1, 1, tzinfo=UTC)
    assert known_at(happened, happened + timedelta(days=6)) == happened + timedelta(days=6)
    assert known_at(happened, happened + timedelta(days=8)) == happened


def test_a_day_is_reported_with_what_had_come_by_its_end() -> None:
    whole = {_day(day): _use(0, 1, 2) for day in range(60)}
    whole[_day(50)] = _use(0, 3, 4)
    late = {_day(50): [Arrival(_day(50), 0, 0), Arrival(_day(53), 3, 0), Arrival(_day(53), 4, 0)]}
    past = Past("acme", Activity(date.min, whole), arrivals=late)

    assert past.incomplete_days() == {_day(50), _day(51), _day(52)}
    then = AsReported(past, Scorer(read_scorecard().card), _day(59))
    assert [then.metric("active_users_1d", _day(day)) for day in (49, 50, 53)] == [3, 1, 3]
    assert [then.metric("active_users_28d", _day(day)) for day in (52, 53)] == [3, 5]


@given(st.integers(0, 1_000), st.integers(30, 59))
def test_no_later_event_changes_a_case(seed: int, cut: int) -> None:
    chance = random.Random(seed)
    days = {_day(day): _use(*chance.sample(range(6), 2)) for day in range(200) if chance.random() < 0.4}
    if not any(day <= _day(cut) for day in days):
        return
    known = {day: use for day, use in days.items() if day <= _day(cut)}
    scorer = Scorer(read_scorecard().card)
    with_all = AsReported(Past("a", Activity(date.min, days)), scorer, _day(199))
    with_known = AsReported(Past("a", Activity(date.min, known)), scorer, _day(cut))
    assert {day: close for day, close in with_all.closes.items() if day <= _day(cut)} == with_known.closes


def test_undecided_cases_are_left_out_and_the_digest_holds_every_case() -> None:
    past = _past(*range(60))
    scorer = Scorer(read_scorecard().card)
    days = (_day(40), _day(59))
    undecided = examine(past, scorer, Plan(days, Silent(30, 30), _day(80)))
    decided = examine(past, scorer, Plan(days, Silent(30, 30), _day(89)))

    assert [(case.day, case.happened) for case in decided.cases] == [(_day(40), False), (_day(59), True)]
    assert [case.day for case in undecided.cases] == [_day(40)]
    assert undecided.digest_after(EMPTY_DIGEST) != decided.digest_after(EMPTY_DIGEST)
    assert decided.digest_after(EMPTY_DIGEST) == examine(
        past, Scorer(read_scorecard().card), Plan(days, Silent(30, 30), _day(89))
    ).digest_after(EMPTY_DIGEST)


def _observations(seed: int, count: int = 400) -> list[Observation]:
    """Of three measures the first foretells, the second is noise, and the third is misleading."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        health = chance.random()
        scores = (100 * health, 100 * chance.random(), 100 - 80 * health)
        rows.append(Observation(f"account-{number % 40}", _day(number), scores, chance.random() > health))
    return rows


def test_fitting_gives_weight_to_what_foretells_and_none_to_what_misleads() -> None:
    found = fit_weights(_observations(1))
    first, second, third = found.shares
    assert first is not None
    assert second is not None
    assert first > 0.8 > second >= 0
    assert third == 0
    assert found.cross_validated_auc is not None
    assert found.auc is not None
    assert found.auc >= found.cross_validated_auc > Fraction(7, 10)


def test_fitting_does_not_depend_on_the_order_of_cases() -> None:
    rows = _observations(2)
    assert fit_weights(rows) == fit_weights(rows[::-1])


def test_a_measure_without_data_is_not_fitted_and_keeps_its_share() -> None:
    rows = [row._replace(scores=(*row.scores[:2], None)) for row in _observations(3)]
    shares = fit_weights(rows).shares
    assert shares[2] is None
    document = {
        "id": "x",
        "groups": [
            {"name": "use", "weight": 60, "measures": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]},
            {"name": "seats", "weight": 40, "measures": [{"name": "c", "weight": 7}]},
        ],
    }
    drafted = draft(document, (1.0, 0.0, None))
    assert drafted.dropped == ("b",)
    assert drafted.document["groups"] == [
        {"name": "use", "weight": 60, "measures": [{"name": "a", "weight": 100}]},
        {"name": "seats", "weight": 40, "measures": [{"name": "c", "weight": 100}]},
    ]


def test_too_few_cases_are_said_to_be_too_few() -> None:
    with pytest.raises(TooLittleToFit):
        fit_weights(_observations(4, count=3))
    with pytest.raises(TooLittleToFit):
        fit_weights([row._replace(happened=False) for row in _observations(4)])


def test_days_that_something_came_late_for_end_when_it_came() -> None:
    arrivals = {_day(3): [Arrival(_day(3), 0, 0)], _day(5): [Arrival(_day(6), None, 0)]}
    past = _past(3, 5, arrivals=arrivals)
    assert past.incomplete_days() == {_day(5)}
    assert past.known_on(_day(5)).days.keys() == {_day(3)}
    assert past.known_on(_day(6)).days.keys() == {_day(3), _day(5)}


def test_a_fact_counts_from_when_it_was_known() -> None:
    def said(day: int, known: int) -> Statement:
        at, known_at = (datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=each) for each in (day, known))
        return Statement(at, f"f{day}", "ticket", f"t{day}", {}, known_at)

    past = _past(*range(10), facts=Facts.of([said(1, 1), said(3, 5)]))
    then = AsReported(past, Scorer(read_scorecard().card), _day(9))

    assert past.incomplete_days() == {_day(3), _day(4)}
    tickets = {day: [thing.id for thing in then.reading(_day(day))[0].known.of("ticket")] for day in (0, 1, 4, 5)}
    assert tickets == {0: [], 1: ["t1"], 4: ["t1"], 5: ["t1", "t3"]}
