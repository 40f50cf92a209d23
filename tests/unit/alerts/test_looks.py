"""What people read of every message that there is: words, in their language, and never a code."""

import re

import pytest

from alerts.channels.rendering import ENDINGS
from alerts.domain.destinations import ChannelKind
from alerts.domain.words import Language
from alerts.rulebook import shipped_rulebook
from alerts.vocabulary import shipped_vocabularies
from tests.looks.messages import facts, messages, opened, overflow
from tests.looks.vendors import drawn, page

WORDS = shipped_vocabularies()
CODE = re.compile(r"[a-z0-9]+_[a-z0-9_]+|&&|==|\$\w|\{\w*\}")
LATIN = re.compile(r"[A-Za-z][a-z]{3,}")
LEFT_AS_THEY_ARE = {
    *("Northgate", "Utilities", "Lagoa", "Turismo", "Jonas", "Weber", "amelia", "hart", "enterprise", "Mainstay"),
    *("customer", "success"),  # a channel's name
}


def test_every_shipped_rule_is_among_the_pictures() -> None:
    assert facts().keys() == shipped_rulebook().rules.keys()


@pytest.mark.parametrize("language", Language)
def test_no_message_says_a_code(language: Language) -> None:
    for name, message in messages(WORDS[language]):
        if name == "channel-disabled":
            continue  # the operator is told which requests to make
        said = [message.title, message.text, *message.next_steps, *(value for _, value in message.facts)]
        said += [line for heading, lines in message.sections for line in (heading, *lines)]
        assert [each for each in said if CODE.search(each)] == [], name


@pytest.mark.parametrize("language", [Language.ZH_HANS, Language.ZH_HANT])
def test_no_chinese_message_says_english_words(language: Language) -> None:
    for name, message in messages(WORDS[language]):
        if name == "channel-disabled":
            continue  # the reason is what the destination answered
        said = [message.title, message.text, *message.next_steps]
        said += [line for heading, lines in message.sections for line in (heading, *lines)]
        said += [title for title, _ in message.links]
        assert {word for each in said for word in LATIN.findall(each)} - LEFT_AS_THEY_ARE == set(), name


@pytest.mark.parametrize("language", Language)
def test_an_opening_says_what_why_worth_next_and_where(language: Language) -> None:
    for rule_id in facts():
        message = opened(rule_id, WORDS[language])
        assert message.title, rule_id
        assert message.text, rule_id
        assert message.next_steps, rule_id
        assert len(message.links) >= 4, rule_id
        if not message.account.is_source:  # a source of data is worth nothing by itself
            assert "48,600.00 GBP" in dict(message.facts)[WORDS[language].label("worth")], rule_id


def test_a_source_of_data_has_no_worth_and_no_health() -> None:
    message = opened("source-silent", WORDS[Language.EN])

    assert [label for label, _ in message.facts] == ["Since"]
    assert "Account health" not in dict(message.links)


@pytest.mark.parametrize("kind", ENDINGS)
def test_every_message_can_be_drawn(kind: ChannelKind) -> None:
    words = WORDS[Language.ZH_HANT]
    shown = [(name, drawn(kind, message)) for name, message in messages(words)]
    if kind is not ChannelKind.EMAIL:
        shown.append(("overflow", drawn(kind, overflow(words))))

    written = page(shown, "zh-Hant")

    assert written.count("<figure>") == len(shown)
    assert all("Northgate" in made for name, made in shown if name in facts() and name != "source-silent")


def test_one_day_is_no_days() -> None:
    rule = shipped_rulebook().rules["invoice-overdue"]

    said = [rule.worded(rule.title, {"invoice": "7", "account": "2 days Ltd", "days": days}) for days in ("1", "11")]

    assert said == ["Invoice 7 of 2 days Ltd is 1 day overdue", "Invoice 7 of 2 days Ltd is 11 days overdue"]
