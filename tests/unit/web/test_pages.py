from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.web.pages import decode_cursor, encode_cursor
from mainstay.web.problems import ProblemError

KIND = "things"
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.integers(-(2**62), 2**62), text)
def test_a_cursor_brings_its_values_back(number: int, name: str) -> None:
    assert decode_cursor(KIND, encode_cursor(KIND, [number, name]), tuple[int, str]) == (number, name)


def test_instants_and_dates_come_back_too() -> None:
    values = (datetime(2026, 3, 1, 12, tzinfo=UTC), date(2026, 3, 1), None)
    assert decode_cursor(KIND, encode_cursor(KIND, values), tuple[datetime, date, int | None]) == values


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "no cursor",
        "bm8gY3Vyc29y",
        encode_cursor(KIND, ["another", 1]),
        encode_cursor(KIND, [1]),
        encode_cursor(KIND, [1, "nul \0"]),
        encode_cursor(KIND, [1, "x"])[:-3],
        encode_cursor("other things", [1, "x"]),
        "W1sxLCJ4Il1d",  # [[1,"x"]]
        "WzEsIngiXQ",  # [1,"x"]
        "é",
        "W" * 2000,
        "____",
    ],
)
def test_a_cursor_that_is_not_of_this_list_is_a_problem(cursor: str) -> None:
    with pytest.raises(ProblemError) as problem:
        decode_cursor(KIND, cursor, tuple[int, str])
    assert (problem.value.problem.status, problem.value.problem.code) == (400, "bad-cursor")


@given(st.text(max_size=60))
def test_no_cursor_breaks_anything(cursor: str) -> None:
    try:
        decode_cursor(KIND, cursor, tuple[int, str])
    except ProblemError:
        return
