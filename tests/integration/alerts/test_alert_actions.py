"""What people do with alerts: put off, give away, judge; and by one click on a link in a message."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from alerts.domain.action_links import HOLDS_FOR, Action, ActionLink, LinkSigner, Who, WhoKind
from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.test_delivering import opened
from tests.integration.alerts.world import SECRET_KEY, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def does(alerts: World, what: str, status: int = 200, **body: Any) -> Any:
    [alert] = await alerts.alerts()
    async with alerts.api() as api:
        answer = await api.post(f"/v1/alerts/{alert['id']}/{what}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_snoozed_alert_comes_back_and_whoever_was_told_hears_so(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    await opened(alerts)
    await alerts.delivers()
    first, second = (alerts.clock.now() + days * DAY for days in (1, 2))

    await does(alerts, "snooze", until=first.isoformat())
    await does(alerts, "snooze", until=second.isoformat(), comment="after the holidays")
    alerts.clock.move_to(first)
    await alerts.application.due.run_due()
    assert await alerts.delivers() == 0
    alerts.clock.move_to(second)
    await alerts.another().application.due.run_due()
    await alerts.application.due.run_due()
    await alerts.delivers()

    types = [json.loads(arrival.body)["type"] for arrival in sink.arrivals]
    assert types == ["mainstay.alert.opened", "mainstay.alert.returned"]
    [alert] = await alerts.alerts()
    seen = await alerts.get(f"/v1/alerts/{alert['id']}")
    assert seen["snoozed_until"] is None
    assert [step["step"] for step in seen["transitions"]] == ["opened", "snoozed", "snoozed", "returned"]


async def test_an_alert_is_given_to_somebody_talked_about_judged_and_settled(alerts: World) -> None:
    await opened(alerts)

    for _ in range(2):
        await does(alerts, "assign", to="bob")
    await does(alerts, "comment", comment="the sponsor is on leave")
    await does(alerts, "feedback", feedback="false")
    await does(alerts, "feedback", feedback="premature", comment="they recovered")
    await does(alerts, "resolve", outcome="no-action-needed", reason="a holiday")
    await does(alerts, "assign", 409, to="ann")
    seen = await does(alerts, "feedback", feedback="true")

    assert (seen["assignee"], seen["outcome"], seen["feedback"]) == ("bob", "no-action-needed", "true")
    assert [(step["step"], step["comment"]) for step in seen["transitions"]][1:] == [
        ("assigned", "to bob"),
        ("commented", "the sponsor is on leave"),
        ("judged", "false"),
        ("judged", "premature: they recovered"),
        ("resolved", "a holiday"),
        ("judged", "true"),
    ]


@pytest.mark.parametrize(
    ("what", "body", "pointer"),
    [
        ("snooze", {"until": "2020-01-01T00:00:00Z"}, "/until"),
        ("snooze", {}, "/until"),
        ("comment", {"comment": "  "}, "/comment"),
        ("feedback", {"feedback": "maybe"}, "/feedback"),
        ("resolve", {"outcome": "fine"}, "/outcome"),
    ],
)
async def test_what_cannot_be_is_told_at_its_place(alerts: World, what: str, body: Any, pointer: str) -> None:
    await opened(alerts)

    answer = await does(alerts, what, 422, **body)

    assert [error["pointer"] for error in answer["errors"]] == [pointer]


def links_of(message: Any) -> list[str]:
    return [link["url"].partition("8003")[2] for link in message["data"]["links"] if "/v1/actions/" in link["url"]]


async def test_one_click_on_a_link_acts_once_and_looking_changes_nothing(alerts: World, sink: HttpSink) -> None:
    sink.secret = (await alerts.webhook(sink.url))["secret"]
    await opened(alerts)
    await alerts.delivers()
    take, put_off = links_of(sink.verified()[0])

    async with alerts.api() as api:
        api.headers.pop("authorization")
        looks = [await api.get(path, headers={"accept-language": "zh-CN"}) for path in (take, put_off, take)]
        before = await alerts.alerts()
        presses = [await api.post(path) for path in (put_off, put_off, take, take)]
    [alert] = await alerts.alerts()
    seen = await alerts.get(f"/v1/alerts/{alert['id']}")

    assert {answer.status_code for answer in looks + presses} == {200}
    assert before[0]["state"] == "open"
    assert "由我处理" in looks[0].text
    assert re.search("default-src 'none'", looks[0].headers["content-security-policy"])
    assert [(step["step"], step["by"]) for step in seen["transitions"]] == [
        ("opened", None),
        ("snoozed", "somebody in the channel hook"),
        ("acknowledged", "somebody in the channel hook"),
    ]


async def test_a_link_that_is_old_changed_or_of_another_key_does_nothing(alerts: World) -> None:
    await opened(alerts)
    [alert] = await alerts.alerts()
    now = alerts.clock.now().replace(microsecond=0)
    link = ActionLink(alert["id"], Action.ACKNOWLEDGE, Who(WhoKind.PERSON, "ann@example.com"), now + HOLDS_FOR)
    good, foreign = LinkSigner(SECRET_KEY).token(link), LinkSigner("another secret key, also long enough").token(link)
    assert good is not None
    changed = good[:4] + ("A" if good[4] != "A" else "B") + good[5:]

    none = (foreign, changed, "x", f"{good}A")
    async with alerts.api() as api:
        refused = [(await api.post(f"/v1/actions/{token}")).status_code for token in none]
        alerts.clock.advance(HOLDS_FOR + HOUR)
        late = await api.post(f"/v1/actions/{good}")

    assert refused == [403, 403, 403, 403]
    assert late.status_code == 410
    assert [one["state"] for one in await alerts.alerts()] == ["open"]
