"""Chats by their vendors' own rules: what they take, what they refuse, and what their error codes mean."""

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from mainstay.contracts.common import PhraseData
from tests.integration.alerts.sinks import HttpSink, listening
from tests.integration.alerts.test_channels import channel
from tests.integration.alerts.test_delivering import only, opened
from tests.integration.alerts.vendors import VENDORS, DingTalkServer, FeishuServer, answer
from tests.integration.alerts.world import World, fell, known

KINDS = sorted(VENDORS)
LANGUAGES = {"en": "What to do next", "zh-Hans": "下一步建议", "zh-Hant": "建議的下一步"}
HOSTILE = (
    '<!channel> <at id=all></at> <@all> @all @所有人 [free](https://evil.example) *b* _i_ `c` # h <b>&"\\'
    "\u202egnp.exe\u202c \u2066\u200f https://evil.example \x00\x1b[31m {{ 7*7 }} ${x} \ud83d"
)


def texts(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_is_taken_and_says_everything_in_the_channel_s_language(
    alerts: World, kind: str, language: str
) -> None:
    async with listening(VENDORS[kind](clock=alerts.clock)) as vendor:
        await channel(alerts, kind=kind, url=vendor.url, language=language)
        now = alerts.clock.now()
        await alerts.hears(known(now, name="Acme 有限公司"), fell("green", "red", now))
        await alerts.delivers()

        assert vendor.refused == []
        said = texts(vendor.taken[0])
        worth = "12,000.00 EUR"
        for part in ("Acme 有限公司", "usage fell 64 %", worth, LANGUAGES[language], "/v1/alerts/", "/health"):
            assert part in said, part
        if language != "en":
            assert "What to do next" not in said
            assert "Worth" not in said
        assert (await only(alerts))["state"] == "delivered"


@pytest.mark.parametrize("kind", KINDS)
async def test_text_of_customers_injects_nothing(alerts: World, kind: str) -> None:
    hostile = HOSTILE.replace("\x00", "").replace("\ud83d", "")  # the log itself takes neither
    async with listening(VENDORS[kind](clock=alerts.clock)) as vendor:
        await channel(alerts, kind=kind, url=vendor.url)
        now = alerts.clock.now()
        await alerts.hears(known(now, name=hostile, owner=hostile), fell("green", "red", now))
        await alerts.delivers()

        assert vendor.refused == []
        [body] = vendor.taken
        said = texts(body)
        assert not any(mark in said for mark in ("\u202e", "\u202c", "\u2066", "\u200f", "\x1b", "\\u001b"))
        match kind:
            case "slack":
                assert "<!channel>" not in said
            case "wecom" | "dingtalk":
                markdown = body["markdown"]
                written = markdown.get("content", "") + markdown.get("text", "") + markdown.get("title", "")
                for harm in ("<@", "<at", "[free]", "](https://evil", "*b*", "`c`", " @all", "://evil"):
                    assert harm not in written, harm
            case "feishu":
                assert _plain_only(body["card"], tag="plain_text")
            case "teams":
                assert _plain_only(body["attachments"][0]["content"], tag="TextRun")


@pytest.mark.parametrize(
    ("language", "why"),
    [("zh-Hans", "没有未解决的紧急工单"), ("zh-Hant", "沒有"), ("en", "usage fell 64 %")],
)
async def test_why_is_told_in_the_channel_s_language_from_the_event_s_phrases(
    alerts: World, language: str, why: str
) -> None:
    async with listening(VENDORS["wecom"](clock=alerts.clock)) as vendor:
        await channel(alerts, kind="wecom", url=vendor.url, language=language)
        now = alerts.clock.now()
        event = fell("green", "red", now)
        said = (PhraseData("a-key-of-the-future"), PhraseData("no-urgent-tickets"))
        await alerts.hears(known(now), replace(event, data=replace(event.data, phrases=said)))
        await alerts.delivers()

        content = vendor.taken[0]["markdown"]["content"]
        assert why in content
        assert ("usage fell" in content) is (language == "en")


def _plain_only(card: Any, tag: str) -> bool:
    """Whether the customer's name is only where the vendor reads no markup (and in Teams' fallback, which is text)."""
    if isinstance(card, dict):
        holds = any(
            isinstance(value, str) and "evil.example" in value for key, value in card.items() if key != "fallbackText"
        )
        is_plain = card.get("tag") == tag or card.get("type") == tag
        return (not holds or is_plain) and all(_plain_only(value, tag) for value in card.values())
    return all(_plain_only(one, tag) for one in card) if isinstance(card, list) else True


@pytest.mark.parametrize(
    "name", ["名" * 3_400, "&" * 10_000, '"' * 10_000, "<@all>*" * 1_500], ids=["han", "amp", "quote", "markup"]
)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_name_of_10_kb_is_cut_at_a_character_and_the_message_says_so(
    alerts: World, kind: str, name: str
) -> None:
    async with listening(VENDORS[kind](clock=alerts.clock)) as vendor:
        await channel(alerts, kind=kind, url=vendor.url, language="zh-Hans")
        now = alerts.clock.now()
        await alerts.hears(known(now, name=name, owner=name), fell("green", "red", now))
        await alerts.delivers()

        assert vendor.refused == []
        assert "…（已截断）" in texts(vendor.taken[0])
        assert "�" not in texts(vendor.taken[0])


CODES: list[tuple[str, Any, str, timedelta | None, bool]] = [
    # kind, answer, state, pause of the whole channel, switched off
    ("wecom", answer(45009, "api freq out of limit"), "pending", timedelta(minutes=1), False),
    ("wecom", answer(-1, "system busy"), "pending", None, False),
    ("wecom", answer(40058, "exceed max length"), "failed", None, False),
    ("wecom", answer(93000, "invalid webhook url"), "failed", None, True),
    ("dingtalk", answer(130101, "send too fast"), "pending", timedelta(minutes=10), False),
    ("dingtalk", answer(310000, "sign not match"), "pending", None, False),
    ("dingtalk", answer(400105, "invalid msgtype"), "failed", None, False),
    ("dingtalk", answer(300001, "token is not exist"), "failed", None, True),
    ("feishu", answer(11232, "limit", member="code", reason="msg"), "pending", timedelta(minutes=1), False),
    ("feishu", answer(19021, "sign match fail", member="code", reason="msg"), "pending", None, False),
    ("feishu", answer(9499, "Bad Request", member="code", reason="msg"), "failed", None, False),
    ("feishu", answer(19001, "param invalid", member="code", reason="msg"), "failed", None, True),
    ("feishu", answer(77777, "what is this", member="code", reason="msg"), "pending", None, False),
    ("teams", (429, {"retry-after": "5"}, b""), "pending", timedelta(seconds=5), False),
    ("teams", (400, {}, b"bad card"), "failed", None, False),
    ("teams", (410, {}, b""), "failed", None, True),
    ("slack", (200, {}, b"no_service"), "pending", None, False),
    *(
        (kind, (200, {}, b"<html>a captive portal</html>"), "pending", None, False)
        for kind in ("wecom", "dingtalk", "feishu")
    ),
    *(
        (kind, (200, {}, b'{"errcode": "0", "code": false}'), "pending", None, False)
        for kind in ("wecom", "dingtalk", "feishu")
    ),
    *((kind, (500, {}, b""), "pending", None, False) for kind in KINDS),
    *((kind, (404, {}, b""), "failed", None, False) for kind in KINDS),
]


@pytest.mark.parametrize(("kind", "answered", "state", "pause", "is_off"), CODES)
async def test_what_an_error_code_means(
    alerts: World, sink: HttpSink, kind: str, answered: Any, state: str, pause: timedelta | None, is_off: Any
) -> None:
    made = await channel(alerts, kind=kind, url=sink.url)
    sink.answers.append(answered)
    await opened(alerts)
    await alerts.delivers()

    assert len(sink.arrivals) == 1
    assert (await only(alerts))["state"] == state
    shown = await alerts.get(f"/v1/channels/{made['id']}")
    assert (shown["disabled_reason"] is not None) is is_off
    [row] = await alerts.rows("SELECT blocked_until FROM alerts.pace")
    assert (row.blocked_until and row.blocked_until - alerts.clock.now()) == pause


@pytest.mark.parametrize(("kind", "server"), [("dingtalk", DingTalkServer), ("feishu", FeishuServer)])
async def test_signatures_are_the_vendor_s(
    alerts: World, kind: str, server: type[DingTalkServer] | type[FeishuServer]
) -> None:
    async with listening(server(clock=alerts.clock, robot_secret="SEC+robot/secret=")) as vendor:
        url = f"{vendor.url}?access_token=abcdef0123456789"
        right = await channel(alerts, kind=kind, url=url, secret="SEC+robot/secret=")
        await opened(alerts)
        await alerts.delivers()
        assert (vendor.refused, len(vendor.taken)) == ([], 1)
        assert vendor.arrivals[0].query.startswith("access_token=abcdef0123456789")
        assert right["signed"] is True

        async with alerts.api() as api:
            await api.patch(f"/v1/channels/{right['id']}", json={"secret": "another"})
        await opened(alerts, "globex")
        alerts.clock.advance(timedelta(seconds=10))
        await alerts.delivers()
        assert vendor.refused == ["signature"]


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu", "teams", "slack"])
async def test_what_a_chat_answers_is_kept_without_its_secrets(alerts: World, sink: HttpSink, kind: str) -> None:
    url = f"{sink.url}/T0000canary/key?access_token=canary-of-a-token&key=canary%2Dof%2Da%2Dkey"
    secret = {"secret": "SECcanary-of-a-secret"} if kind in {"dingtalk", "feishu"} else {}
    await channel(alerts, kind=kind, url=url, **secret)
    echo = f"you called {url} with canary-of-a-key, SECcanary-of-a-secret and T0000canary " + "é" * 500
    sink.answers.append((500, {}, echo.encode()))
    await opened(alerts)
    await alerts.delivers()

    one = await alerts.get(f"/v1/deliveries/{(await only(alerts))['id']}")
    [attempt] = one["attempts_made"]
    assert (attempt["number"], attempt["outcome"], attempt["status"]) == (1, "failed", 500)
    assert attempt["took_ms"] >= 0
    assert len(attempt["answer"].encode()) <= 500
    assert "[redacted]" in attempt["answer"]
    for row in await alerts.rows("SELECT a::text || d::text AS kept FROM alerts.attempt a, alerts.delivery d"):
        assert "canary-of-a" not in row.kept or kind in {"wecom", "teams", "slack"}
        assert "canary-of-a-token" not in row.kept
        assert "canary-of-a-key" not in row.kept
        assert "T0000canary" not in row.kept
