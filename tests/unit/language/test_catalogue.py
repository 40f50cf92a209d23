"""Every text is there in every language, with the same parameters; numbers and days are in the manner of each."""

from importlib.resources import files
from pathlib import Path

import pytest
from fluent.syntax.ast import SelectExpression

import health_score
from health_score.api.report_page import Page
from mainstay.language.catalogue import Catalogue, TextInvalid, TextMissing, phrases
from mainstay.language.manner import Manner
from mainstay.language.negotiation import Language
from tests.unit.language.walking import keys_built, parameters, strings_in

EN, HANS, HANT = Language
CODE = Path(health_score.__file__).parent


@pytest.mark.parametrize("catalogue", [phrases(), Page().texts], ids=["phrases", "report"])
def test_every_language_has_the_same_texts_with_the_same_parameters(catalogue: Catalogue) -> None:
    english = {key: parameters(message) for key, message in catalogue.messages[EN].items()}
    assert len(english) > 50
    for language in (HANS, HANT):
        assert {key: parameters(message) for key, message in catalogue.messages[language].items()} == english


def test_every_phrase_that_code_builds_has_a_text_and_every_text_is_said() -> None:
    written = keys_built(CODE)
    known = set(phrases().messages[EN])
    assert {key: where for key, where in written.items() if key not in known} == {}
    assert known - strings_in(CODE / "domain") == set()


def test_the_page_of_a_report_has_a_text_for_everything_and_no_text_for_nothing() -> None:
    template = (files("health_score.api") / "templates" / "report.html.jinja").read_text()
    chart = (CODE / "api" / "report_chart.py").read_text()
    texts = Page().texts.messages[EN]
    assert {key for key in texts if f't("{key}"' not in template and f'"{key}"' not in chart} == set()


def test_the_two_ways_of_writing_chinese_are_two_languages() -> None:
    simplified, traditional = phrases().messages[HANS], phrases().messages[HANT]
    text = "".join(phrases().text(key, {}, HANT) for key, of in traditional.items() if not parameters(of))
    assert not set(text) & set("户数据单开发问题续约")
    assert simplified.keys() == traditional.keys()


SAID = [
    (
        "usage-trend",
        {"direction": "fell", "change": 0.64, "days": 28},
        "usage fell 64% against the 28 days before",
        "使用量比前 28 天下降 64%",
        "使用量比前 28 天下降 64%",
    ),
    (
        "open-urgent-tickets",
        {"tickets": 2, "oldest": 9},
        "2 urgent tickets open, the oldest for 9 days",
        "有 2 个紧急工单未解决，最久的已开 9 天",
        "有 2 張緊急工單未結案，最久的已開立 9 天",
    ),
    ("open-urgent-tickets", {"tickets": 1, "oldest": 1}, "1 urgent ticket open for 1 day", None, None),
    (
        "touch-overdue",
        {"days": 41, "every": 30},
        "no touch for 41 days, the policy asks for one every 30 days",
        "已有 41 天未与客户联系，服务政策要求每 30 天一次",
        "已 41 天未與客戶聯繫，服務政策要求每 30 天一次",
    ),
    (
        "events",
        {"events": 1_234_567, "days": 28},
        "1,234,567 events in 28 days",
        "28 天内有 1,234,567 次使用事件",
        None,
    ),
    ("active-users", {"users": 1, "days": 1}, "1 active user in 1 day", "当天有 1 位活跃用户", "當天有 1 位活躍使用者"),
    (
        "health-moved",
        {
            "direction": "fell",
            "before": 72,
            "score": 58,
            "since": "2026-11-21",
            "moved": "band",
            "band_before": "green",
            "band": "yellow",
        },
        "the score fell from 72 to 58 since 21 Nov 2026, from green to yellow",
        "自2026年11月21日以来，健康分从 72 降至 58，由绿色转为黄色",
        "自2026年11月21日以來，健康分數從 72 降到 58，由綠燈轉為黃燈",
    ),
    ("custom-figure", {"title": "Rows", "value": 1234.56}, "Rows: 1,234.6", "Rows：1,234.6", "Rows：1,234.6"),
    ("score-is", {"score": 7}, "the score is 7", "健康分为 7", "健康分數為 7"),
]


@pytest.mark.parametrize(("key", "params", "english", "simplified", "traditional"), SAID)
def test_a_phrase_reads_as_people_say_it(
    key: str, params: dict[str, str | int | float], english: str, simplified: str | None, traditional: str | None
) -> None:
    for language, told in ((EN, english), (HANS, simplified), (HANT, traditional)):
        assert told is None or phrases().text(key, params, language) == told


def test_what_a_reader_does_not_know_is_an_error_of_its_own() -> None:
    with pytest.raises(TextMissing):
        phrases().text("said-by-a-newer-version", {}, EN)
    with pytest.raises(TextInvalid):
        phrases().text("score-is", {}, EN)
    with pytest.raises(TextInvalid):
        phrases().text("health-lost", {"before": 3, "since": "yesterday"}, HANS)


def test_every_choice_of_a_text_is_made_by_the_same_values_in_every_language() -> None:
    """A variant that one language alone has would never be seen by the others' readers."""
    named = {
        language: {
            key: {
                variant.key.name
                for element in _selects(message)
                for variant in element.variants
                if hasattr(variant.key, "name") and variant.key.name not in {"one", "other"}
            }
            for key, message in phrases().messages[language].items()
        }
        for language in Language
    }
    assert named[HANS] == named[HANT] == named[EN]


def _selects(message: object) -> list[SelectExpression]:
    found: list[SelectExpression] = []
    for value in (
        vars(message).values() if hasattr(message, "__dict__") else message if isinstance(message, list) else ()
    ):
        found += [value] if isinstance(value, SelectExpression) else []
        found += _selects(value)
    return found


def test_money_days_and_changes_are_in_the_manner_of_a_language() -> None:
    english, simplified = Manner(EN), Manner(HANS)
    assert english.money("1234567.5", "EUR") == "1,234,567.50 EUR"
    assert (english.day("2026-03-01"), simplified.day("2026-03-01")) == ("1 Mar 2026", "2026年3月1日")
    assert [english.change(share) for share in (0.126, -0.5, 0)] == ["+13%", "−50%", "±0%"]
    assert english.figure(-0.04) in {"0", "-0"}
