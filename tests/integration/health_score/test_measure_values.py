"""The values of measures are told to others: with a new score, and at the end of a day, where they are others."""

from typing import Any

import pytest

from mainstay.contracts.health_score import MeasuresChanged, ScoreChanged
from tests.integration.health_score.health import Health, daily, usage
from tests.integration.health_score.health import value as worth
from tests.integration.health_score.test_cards import activate, put

RECENCY = """
bands: {yellow: {begins: 50}, green: {begins: 75}, coverage_floor: 0}
groups:
  - name: use
    weight: 1
    measures:
      - {name: recency, metric: days_since_last_activity, weight: 1, steps: {edges: [90], scores: [80, 10]}}
"""


async def told(health: Health) -> list[dict[str, float | None]]:
    return [{each.metric: each.value for each in said.measures} for said in await health.said(MeasuresChanged)]


async def known(health: Health) -> dict[str, float | None]:
    """The values that somebody knows who took in everything that was told."""
    taken: dict[str, float | None] = {}
    for values in await told(health):
        taken |= values
    return {metric: value for metric, value in taken.items() if value is not None}


async def shown(health: Health) -> dict[str, float | None]:
    measures: list[Any] = (await health.health("acme"))["measures"]
    return {part["metric"]: part["value"] for part in measures if part["value"] is not None}


@pytest.fixture
async def acme(health: Health) -> Health:
    """An account that was used for two months, as the clock went by."""
    await health.receives(worth("acme", at="2026-03-01T09:00Z", seats=20))
    await health.lives_through(*daily("acme", "2026-03-02", "2026-04-24"))
    return health


async def test_whoever_takes_in_all_that_is_told_knows_the_values_at_every_close(acme: Health) -> None:
    for day in ("2026-04-25", "2026-04-26", "2026-04-27", "2026-05-02", "2026-05-20", "2026-06-20"):
        await acme.until(f"{day}T00:10Z")
        assert await known(acme) == await shown(acme), day
        await acme.receives(usage("acme", at=f"{day}T00:10Z", user="somebody-new"))

    assert len(await told(acme)) > 20


async def test_a_value_is_told_once_but_at_the_end_of_a_month(acme: Health) -> None:
    await acme.until("2026-06-10T00:10Z")

    known_so_far: dict[str, float | None] = {}
    whole: list[str] = []
    for said in await acme.said(MeasuresChanged):
        values = {each.metric: each.value for each in said.measures}
        again = {metric for metric, value in values.items() if known_so_far.get(metric, ...) == value}
        if again:
            assert values.keys() >= known_so_far.keys()
            whole.append(f"{said.occurred_at:%m-%d}")
        known_so_far |= values
    assert whole == ["04-01", "05-01", "06-01"]


async def test_units_tell_what_a_share_is(acme: Health) -> None:
    units = {each.metric: each.unit for said in await acme.said(MeasuresChanged) for each in said.measures}

    assert units["seat_utilisation"] == "share"
    assert units["usage_trend_28d"] == "trend"
    assert units["features_used_28d"] == "features"


async def test_in_the_course_of_a_day_values_come_with_a_new_score_alone(acme: Health) -> None:
    await acme.until("2026-04-25T00:10Z")
    before = (len(await told(acme)), len(await acme.said(ScoreChanged)))

    for minute in range(20, 50):
        await acme.until(f"2026-04-25T00:{minute}Z")
        await acme.receives(usage("acme", at=f"2026-04-25T00:{minute}Z", user=f"new-{minute}"))

    now = (len(await told(acme)), len(await acme.said(ScoreChanged)))
    assert now[0] - before[0] <= now[1] - before[1] < 30


async def test_what_leaves_the_scorecard_has_no_value_any_more(acme: Health) -> None:
    await put(acme, "mine", RECENCY)
    await activate(acme, "mine", priority=1)
    await acme.settle()

    last = (await told(acme))[-1]
    assert last["seat_utilisation"] is None
    assert {metric for metric, value in (await known(acme)).items() if value is not None} == {
        "days_since_last_activity"
    }
