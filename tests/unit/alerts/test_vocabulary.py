"""The words of messages: the same things in every language, and what a reader of it reads."""

from dataclasses import replace
from datetime import date

import pytest

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Notice
from alerts.domain.messages import Message, compose, disabled_message
from alerts.domain.moments import Ending
from alerts.domain.observations import BandEntered, Phrase
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Language
from alerts.rulebook import shipped_rulebook
from alerts.sealing import Seal, SecretUnreadable
from alerts.vocabulary import shipped_vocabularies
from tests.unit.alerts.facts import START, band, silent, window
from tests.unit.alerts.test_alerts import arrive
from tests.unit.alerts.test_messages import LINKS, told

WORDS = shipped_vocabularies()
CHINESE = [Language.ZH_HANS, Language.ZH_HANT]


@pytest.mark.parametrize("language", CHINESE)
def test_every_shipped_rule_is_told_in_chinese_with_as_many_steps(language: Language) -> None:
    for rule in shipped_rulebook().rules.values():
        assert len(WORDS[language].rules[rule.id].next_steps) == len(rule.next_steps)
    assert set(WORDS[language].endings) >= {ending.value for ending in Ending}


@pytest.mark.parametrize(
    ("seen", "language", "title", "text"),
    [
        (band("yellow", "red", hours=0), "zh-Hans", "Acme 的健康度由黄色降为红色（41）", "usage fell 64 %"),
        (band("yellow", "red", hours=0), "zh-Hant", "Acme 的健康度由黃色降為紅色（41）", "usage fell 64 %"),
        (
            silent(date(2026, 2, 1), hours=0),
            "zh-Hans",
            "Acme 已停止使用",
            "自 2026年2月1日 起没有任何活动；该客户平常最多间隔 9 天。",
        ),
        (
            window(hours=0),
            "zh-Hant",
            "Acme 須在 2026年6月1日前完成續約",
            "本期合約 12,000.00 EUR，40 個席次；健康度：綠色（88 分）。",
        ),
        (
            window(hours=0, health=None),
            "zh-Hans",
            "Acme 须在 2026年6月1日前完成续约",
            "本期合同 12,000.00 EUR，40 个席位；健康度：未知。",
        ),
    ],
)
def test_a_rule_speaks_the_reader_s_language(seen: object, language: str, title: str, text: str) -> None:
    message = told(seen, language=Language(language))  # type: ignore[arg-type]  # pytest gives objects

    assert (message.title, message.text) == (title, text)
    assert "ARR" in message.worth
    assert "2026年9月30日" in message.worth


def over(language: Language, **how: object) -> Message:
    alert = told(band("yellow", "red", hours=0)).alert
    assert isinstance(alert, Alert)
    ended = replace(alert, **how)  # type: ignore[arg-type]  # the tests name fields
    return compose("n", Notice.RESOLVED, ended, Account("acme"), shipped_rulebook(), LINKS, WORDS[language])


def test_an_ending_is_told_in_the_language_and_a_person_s_words_are_left() -> None:
    reason = "The account recovered from red to green."
    assert over(Language.EN, resolution="recovered", reason=reason).text == reason
    hans = over(Language.ZH_HANS, resolution="recovered", reason=reason)
    assert (hans.title, hans.text) == ("已解除：acme 的健康度由黄色降为红色（41）", "客户健康度已从红色恢复。")
    by_hand = {"resolution": "by-hand", "resolved_by": "ann"}
    assert over(Language.ZH_HANT, **by_hand, reason="Resolved by ann.").text == "由 ann 處理完畢。"
    assert over(Language.ZH_HANT, **by_hand, reason="Called them; fine.").text == "Called them; fine."


def test_why_is_told_from_its_phrases_where_the_language_can() -> None:
    seen = band("yellow", "red", hours=0)
    fact = seen.fact
    assert isinstance(fact, BandEntered)
    phrased = replace(seen, fact=replace(fact, said=(Phrase("tickets-open", {"count": 2}),)))
    alert = arrive(shipped_rulebook(), [phrased], hours=1).alert
    words = replace(WORDS[Language.ZH_HANS], tell=lambda said: f"{said[0].params['count']} 个紧急工单未关闭")

    def text(vocabulary: Vocabulary) -> str:
        return compose("n", Notice.OPENED, alert, Account("acme"), shipped_rulebook(), LINKS, vocabulary).text

    assert text(words) == "2 个紧急工单未关闭"
    assert text(WORDS[Language.ZH_HANS]) == "usage fell 64 %"  # nobody to tell it yet
    assert text(WORDS[Language.EN]) == "usage fell 64 %"


@pytest.mark.parametrize("language", Language)
def test_the_operator_reads_what_to_do(language: Language) -> None:
    message = disabled_message("n", {"id": "c1", "channel": "{chat}", "reason": "{gone}"}, START, WORDS[language])

    assert "{chat}" in message.title
    assert "{gone}" in message.text
    assert any("PATCH /v1/channels/c1" in step and '{"enabled": true}' in step for step in message.next_steps)


def test_a_seal_says_its_key_s_id_and_opens_with_previous_ones() -> None:
    old, new, both = Seal("o" * 32), Seal("n" * 32), Seal("n" * 32, ["o" * 32])
    sealed = old.close("secret")

    assert sealed.startswith(old.key_id.encode() + b".")
    assert old.key_id != "o" * 8
    assert both.open(sealed) == both.open(both.close("secret")) == "secret"
    assert both.key_id == new.key_id
    assert both.open(sealed.partition(b".")[2]) == "secret"  # as it was before seals had ids
    for wrong in (sealed, b"nobody." + sealed.partition(b".")[2], b"", b"\xff.x"):
        with pytest.raises(SecretUnreadable):
            new.open(wrong)
