"""The HTTP side: what people see and do, and a clear answer to every bad request."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from alerts.rulebook import shipped_rulebook
from mainstay.testing import assert_every_route_has_a_scope
from mainstay.web.keys import create_key
from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.test_delivering import opened
from tests.integration.alerts.world import SECRET_KEY, World, fell, known, went_silent, window_opened

HOUR = timedelta(hours=1)


async def test_acknowledge_and_resolve_are_done_once_and_say_who_did_it(alerts: World, sink: HttpSink) -> None:
    sink.secret = (await alerts.webhook(sink.url))["secret"]
    await opened(alerts)
    await alerts.delivers()
    [alert] = await alerts.alerts()

    async with alerts.api() as api:
        path = f"/v1/alerts/{alert['id']}"
        taken = [await api.post(f"{path}/acknowledge", json={"comment": "calling them"}) for _ in range(2)]
        settled = [await api.post(f"{path}/resolve") for _ in range(2)]
        late = await api.post(f"{path}/acknowledge")
    await alerts.delivers()

    assert [answer.status_code for answer in (*taken, *settled, late)] == [200, 200, 200, 200, 409]
    assert late.json()["code"] == "alert-resolved"
    done = settled[1].json()
    assert (done["state"], done["acknowledged_by"], done["resolved_by"]) == ("resolved", "the tests", "the tests")
    assert (done["resolution"], done["resolution_reason"]) == ("by-hand", "Resolved by the tests.")
    assert [(step["step"], step["by"], step["comment"]) for step in done["transitions"]] == [
        ("opened", None, None),
        ("acknowledged", "the tests", "calling them"),
        ("resolved", "the tests", None),
    ]
    assert [message["type"] for message in sink.verified()] == ["mainstay.alert.opened", "mainstay.alert.resolved"]
    assert await alerts.said() == [f"mainstay.alert.{step}.v1" for step in ("opened", "acknowledged", "resolved")]


async def test_two_people_at_once_acknowledge_once(alerts: World) -> None:
    await opened(alerts)
    [alert] = await alerts.alerts()

    async with alerts.api() as api:
        answers = await asyncio.gather(*(api.post(f"/v1/alerts/{alert['id']}/acknowledge") for _ in range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert (await alerts.said()).count("mainstay.alert.acknowledged.v1") == 1


async def test_alerts_are_filtered(alerts: World) -> None:
    now = alerts.clock.now()
    await alerts.hears(
        known(now),
        fell("green", "red", now),
        went_silent(now),
        known(now, account="globex", owner="bob@example.com"),
        fell("green", "yellow", now, account="globex"),
        window_opened(now, account="globex"),
        fell("yellow", "green", now + HOUR, account="globex"),
    )

    async def rules(**query: Any) -> list[str]:
        return sorted(f"{one['account']['id']} {one['rule']}" for one in await alerts.alerts(**query))

    assert await rules(account_id="acme") == ["acme band-worsened", "acme silent"]
    assert await rules(owner="bob@example.com") == ["globex band-worsened", "globex renewal-window"]
    assert await rules(rule="silent") == ["acme silent"]
    assert await rules(severity="critical") == ["acme band-worsened"]
    assert await rules(state="resolved") == ["globex band-worsened"]
    assert await rules(state=["open", "resolved"], account_id="globex") == [
        "globex band-worsened",
        "globex renewal-window",
    ]
    assert await rules(owner="nobody@example.com") == []


async def test_pages_hold_everything_once_the_newest_first(alerts: World) -> None:
    now = alerts.clock.now()
    await alerts.hears(*(fell("green", "red", now - (i // 2) * HOUR, account=f"a{i}") for i in range(11)))

    found: list[Any] = []
    cursor = None
    while True:
        page = await alerts.get("/v1/alerts", limit=3, **({"cursor": cursor} if cursor else {}))
        found += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len({alert["id"] for alert in found}) == len(found) == 11
    instants = [alert["opened_at"] for alert in found]
    assert instants == sorted(instants, reverse=True)


async def test_deliveries_are_paged_and_filtered(alerts: World, sink: HttpSink) -> None:
    hook = await alerts.webhook(sink.url)
    other = await alerts.webhook(sink.url)
    for number in range(3):
        await opened(alerts, f"account {number}")
    await alerts.delivers()
    first = (await alerts.alerts(account_id="account 0"))[0]["id"]

    assert {one["channel_id"] for one in await alerts.deliveries(alert_id=first)} == {hook["id"], other["id"]}
    assert len(await alerts.deliveries(channel_id=hook["id"], state="delivered")) == 3
    page = await alerts.get("/v1/deliveries", limit=4)
    rest = await alerts.get("/v1/deliveries", limit=4, cursor=page["next_cursor"])
    assert len({one["id"] for one in page["data"] + rest["data"]}) == 6
    assert rest["next_cursor"] is None


async def test_a_channel_is_changed_by_what_is_sent(alerts: World, sink: HttpSink) -> None:
    hook = await alerts.webhook(sink.url, owners=["ann@example.com"])
    async with alerts.api() as api:
        answer = await api.patch(
            f"/v1/channels/{hook['id']}",
            json={"name": " new name ", "min_severity": "critical", "categories": ["risk"]},
        )
        listed = (await api.get("/v1/channels")).json()["data"]

    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["name"], shown["min_severity"], shown["categories"]) == ("new name", "critical", ["risk"])
    assert shown["owners"] == ["ann@example.com"]
    assert [one["id"] for one in listed] == [hook["id"]]


async def test_the_rules_can_be_read(alerts: World) -> None:
    rules = (await alerts.get("/v1/alert-rules"))["data"]

    assert [rule["id"] for rule in rules] == sorted(shipped_rulebook().rules)
    assert rules[0]["severity"] == {"red": "critical", "yellow": "warning"}


HOOK = {"name": "x", "kind": "webhook", "url": "http://127.0.0.1:9/"}


BAD_REQUESTS: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/v1/alerts?state=asleep", None, 422, "invalid-request"),
    ("GET", "/v1/alerts?severity=dire", None, 422, "invalid-request"),
    ("GET", "/v1/alerts?limit=0", None, 422, "invalid-request"),
    ("GET", "/v1/alerts?limit=501", None, 422, "invalid-request"),
    ("GET", "/v1/alerts?cursor=nonsense", None, 400, "bad-cursor"),
    ("GET", "/v1/alerts?cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwiYSJd", None, 400, "bad-cursor"),  # no zone
    ("GET", "/v1/alerts?account_id=%00", None, 400, "nul-in-address"),
    ("GET", "/v1/alerts/none", None, 404, "alert-unknown"),
    ("GET", f"/v1/alerts/{'a' * 201}", None, 422, "invalid-request"),
    ("POST", "/v1/alerts/none/acknowledge", None, 404, "alert-unknown"),
    ("POST", "/v1/alerts/none/acknowledge", b"{", 400, "malformed-json"),
    ("POST", "/v1/alerts/none/acknowledge", {"coment": "x"}, 422, "invalid-request"),
    ("POST", "/v1/alerts/none/acknowledge", {"comment": "x" * 2_001}, 422, "invalid-request"),
    ("POST", "/v1/alerts/none/resolve", None, 404, "alert-unknown"),
    ("POST", "/v1/alerts/none/resolve", {"reason": 7}, 422, "invalid-request"),
    ("POST", "/v1/alerts/none/resolve", {"reason": "a\0b"}, 422, "invalid-request"),
    ("POST", "/v1/channels", None, 422, "invalid-request"),
    ("POST", "/v1/channels", [], 422, "invalid-request"),
    ("POST", "/v1/channels", b"[" * 100_000, 400, "malformed-json"),
    ("POST", "/v1/channels", b'{"name": NaN}', 400, "malformed-json"),
    ("POST", "/v1/channels", {**HOOK, "kind": "pigeon"}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "secret": "mine"}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "name": ""}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "name": " \u00a0\u3000"}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "name": "a\nb"}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "owners": "ann"}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "categories": ["love"]}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "url": "ftp://127.0.0.1/"}, 422, "destination-refused"),
    ("POST", "/v1/channels", {**HOOK, "url": "http://user:pw@127.0.0.1/"}, 422, "destination-refused"),
    ("POST", "/v1/channels", {**HOOK, "url": "http://169.254.169.254/"}, 422, "destination-refused"),
    ("POST", "/v1/channels", {**HOOK, "url": "http://"}, 422, "destination-refused"),
    ("POST", "/v1/channels", {"name": "x", "kind": "email", "to": "nobody"}, 422, "destination-refused"),
    (
        "POST",
        "/v1/channels",
        {"name": "x", "kind": "email", "to": "a@b.c\r\nBcc: all@b.c"},
        422,
        "destination-refused",
    ),
    ("GET", "/v1/channels/none", None, 404, "channel-unknown"),
    ("PATCH", "/v1/channels/none", {}, 404, "channel-unknown"),
    ("PATCH", "/v1/channels/none", {"name": None}, 422, "invalid-request"),
    ("PATCH", "/v1/channels/none", {"name": "  "}, 422, "invalid-request"),
    ("PATCH", "/v1/channels/none", {"enabled": "yes"}, 422, "invalid-request"),
    ("PATCH", "/v1/channels/none", {"kind": "slack"}, 422, "invalid-request"),
    ("DELETE", "/v1/channels/none", None, 404, "channel-unknown"),
    ("POST", "/v1/channels/none/test", None, 404, "channel-unknown"),
    ("GET", "/v1/deliveries?state=lost", None, 422, "invalid-request"),
    ("GET", "/v1/deliveries?cursor=WyJhIl0", None, 400, "bad-cursor"),
    ("GET", "/v1/deliveries?since=0.5", None, 422, "invalid-request"),
    ("GET", "/v1/deliveries?until=2026-03-01", None, 422, "invalid-request"),
    ("GET", "/v1/deliveries?since=0001-01-01T00:00:00%2B14:00", None, 422, "invalid-request"),
    ("GET", "/v1/deliveries/none", None, 404, "delivery-unknown"),
    ("POST", "/v1/deliveries/none/replay", None, 404, "delivery-unknown"),
    ("GET", "/v1/deliveries/replay", None, 405, "method-not-allowed"),
    ("POST", "/v1/deliveries/replay", {"since": 0}, 422, "invalid-request"),
    ("POST", "/v1/deliveries/replay", {"channel": "x"}, 422, "invalid-request"),
    ("GET", "/v1/replays/none", None, 404, "replay-unknown"),
    ("POST", "/v1/replays/none/cancel", None, 404, "replay-unknown"),
    ("GET", "/v1/replays?cursor=WyJhIl0", None, 400, "bad-cursor"),
    ("DELETE", "/v1/refused-addresses/a@b.c", None, 404, "address-not-refused"),
    ("POST", "/v1/channels/none/rotate-secret", None, 404, "channel-unknown"),
    ("POST", "/v1/channels", {**HOOK, "language": "fr"}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "operator": "yes"}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "kind": "slack", "secret": "x"}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "kind": "feishu", "secret": ""}, 422, "invalid-request"),
    ("POST", "/v1/channels", {**HOOK, "kind": "wecom", "url": "ftp://127.0.0.1/"}, 422, "destination-refused"),
    ("GET", "/v1/nothing", None, 404, "not-found"),
    ("PUT", "/v1/alerts", {}, 405, "method-not-allowed"),
]


async def test_bad_requests_get_a_clear_answer_and_do_nothing(alerts: World) -> None:
    found = []
    async with alerts.api() as api:
        for method, path, body, _, _ in BAD_REQUESTS:
            content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            answer = await api.request(method, path, content=content, headers={"content-type": "application/json"})
            assert answer.headers["content-type"] == "application/problem+json", (method, path)
            assert answer.json()["message"], (method, path)
            found.append((method, path, body, answer.status_code, answer.json()["code"]))

    assert found == BAD_REQUESTS
    assert await alerts.rows("SELECT 1 FROM alerts.channel") == []


async def test_a_wrong_member_is_pointed_at(alerts: World) -> None:
    async with alerts.api() as api:
        email = await api.post("/v1/channels", json={"name": "x", "kind": "email", "to": "owner", "fallback": "bob"})
        hook = await api.post("/v1/channels", json={**HOOK, "url": "gopher://x"})
        made = (await api.post("/v1/channels", json=HOOK)).json()
        wrong = await api.patch(f"/v1/channels/{made['id']}", json={"to": "ann@example.com"})

    assert email.json()["errors"] == [{"pointer": "/fallback", "detail": "not an email address"}]
    assert hook.json()["errors"][0]["pointer"] == "/url"
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/to")


async def test_keys_open_what_their_scopes_say(alerts: World) -> None:
    assert_every_route_has_a_scope(alerts.app)
    reader = await create_key(alerts.database, SECRET_KEY, "reader", ["alerts:read"])
    stranger = await create_key(alerts.database, SECRET_KEY, "stranger", ["health:write"])
    await alerts.keys.refresh()

    async with alerts.api(reader) as api:
        assert (await api.get("/v1/alerts")).status_code == 200
        assert (await api.post("/v1/channels", json=HOOK)).status_code == 403
        assert (await api.post("/v1/alerts/x/resolve")).status_code == 403
    async with alerts.api(stranger) as api:
        assert (await api.get("/v1/alerts")).status_code == 403
    async with alerts.api("mst_wrong") as api:
        assert (await api.get("/v1/deliveries")).status_code == 401
