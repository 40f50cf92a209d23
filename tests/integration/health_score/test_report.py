"""The pack for a review: right figures, in three languages, and nothing for the customer that is not theirs."""

import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from itertools import count
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from mainstay.contracts.common import MoneyData
from mainstay.contracts.facts import (
    FACTS,
    Attendee,
    EntitlementFact,
    FeedbackFact,
    NextStep,
    ObjectiveFact,
    ProgressNote,
    SurveyResponseFact,
    TicketFact,
    TouchpointFact,
    TrainingFact,
)
from mainstay.contracts.ingest import AccountFact, ServicePolicy
from tests.integration.health_score.health import Health, daily, instant, stated, usage, value

Q4 = {"from": "2025-10-01", "to": "2025-12-31"}


def at(told: str) -> datetime:
    return instant(told)


@pytest.fixture
async def acme(health: Health) -> Health:
    """An account with something of everything in the last quarter of 2025."""
    await health.receives(*daily("acme", "2025-08-01", "2025-09-30", users=2, features=2))
    await health.receives(
        *daily("acme", "2025-10-01", "2025-12-20", users=4, features=2),
        *(usage("acme", at=f"2025-11-0{n}T10:00Z", user="user-1", feature="Exports") for n in range(1, 4)),
    )
    await health.receives(value("acme", at="2025-08-01T00:00Z", seats=8, arr=[(Decimal("12000.00"), "EUR")]))
    told = at("2025-08-02T09:00Z")
    opened = at("2025-11-03T09:00Z")
    await health.receives(
        stated(AccountFact("acme", told, name="Acme GmbH", owner="ann", tier="gold",
                           service_policy=ServicePolicy(response_within_hours=4))),
        stated(ObjectiveFact("acme", "o1", at("2025-09-01T09:00Z"), words="Close the books in 3 days", baseline=9.0,
                             target=3.0, achieved=3.0, due_on=date(2025, 12, 1), achieved_on=date(2025, 11, 20),
                             state="achieved", confirmed_by="their CFO")),
        stated(ObjectiveFact("acme", "o2", at("2025-09-02T09:00Z"), words="Everybody reports", state="active",
                             target=40.0, due_on=date(2026, 3, 31))),
        stated(TicketFact("acme", "t1", opened, opened_at=opened, first_response_at=opened + timedelta(hours=2),
                          resolved_at=opened + timedelta(hours=10), csat=4)),
        stated(TicketFact("acme", "t2", opened, opened_at=opened, first_response_at=opened + timedelta(hours=6))),
        stated(FeedbackFact("acme", "f1", at("2025-11-05T09:00Z"), kind="request", words="Export to Excel",
                            state="released", release="2025.11", customer_told_at=at("2025-12-01T09:00Z"))),
        stated(FeedbackFact("acme", "f2", at("2025-11-06T09:00Z"), kind="bug", words="Slow <b>start</b>",
                            state="in_pool")),
        stated(TrainingFact("acme", "r1", at("2025-10-10T09:00Z"), "Basics", stage="completed", contact_id="c1")),
        stated(TrainingFact("acme", "r2", at("2025-10-11T09:00Z"), "Basics", stage="enrolled", contact_id="c2")),
        stated(TouchpointFact("acme", "m1", at("2025-10-15T09:00Z"), "business_review", channel="video",
                              result="held", minutes=60, cost=MoneyData(Decimal("90.00"), "EUR"),
                              next_step=NextStep("Send the migration plan", date(2026, 1, 15), "ann"))),
        stated(TouchpointFact("acme", "m2", at("2025-11-15T09:00Z"), "call", result="no_answer")),
        stated(TouchpointFact("acme", "m3", at("2025-11-16T09:00Z"), "meeting", is_internal=True, after="They wobble",
                              minutes=15)),
        stated(EntitlementFact("acme", "seats", at("2025-12-01T09:00Z"), used=7.0)),
    )  # fmt: skip
    await health.settle()
    return health


async def pack(health: Health, account: str = "acme", language: str = "en", **params: Any) -> Any:
    answer = await health.api.get(
        f"/v1/accounts/{account}/report", params={**Q4, **params}, headers={"Accept-Language": language}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def page(health: Health, account: str = "acme", language: str = "en", **params: Any) -> str:
    answer = await health.api.get(
        f"/v1/accounts/{account}/report",
        params={**Q4, **params},
        headers={"Accept-Language": language, "Accept": "text/html"},
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return answer.text


async def test_the_figures_of_a_quarter(acme: Health) -> None:
    found = (await pack(acme, audience="customer"))["pack"]

    assert (found["customer"], found["period"]) == ("Acme GmbH", {"first": "2025-10-01", "last": "2025-12-31"})
    assert found["before"] == {"first": "2025-07-01", "last": "2025-09-30"}
    assert [(goal["words"], goal["state"], goal["is_confirmed"]) for goal in found["goals"]] == [
        ("Everybody reports", "active", False),
        ("Close the books in 3 days", "achieved", True),
    ]
    use = found["use"]
    assert (use["active_users"], use["active_users_before"], use["active_users_change"]) == (4, 2, 1.0)
    assert (use["events"], use["events_before"]) == (81 * 4 + 3, 61 * 2)
    assert (use["seats"], use["seats_used"]) == (8, 7)
    assert len(use["points"]) == 13
    assert use["points"][0] == {"first": "2025-10-01", "last": "2025-10-07", "users": 4}
    assert use["points"][-1] == {"first": "2025-12-24", "last": "2025-12-31", "users": 0}
    assert [(each["feature"], each["users"], each["is_new"]) for each in found["features"]] == [
        ("feature-0", 2, False), ("feature-1", 2, False), ("Exports", 1, True),
    ]  # fmt: skip
    assert found["tickets"] == {
        "opened": 2, "resolved": 1, "open_now": 1, "first_response_hours": 4.0, "promised_hours": 4,
        "promised_hours_by_priority": None, "in_time_share": 0.5, "resolution_hours": 10.0, "csat": 4.0,
        "csat_answers": 1,
    }  # fmt: skip
    assert [(each["words"], each["state"], each["release"], each["told_on"]) for each in found["requests"]] == [
        ("Export to Excel", "released", "2025.11", "2025-12-01"),
        ("Slow <b>start</b>", "in_pool", None, None),
    ]
    assert found["courses"] == [{"course": "Basics", "participants": 2, "completed": 1, "completed_in_period": 1}]
    assert found["meetings"] == [{"day": "2025-10-15", "kind": "business_review", "channel": "video"}]
    assert found["next_steps"] == [{"what": "Send the migration plan", "due_on": "2026-01-15"}]


async def test_what_only_we_see_stands_beside_the_same_pack(acme: Health) -> None:
    ours, theirs = await pack(acme), await pack(acme, audience="customer")

    assert (ours["audience"], theirs["audience"]) == ("internal", "customer")
    assert ours["pack"] == theirs["pack"]
    assert theirs.keys() == {"audience", "pack"}
    internal = ours["internal"]
    assert (internal["owner"], internal["tier"]) == ("ann", "gold")
    assert internal["arr"] == [{"amount": "12000.00", "currency": "EUR"}]
    close = await acme.get("/accounts/acme/health", as_of="2025-12-31")
    assert (internal["health"]["score"], internal["health"]["band"]) == (close["score"], close["band"])
    assert (
        "since 30 Sept 2025" in internal["health"]["sentence"] or "since 30 Sep 2025" in internal["health"]["sentence"]
    )
    assert internal["effort"] == {
        "touches": 1, "internal_touches": 1, "minutes": 75, "cost": [{"amount": "90.00", "currency": "EUR"}],
    }  # fmt: skip
    assert [note["text"] for note in internal["notes"]] == ["They wobble"]
    assert internal["goals"][0]["confirmed_by"] == "their CFO"
    assert internal["next_steps"][0]["owner"] == "ann"


@pytest.mark.parametrize(
    ("language", "spoken", "words"),
    [
        ("en", "en", ("Business review", "Goals", "achieved", "1 Oct 2025")),
        ("zh-CN", "zh-Hans", ("业务回顾", "支持服务", "已达成", "2025年10月1日")),
        ("zh-HK", "zh-Hant", ("業務回顧", "支援服務", "已達成", "2025年10月1日")),
    ],
)
async def test_the_page_speaks_the_reader_s_language(
    acme: Health, language: str, spoken: str, words: tuple[str, ...]
) -> None:
    html = await page(acme, language=language, audience="customer")
    assert f'<html lang="{spoken}">' in html
    assert all(word in html for word in words)
    assert "Close the books in 3 days" in html
    assert re.search(r"\{\s*\$|\{\{|None|undefined", html) is None


async def test_the_page_loads_and_runs_nothing_and_customers_words_stay_words(acme: Health) -> None:
    answer = await acme.api.get("/v1/accounts/acme/report", params={**Q4, "format": "html"})
    html = answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (answer.headers["content-language"], answer.headers["vary"]) == ("en", "Accept, Accept-Language")
    assert "Slow &lt;b&gt;start&lt;/b&gt;" in html
    assert re.search(r"<script|<link|<img|<iframe|javascript:|\son\w+=|style=|url\(|https?://|@import", html) is None


async def test_accept_and_parameters_choose_form_and_language(acme: Health) -> None:
    async def kind(headers: dict[str, str], **params: str) -> tuple[str, str]:
        answer = await acme.api.get("/v1/accounts/acme/report", params=params, headers=headers)
        return answer.headers["content-type"].partition(";")[0], answer.headers["content-language"]

    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "zh-TW"}
    assert await kind({}) == ("application/json", "en")
    assert await kind(browser) == ("text/html", "zh-Hant")
    assert await kind(browser, format="json", language="zh-Hans") == ("application/json", "zh-Hans")
    assert await kind({}, format="html") == ("text/html", "en")


async def test_a_report_that_is_kept_is_not_sent_again(acme: Health) -> None:
    first = await acme.api.get("/v1/accounts/acme/report", params=Q4)
    again = await acme.api.get("/v1/accounts/acme/report", params=Q4, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("params", "first", "last"),
    [
        ({}, "2025-10-01", "2025-12-31"),
        ({"from": "2025-07-01"}, "2025-07-01", "2025-09-30"),
        ({"from": "2026-02-01"}, "2026-02-01", "2026-03-01"),
        ({"to": "2025-11-15"}, "2025-10-01", "2025-11-15"),
        ({"from": "2026-03-01", "to": "2026-03-01"}, "2026-03-01", "2026-03-01"),
    ],
)
async def test_the_period_asked_for(health: Health, params: dict[str, str], first: str, last: str) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    found = await health.get("/accounts/acme/report", **params)
    assert found["pack"]["period"] == {"first": first, "last": last}


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"from": "2025-12-31", "to": "2025-12-01"}, 422, "days-reversed"),
        ({"from": "2024-01-01", "to": "2025-01-01"}, 422, "period-too-long"),
        ({"to": "2026-03-02"}, 422, "as-of-in-future"),
        ({"from": "2026-03-02"}, 422, "as-of-in-future"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, 422, "period-too-early"),
        ({"from": "2025-1-1"}, 422, "invalid-request"),
        ({"audience": "press"}, 422, "invalid-request"),
        ({"language": "fr"}, 422, "invalid-request"),
        ({"from": "1971-01-01", "to": "1971-01-02"}, 200, None),
    ],
)
async def test_a_period_that_makes_no_sense_is_refused(
    health: Health, params: dict[str, str], status: int, code: str | None
) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    answer = await health.api.get("/v1/accounts/acme/report", params=params)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_the_report_of_nobody_and_for_nobody(acme: Health, other_key: str) -> None:
    assert (await acme.api.get("/v1/accounts/nobody/report")).status_code == 404
    refused = await acme.api.get("/v1/accounts/acme/report", headers={"Authorization": f"Bearer {other_key}"})
    assert refused.status_code == 403


# What a customer may read of what others stated; every other text is ours.
SHARED = {
    "AccountFact.name",
    "ObjectiveFact.words",
    "FeedbackFact.words",
    "FeedbackFact.release",
    "TrainingFact.course",
    "NextStep.what",
}


HOSTILE = """"'--></style></title><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}&lt;"""


@dataclass
class Planter:
    """Makes facts in which every text is a marker of its own, and every number and amount an odd one.

    `behind` stands behind each marker where the text may hold anything.
    """

    account_id: str
    behind: str = ""
    markers: dict[str, str] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1))

    def fact(self, of: type[Any], **given: Any) -> Any:
        hints = get_type_hints(of, include_extras=True)
        fields = {name: self._value(hint, f"{of.__name__}.{name}") for name, hint in hints.items() if name not in
                  {"TYPE", "TOPIC", "account_id", "occurred_at"}}  # fmt: skip
        return of(**{"account_id": self.account_id, "occurred_at": at("2025-11-11T11:00Z"), **fields, **given})

    def _value(self, hint: Any, place: str) -> Any:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            found = self._value(arguments[0], place)
            patterns = [getattr(each, "pattern", None) or "" for each in arguments[1:]]
            is_free = not any("[a-z]" in pattern for pattern in patterns)
            return found + self.behind if isinstance(found, str) and found in self.markers and is_free else found
        if origin is Literal:
            return arguments[-1]
        if origin in {UnionType, Union}:
            known = [each for each in arguments if each not in {NoneType, msgspec.UnsetType}]
            return self._value(known[0], place)
        if origin is tuple:
            return (self._value(arguments[0], place),)
        if origin is dict:
            return {"crm": self._value(arguments[1], place)}
        if hint is str:
            return self.marker(place)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            parts = get_type_hints(hint, include_extras=True)
            return hint(**{name: self._value(each, f"{hint.__name__}.{name}") for name, each in parts.items()})
        plain: dict[Any, Any] = {
            int: 4, float: 4.0, bool: False, Decimal: Decimal("4242.42"), date: date(2025, 12, 24),
            datetime: at("2025-11-12T12:00Z"),
        }  # fmt: skip
        return plain[hint]

    def marker(self, place: str) -> str:
        special = {"AccountFact.zone": "Asia/Taipei", "AccountFact.currency": "XTS", "AccountFact.locale": "de-AT",
                   "ContractFact.currency": "XTS", "MoneyData.currency": "XTS"}  # fmt: skip
        if place in special:
            return special[place]
        marker = f"mark-{next(self._numbers)}-{place.lower().replace('.', '-')}-kram"
        self.markers[marker] = place
        return marker


async def plant(health: Health, behind: str = "") -> tuple[Planter, Planter]:
    """An account full of markers: those of the first may be shown where they are shared, those of the second never."""
    some, never = Planter("marked", behind), Planter("marked", behind)
    await health.receives(*daily("marked", "2025-10-01", "2025-12-20"))
    await health.receives(value("marked", at="2025-08-01T00:00Z", seats=8, arr=[(Decimal("424242.42"), "XTS")]))
    note = ProgressNote(at("2025-11-12T12:00Z"), never.marker("ProgressNote.text"))
    guest = Attendee("customer", name=never.marker("Attendee.name"))
    facts = [
        *(some.fact(kind) for kind in FACTS),
        some.fact(ObjectiveFact, objective_id="agreed", state="active"),
        some.fact(TouchpointFact, touchpoint_id="held", result="held", kind="meeting"),
        some.fact(TouchpointFact, touchpoint_id="attended", result="held", attendees=(guest,)),
        some.fact(FeedbackFact, feedback_id="noted", state="released", progress=(note,)),
        some.fact(SurveyResponseFact, response_id="csat", kind="csat"),
        never.fact(ObjectiveFact, objective_id="draft", state="draft"),
        never.fact(ObjectiveFact, objective_id="dropped", state="dropped"),
        never.fact(TouchpointFact, touchpoint_id="ours", is_internal=True, result="held", kind="meeting"),
    ]
    await health.receives(*map(stated, facts))
    await health.settle()
    by_hand = {"score": 7, "reason": never.marker("override.reason"), "expires_at": "2026-06-01T00:00:00Z"}
    for path, body in (
        ("sentiment", {"sentiment": "red", "note": never.marker("sentiment.note"), "by": never.marker("by")}),
        ("override", {**by_hand, "by": never.marker("by")}),
    ):
        assert (await health.api.put(f"/v1/accounts/marked/{path}", json=body)).status_code == 200
    return some, never


async def test_nothing_of_ours_is_in_what_a_customer_is_handed(health: Health) -> None:
    some, never = await plant(health)
    assert len(some.markers) > 60
    period = {"from": "2025-10-01", "to": "2026-03-01"}
    shown: set[str] = set()

    for language in ("en", "zh-CN", "zh-TW"):
        html = await page(health, "marked", language, audience="customer", **period)
        for text in (
            json.dumps(await pack(health, "marked", language, audience="customer", **period), ensure_ascii=False),
            re.sub(r"<style>.*</style>", "", html, flags=re.DOTALL),
        ):
            assert {place for marker, place in never.markers.items() if marker in text} == set()
            shown |= {place for marker, place in some.markers.items() if marker in text}
            assert not re.search(r"424.?242|4.?242\.42|XTS|score|\bband|健康分|風險|风险|risk|sentiment|override", text)
    assert shown == SHARED

    ours = await page(health, "marked", "en", **period)
    hidden = {place for marker, place in never.markers.items() if marker in ours}
    assert {"sentiment.note", "override.reason", "TouchpointFact.before", "ProgressNote.text"} <= hidden
    assert "424,242.42 XTS" in ours


class Tags(HTMLParser):
    """The elements of a page, and the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(f"{tag}@{name}" for name, _ in attrs)}


async def test_no_text_that_others_wrote_becomes_part_of_the_page(health: Health) -> None:
    await plant(health, behind=HOSTILE)
    await health.receives(usage("marked", at="2025-11-03T10:00Z", feature=f"a {HOSTILE}"))
    await health.settle()

    for audience in ("internal", "customer"):
        html = await page(health, "marked", audience=audience, to="2026-03-01")
        tags = Tags()
        tags.feed(html)
        assert html.count("alert(1)") > 6
        assert "<script" not in html
        assert "{{ 7 * 7 }}" in html
        assert not {"script", "img"} & tags.found
        assert not {
            name for name in tags.found if "@on" in name or "@style" in name or "@src" in name or "@href" in name
        }
