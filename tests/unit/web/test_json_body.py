import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.web.json_body import MAX_DEPTH, read_json
from mainstay.web.problems import ProblemError

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_good_json_is_read_as_it_is(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":}',
        b"NaN",
        b"Infinity",
        b"[1e999]",
        b"1" * 5_000,
        b'"\xff\xfe"',
        b'"\xc3"',
        b'"\\ud800"',
        b'"a\0b"',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"{} {}",
        b"{'a': 1}",
    ],
)
def test_what_is_not_strict_json_is_a_400(body: bytes) -> None:
    with pytest.raises(ProblemError) as problem:
        read_json(body)
    assert (problem.value.problem.status, problem.value.problem.code) == (400, "malformed-json")


def test_sixty_four_levels_are_read() -> None:
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"name": "a\\u0000b"}', "/name"),
        (b'[{"x/y": {"~": ["ok", "\\u0000"]}}]', "/0/x~1y/~0/1"),
        (b'{"a": {"b\\u0000": 1}}', "/a"),
        (b'"\\u0000"', ""),
    ],
)
def test_nul_in_a_text_is_pointed_at(body: bytes, pointer: str) -> None:
    with pytest.raises(ProblemError) as problem:
        read_json(body)
    assert problem.value.problem.status == 422
    assert [error["pointer"] for error in problem.value.errors] == [pointer]


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert read_json(b'"\\\\u0000"') == "\\u0000"
