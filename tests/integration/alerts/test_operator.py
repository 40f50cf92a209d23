"""The operator: told when a channel was switched off; keys and secrets that can be changed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from alerts.channels.email import MailServer
from alerts.domain.words import Language
from alerts.jobs import prepare
from alerts.sealing import Seal
from mainstay.web.keys import KeyRing
from tests.integration.alerts.sinks import HttpSink, MailSink, http_sink
from tests.integration.alerts.test_channels import channel
from tests.integration.alerts.test_delivering import opened
from tests.integration.alerts.world import World, close, fell, known, world

HOUR = timedelta(hours=1)
OLD_KEY, NEW_KEY = "o" * 40, "n" * 40


async def test_the_operator_is_told_once_that_a_channel_was_switched_off(alerts: World, sink: HttpSink) -> None:
    async with http_sink() as chat:
        chat.usual = (200, {}, b"ok")
        watched = await channel(alerts, kind="webhook", url=sink.url)
        await channel(alerts, kind="slack", url=chat.url, operator=True, language="zh-Hant")
        sink.usual = 410
        await opened(alerts)
        await alerts.delivers()
        await opened(alerts, "globex")
        await alerts.delivers()

        assert len(chat.arrivals) == 1  # and none about the alerts themselves
        said = chat.arrivals[0].body.decode()
        assert "頻道「there」已停用" in said
        assert "the destination is gone" in said
        assert f"/v1/channels/{watched['id']}" in said
        kinds = [one["kind"] for one in await alerts.deliveries(state="delivered")]
        assert kinds == ["channel-disabled"]


async def test_a_webhook_of_the_operator_s_gets_it_as_json(alerts: World, sink: HttpSink) -> None:
    async with http_sink() as dead:
        dead.usual = 410
        await channel(alerts, kind="slack", url=dead.url)
        sink.secret = (await alerts.webhook(sink.url, operator=True))["secret"]
        await opened(alerts)
        for _ in range(2):
            await alerts.delivers()

        [message] = sink.verified()
        assert message["type"] == "mainstay.channel.disabled"
        assert "alert" not in message["data"]


async def test_the_operator_s_address_of_the_settings_gets_mail(
    migrated_url: str, mail: MailSink, sink: HttpSink
) -> None:
    made = await world(migrated_url, smtp_host="127.0.0.1", smtp_port=mail.port).open()
    manage, never = made.application.handlers.channels, asyncio.Event()
    for _ in range(2):  # as at every start, of several processes at once
        begun = (prepare(manage, "ops@example.com", Language.ZH_HANS, never) for _ in range(4))
        assert all(await asyncio.gather(*begun))
    await channel(made, kind="webhook", url=sink.url)
    sink.usual = 410
    await opened(made)
    for _ in range(2):
        await made.delivers()

    assert mail.recipients == [["ops@example.com"]]
    assert mail.mails[0]["Subject"] == "渠道“there”已停用"
    assert await prepare(manage, "", Language.EN, never)  # the setting was taken out
    assert [one["name"] for one in (await made.get("/v1/channels"))["data"]] == ["there"]
    assert await prepare(manage, "ops@example.com", Language.EN, never)
    assert len((await made.get("/v1/channels"))["data"]) == 2
    await close(made)


async def test_a_webhook_s_secret_is_rotated_with_both_signatures_in_between(alerts: World, sink: HttpSink) -> None:
    made = await alerts.webhook(sink.url)

    async def sent(account: str) -> Any:
        await opened(alerts, account)
        await alerts.delivers()
        return sink.arrivals[-1]

    def verifies(secret: str, arrival: Any) -> bool:
        try:
            Webhook(secret).verify(arrival.body, arrival.headers)
        except WebhookVerificationError:
            return False
        return True

    before = await sent("a")
    async with alerts.api() as api:
        answer = await api.post(f"/v1/channels/{made['id']}/rotate-secret", json={"keep_hours": 1})
    rotated = answer.json()
    assert answer.status_code == 200
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    during = await sent("b")
    shown = await alerts.get(f"/v1/channels/{made['id']}")
    assert shown["previous_secret_until"] is not None
    assert "secret" not in shown
    async with alerts.api() as api:
        last = (await api.post(f"/v1/channels/{made['id']}/rotate-secret", json={"keep_hours": 0})).json()
    after = await sent("c")

    old, new, newest = made["secret"], rotated["secret"], last["secret"]
    assert [verifies(secret, before) for secret in (old, new)] == [True, False]
    assert [verifies(secret, during) for secret in (old, new)] == [True, True]
    assert [verifies(secret, after) for secret in (old, new, newest)] == [False, False, True]
    assert during.headers["webhook-signature"].count("v1,") == 2
    assert after.headers["webhook-signature"].count("v1,") == 1


async def test_the_old_signature_ends_when_its_time_is_over(alerts: World, sink: HttpSink) -> None:
    made = await alerts.webhook(sink.url)
    async with alerts.api() as api:
        await api.post(f"/v1/channels/{made['id']}/rotate-secret")  # a day by default
    counts = []
    for hours in (23, 1):
        alerts.clock.advance(hours * HOUR)
        await opened(alerts, f"after {hours}")
        await alerts.delivers()
        counts.append(sink.arrivals[-1].headers["webhook-signature"].count("v1,"))

    assert counts == [2, 1]


async def test_only_webhooks_have_a_secret_to_rotate(alerts: World, sink: HttpSink) -> None:
    chat = await channel(alerts, kind="dingtalk", url=sink.url, secret="SEC1")
    async with alerts.api() as api:
        wrong = await api.post(f"/v1/channels/{chat['id']}/rotate-secret")
        none = await api.post("/v1/channels/none/rotate-secret")
        long = await api.post(f"/v1/channels/{chat['id']}/rotate-secret", json={"keep_hours": 9_999})
    assert [(one.status_code, one.json()["code"]) for one in (wrong, none, long)] == [
        (409, "channel-no-webhook"),
        (404, "channel-unknown"),
        (422, "invalid-request"),
    ]


async def test_the_secret_key_is_rotated_without_losing_a_channel_or_an_api_key(
    migrated_url: str, sink: HttpSink
) -> None:
    old = await world(migrated_url, secret_key=OLD_KEY).open()
    await old.webhook(sink.url)
    # one sealed before seals had the id of their key
    await old.rows(
        "UPDATE alerts.channel SET destination = substring(destination FROM 10), sealed_with = NULL RETURNING id",
        commit=True,
    )
    await old.webhook(sink.url)
    await close(old)

    new = world(migrated_url, secret_key=NEW_KEY, secret_key_previous=f" , {OLD_KEY}")
    ring = KeyRing(new.database, NEW_KEY, previous=new.settings.previous_secret_keys)
    await ring.refresh()
    assert ring.find(old.key).name == "the tests"  # an API key of before still opens
    manage = new.application.handlers.channels
    await new.hears(known(new.clock.now()), fell("green", "red", new.clock.now()))
    await new.delivers()
    assert len(sink.arrivals) == 2  # read with the previous key
    assert await manage.reseal() == 2
    assert await manage.reseal() == 0

    rows = await new.rows("SELECT destination, sealed_with FROM alerts.channel")
    only_new = Seal(NEW_KEY)
    assert [row.sealed_with for row in rows] == [only_new.key_id] * 2
    assert all(sink.url in only_new.open(row.destination) for row in rows)
    await close(new)


@pytest.mark.parametrize(
    "body", [{}, {"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, {"since": "2026-03-01T00:00:00"}]
)
async def test_a_replay_of_everything_or_of_nothing_is_refused(alerts: World, body: Any) -> None:
    async with alerts.api() as api:
        answer = await api.post("/v1/deliveries/replay", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


def test_a_mail_server_shows_no_password() -> None:
    assert "hush" not in repr(MailServer("mail", 587, "a@example.com", "user", "hush"))
