"""Two states of a score: what each measure gave to the difference, on every path."""

from hypothesis import given, settings
from hypothesis import strategies as st

from health_score.domain.comparing import MovedBy, lines, moved_by
from health_score.domain.decisions import NOTHING_DECIDED, Decided
from health_score.domain.metrics.reading import Value
from health_score.domain.scorecard import Scorecard
from health_score.domain.scoring import OVERRIDE
from tests.unit.health_score.figures import score
from tests.unit.health_score.test_scorecard import by_hand, card, cards, decisions, figures

ONE = card((1, (1, 1)), (1, (1,)))


@settings(deadline=None)
@given(cards, cards, figures, figures, st.just(NOTHING_DECIDED) | decisions, st.just(NOTHING_DECIDED) | decisions)
def test_the_differences_add_up_to_that_of_the_scores(
    old: Scorecard,
    new: Scorecard,
    was: dict[str, Value],
    found: dict[str, Value],
    decided_then: Decided,
    decided_now: Decided,
) -> None:
    before, after = score(old, was, decided=decided_then), score(new, found, decided=decided_now)

    compared = lines(before, after)

    assert sum(line.difference for line in compared) == (after.total.score or 0) - (before.total.score or 0)
    assert [abs(line.difference) for line in compared] == sorted(
        (abs(line.difference) for line in compared), reverse=True
    )
    names = {part.measure for part in (*before.measures, *after.measures)}
    assert {line.measure for line in compared} == names
    assert len(compared) == len(names)


@given(cards, figures, st.just(NOTHING_DECIDED) | decisions)
def test_nothing_moves_between_the_same_states(of: Scorecard, found: dict[str, Value], decided: Decided) -> None:
    same = score(of, found, decided=decided)
    assert all(moved_by(line, same_card=True, had_events=True) is None for line in lines(same, same))


def causes(*changes: tuple[dict[str, Value], Decided], had_events: bool = False) -> dict[str, MovedBy | None]:
    (was, then), (found, now) = changes
    compared = lines(score(ONE, was, decided=then), score(ONE, found, decided=now))
    return {line.measure: moved_by(line, same_card=True, had_events=had_events) for line in compared}


def test_why_a_measure_moved() -> None:
    was: dict[str, Value] = {"a": 10, "b": 20, "c": 90}
    aged = causes((was, Decided()), (was | {"a": 5}, Decided()))
    assert aged == {"a": MovedBy.TIME, "b": None, "c": None}
    used = causes((was, Decided()), (was | {"a": 5}, Decided()), had_events=True)
    assert used["a"] is MovedBy.EVENTS
    gone = causes((was, Decided()), (was | {"a": None}, Decided()))
    assert (gone["a"], gone["b"]) == (MovedBy.TIME, MovedBy.WEIGHTS)
    set_by_hand = causes((was, Decided()), (was, Decided(score=by_hand(5), measures={"b": by_hand(99, "b")})))
    assert (set_by_hand[OVERRIDE], set_by_hand["b"]) == (MovedBy.DECISION, MovedBy.DECISION)


def test_another_scorecard_moves_what_it_weighs_or_scores_otherwise() -> None:
    found: dict[str, Value] = {"a": 10, "b": 20, "c": 90}
    heavier = lines(score(ONE, found), score(card((1, (1,)), (9, (1,))), found))
    assert {line.measure: moved_by(line, same_card=False, had_events=False) for line in heavier} == {
        "a": MovedBy.SCORECARD,
        "b": MovedBy.SCORECARD,
        "c": MovedBy.SCORECARD,
    }
