"""Bands: 49/51/49 is one change, and time in a band is counted in closes."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from health_score.domain.bands import Band, BandRules, Standing, Threshold

RULES = BandRules(Threshold(50, 52, 48), Threshold(75, 77, 73), Fraction(2, 5))
DAY_0 = date(2026, 1, 1)


def bands(rules: BandRules, scores: list[int | None], coverage: Fraction = Fraction(1)) -> list[str]:
    """The bands of the closes with these scores, one a day."""
    found = []
    standing: Standing | None = None
    for place, score in enumerate(scores):
        day = DAY_0 + timedelta(days=place)
        band = rules.place(score, coverage, standing, day)
        standing = standing.after(day, band) if standing else Standing(band, day)
        found.append(band.value)
    return found


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([49, 51, 49, 51], ["red", "red", "red", "red"]),
        ([60, 49, 51, 49], ["yellow", "yellow", "yellow", "yellow"]),
        ([60, 47, 51, 52], ["yellow", "red", "red", "yellow"]),
        ([74, 76, 77, 73, 72], ["yellow", "yellow", "green", "green", "yellow"]),
        ([90, 40, 90], ["green", "red", "green"]),
        ([49, 50, 75], ["red", "red", "yellow"]),
        ([None, 49, None, 50, None, 75], ["unknown", "red", "unknown", "yellow", "unknown", "green"]),
    ],
)
def test_a_band_is_left_later_than_it_is_entered(scores: list[int | None], expected: list[str]) -> None:
    assert bands(RULES, scores) == expected


def test_a_band_lasts_for_its_dwell() -> None:
    rules = BandRules(RULES.yellow, RULES.green, RULES.coverage_floor, dwell_closes=3)
    assert bands(rules, [90, 10, 10, 10, 90, 90, 90]) == ["green"] * 3 + ["red"] * 3 + ["green"]


def test_too_little_data_is_unknown_at_once_even_within_the_dwell() -> None:
    rules = BandRules(RULES.yellow, RULES.green, RULES.coverage_floor, dwell_closes=3)
    standing = Standing(Band.GREEN, DAY_0)
    assert rules.place(90, Fraction(39, 100), standing, DAY_0 + timedelta(days=1)) is Band.UNKNOWN
    assert rules.place(90, Fraction(40, 100), standing, DAY_0 + timedelta(days=1)) is Band.GREEN


def test_a_standing_remembers_since_when_and_what_was_before() -> None:
    standing = Standing(Band.GREEN, DAY_0).after(DAY_0 + timedelta(days=1), Band.GREEN)
    assert standing.entered_on == DAY_0
    fallen = standing.after(DAY_0 + timedelta(days=5), Band.RED)
    assert (fallen.entered_on, fallen.previous) == (DAY_0 + timedelta(days=5), Band.GREEN)
