"""Text of customers on its way into a target's markup."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.channels.http import REDACTED, redacted
from alerts.channels.text import fit, lookalike, plain, slack, tidy, within_bytes

ANY = st.text(max_size=300)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("[free](https://evil.example/x)", "［free］(https：//evil.example/x)"),
        ("**bold** _i_ ~~gone~~ `code`", "＊＊bold＊＊ ＿i＿ ～～gone～～ ｀code｀"),
        ("snake_case_name stays", "snake_case_name stays"),
        ("<@all> @all ann@example.com", "＜＠all＞ ＠all ann@example.com"),
        ('<font color="warning">x</font>', '＜font color="warning"＞x＜/font＞'),
        ("> quoted", "＞ quoted"),
        ("- item", "－ item"),
        ("1. item", "1． item"),
        ("# title | x", "＃ title ｜ x"),
        ("![i](dingtalk://dingtalkclient/page)", "!［i］(dingtalk：//dingtalkclient/page)"),
        ("12,000.00 EUR – 40 % (88)", "12,000.00 EUR – 40 % (88)"),
        ("Acme 有限公司：续约", "Acme 有限公司：续约"),
    ],
)
def test_markup_becomes_its_full_width_twin(said: str, shown: str) -> None:
    assert lookalike(said) == shown


@given(said=ANY)
@example(said="__0")
def test_what_is_made_alike_has_no_markup_left(said: str) -> None:
    shown = lookalike(tidy(said))

    assert not set(shown) & set("<>[]*`#|")
    assert "://" not in shown
    assert lookalike(shown) == shown


@given(said=st.text(st.characters(codec=None), max_size=200))
def test_tidy_text_is_one_line_that_any_channel_can_encode(said: str) -> None:
    shown = tidy(said)

    shown.encode()
    assert "\n" not in shown
    assert "\r" not in shown
    assert "\0" not in shown
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def test_marks_of_direction_go_and_what_joins_an_emoji_stays() -> None:
    assert tidy("\u202egnp.exe\u202c 👩\u200d💻\tx\x1b[31m") == "gnp.exe 👩\u200d💻 x [31m"


@given(said=ANY, most=st.integers(10, 200), mark=st.sampled_from(["… (cut)", "…（已截断）"]))
def test_a_cut_in_bytes_is_made_between_characters_and_says_so(said: str, most: int, mark: str) -> None:
    most = max(most, len(mark.encode()))
    cut = within_bytes(said, most, mark)

    assert len(cut.encode()) <= most
    if cut != said:
        assert cut.endswith(mark)
        assert said.startswith(cut.removesuffix(mark))
        assert len(said.encode()) > most


@given(said=ANY, most=st.integers(8, 100))
def test_a_cut_in_characters_counts_what_escapes_need(said: str, most: int) -> None:
    for escape in (plain, slack):
        assert len(fit(said, most, "…", escape)) <= most


def test_secrets_are_taken_out_in_every_form() -> None:
    url = "https://hooks.example/services/T0000001/B0000002?key=abc%2Ddefghij&x=1&access_token=0123456789"
    said = f"{url} /services/T0000001/B0000002 T0000001 abc-defghij 0123456789 whsec_c2VjcmV0c2VjcmV0 x=1 services"

    shown = redacted(said, url, "whsec_c2VjcmV0c2VjcmV0", None)

    for secret in ("T0000001", "B0000002", "defghij", "0123456789", "c2VjcmV0"):
        assert secret not in shown
    assert shown.count(REDACTED) >= 5
    assert "x=1" in shown
