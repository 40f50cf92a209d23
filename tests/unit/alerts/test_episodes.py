"""When alerts begin and end: a table of histories, and what holds for all of them."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.moments import Ending
from alerts.domain.observations import BandEntered, Observation
from alerts.domain.rules import Rulebook
from alerts.domain.words import Severity
from alerts.rulebook import shipped_rulebook
from tests.unit.alerts.facts import active, at, band, closed, silent, window
from tests.unit.alerts.looks import episodes

BANDS = ("red", "yellow", "green")

HISTORIES: list[tuple[str, list[Observation], list[tuple[str, float, str | None]]]] = [
    ("a fall to yellow", [band("green", "yellow", hours=1)], [("yellow", 1, None)]),
    ("a fall to red", [band("green", "red", hours=1)], [("red", 1, None)]),
    (
        "a worsening is an alert of its own and replaces the milder one",
        [band("green", "yellow", hours=1), band("yellow", "red", hours=2)],
        [("yellow", 1, "superseded"), ("red", 2, None)],
    ),
    (
        "better than red is recovered, and yellow from red is no new alert",
        [band("green", "red", hours=1), band("red", "yellow", hours=2)],
        [("red", 1, "recovered")],
    ),
    (
        "falling again is another alert",
        [band("green", "red", hours=1), band("red", "yellow", hours=2), band("yellow", "red", hours=3)],
        [("red", 1, "recovered"), ("red", 3, None)],
    ),
    ("an account that is first seen in red did not get worse", [band(None, "red", hours=1)], []),
    ("the first known band after unknown did not get worse", [band("unknown", "red", hours=1)], []),
    ("too little data is no alert", [band("green", "unknown", hours=1)], []),
    ("an improvement is no alert", [band("red", "green", hours=1)], []),
    (
        "unknown in between hides no fall",
        [band("yellow", "green", hours=1), band("green", "unknown", hours=2), band("unknown", "red", hours=3)],
        [("red", 3, None)],
    ),
    (
        "unknown is not recovery, and red after it is the same thing again",
        [band("green", "red", hours=1), band("red", "unknown", hours=2), band("unknown", "red", hours=3)],
        [("red", 1, None)],
    ),
    (
        "recovered after unknown",
        [band("green", "red", hours=1), band("red", "unknown", hours=2), band("unknown", "green", hours=3)],
        [("red", 1, "recovered")],
    ),
    (
        "a record between the two is missing: it ended all the same",
        [band("green", "yellow", hours=1), band("green", "red", hours=5)],
        [("yellow", 1, "recovered"), ("red", 5, None)],
    ),
    (
        "the same fall said twice is one alert",
        [band("green", "red", hours=1), band("green", "red", hours=2)],
        [("red", 1, None)],
    ),
    ("silence", [silent(date(2026, 2, 1), hours=1)], [("silent", 1, None)]),
    (
        "active again",
        [silent(date(2026, 2, 1), hours=1), active(date(2026, 3, 2), hours=30)],
        [("silent", 1, "active-again")],
    ),
    ("activity without silence", [active(date(2026, 3, 2), hours=30)], []),
    (
        "another silence is another alert, also where the activity between them is missing",
        [silent(date(2026, 2, 1), hours=1), silent(date(2026, 3, 5), hours=400)],
        [("silent", 1, "active-again"), ("silent", 400, None)],
    ),
    ("a window in good health", [window(hours=1)], [("green", 1, None)]),
    ("renewed", [window(hours=1), closed(hours=9)], [("green", 1, "renewed")]),
    ("ended", [window(hours=1), closed(hours=9, renewed=False)], [("green", 1, "ended")]),
    ("a window of a term that closed before", [closed(hours=0), window(hours=1)], [("green", 1, "renewed")]),
    ("a term that closed without a window", [closed(hours=1)], []),
]


@pytest.mark.parametrize(("history", "expected"), [case[1:] for case in HISTORIES], ids=[case[0] for case in HISTORIES])
def test_episodes_of_a_history(history: Any, expected: Any, rulebook: Rulebook) -> None:
    found = episodes(rulebook, history)

    assert [(one.grade, one.opened_at, one.end.how.value if one.end else None) for one in found] == [
        (grade, at(hours), how) for grade, hours, how in expected
    ]


@pytest.mark.parametrize(
    ("history", "severity"),
    [
        ([band("green", "red", hours=1)], Severity.CRITICAL),
        ([band("green", "yellow", hours=1)], Severity.WARNING),
        ([silent(date(2026, 2, 1), hours=1)], Severity.WARNING),
        ([window(hours=1, health="green")], Severity.INFO),
        ([window(hours=1, health=None)], Severity.INFO),
        ([window(hours=1, health="yellow")], Severity.WARNING),
        ([window(hours=1, health="red")], Severity.WARNING),
    ],
)
def test_severity_follows_the_grade(history: list[Observation], severity: Severity, rulebook: Rulebook) -> None:
    assert [one.severity for one in episodes(rulebook, history)] == [severity]


def test_identity_is_rule_account_and_band_or_term(rulebook: Rulebook) -> None:
    fall = [band("green", "yellow", hours=1), band("yellow", "red", hours=2)]

    assert [one.identity for one in episodes(rulebook, fall)] == [
        "band-worsened/acme/yellow",
        "band-worsened/acme/red",
    ]
    assert [one.identity for one in episodes(rulebook, [silent(date(2026, 2, 1), hours=1)])] == ["silent/acme/silent"]
    assert [one.identity for one in episodes(rulebook, [window("t7", hours=1)])] == ["renewal-window/acme/term:t7"]


def test_the_time_of_an_ending_is_the_time_of_its_cause(rulebook: Rulebook) -> None:
    [episode] = episodes(rulebook, [band("green", "red", hours=1), band("red", "green", hours=7)])

    assert episode.end is not None
    assert (episode.end.at, episode.end.how) == (at(7), Ending.RECOVERED)
    assert episode.end.reason == "The account recovered from red to green."


@st.composite
def band_histories(draw: st.DrawFn) -> list[Observation]:
    """Histories as health-score tells them: each band follows from the one before."""
    bands = draw(st.lists(st.sampled_from((*BANDS, "unknown")), min_size=2, max_size=12))
    steps = [bands[0], *(now for before, now in pairwise(bands) if now != before)]
    return [
        band(before, now, hours=hour) for hour, (before, now) in enumerate(zip([None, *steps], steps, strict=False))
    ]


@given(history=band_histories(), data=st.data())
def test_neither_order_nor_repetition_of_arrival_matters(history: list[Observation], data: st.DataObject) -> None:
    rulebook = shipped_rulebook()
    repeated = [seen for seen in history for _ in range(data.draw(st.integers(1, 3)))]
    arrived = data.draw(st.permutations(repeated))

    assert episodes(rulebook, arrived) == episodes(rulebook, history)


@given(history=band_histories())
def test_at_most_one_band_alert_of_an_account_is_open_and_it_is_the_present_band(history: list[Observation]) -> None:
    found = episodes(shipped_rulebook(), history)

    still_open = [one.grade for one in found if one.end is None]
    known = [seen.fact.band for seen in history if isinstance(seen.fact, BandEntered) and seen.fact.band.is_known]
    assert still_open in ([], [known[-1].value] if known else [])
    assert len({one.alert_id for one in found}) == len(found)


@given(history=band_histories().map(lambda seen: [one for one in seen if "unknown" not in one.event_id]))
def test_what_a_fall_that_names_its_band_opens_does_not_depend_on_what_is_missing(
    history: Sequence[Observation],
) -> None:
    """Each event with a known band before it is judged alone, so the openings of any part are openings of the whole."""
    rulebook = shipped_rulebook()
    chained = [(seen, fact) for seen in history if isinstance(fact := seen.fact, BandEntered) and fact.previous]

    whole = {seen.event_id for seen, fact in chained if fact.previous and fact.band.is_worse_than(fact.previous)}
    for part in (chained[::2], chained[1::2], chained[:3]):
        assert {one.opened_by for one in episodes(rulebook, [seen for seen, _ in part])} <= whole


def test_an_episode_keeps_its_id_however_often_it_is_worked_out(rulebook: Rulebook) -> None:
    first = episodes(rulebook, [band("green", "red", hours=1)])
    later = episodes(rulebook, [band("green", "red", hours=1), band("red", "green", hours=2)])

    assert [one.alert_id for one in first] == [one.alert_id for one in later]
    assert first[0].opened_at == later[0].opened_at == at(0) + timedelta(hours=1)
