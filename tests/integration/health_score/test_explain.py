"""What changed and why: adding up exactly on every path, with what lies behind, in the reader's language."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from mainstay.contracts.facts import TicketFact, TouchpointFact
from mainstay.contracts.health_score import BandChanged
from mainstay.contracts.ingest import AccountFact, ServicePolicy
from mainstay.language.catalogue import phrases
from mainstay.language.negotiation import Language
from mainstay.web.keys import create_key
from tests.integration.health_score.health import SECRET, Health, daily, instant, stated, usage
from tests.integration.health_score.running import Copy, Prepared
from tests.integration.health_score.test_cards import activate, put
from tests.integration.health_score.test_custom_metrics import computed
from tests.integration.health_score.test_custom_metrics import put as put_metric
from tests.integration.health_score.test_decisions import overrides
from tests.integration.health_score.test_real_history import file  # noqa: F401 - a fixture

CARD = """
bands: {yellow: {begins: 50}, green: {begins: 75}, coverage_floor: 0}
groups:
  - name: use
    weight: 1
    measures:
      - {name: recency, metric: days_since_last_activity, weight: 1, line: [[0, 100], [10, 0]]}
      - {name: breadth, metric: features_used_28d, weight: 1, line: [[0, 0], [4, 100]]}
  - name: service
    weight: 1
    measures:
      - {name: urgent, metric: open_urgent_tickets, weight: 2, line: [[0, 100], [4, 0]]}
      - {name: cadence, metric: touch_cadence_share, weight: 1, line: [[0.5, 100], [2, 0]]}
      - {name: csm_sentiment, metric: csm_sentiment, weight: 1, line: [[0, 0], [100, 100]]}
"""
OTHER = CARD.replace("metric: open_urgent_tickets, weight: 2", "metric: open_urgent_tickets, weight: 9").replace(
    "      - {name: cadence, metric: touch_cadence_share, weight: 1, line: [[0.5, 100], [2, 0]]}\n", ""
)


def ticket(name: str, at: str, **more: Any) -> Any:
    opened = instant(at)
    return stated(TicketFact("acme", name, opened, opened_at=opened, priority="urgent", **more), id=f"e-{name}")


async def _acme(health: Health) -> None:
    await put(health, "mine", CARD)
    await activate(health, "mine", priority=1)
    await health.receives(*daily("acme", "2026-01-01", "2026-02-28"))
    told = instant("2026-01-02T09:00Z")
    await health.receives(
        stated(AccountFact("acme", told, service_policy=ServicePolicy(touch_every_days=20))),
        ticket("old", "2026-01-05T09:00Z", resolved_at=instant("2026-01-06T09:00Z")),
        stated(TouchpointFact("acme", "m1", instant("2026-02-25T10:00Z"), "meeting")),
    )
    await health.settle()
    await health.until("2026-03-02T10:00Z")


@pytest.fixture(scope="module")
def prepared(module_migrated_url: str) -> Prepared:
    return Prepared.by(module_migrated_url, _acme)


@pytest.fixture
async def acme(prepared: Prepared, copy_of: Copy) -> AsyncIterator[Health]:
    """An account in use until yesterday, touched and promised a touch every 20 days, with one ticket long resolved."""
    async with prepared.copied(copy_of) as it:
        yield it


async def explained(health: Health, language: str = "en", **params: Any) -> Any:
    answer = await health.api.get(
        "/v1/accounts/acme/health/explain", params=params, headers={"Accept-Language": language}
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    adds_up(found)
    return found


def adds_up(found: Any) -> None:
    before, after = found["before"]["score"] or 0, found["after"]["score"] or 0
    assert found["difference"] == after - before == sum(each["difference"] for each in found["measures"])
    sizes = [abs(each["difference"]) for each in found["measures"]]
    assert sizes == sorted(sizes, reverse=True)
    for side, score in (("before", before), ("after", after)):
        parts = [each[side] for each in found["measures"] if each[side]]
        assert sum(part["contribution"] for part in parts) == score


def of(found: Any, measure: str) -> Any:
    (line,) = [each for each in found["measures"] if each["measure"] == measure]
    return line


async def test_a_fall_is_explained_by_its_tickets_in_the_reader_s_language(acme: Health) -> None:
    await acme.until("2026-03-05T10:00Z")
    await acme.receives(*(ticket(f"t{n:02}", f"2026-03-0{2 + n // 4}T08:{n:02}:00Z") for n in range(14)))
    await acme.receives(usage("acme", at="2026-03-05T09:00Z", feature="feature-0", id="u-last"))
    await acme.settle()

    found = await explained(acme, since="2026-03-01")

    urgent, recency = of(found, "urgent"), of(found, "recency")
    assert (found["before"]["score"], found["before"]["band"]) == (85, "green")
    assert found["measures"][0]["measure"] == "urgent"
    assert (urgent["before"]["value"], urgent["after"]["value"], urgent["moved_by"]) == (0, 14, "events")
    assert urgent["after"]["contribution"] == 0
    assert len(urgent["facts"]["data"]) == 10
    assert urgent["facts"]["more"] == 4
    assert urgent["facts"]["data"][0] == {
        "id": "e-t13", "kind": "ticket", "thing_id": "t13", "title": "Ticket opened", "at": "2026-03-05T08:13:00Z",
    }  # fmt: skip
    assert urgent["text"] == "14 urgent tickets open, the oldest for 3 days"
    assert (recency["moved_by"], recency["difference"]) == ("events", 2)
    assert recency["use"]["event_ids"] == ["u-last"]
    assert found["sentence"].startswith(
        "The score fell from 85 to 54 since 1 Mar 2026, from green to yellow: 14 urgent tickets open, the oldest for 3"
    )
    traditional = await explained(acme, "zh-TW,en;q=0.5", since="2026-03-01")
    assert traditional["sentence"].startswith("自2026年3月1日以來，健康分數從 85 降到 54，由綠燈轉為黃燈：")
    assert "有 14 張緊急工單未結案" in traditional["sentence"]
    assert "；" in traditional["sentence"] or len(traditional["because"]) == 1
    assert (traditional["message"], traditional["because"]) == (found["message"], found["because"])


async def test_the_answer_says_its_language_and_what_it_depends_on(acme: Health) -> None:
    path = "/v1/accounts/acme/health/explain"
    first = await acme.api.get(path, headers={"Accept-Language": "zh-CN"})
    assert (first.headers["content-language"], first.headers["vary"]) == ("zh-Hans", "Accept-Language")
    assert first.json()["language"] == "zh-Hans"
    again = await acme.api.get(path, headers={"Accept-Language": "zh-CN", "If-None-Match": first.headers["etag"]})
    other = await acme.api.get(path, headers={"Accept-Language": "fr", "If-None-Match": first.headers["etag"]})
    assert (again.status_code, other.status_code, other.headers["content-language"]) == (304, 200, "en")


async def test_days_of_use_that_came_in_and_left_are_told_with_some_of_their_events(acme: Health) -> None:
    await acme.until("2026-03-03T10:00Z")
    noon = instant("2026-03-03T09:00Z")
    await acme.receives(
        *(usage("acme", at=noon + timedelta(minutes=n), feature="new", user="bob", id=f"u-{n}") for n in range(7))
    )

    found = of(await explained(acme, since="2026-03-01"), "breadth")

    assert (found["before"]["value"], found["after"]["value"], found["difference"]) == (2, 3, 7)
    assert found["moved_by"] == "events"
    use = found["use"]
    assert use["entered"] == [{"day": "2026-03-03", "events": 7, "users": 1}]
    assert [each["day"] for each in use["left"]] == ["2026-02-02", "2026-02-03"]
    assert use["left"][0] == {"day": "2026-02-02", "events": 3, "users": 3}
    assert (use["events"], use["event_ids"]) == (7, ["u-6", "u-5", "u-4", "u-3", "u-2"])
    assert found["text"] == "3 features used in 28 days"


async def test_what_time_alone_did_is_said_so(acme: Health) -> None:
    await acme.until("2026-03-09T10:00Z")

    found = await explained(acme, since="2026-03-02")

    recency, cadence = of(found, "recency"), of(found, "cadence")
    assert (recency["moved_by"], recency["facts"], recency["use"]["entered"]) == ("time", {"data": [], "more": 0}, [])
    assert (recency["before"]["value"], recency["after"]["value"], recency["use"]["left"]) == (2, 8, [])
    assert (cadence["moved_by"], cadence["facts"]["data"]) == ("time", [])
    assert found["sentence"] == (
        "The score fell from 83 to 67 since 2 Mar 2026, from green to yellow: no activity for 8 days;"
        " last touch 11 days ago, in time for one every 20 days"
    )


async def test_decisions_explain_what_people_set(acme: Health) -> None:
    await acme.api.put("/v1/accounts/acme/sentiment", json={"sentiment": "red", "by": "ann", "note": "a bad call"})
    await acme.until("2026-03-03T10:00Z")
    await overrides(acme, "overrides/breadth", score=0, by="bob", expires_at="2026-03-20T00:00:00Z")
    await overrides(acme, "override", score=10, by="cyd", expires_at="2026-03-05T00:00:00Z")

    found = await explained(acme, since="2026-03-01")

    by_hand, breadth, sentiment = of(found, "override"), of(found, "breadth"), of(found, "csm_sentiment")
    assert (found["after"]["score"], found["after"]["band"]) == (10, "red")
    assert (by_hand["moved_by"], by_hand["before"]) == ("decision", None)
    assert by_hand["decisions"] == [
        {"kind": "score.overridden", "at": "2026-03-03T10:00:00Z", "by": "cyd", "score": 10,
         "told": "their board decided"}
    ]  # fmt: skip
    assert breadth["text"] == "Bob set breadth to 0: their board decided"
    assert (breadth["moved_by"], breadth["decisions"][0]["by"]) == ("decision", "bob")
    assert sentiment["moved_by"] == "decision"
    assert (sentiment["decisions"][0]["kind"], sentiment["decisions"][0]["told"]) == ("sentiment.given", "red")
    assert (sentiment["text"], sentiment["before"]["status"]) == ("The CSM sees the account red", "na")
    assert of(found, "urgent")["moved_by"] in {"weights", None}

    await acme.until("2026-03-06T10:00Z")
    later = of(await explained(acme, since="2026-03-03"), "override")
    assert (later["after"], later["text"]) == (None, "The score is not set by hand any more")
    assert [each["kind"] for each in later["decisions"]] == ["score.override_ended"]


async def test_another_scorecard_adds_up_too(acme: Health) -> None:
    await acme.receives(ticket("t1", "2026-03-02T09:00Z"))
    await put(acme, "mine", OTHER)
    await activate(acme, "mine", priority=1)
    await acme.settle()

    found = await explained(acme, since="2026-03-01")

    assert (found["before"]["scorecard"]["version"], found["after"]["scorecard"]["version"]) == (1, 2)
    assert [(each["kind"], each["told"]) for each in found["scorecard_change"]["decisions"]] == [
        ("scorecard.activated", "mine 2")
    ]
    gone = of(found, "cadence")
    assert (gone["after"], gone["moved_by"]) == (None, "scorecard")
    assert gone["text"] == "The scorecard does not ask for cadence any more"
    assert of(found, "urgent")["moved_by"] == "events"


async def test_both_sides_are_what_health_says_of_these_days(acme: Health) -> None:
    await acme.until("2026-03-09T10:00Z")
    found = await explained(acme, since="2026-02-10", as_of="2026-03-05")
    for side, day in (("before", "2026-02-10"), ("after", "2026-03-05")):
        health = await acme.get("/accounts/acme/health", as_of=day)
        shown = found[side]
        assert (shown["as_of"], shown["score"], shown["band"], shown["coverage"]) == (
            day, health["score"], health["band"], health["coverage"],
        )  # fmt: skip
        parts = {part["measure"]: part["contribution"] for part in health["measures"]}
        assert {each["measure"]: each[side]["contribution"] for each in found["measures"] if each[side]} == parts
    now = await explained(acme)
    health = await acme.health("acme")
    assert (now["before"]["as_of"], now["after"]["score"]) == ("2026-03-02", health["score"])


async def test_an_instant_means_the_last_close_before_it(acme: Health) -> None:
    await acme.receives(stated(AccountFact("acme", instant("2026-01-02T09:00Z"), zone="Asia/Taipei")))
    await acme.until("2026-03-09T10:00Z")
    found = await explained(acme, since="2026-03-04T17:00:00+00:00")  # 01:00 of the 5th in Taipei
    assert (found["before"]["as_of"], found["before"]["at"]) == ("2026-03-04", "2026-03-04T16:00:00Z")


async def test_before_there_was_an_account_there_was_no_score(acme: Health) -> None:
    found = await explained(acme, since="1999-01-01")
    assert (found["before"]["as_of"], found["before"]["score"], found["before"]["band"]) == (
        "2025-12-31", None, "unknown",
    )  # fmt: skip
    assert found["sentence"].startswith("The score is 85; before 31 Dec 2025 there was none")


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"since": "2026-03-02"}, 422, "since-too-late"),
        ({"since": "2027-03-01"}, 422, "since-too-late"),
        ({"since": "2026-02-20", "as_of": "2026-02-20"}, 422, "since-too-late"),
        ({"as_of": "2026-03-03"}, 422, "as-of-in-future"),
        ({"since": "yesterday"}, 422, "invalid-request"),
        ({"since": "1700000000"}, 422, "invalid-request"),
        ({"since": "2026-02-20T10:00:00"}, 422, "invalid-request"),
        ({"since": "9999-12-31T23:59:59-12:00"}, 422, "since-too-late"),
        ({"since": "0001-01-01T00:00:00+14:00"}, 200, None),
        ({"since": "0001-01-01"}, 200, None),
    ],
)
async def test_a_comparison_that_cannot_be_made_is_refused(
    acme: Health, params: dict[str, str], status: int, code: str | None
) -> None:
    answer = await acme.api.get("/v1/accounts/acme/health/explain", params=params)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_nobody_s_account_is_explained(acme: Health) -> None:
    other_key = await create_key(acme.database, SECRET, "other", ["renewals:read", "ingest:write"])
    await acme.keys.refresh()
    unknown = await acme.api.get("/v1/accounts/nobody/health/explain")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "account-unknown")
    refused = await acme.api.get("/v1/accounts/acme/health/explain", headers={"Authorization": f"Bearer {other_key}"})
    assert refused.status_code == 403


async def test_a_metric_of_the_operator_is_explained_by_the_days_of_its_own_events(acme: Health) -> None:
    exports = {"title": "导出次数", "figure": "count", "window_days": 2, "filter": {"events": ["Export"]}}
    await put_metric(acme, "custom.exports", exports)
    await computed(acme, "custom.exports")
    of_exports = "metric: custom.exports, weight: 1, line: [[0, 0], [4, 100]]"
    await put(acme, "mine", CARD.replace("metric: features_used_28d, weight: 1, line: [[0, 0], [4, 100]]", of_exports))
    await activate(acme, "mine", priority=1)
    await acme.receives(*(usage("acme", at=f"2026-03-02T09:0{n}Z", event="Export", user=f"u{n}") for n in range(4)))
    await acme.until("2026-03-04T10:00Z")
    await acme.receives(
        usage("acme", at="2026-03-04T09:00Z", event="Export"), usage("acme", at="2026-03-04T09:30Z", event="Other")
    )
    await acme.until("2026-03-05T10:00Z")

    found = of(await explained(acme, "zh-CN", since="2026-03-02"), "breadth")

    assert (found["before"]["value"], found["after"]["value"], found["moved_by"]) == (4, 1, "events")
    assert found["use"]["entered"] == [{"day": "2026-03-04", "events": 1, "users": 1}]
    assert found["use"]["left"] == [{"day": "2026-03-02", "events": 4, "users": 4}]
    assert found["text"] == "导出次数：1"


async def test_the_event_of_a_band_speaks_every_language(acme: Health) -> None:
    await acme.until("2026-03-03T10:00Z")
    await acme.receives(*(ticket(f"t{n}", f"2026-03-03T09:0{n}:00Z") for n in range(4)))

    (*_, said) = await acme.said(BandChanged, account="acme")

    assert said.reason == phrases().sentence(said.phrases, Language.EN)
    assert said.reason.startswith("4 urgent tickets open")
    assert said.phrases[0].key == "open-urgent-tickets"
    assert said.phrases[0].params == {"tickets": 4, "oldest": 0}
    assert phrases().sentence(said.phrases, Language.ZH_HANS).startswith("有 4 个紧急工单未解决，最久的已开不到 1 天")


@pytest.mark.slow
async def test_real_accounts_add_up_between_any_two_days(health: Health, file: list[dict[str, Any]]) -> None:  # noqa: F811 - the fixture
    rows: dict[str, list[Any]] = defaultdict(list)
    for line in file:
        rows[line["context"]["groupId"]].append(line)
    middling = sorted((account for account in rows if len(rows[account]) > 400), key=lambda account: len(rows[account]))
    chance = random.Random(5)
    for account in middling[:4]:
        await health.receives(
            *(
                usage(
                    account, at=row["timestamp"], user=row["userId"], id=row["messageId"],
                    feature=row["properties"]["feature"], received=health.clock.now(),
                )
                for row in rows[account]
            )
        )  # fmt: skip
        await health.settle()
        closes = {close["day"]: close for close in await health.history(account, to="2014-12-31")}
        for _ in range(12):
            first, last = sorted(chance.sample(sorted(closes), 2))
            found = await health.get(f"/accounts/{account}/health/explain", since=first, as_of=last)
            adds_up(found)
            for side, day in (("before", first), ("after", last)):
                assert (found[side]["score"], found[side]["band"]) == (closes[day]["score"], closes[day]["band"])
            for line in found["measures"]:
                if line["moved_by"] == "time":
                    assert line["use"] is None or line["use"]["entered"] == []
