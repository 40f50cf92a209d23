"""PROVE as published: every cell, each threshold from both sides, and what is NA with weights worked out by hand."""

from datetime import timedelta
from fractions import Fraction

import pytest

from health_score.domain.bands import Band
from health_score.domain.conditions import Attributes
from health_score.domain.metrics.reading import Value
from health_score.domain.scoring import Scored, placed
from health_score.scorecards.reading import shipped
from tests.unit.health_score.figures import DAY, score

CARD = shipped("prove").card
PRIORITY_1 = Attributes(tier="priority-1")

HEALTHY: dict[str, Value] = {
    "seat_utilisation": Fraction(9, 10),
    "tenure_months": 12,
    "user_engagement": Fraction(9, 10),
    "custom.scm_users_share_28d": Fraction(1, 2),
    "custom.ci_users_share_28d": Fraction(1, 2),
    "custom.devsecops_users_share_28d": Fraction(1, 5),
    "custom.cd_users_share_28d": Fraction(1, 2),
    "csm_sentiment": 100,
    "success_plan": 2,
    "tickets_opened_30d": 3,
    "days_since_last_touch": 10,
    "technical_leads_met_90d": 2,
}

RED, YELLOW, GREEN, NA = 0, 50, 100, None


def scores(scored: Scored) -> dict[str, Fraction | None]:
    return {part.measure: part.score for part in scored.measures}


def of(measure: str, found: dict[str, Value], attributes: Attributes = PRIORITY_1) -> Fraction | None:
    return scores(score(CARD, HEALTHY | found, attributes=attributes))[measure]


@pytest.mark.parametrize(
    ("percent", "young", "middle", "old"),
    [
        ("0", RED, RED, RED),
        ("9.999", RED, RED, RED),
        ("10", YELLOW, RED, RED),
        ("50", YELLOW, RED, RED),
        ("50.999", YELLOW, RED, RED),  # the source's gap from 50 to 51, closed downwards
        ("51", GREEN, YELLOW, RED),
        ("75", GREEN, YELLOW, RED),
        ("75.001", GREEN, GREEN, GREEN),
        ("130", GREEN, GREEN, GREEN),
    ],
)
def test_every_cell_of_the_licence_table(percent: str, young: int, middle: int, old: int) -> None:
    share = Fraction(percent) / 100
    months = {
        "0.5": NA, "1.99": NA, "2": young, "5.99": young, "6": middle, "8.99": middle, "9": middle,
        "9.01": old, "60": old,
    }  # fmt: skip
    for tenure, expected in months.items():
        found = of("licence_utilisation", {"seat_utilisation": share, "tenure_months": Fraction(tenure)})
        assert found == expected, (percent, tenure)


@pytest.mark.parametrize(
    ("measure", "metric", "expected"),
    [
        ("user_engagement", "user_engagement", {"0": RED, ".499": RED, ".5": YELLOW, ".799": YELLOW, ".8": GREEN}),
        ("scm", "custom.scm_users_share_28d", {"0": RED, ".249": RED, ".25": YELLOW, ".499": YELLOW, ".5": GREEN}),
        ("ci", "custom.ci_users_share_28d", {"0": RED, ".249": RED, ".25": YELLOW, ".499": YELLOW, ".5": GREEN}),
        ("devsecops", "custom.devsecops_users_share_28d", {".05": RED, ".051": YELLOW, ".199": YELLOW, ".2": GREEN}),
        ("cd", "custom.cd_users_share_28d", {".049": RED, ".05": YELLOW, ".12": YELLOW, ".121": GREEN}),
        ("csm_sentiment", "csm_sentiment", {"0": RED, "50": YELLOW, "100": GREEN}),
        ("success_plan", "success_plan", {"0": RED, "1": YELLOW, "2": GREEN}),
        ("tickets", "tickets_opened_30d", {"0": NA, "1": GREEN, "5": GREEN, "6": YELLOW, "15": YELLOW, "16": RED}),
        ("cadence_priority_1", "days_since_last_touch", {"35": GREEN, "36": YELLOW, "60": YELLOW, "61": RED}),
        ("personas", "technical_leads_met_90d", {"0": RED, "1": YELLOW, "2": GREEN}),
    ],
)
def test_each_threshold_from_both_sides(measure: str, metric: str, expected: dict[str, int | None]) -> None:
    assert {value: of(measure, {metric: Fraction(value)}) for value in expected} == expected


@pytest.mark.parametrize(("days", "expected"), [(65, GREEN), (66, YELLOW), (90, YELLOW), (91, RED)])
def test_the_second_priority_is_met_less_often(days: int, expected: int) -> None:
    found = scores(score(CARD, HEALTHY | {"days_since_last_touch": days}, attributes=Attributes(tier="priority-2")))
    assert [found["cadence_priority_1"], found["cadence_priority_2"]] == [None, expected]


def test_all_is_well_is_a_hundred_by_the_published_weights() -> None:
    scored = score(CARD, HEALTHY, attributes=PRIORITY_1)

    assert [scored.total.score, scored.total.coverage] == [100, 1]
    assert scored.contributions == {
        "licence_utilisation": 15, "user_engagement": 5, "scm": 8, "ci": 8, "devsecops": 7, "cd": 7,
        "csm_sentiment": 25, "success_plan": 10, "tickets": 5, "cadence_priority_1": 5, "personas": 5,
    }  # fmt: skip


def test_accounts_without_a_csm_have_no_engagement_and_the_others_bear_its_weight() -> None:
    """Engagement's 10 of 100 go to the other 90: 50/90, 25/90, 10/90, 5/90; and nothing is missing."""
    for tier in ("scale", "tech-touch"):
        scored = score(CARD, HEALTHY | {"csm_sentiment": 50}, attributes=Attributes(tier=tier))
        by_name = {part.measure: part for part in scored.measures}

        assert [by_name[name].status for name in ("cadence_priority_1", "cadence_priority_2", "personas")] == ["na"] * 3
        assert by_name["licence_utilisation"].effective_weight == Fraction(50, 90) * Fraction(30, 100)
        assert by_name["csm_sentiment"].effective_weight == Fraction(25, 90)
        assert [scored.total.score, scored.total.coverage] == [86, 1]  # 100 − 50·25/90 = 86.1


def test_na_weight_goes_to_the_others_in_the_group_first() -> None:
    """Without ticket, plan, SCM and CI: the groups are 50 + 25 + 10 of 85; product's 30 + 10 + 15 + 15 are of 70."""
    found = HEALTHY | {
        "tickets_opened_30d": 0,
        "success_plan": None,
        "custom.scm_users_share_28d": None,
        "custom.ci_users_share_28d": None,
        "seat_utilisation": Fraction(3, 10),
        "csm_sentiment": 50,
    }

    scored = score(CARD, found, attributes=PRIORITY_1)

    effective = {part.measure: part.effective_weight for part in scored.measures if part.score is not None}
    assert effective == {
        "licence_utilisation": Fraction(50, 85) * Fraction(30, 70),
        "user_engagement": Fraction(50, 85) * Fraction(10, 70),
        "devsecops": Fraction(50, 85) * Fraction(15, 70),
        "cd": Fraction(50, 85) * Fraction(15, 70),
        "csm_sentiment": Fraction(25, 85),
        "cadence_priority_1": Fraction(5, 85),
        "personas": Fraction(5, 85),
    }
    # 100 − 100·(50/85)(30/70) − 50·(25/85) = 100 − 25.2 − 14.7
    assert (scored.total.score, sum(scored.contributions.values())) == (60, 60)
    # 10 of 100 for plan and tickets' 5, and 30 of product's 100 are without data: 1 − .15 − .15
    assert scored.total.coverage == Fraction(70, 100)


def test_a_red_sentiment_makes_the_whole_score_red() -> None:
    scored = score(CARD, HEALTHY | {"csm_sentiment": 0}, attributes=PRIORITY_1)

    assert (scored.total.score, scored.total.pushed) == (49, -26)  # 75 of the other measures
    assert scored.contributions["csm_sentiment"] == -26
    assert sum(scored.contributions.values()) == 49
    assert placed(CARD.bands, scored.outcome, None, DAY)[0] is Band.RED


def test_a_red_sentiment_leaves_a_score_that_is_red_anyway() -> None:
    dead = dict.fromkeys(HEALTHY, 0) | {"tenure_months": 12, "csm_sentiment": 0}
    scored = score(CARD, dead, attributes=PRIORITY_1)
    assert (scored.total.score, scored.total.pushed) == (5, 0)  # 5 of 95: the customer was met today


def test_an_old_sentiment_is_stale_and_forces_nothing() -> None:
    found = HEALTHY | {"csm_sentiment": 0}

    fresh = score(CARD, found, attributes=PRIORITY_1, seen={"csm_sentiment": DAY - timedelta(days=120)})
    stale = score(CARD, found, attributes=PRIORITY_1, seen={"csm_sentiment": DAY - timedelta(days=121)})

    assert (fresh.total.score, stale.total.score) == (49, 100)
    assert {part.measure: part.status for part in stale.measures}["csm_sentiment"] == "stale"


def test_product_is_stale_sixty_days_after_usage_stops() -> None:
    product = ["licence_utilisation", "user_engagement", "scm", "ci", "devsecops", "cd"]
    for days, status in ((60, "ok"), (61, "stale")):
        seen = {name: DAY - timedelta(days=days) for name in HEALTHY if name != "csm_sentiment"}
        found = score(CARD, HEALTHY, attributes=PRIORITY_1, seen=seen)
        assert {part.status for part in found.measures if part.measure in product} == {status}


def test_in_the_first_thirty_days_only_the_sentiment_counts() -> None:
    day_30 = score(CARD, HEALTHY | {"csm_sentiment": 50}, attributes=PRIORITY_1, age_days=30)
    assert (day_30.total.score, day_30.contributions) == (50, {"csm_sentiment": 50})
    asked = [part.status for part in day_30.measures if part.measure not in {"csm_sentiment", "cadence_priority_2"}]
    assert set(asked) == {"grace"}

    day_31 = score(CARD, HEALTHY | {"csm_sentiment": 50, "tenure_months": 1}, attributes=PRIORITY_1, age_days=31)
    by_name = {part.measure: part.status for part in day_31.measures}
    assert by_name.pop("licence_utilisation") == "na"  # the source says nothing of tenures of one to two months
    assert by_name.pop("cadence_priority_2") == "na"
    assert set(by_name.values()) == {"ok"}
