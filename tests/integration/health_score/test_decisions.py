"""What people decide counts at once, beside what was computed, until it ends; and every day can be looked at again."""

from datetime import timedelta
from typing import Any

import pytest

from mainstay.contracts.health_score import MeasureStale, ScoreChanged
from tests.integration.health_score.health import Health, daily, instant, usage
from tests.integration.health_score.test_cards import activate, put
from tests.integration.health_score.test_erasure import asked, erase, holds

SENTIMENT = """
bands: {yellow: {begins: 50}, green: {begins: 75}, coverage_floor: 0}
groups:
  - name: use
    weight: 3
    measures:
      - {name: recency, metric: days_since_last_activity, weight: 1, steps: {edges: [90], scores: [80, 10]}}
  - name: risk
    weight: 1
    measures:
      - name: csm_sentiment
        metric: csm_sentiment
        weight: 1
        fresh_for_days: 5
        steps: {edges: [50, 100], scores: [0, 50, 100]}
        forces: [{band: red, below: 50}]
"""


@pytest.fixture
async def acme(health: Health) -> Health:
    """An account with a card of its own since today, in use until today."""
    await put(health, "mine", SENTIMENT)
    await activate(health, "mine", priority=1)
    await health.receives(*daily("acme", "2026-02-20", "2026-02-28"), usage("acme", at="2026-03-01T08:00Z"))
    await health.settle()
    assert (await health.health("acme"))["score"] == 80
    return health


async def overrides(health: Health, path: str, **body: Any) -> Any:
    said = {"score": 20, "reason": "their board decided", "expires_at": "2026-03-03T12:00:00Z", **body}
    answer = await health.api.put(f"/v1/accounts/acme/{path}", json=said)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_score_set_by_hand_is_published_with_the_computed_one_beside_until_it_expires(acme: Health) -> None:
    now = await overrides(acme, "override", by="ann")

    assert (now["score"], now["band"], now["computed"]) == (20, "red", {"score": 80, "band": "green"})
    assert now["override"] == {
        "score": 20, "reason": "their board decided", "by": "ann",
        "at": "2026-03-01T09:00:04Z", "expires_at": "2026-03-03T12:00:00Z",
    }  # fmt: skip
    assert sum(part["contribution"] for part in now["measures"]) == 20
    assert [group["group"] for group in now["groups"]] == ["use", "risk"]
    (*_, said) = await acme.said(ScoreChanged, account="acme")
    assert (said.score, [(change.measure, change.before, change.after) for change in said.changes]) == (
        20,
        [("override", None, -60)],
    )

    await overrides(acme, "overrides/recency", score=100, expires_at="2026-03-09T12:00:00Z")
    await acme.until("2026-03-03T11:59Z")
    assert (await acme.health("acme"))["score"] == 20
    await acme.until("2026-03-03T12:00Z")
    after = await acme.health("acme")
    assert (after["score"], after["override"], after["computed"]) == (100, None, {"score": 80, "band": "green"})
    await acme.until("2026-03-09T12:00Z")
    assert (await acme.health("acme"))["score"] == 80
    closes = await acme.history("acme", **{"from": "2026-02-28", "to": "2026-03-04"})
    assert [close["score"] for close in closes] == [100, 20, 20, 100, 100]


async def test_an_override_taken_back_and_one_of_a_measure(acme: Health) -> None:
    now = await overrides(acme, "overrides/csm_sentiment", score=100)
    by_name = {part["measure"]: part for part in now["measures"]}
    assert (now["score"], now["computed"]["score"]) == (85, 80)
    assert (by_name["csm_sentiment"]["status"], by_name["csm_sentiment"]["computed_score"]) == ("overridden", None)
    assert by_name["csm_sentiment"]["override"]["by"] == "tests"

    answer = await acme.api.delete("/v1/accounts/acme/overrides/csm_sentiment")
    assert answer.status_code == 204
    assert (await acme.health("acme"))["score"] == 80
    refused = [
        (await acme.api.delete("/v1/accounts/acme/overrides/csm_sentiment"), 404, "not-overridden"),
        (await acme.api.delete("/v1/accounts/acme/override"), 404, "not-overridden"),
        (await acme.api.delete("/v1/accounts/nobody/override"), 404, "account-unknown"),
    ]
    body = {"score": 20, "reason": "x", "expires_at": "2026-03-03T12:00:00Z"}
    for path, changed, status, code in (
        ("acme/overrides/nothing", {}, 404, "measure-unknown"),
        ("nobody/override", {}, 404, "account-unknown"),
        ("acme/override", {"expires_at": "2026-03-01T09:00:00Z"}, 422, "override-expired"),
        ("acme/override", {"expires_at": "2026-03-03T12:00:00"}, 422, "invalid-request"),
        ("acme/override", {"score": 101}, 422, "invalid-request"),
        ("acme/override", {"score": True}, 422, "invalid-request"),
        ("acme/override", {"reason": ""}, 422, "invalid-request"),
        ("acme/sentiment", {}, 422, "invalid-request"),
    ):
        refused.append((await acme.api.put(f"/v1/accounts/{path}", json={**body, **changed}), status, code))
    for answer, status, code in refused:
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_red_sentiment_makes_it_red_and_goes_stale_once(acme: Health) -> None:
    answer = await acme.api.put("/v1/accounts/acme/sentiment", json={"sentiment": "red", "note": "they left the call"})
    now = answer.json()
    assert (now["score"], now["band"]) == (49, "red")
    assert {part["measure"]: part["contribution"] for part in now["measures"]} == {"recency": 60, "csm_sentiment": -11}
    assert now["measures"][1]["as_of"] == "2026-03-01"

    await acme.until("2026-03-06T09:00Z")
    assert (await acme.health("acme"))["score"] == 49
    assert await acme.said(MeasureStale) == []
    await acme.until("2026-03-12T09:00Z")  # nobody said anything for five days
    health = await acme.health("acme")
    assert (health["score"], health["measures"][1]["status"], health["measures"][1]["as_of"]) == (
        80,
        "stale",
        "2026-03-01",
    )
    (stale,) = await acme.said(MeasureStale)
    assert (stale.measure, stale.last_seen_on.isoformat(), stale.fresh_for_days) == ("csm_sentiment", "2026-03-01", 5)
    assert stale.occurred_at == instant("2026-03-07T00:00Z")

    await acme.api.put("/v1/accounts/acme/sentiment", json={"sentiment": "green", "by": "bob"})
    await acme.api.delete("/v1/accounts/acme/sentiment")
    first = await acme.get("/accounts/acme/sentiment", limit=2)
    rest = await acme.get("/accounts/acme/sentiment", cursor=first["next_cursor"])
    assert [(each["sentiment"], each["by"], each["note"]) for each in (*first["data"], *rest["data"])] == [
        (None, "tests", None), ("green", "bob", None), ("red", "tests", "they left the call")
    ]  # fmt: skip
    assert rest["next_cursor"] is None
    await acme.until("2026-03-30T09:00Z")
    assert len(await acme.said(MeasureStale)) == 1


async def test_a_past_day_is_shown_as_restated_and_as_first_reported(acme: Health) -> None:
    await acme.api.put("/v1/accounts/acme/sentiment", json={"sentiment": "red"})
    await acme.until("2026-03-03T09:00Z")
    await acme.api.put("/v1/accounts/acme/sentiment", json={"sentiment": "green"})
    await acme.until("2026-06-15T09:00Z")

    then = await acme.get("/accounts/acme/health", as_of="2026-03-02")
    assert (then["score"], then["band"], then["as_of"], then["band_since"]) == (
        49, "red", "2026-03-02", "2026-03-02T00:00:00Z",
    )  # fmt: skip
    assert (then["reported"]["score"], then["reported"]["band"]) == (49, "red")
    assert then["trend"] == {"days_7": -51, "days_28": None, "days_90": None}
    closes = {close["day"]: close for close in await acme.history("acme")}
    for day in ("2026-02-20", "2026-03-01", "2026-03-03", "2026-03-09", "2026-06-14"):
        again = await acme.get("/accounts/acme/health", as_of=day)
        assert (again["score"], again["band"], again["coverage"]) == (
            closes[day]["score"], closes[day]["band"], closes[day]["coverage"],
        )  # fmt: skip
        assert sum(part["contribution"] for part in again["measures"]) == again["score"]

    await acme.receives(usage("acme", at="2026-04-30T08:00Z"))  # late: after it the account was not quiet for 90 days
    await acme.settle()
    late = await acme.get("/accounts/acme/health", as_of="2026-06-10")
    assert (late["score"], late["reported"]["score"]) == (80, 10)
    now = await acme.health("acme")
    assert (now["reported"], now["trend"]["days_90"]) == (None, now["score"] - closes["2026-03-16"]["score"])

    for day, status, code in (
        ("2026-02-19", 404, "no-close"), ("2026-06-16", 422, "as-of-in-future"), ("x", 422, "invalid-request")
    ):  # fmt: skip
        answer = await acme.api.get("/v1/accounts/acme/health", params={"as_of": day})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await acme.get("/accounts/acme/health", as_of="2026-06-15") == now


async def test_what_people_decided_counts_again_when_closes_are_made_again(acme: Health) -> None:
    await overrides(acme, "override")
    await acme.until("2026-03-04T09:00Z")
    before = await acme.history("acme", **{"from": "2026-02-28"})

    await acme.receives(usage("acme", at="2026-02-10T08:00Z"))
    await acme.settle()

    after = await acme.history("acme", **{"from": "2026-02-28"})
    assert [close["score"] for close in after] == [close["score"] for close in before] == [100, 20, 20, 80]
    found = await acme.get("/disagreement", **{"from": "2026-02-28", "to": "2026-03-03"})
    assert found["data"] == [
        {
            "id": "default", "version": 1, "account_days": 1, "set_by_hand": 0, "set_higher": 0, "set_lower": 0,
            "set_to_other_band": 0, "share": 0.0,
        },
        {
            "id": "mine", "version": 1, "account_days": 3, "set_by_hand": 2, "set_higher": 0, "set_lower": 2,
            "set_to_other_band": 2, "share": pytest.approx(2 / 3),
        },
    ]  # fmt: skip


async def test_an_erased_account_keeps_no_word_of_what_people_decided(acme: Health) -> None:
    await overrides(acme, "override", by="ann", reason="their boss Bob left")
    await acme.api.put("/v1/accounts/acme/sentiment", json={"sentiment": "red", "note": "Bob left", "by": "ann"})

    await erase(acme, asked("account", "acme"))

    rows = await acme.rows(
        "SELECT decided_by, body::text AS body FROM health_score.decision WHERE account_no IS NOT NULL"
    )
    assert [(row.decided_by, "Bob" in row.body) for row in rows] == [("", False), ("", False)]
    assert await holds(acme, "Bob") == []
    acme.clock.advance(timedelta(days=9))
    await acme.handlers.due.run_due()
