"""Messages from templates: shipped ones, an operator's own, and an operator's broken ones."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.bootstrap import TEMPLATE_READERS
from alerts.channels import dingtalk, feishu, reading, slack, teams, wecom
from alerts.channels.rendering import ENDINGS, FORMS, Templates
from alerts.channels.samples import samples
from alerts.domain.accounts import Account
from alerts.domain.destinations import ChannelKind
from alerts.domain.messages import Digest, Message
from alerts.domain.words import Language
from alerts.vocabulary import shipped_vocabularies, vocabularies
from tests.unit.alerts.facts import band
from tests.unit.alerts.test_messages import told

WORDS = shipped_vocabularies()
SHIPPED = Templates()
LIMITS = {
    ChannelKind.SLACK: slack.MAX_BYTES,
    ChannelKind.TEAMS: teams.MAX_BYTES,
    ChannelKind.FEISHU: feishu.MAX_BYTES,
    ChannelKind.WECOM: wecom.MAX_BYTES,
    ChannelKind.DINGTALK: dingtalk.MAX_BYTES,
}
CHATS = sorted(LIMITS)


def made(templates: Templates, kind: ChannelKind, message: Message | Digest, ending: str = "") -> Any:
    return templates.render(kind, ending or ENDINGS[kind][0], message, TEMPLATE_READERS[kind])


def size(kind: ChannelKind, what: Any) -> int:
    if kind is ChannelKind.WECOM:
        return len(what["markdown"]["content"].encode())
    return len(reading.encoded(what if isinstance(what, dict) else {"text": what}))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", ENDINGS)
def test_every_kind_of_message_has_a_form_in_every_language(kind: ChannelKind, language: Language) -> None:
    for form in FORMS[kind]:
        for message in samples(WORDS[language], digest=form == "digest"):
            for ending in ENDINGS[kind]:
                assert made(SHIPPED, kind, message, ending)


@settings(max_examples=40, deadline=None)
@given(name=st.text(st.characters(codec="utf-8"), max_size=400), times=st.integers(1, 60), kind=st.sampled_from(CHATS))
def test_whatever_a_customer_is_called_the_message_fits(name: str, times: int, kind: ChannelKind) -> None:
    account = Account("x" * times, sequence=1, name=name * times or "x", owner=name * times or None)
    message = told(band("green", "red", hours=0), account, language=Language.ZH_HANT)

    assert size(kind, made(SHIPPED, kind, message)) <= LIMITS[kind]
    digest = Digest("d", (message,) * 30, message.words)
    assert size(kind, made(SHIPPED, kind, digest)) <= LIMITS[kind]


@pytest.mark.parametrize("kind", CHATS)
def test_a_digest_names_each_of_thirty_with_long_names(kind: ChannelKind) -> None:
    messages = tuple(
        told(band("green", "red", hours=0), Account(f"a{n}", sequence=1, name=f"客户{n:02}" + "名" * 400))
        for n in range(30)
    )
    written = json.dumps(made(SHIPPED, kind, Digest("d", messages, WORDS[Language.EN])), ensure_ascii=False)

    assert all(f"客户{n:02}" in written for n in range(30))
    assert "(cut)" in written
    linked = {f"/v1/alerts/{message.alert.id}" in written for message in messages if message.alert}
    assert True in linked


@pytest.mark.parametrize("kind", CHATS)
def test_a_link_leads_where_it_should_and_a_hostile_id_ends_none(kind: ChannelKind) -> None:
    message = told(band("green", "red", hours=0, account="a)|>\"'[x](y"), Account("a)|>\"'[x](y", sequence=1))
    written = json.dumps(made(SHIPPED, kind, message), ensure_ascii=False)

    assert "https://health.example/v1/accounts/a%29%7C%3E%22%27%5Bx%5D%28y/health" in written


def test_an_address_that_is_too_long_or_no_address_is_no_link() -> None:
    message = told(band("green", "red", hours=0))
    long = replace(message, links=(("Long", "https://x/" + "a" * 2_000), ("Short", "https://x/")))
    assert "Long" not in json.dumps(made(SHIPPED, ChannelKind.SLACK, long))
    with pytest.raises(ValueError, match="no address"):
        made(SHIPPED, ChannelKind.SLACK, replace(message, links=(("x", "javascript:alert(1)"),)))


def written_to(folder: Path, name: str, text: str) -> Templates:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return Templates(folder)


def test_an_operator_s_template_is_used_for_its_language_or_for_all(tmp_path: Path) -> None:
    written_to(tmp_path, "wecom/message.md.jinja", "everybody: {{ message.title }}")
    templates = written_to(tmp_path, "wecom/message.zh-Hant.md.jinja", "繁體：{{ message.title }}")
    seen = band("green", "red", hours=0)

    def content(language: Language) -> str:
        message = told(seen, Account("x", sequence=1, name="<@all>"), language=language)
        text: str = made(templates, ChannelKind.WECOM, message)["markdown"]["content"]
        return text

    assert templates.check(WORDS, TEMPLATE_READERS) == 0
    assert content(Language.ZH_HANT) == "繁體：＜＠all＞ 的健康度由綠色降為紅色（41）"  # escaped without its asking
    assert content(Language.EN).startswith("everybody: ")


BROKEN = [
    ("wecom/message.md.jinja", "{{ message.titel }}", "titel"),
    ("wecom/message.md.jinja", "{% if %}", "TemplateSyntaxError"),
    ("wecom/message.md.jinja", "", "empty"),
    ("wecom/message.md.jinja", "{{ 'x' * 5000 }}", "TooLong"),
    ("wecom/message.md.jinja", "{{ message.__class__ }}", "__class__"),
    ("wecom/message.md.jinja", "{{ ().__class__.__bases__[0].__subclasses__() }}", "unsafe"),
    ("wecom/message.md.jinja", "{{ 1 // 0 }}", "ZeroDivision"),
    ("wecom/message.zh-hans.md.jinja", "x", "no channel looks for"),
    ("wecom/massage.md.jinja", "x", "no channel looks for"),
    ("slack/message.json.jinja", '{"text": "x",}', "JSONDecodeError"),
    ("slack/message.json.jinja", "[]", "not a JSON object"),
    ("teams/message.json.jinja", '{"type": "Card"}', "AdaptiveCard"),
    ("feishu/digest.json.jinja", "{{ digest.no }}", "no"),
    ("email/message.html.jinja", "{% include '/etc/passwd' %}", "TemplateNotFound"),
]


@pytest.mark.parametrize(("name", "text", "reason"), BROKEN)
def test_a_broken_template_is_told_at_the_start_and_the_shipped_one_is_used(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    templates = written_to(tmp_path, name, text)
    with structlog.testing.capture_logs() as logs:
        assert templates.check(WORDS, TEMPLATE_READERS) == 1
    assert logs[0]["log_level"] == "error"
    assert logs[0]["template"] == name
    assert reason in logs[0]["reason"]

    kind = ChannelKind(name.split("/", maxsplit=1)[0])
    message = told(band("green", "red", hours=0), language=Language.EN)
    digest = Digest("d", (message, message), message.words)
    for each in (message, digest)[: len(FORMS[kind])]:
        for ending in ENDINGS[kind]:
            with structlog.testing.capture_logs() as logs:
                assert made(templates, kind, each, ending) == made(SHIPPED, kind, each, ending)
            assert all(log["log_level"] == "error" for log in logs)


def test_a_json_template_cannot_be_broken_out_of(tmp_path: Path) -> None:
    templates = written_to(tmp_path, "slack/message.json.jinja", '{"text": "{{ message.account.name }}", "blocks": []}')
    account = Account("x", sequence=1, name='", "blocks": [{"type": "x"}], "y": "\\')

    assert made(templates, ChannelKind.SLACK, told(band("green", "red", hours=0), account)) == {
        "text": '", "blocks": [{"type": "x"}], "y": "\\',
        "blocks": [],
    }


def test_an_operator_s_words_lie_over_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    own = tmp_path / "words" / "zh-Hans.yaml"
    own.write_text(
        "labels: {next: 接下来}\nrules: {silent: {title: $account 静默, text: $habit_days, next_steps: [问]}}\n"
    )
    found = vocabularies(tmp_path)
    assert found[Language.ZH_HANS].label("next") == "接下来"
    assert found[Language.ZH_HANS].rules["silent"].title == "$account 静默"
    assert found[Language.ZH_HANS].label("worth") == "价值"

    for broken in (
        "labels: {nxet: x}",
        "labels: {next: '{who}'}",
        "labels: [1]",
        "- 1",
        "a: {",
        "labels: {next: 7}",
        "rules: {silent: {title: $acount, text: x, next_steps: [x]}}",
        "rules: {silent: {title: x}}",
        "labels: {next: '{'}",
    ):
        own.write_text(broken)
        with structlog.testing.capture_logs() as logs:
            assert vocabularies(tmp_path)[Language.ZH_HANS].label("next") == "下一步建议"
        assert [log["log_level"] for log in logs] == ["error"], broken
