"""The sentence that says why."""

from fractions import Fraction

from health_score.domain.bands import Band
from health_score.domain.explanation import sentence
from health_score.domain.metrics import Value
from health_score.scorecards.reading import read_scorecard

CARD = read_scorecard().card

HEALTHY: dict[str, Value] = {
    "active_users_1d": 12,
    "active_users_7d": 15,
    "active_users_28d": 18,
    "active_users_trend_28d": Fraction(1, 10),
    "days_since_last_activity": 0,
    "events_28d": 900,
    "features_used_28d": 6,
    "seat_utilisation": Fraction(18, 20),
    "stickiness_28d": Fraction(2, 5),
    "usage_trend_28d": Fraction(1, 10),
    "usage_trend_7d": Fraction(0),
}


def test_a_fall_is_told_by_what_fell_most() -> None:
    before = {part.measure: part.contribution for part in CARD.score(HEALTHY, 100).measures}
    values = HEALTHY | {
        "active_users_28d": 3,
        "seat_utilisation": Fraction(3, 20),
        "usage_trend_28d": Fraction(-64, 100),
    }

    told = sentence(CARD.score(values, 100), values, band=Band.RED, before=before, seats=20)

    assert told == "3 of 20 seats active; usage fell 64% against the 28 days before"


def test_without_a_before_the_costliest_measures_are_told() -> None:
    values = HEALTHY | {"stickiness_28d": None, "days_since_last_activity": 40, "seat_utilisation": None}
    told = sentence(CARD.score(values, 100), values, band=Band.RED, before={}, seats=None)
    assert told == "Nobody was active in 28 days; no activity for 40 days"


def test_too_little_data_is_said_in_percent() -> None:
    values = HEALTHY | {"seat_utilisation": None}
    told = sentence(CARD.score(values, 5), values, band=Band.UNKNOWN, before={}, seats=None)
    assert told == "Too little data to judge: 15% of the scorecard's weight has any"


def test_green_is_told_by_what_brings_most() -> None:
    told = sentence(CARD.score(HEALTHY, 100), HEALTHY, band=Band.GREEN, before={}, seats=20)
    assert told.startswith("18 of 20 seats active; ")
