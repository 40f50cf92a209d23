"""Scorecards as documents: saved in versions, put in force for those they fit, and everybody scored anew."""

from importlib.resources import files
from typing import Any

import pytest
import yaml

from health_score.application import rescoring
from health_score.application.cards import Cards
from health_score.domain.scorecard import CardKey
from health_score.scorecards.document import SCHEMA
from health_score.scorecards.reading import parse_scorecard
from mainstay.contracts.health_score import BandChanged, ScoreChanged
from tests.integration.health_score.health import Health, daily, fact, usage, value

DEFAULT = (files("health_score.scorecards") / "default.yaml").read_text(encoding="utf-8")

RECENCY = """
bands: {yellow: {begins: 50}, green: {begins: 75}, coverage_floor: 0}
groups:
  - name: use
    weight: 1
    measures:
      - {name: recency, metric: days_since_last_activity, weight: 1, steps: {edges: [2], scores: [90, 10]}}
"""


async def put(health: Health, card: str, text: str, **headers: str) -> Any:
    return await health.api.put(
        f"/v1/scorecards/{card}", content=text.encode(), headers={"Content-Type": "application/yaml", **headers}
    )


async def activate(health: Health, card: str, **body: Any) -> Any:
    answer = await health.api.post(f"/v1/scorecards/{card}/activate", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_what_comes_along_is_there_and_the_default_one_is_in_force(health: Health) -> None:
    page = await health.get("/scorecards")
    assert [(card["id"], card["version"], card["saved_by"]) for card in page["data"]] == [
        ("api-consumption", 1, "mainstay"),
        ("default", 1, "mainstay"),
        ("prove", 1, "mainstay"),
    ]
    first = await health.get("/scorecards", limit=1)
    rest = await health.get("/scorecards", cursor=first["next_cursor"])
    assert [card["id"] for card in (*first["data"], *rest["data"])] == [card["id"] for card in page["data"]]
    (active,) = (await health.get("/active-scorecards"))["data"]
    assert (active["id"], active["version"], active["when"], active["activated_by"]) == ("default", 1, [], "mainstay")
    assert (await health.get("/scorecards/default"))["document"] == yaml.safe_load(DEFAULT)
    assert await health.get("/schemas/scorecard") == SCHEMA


async def test_a_scorecard_is_saved_in_versions_that_tell_what_changed(health: Health) -> None:
    made = await put(health, "mine", RECENCY)
    assert (made.status_code, made.headers["etag"], made.json()["version"]) == (201, '"1"', 1)
    same = await put(health, "mine", "# the same\n" + RECENCY)
    assert (same.status_code, same.json()["version"]) == (200, 1)
    document = made.json()["document"]
    document["groups"][0]["measures"][0]["steps"]["scores"] = [80, 10]
    as_json = await health.api.put("/v1/scorecards/mine", json=document, headers={"If-Match": '"1"'})
    assert (as_json.status_code, as_json.headers["etag"]) == (201, '"2"')

    late = await put(health, "mine", RECENCY, **{"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "scorecard-moved-on")
    assert (await health.get("/scorecards/mine", version=1))["document"] == made.json()["document"]
    versions = (await health.get("/scorecards/mine/versions"))["data"]
    assert [version["version"] for version in versions] == [2, 1]
    assert versions[1]["changes"] is None
    assert versions[0]["changes"] == [
        {"path": "/groups/use/measures/recency/steps/scores", "before": [90, 10], "after": [80, 10]}
    ]
    newest = await health.get("/scorecards/mine/versions", limit=1)
    older = await health.get("/scorecards/mine/versions", cursor=newest["next_cursor"])
    assert [newest["data"], older["data"], older["next_cursor"]] == [versions[:1], versions[1:], None]


async def test_everything_wrong_is_told_at_once(health: Health) -> None:
    answer = await put(
        health, "mine", RECENCY.replace("weight: 1\n", "weight: 0\n").replace("since_last", "since_first")
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "scorecard-invalid")
    errors = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert sorted(errors) == ["/groups/0/measures/0/metric", "/groups/0/weight"]
    assert "near it are days_since_last_activity" in errors["/groups/0/measures/0/metric"]


async def test_what_is_no_document_is_refused(health: Health) -> None:
    refused = [
        (await put(health, "mine", "a: &b [1]\nc: *b"), 400, "malformed-yaml"),
        (await put(health, "mine", "a" * 70_000), 413, "body-too-large"),
        (await put(health, "mine", RECENCY, **{"Content-Type": "text/csv"}), 415, "media-type-not-supported"),
        (await put(health, "mine", "{", **{"Content-Type": "application/json"}), 400, "malformed-json"),
        (await put(health, "mine", "[1]"), 422, "scorecard-invalid"),
        (await put(health, "active", RECENCY), 422, "scorecard-invalid"),
        (await put(health, "Mine", RECENCY), 422, "invalid-request"),
        (await put(health, "mine", RECENCY, **{"If-Match": "W/x"}), 400, "bad-if-match"),
        (await put(health, "mine", RECENCY, **{"If-Match": '"7"'}), 412, "scorecard-moved-on"),
        (await health.api.get("/v1/scorecards/mine"), 404, "scorecard-unknown"),
        (await health.api.get("/v1/scorecards/mine/versions"), 404, "scorecard-unknown"),
        (await health.api.get("/v1/scorecards/default", params={"version": 2}), 404, "scorecard-unknown"),
        (await health.api.post("/v1/scorecards/mine/activate", json={}), 404, "scorecard-unknown"),
        (await health.api.post("/v1/scorecards/prove/deactivate"), 404, "scorecard-not-in-force"),
        (await health.api.post("/v1/scorecards/default/deactivate"), 422, "no-scorecard-for-all"),
        (
            await health.api.post(
                "/v1/scorecards/default/activate", json={"when": [{"attribute": "tier", "in": ["gold"]}]}
            ),
            422,
            "no-scorecard-for-all",
        ),
        (
            await health.api.post(
                "/v1/scorecards/default/activate", json={"when": [{"attribute": "hue", "in": ["x"]}]}
            ),
            422,
            "invalid-request",
        ),
        (
            await health.api.get("/v1/disagreement", params={"from": "2026-01-01", "to": "2026-06-01"}),
            422,
            "period-too-long",
        ),
        (
            await health.api.get("/v1/disagreement", params={"from": "2026-01-02", "to": "2026-01-01"}),
            422,
            "days-reversed",
        ),
    ]
    for answer, status, code in refused:
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert [card["id"] for card in (await health.get("/active-scorecards"))["data"]] == ["default"]


async def test_an_activation_scores_the_whole_portfolio_anew_and_no_day_before(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescoring, "BATCH", 2)  # so that a part takes several transactions
    await health.receives(
        *(fact(f"account-{n}", at="2026-02-01T08:00Z", tier="gold" if n % 2 else "silver") for n in range(6))
    )
    for number in range(6):
        await health.receives(*daily(f"account-{number}", "2026-02-01", "2026-02-27"))
    await health.settle()
    closes = {n: await health.history(f"account-{n}") for n in range(6)}
    assert (await health.health("account-1"))["scorecard"]["because"] == "it is for every account"

    await put(health, "mine", RECENCY)
    active = await activate(health, "mine", when=[{"attribute": "tier", "in": ["gold"]}], priority=10)
    assert [(each["id"], each["priority"], each["when"]) for each in active] == [
        ("mine", 10, [{"attribute": "tier", "in": ["gold"]}]),
        ("default", -1, []),
    ]
    assert await health.handlers.due.run_due() >= 2 * 2

    for number in range(6):
        now = await health.health(f"account-{number}")
        if number % 2:
            assert (now["score"], now["scorecard"]) == (10, {"id": "mine", "version": 1, "because": "tier is gold"})
            assert [part["measure"] for part in now["measures"]] == ["recency"]
        else:
            assert now["scorecard"]["id"] == "default"
        assert await health.history(f"account-{number}") == closes[number]
    (row, *_) = await health.rows("SELECT sum(done) AS done, count(ended_at) AS ended FROM health_score.rescoring")
    assert (row.done, row.ended) == (6, 2)
    (*_, said) = await health.said(ScoreChanged, account="account-1")
    assert (said.scorecard.id, said.score) == ("mine", 10)


async def test_a_close_is_made_by_the_cards_and_the_tier_of_its_day_whenever_it_is_made(health: Health) -> None:
    await health.receives(fact("acme", at="2026-03-01T08:00Z", tier="gold"))
    await health.receives(*daily("acme", "2026-02-01", "2026-03-01"))
    await put(health, "mine", RECENCY)
    await health.until("2026-03-03T09:00Z")
    await activate(health, "mine", when=[{"attribute": "tier", "in": ["gold"]}], priority=1)
    await health.until("2026-03-05T09:00Z")
    await health.receives(fact("acme", at="2026-03-05T09:00Z", tier="silver"))
    await health.until("2026-03-07T09:00Z")

    def cards(closes: list[Any]) -> dict[str, str]:
        return {close["day"]: close["scorecard"]["id"] for close in closes if close["day"] >= "2026-03-02"}

    before = await health.history("acme", **{"from": "2026-03-02"})
    assert cards(before)["2026-03-02"] == "default"
    assert cards(before)["2026-03-03"] == "mine"
    assert cards(before)["2026-03-04"] == "mine"
    assert cards(before)["2026-03-06"] == "default"

    await health.receives(usage("acme", at="2026-02-20T08:00Z"))  # every close after it is made again
    await health.settle()

    after = await health.history("acme", **{"from": "2026-03-05"})
    assert cards(after) == {day: card for day, card in cards(before).items() if day >= "2026-03-05"}


async def test_a_card_withdrawn_leaves_its_accounts_to_the_next(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    await put(health, "mine", RECENCY)
    await activate(health, "mine", priority=3)
    await health.handlers.due.run_due()
    assert (await health.health("acme"))["score"] == 90

    answer = await health.api.post("/v1/scorecards/mine/deactivate")
    assert [each["id"] for each in answer.json()["data"]] == ["default"]
    await health.handlers.due.run_due()

    assert (await health.health("acme"))["scorecard"]["id"] == "default"
    decisions = await health.rows("SELECT decided_by, kind FROM health_score.decision ORDER BY decision_no")
    assert [tuple(row) for row in decisions] == [
        ("mainstay", "scorecard.activated"), ("tests", "scorecard.activated"), ("tests", "scorecard.activated")
    ]  # fmt: skip


async def test_a_new_file_from_the_settings_is_a_new_version_in_force(health: Health) -> None:
    async def starts(text: str) -> Any:
        cards = Cards(parse_scorecard(text, source="mine.yaml"), is_set=True)
        async with health.handlers.works() as work:
            await cards.install(work, health.clock.now())
        return [(each["id"], each["version"]) for each in (await health.get("/active-scorecards"))["data"]]

    assert await health.get("/active-scorecards")
    assert await starts("id: mine\n" + RECENCY) == [("mine", 1), ("default", 1)]
    assert await starts("id: mine\nversion: 7\n" + RECENCY) == [("mine", 1), ("default", 1)]
    assert await starts("id: mine\n" + RECENCY.replace("[90, 10]", "[80, 10]")) == [("mine", 2), ("default", 1)]
    await activate(health, "mine", version=1)  # a person's word stands
    assert await starts("id: mine\n" + RECENCY.replace("[90, 10]", "[70, 10]")) == [("mine", 1), ("default", 1)]


async def test_a_version_that_scored_before_documents_were_kept_keeps_its_number(health: Health) -> None:
    async with health.handlers.works() as work:
        await work.scorecards.register(CardKey("default", 1), "of an older release", health.clock.now())
    assert (await health.get("/scorecards/default"))["version"] == 2


async def test_seats_count_at_once_by_the_card_in_force(health: Health) -> None:
    await health.receives(*daily("acme", "2026-01-20", "2026-03-01", users=4))
    await health.settle()
    await health.receives(value("acme", at="2026-03-01T09:00Z", seats=40))

    measures = {part["measure"]: part for part in (await health.health("acme"))["measures"]}
    assert (measures["seat_utilisation"]["value"], measures["seat_utilisation"]["unit"]) == (0.1, "share")
    assert await health.said(BandChanged, account="acme") != []
