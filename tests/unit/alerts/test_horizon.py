"""The horizon: a fold that begins there says what a fold of everything says."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.domain.accounts import Account
from alerts.domain.episodes import Episode, look
from alerts.domain.horizon import Horizon, Spell, comes_for_ever, horizon, looks_back
from alerts.domain.observations import (
    BandEntered,
    BecameActive,
    Fact,
    MeasuresRead,
    MeasureWentStale,
    MetricDeviated,
    Observation,
    ScoreMoved,
    SourceQuiet,
    WentSilent,
)
from alerts.domain.rules import Rulebook
from alerts.domain.words import Band
from alerts.rulebook import rule_of
from tests.unit.alerts.facts import START, at

ACCOUNT = Account("acme")
ALWAYS = timedelta(days=2)
"""Far less than in service, so that horizons fall into the middle of what happens."""
TIMES = st.sampled_from(["0s", "6h", "2d"])
BANDS = st.sampled_from(list(Band))


def rule(number: int, kind: str, times: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    hold, keep, cooldown = times
    return {
        "id": f"rule-{number}",
        "version": 1,
        "kind": kind,
        "category": "risk",
        "title": "It is so",
        "text": "It is so.",
        "next_steps": ["Look."],
        "for": hold,
        "keep_firing_for": keep,
        "cooldown": cooldown,
        **more,
    }


TWO = {"warning": 40, "critical": 20}
RULES: dict[str, Sequence[tuple[str, dict[str, Any]]]] = {
    "score": [
        ("metric-threshold", {"when": {"metric": "health_score", "is": "below"}, "levels": TWO}),
        ("score-drop", {"when": {"days": 3}, "levels": {"warning": 10, "critical": 30}}),
    ],
    "band": [
        ("band-worsened", {"severity": {"yellow": "warning", "red": "critical"}}),
        ("band-worsened", {"severity": {"red": "critical"}}),
    ],
    "activity": [("silent", {"severity": {"silent": "warning"}})],
    "measures": [("metric-threshold", {"when": {"metric": "seats", "is": "below"}, "levels": TWO})],
    "deviation": [
        ("metric-deviated", {"when": {"lasts": "1d", "is": "either"}, "levels": {"warning": 3, "critical": 6}})
    ],
    "stale": [("measure-stale", {"severity": {"stale": "warning"}, "when": {"lasts": "2d"}})],
    "source": [("source-silent", {"severity": {"silent": "warning"}})],
}
FACTS: dict[str, st.SearchStrategy[Fact]] = {
    "score": st.builds(ScoreMoved, st.none() | st.integers(0, 100), st.none(), BANDS),
    "band": st.builds(BandEntered, BANDS, st.none() | BANDS, st.none(), st.just("so")),
    "activity": st.one_of(
        st.builds(WentSilent, st.dates(date(2026, 1, 1), date(2026, 1, 3)), st.just(9)),
        st.builds(BecameActive, st.just(date(2026, 1, 4))),
    ),
    "measures": st.builds(MeasuresRead, st.dictionaries(st.sampled_from(["seats", "other"]), st.integers(0, 100))),
    "deviation": st.builds(
        MetricDeviated, st.just("logins"), st.just(date(2026, 1, 1)), st.just(3), st.just(9.0), st.floats(-9, 9)
    ),
    "stale": st.builds(MeasureWentStale, st.just("logins"), st.just(date(2026, 1, 1)), st.just(9)),
    "source": st.builds(SourceQuiet, st.just("s"), st.booleans(), st.just(START)),
}


def read(history: Sequence[Observation], found: Horizon) -> list[Observation]:
    """What the store reads from a horizon on: `HISTORIES` in alerts.store.alerts."""
    kept = [seen for seen in history if seen.at >= found.reads_from]
    before = [seen for seen in history if seen.at < found.reads_from and says(seen.fact)]
    return [*sorted(before, key=lambda seen: seen.order)[-1:], *kept]


def says(fact: Fact) -> bool:
    if not isinstance(fact, BandEntered):
        return True
    return fact.band.is_known or (fact.previous is not None and fact.previous.is_known)


def told(episodes: Sequence[Episode]) -> dict[str, Any]:
    return {one.alert_id: (one.opened_at, one.grade, one.seen_at, one.end, dict(one.words)) for one in episodes}


@pytest.mark.parametrize("about", sorted(FACTS))
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_fold_from_the_horizon_says_what_a_fold_of_everything_says(about: str, data: st.DataObject) -> None:
    written = [
        rule(number, kind, data.draw(st.tuples(TIMES, TIMES, TIMES)), **more)
        for number, (kind, more) in enumerate(RULES[about])
    ]
    rulebook = Rulebook.of(rule_of(one) for one in written)
    hours = sorted(data.draw(st.lists(st.integers(0, 24 * 30), min_size=1, max_size=40)))
    facts = [
        Observation("acme", f"event {number}", at(hour), data.draw(FACTS[about])) for number, hour in enumerate(hours)
    ]
    # some come late, by less than what is read in any case or by more
    arrivals = sorted(facts, key=lambda seen: (seen.at + timedelta(hours=data.draw(LATE)), seen.event_id))
    known: list[Observation] = []
    kept: Horizon | None = None
    for seen in arrivals:
        known.append(seen)
        now = max(one.at for one in known)
        if kept is not None and seen.at <= kept.opens_from:
            kept = None  # the store forgets it
        whole = look(rulebook, known, ACCOUNT, now, always=ALWAYS)
        settled = kept.opens_from if kept else None
        found = look(rulebook, read(known, kept) if kept else known, ACCOUNT, now, settled=settled, always=ALWAYS)

        expected = told(whole.episodes)
        assert told(found.episodes).items() <= expected.items()
        left_out = [one for one in whole.episodes if one.alert_id not in told(found.episodes)]
        assert all(settled and one.end and one.end.at < settled for one in left_out)
        assert found.horizon == whole.horizon
        assert whole.again_at is None or found.again_at is None or found.again_at <= whole.again_at
        assert (found.again_at is None) <= (whole.again_at is None)
        kept = found.horizon


LATE = st.sampled_from([0, 0, 0, 0, 5, 30, 100, 300])


def test_a_horizon_lies_before_whatever_goes_on_and_before_what_a_cooldown_may_run_from() -> None:
    now, back = at(24 * 100), timedelta(days=5)
    usual = now - timedelta(days=35)

    def opens_from(*spells: Spell) -> Any:
        found = horizon(spells, back, now)
        assert found.reads_from == found.opens_from - back
        return found.opens_from

    assert opens_from() == usual
    assert opens_from(Spell(at(24), at(48))) == usual
    assert opens_from(Spell(at(24), None)) == at(24)
    assert opens_from(Spell(at(24), at(72)), Spell(at(60), None)) == at(24)
    assert opens_from(Spell(at(24), at(59)), Spell(at(60), None)) == at(60)
    assert opens_from(Spell(at(24), at(59), timedelta(hours=1)), Spell(at(60), None)) == at(24)


def test_rules_look_back_over_all_their_times_together() -> None:
    drop = rule(0, "score-drop", ("6h", "1d", "2d"), when={"days": 7}, levels={"warning": 10})

    assert looks_back([rule_of(drop)]) == timedelta(days=10, hours=6)
    assert looks_back([]) == timedelta()


def test_things_of_customers_are_read_whole() -> None:
    endless = ["score", "band", "measures", "activity", "deviation:logins", "measure:logins", "source:crm"]
    assert all(comes_for_ever(each) for each in endless)
    assert not any(comes_for_ever(each) for each in ["ticket:score", "touches", "stage", "term:t1", "contract:c"])


def test_a_rulebook_is_known_by_what_its_rules_go_by() -> None:
    first = rule(0, "silent", ("0s", "0s", "0s"), severity={"silent": "warning"})
    books = [
        Rulebook.of([rule_of(each)])
        for each in (first, first, {**first, "cooldown": "1h"}, {**first, "version": 2}, {**first, "enabled": False})
    ]

    assert books[0].fingerprint == books[1].fingerprint
    assert len({book.fingerprint for book in books}) == 4
