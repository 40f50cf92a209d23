"""What metrics, measures and entitlements are called: every one that Mainstay knows, in every language."""

import pytest

from health_score.domain.metrics.catalogue import METRICS
from health_score.scorecards.reading import SHIPPED, shipped
from mainstay.language.catalogue import phrases
from mainstay.language.naming import name_of, names
from mainstay.language.negotiation import Language


@pytest.mark.parametrize("language", Language)
def test_every_metric_and_every_measure_of_a_shipped_scorecard_has_a_name(language: Language) -> None:
    measures = {measure.name for id_ in SHIPPED for group in shipped(id_).card.groups for measure in group.measures}

    assert {*METRICS, *measures, "health_score", "events_1d", "seats"} - names(language).keys() == set()


def test_the_languages_name_the_same() -> None:
    english, simplified, traditional = (names(language) for language in Language)

    assert english.keys() == simplified.keys() == traditional.keys()


def test_a_name_is_found_however_its_code_is_written() -> None:
    assert name_of("seat_utilisation", Language.ZH_HANS) == "席位使用率"
    assert name_of("seat utilisation", Language.ZH_HANT) == "席次使用率"  # as sentences had it before there were names


def test_what_operators_define_is_called_by_the_words_of_its_code() -> None:
    assert name_of("custom.exported_rows", Language.EN) == "exported rows"
    assert name_of("", Language.EN) == ""


def test_a_sentence_names_a_measure_in_the_reader_s_language() -> None:
    said = [phrases().text("measure-na", {"measure": "csm sentiment"}, language) for language in Language]

    assert said == ["no data for the CSM's judgement", "“客户成功经理的判断”没有数据", "「客戶成功經理的判斷」沒有資料"]
