"""Which language a reader gets."""

import pytest

from mainstay.language.negotiation import Language, language_of, negotiated


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr, de;q=0.5", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-SG", "zh-Hans"),
        ("zh-Hans-HK", "zh-Hans"),
        ("ZH-hant", "zh-Hant"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-MO", "zh-Hant"),
        ("en-GB,en;q=0.9", "en"),
        ("en;q=0.3, zh-Hant;q=0.4", "zh-Hant"),
        ("en;q=0.4, zh-Hant;q=0.4", "en"),
        ("zh-Hant;q=0.4, en;q=0.4", "zh-Hant"),
        ("fr, zh-CN;q=0.2", "zh-Hans"),
        ("*", "en"),
        ("en;q=0, *", "zh-Hans"),
        ("zh-CN;q=0, *;q=0.1", "en"),
        ("en;q=0", "en"),
        ("zh-TW;q=2, en;q=0.1", "en"),
        ("zh-TW;q=nan, en;q=0.1", "en"),
        ("zh-TW; Q=0.9, en; q=0.8", "zh-Hant"),
        (",,;q=1,zh;,", "zh-Hans"),
        ("zh-TW," * 10_000, "zh-Hant"),
    ],
)
def test_the_language_wanted_most_is_spoken(accept: str | None, language: str) -> None:
    assert negotiated(accept) == Language(language)


def test_a_tag_of_another_language_is_none() -> None:
    assert [language_of(tag) for tag in ("zha", "eng", "de-AT", "", "-", "zh_TW")] == [None] * 5 + [Language.ZH_HANT]
