"""The phrases that say why, and the sentence that they make."""

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction

from health_score.domain.bands import Band
from health_score.domain.decisions import Decided, Override
from health_score.domain.explanation import explained
from health_score.domain.metrics.reading import Value
from health_score.domain.scorecard import Force
from health_score.domain.scoring import Scorer
from health_score.domain.telling.phrase import Phrase
from health_score.scorecards.reading import read_scorecard
from mainstay.language.catalogue import phrases
from mainstay.language.negotiation import Language
from tests.unit.health_score.figures import Figures, reading, score
from tests.unit.health_score.test_scorecard import card

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


def told(
    values: dict[str, Value],
    band: Band,
    *,
    before: Mapping[str, int] | None = None,
    seats: int | None = 20,
    age_days: int = 100,
    decided: Decided | None = None,
    language: Language = Language.EN,
) -> str:
    of = reading(age_days)
    of.seats = seats
    scored = score(CARD, values, age_days=age_days, decided=decided or Decided())
    metrics = Scorer(CARD, Figures(values=values)).metrics
    return phrases().sentence(explained(scored, of, metrics, band=band, before=before or {}), language)


def test_a_fall_is_told_by_what_fell_most() -> None:
    before = {part.measure: part.contribution for part in score(CARD, HEALTHY, age_days=100).measures}
    values = HEALTHY | {
        "active_users_28d": 3,
        "seat_utilisation": Fraction(3, 20),
        "usage_trend_28d": Fraction(-64, 100),
    }

    assert told(values, Band.RED, before=before) == "3 of 20 seats active; usage fell 64% against the 28 days before"
    assert told(values, Band.RED, before=before, language=Language.ZH_HANS) == (
        "20 个席位中有 3 个活跃；使用量比前 28 天下降 64%"
    )
    assert told(values, Band.RED, before=before, language=Language.ZH_HANT) == (
        "20 個席次中有 3 個活躍；使用量比前 28 天下降 64%"
    )


def test_without_a_before_the_costliest_measures_are_told() -> None:
    values = HEALTHY | {"stickiness_28d": None, "days_since_last_activity": 40, "seat_utilisation": None}
    assert told(values, Band.RED, seats=None) == "Nobody was active in 28 days; no activity for 40 days"


def test_too_little_data_is_said_in_percent() -> None:
    values = HEALTHY | {"seat_utilisation": None}
    assert told(values, Band.UNKNOWN, seats=None, age_days=5) == (
        "Too little data to judge: 15% of the scorecard's weight has any"
    )


def test_green_is_told_by_what_brings_most() -> None:
    assert told(HEALTHY, Band.GREEN).startswith("18 of 20 seats active; ")


def test_a_score_set_by_hand_is_told_by_who_set_it_and_why() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    by_hand = Decided(score=Override(at, "ann", None, 20, "their {board} decided", at))
    assert told(HEALTHY, Band.RED, decided=by_hand) == "Ann set the score to 20: their {board} decided"
    assert told(HEALTHY, Band.RED, decided=by_hand, language=Language.ZH_HANS) == (
        "Ann 手动将健康分设为 20：their {board} decided"
    )


def test_a_phrase_is_a_key_with_plain_parameters() -> None:
    of = reading(100)
    scored = score(CARD, HEALTHY, age_days=100)
    metrics = Scorer(CARD, Figures(values=HEALTHY)).metrics
    found = explained(scored, of, metrics, band=Band.RED, before={"recency": 99})
    assert all(isinstance(each, Phrase) for each in found)
    assert all(type(value) in {str, int, float} for each in found for value in each.params.values())


def test_a_forced_band_is_told_by_the_measure_whose_rule_it_is_and_what_that_says() -> None:
    of_three = card((1, (1, 1, 1)), a={"forces": (Force(Band.RED, below=Fraction(50)),)})
    values: dict[str, Value] = {"a": 10, "b": 90, "c": 95}
    scored, metrics = score(of_three, values), Scorer(of_three, Figures(values=values)).metrics
    said = explained(scored, reading(), metrics, band=Band.RED, before={})
    assert scored.total.pushed
    assert phrases().sentence(said, Language.EN) == "A makes it red; a: 10"
    assert phrases().sentence(said, Language.ZH_HANS) == "按“a”的规则，健康状态定为红色；a：10"
