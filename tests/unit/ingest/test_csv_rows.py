import csv
import io
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.api.csv_rows import CsvCutter, cells_of
from ingest.api.ndjson_rows import LineCutter, Row
from ingest.domain.refusal import Refused

CELL = st.text(st.sampled_from('ab",\nü;\r '), max_size=6)
TABLE = st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=8)


def chunked(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The data, cut at the places."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def cut(cutter: CsvCutter | LineCutter, chunks: Sequence[bytes]) -> list[Row]:
    found: list[Row] = []
    for chunk in chunks:
        cutter.feed(chunk)
        found += cutter.rows()
    return [*found, *cutter.rows(is_last=True)]


def kept(rows: Sequence[Row]) -> list[bytes]:
    return [row.document for row in rows if row.document is not None]


@given(TABLE, st.lists(st.integers(0, 200)), st.sampled_from(["\n", "\r\n"]), st.sampled_from([",", ";"]))
def test_rows_are_those_of_the_csv_module_however_they_arrive(
    table: list[list[str]], cuts: list[int], ends: str, delimiter: str
) -> None:
    text = io.StringIO(newline="")
    has_returns = any("\r" in cell for row in table for cell in row)  # the writer does not quote for these
    quoting: Literal[0, 1] = csv.QUOTE_ALL if has_returns else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator=ends, delimiter=delimiter, quoting=quoting).writerows(table)
    data = text.getvalue().encode()

    rows = cut(CsvCutter(0, 10_000, delimiter), chunked(data, cuts))

    assert [cells_of(row, delimiter) for row in kept(rows)] == table
    assert all(data[row.start :].startswith(row.document or b"") for row in rows)


@given(st.text(st.sampled_from('ab",\n'), max_size=40), st.lists(st.integers(0, 60)))
def test_any_text_is_cut_where_the_csv_module_cuts_it(text: str, cuts: list[int]) -> None:
    rows = cut(CsvCutter(0, 10_000, ","), chunked(text.encode(), cuts))

    assert [cells_of(row, ",") for row in kept(rows)] == list(csv.reader(io.StringIO(text, newline="")))


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.lists(st.integers()))
def test_lines_are_cut_however_they_arrive(lines: list[bytes], cuts: list[int]) -> None:
    data = b"".join(line + b"\n" for line in lines)

    rows = cut(LineCutter(7, 10_000), chunked(data, [abs(cut) for cut in cuts]))

    assert kept(rows) == [line.removesuffix(b"\r") for line in lines]
    assert all(data[row.start - 7 :].startswith(row.document or b"") for row in rows)


@given(st.integers(1, 40))
def test_a_row_that_is_too_long_is_passed_over_without_being_held(chunk: int) -> None:
    data = b"a,b\n" + b'"' + b"x\n" * 500 + b'",y\nc,d\n'
    cutter = CsvCutter(0, 100, ",")
    found: list[Row] = []
    for start in range(0, len(data), chunk):
        cutter.feed(data[start : start + chunk])
        found += cutter.rows()
        assert len(cutter._buffer) <= 100 + chunk

    assert found == [Row(0, b"a,b"), Row(4, None), Row(len(data) - 4, b"c,d")]
    assert cutter.next_byte == len(data)


@given(st.integers(1, 40))
def test_a_line_that_is_too_long_is_passed_over_without_being_held(chunk: int) -> None:
    data = b"one\n" + b"x" * 1_000 + b"\ntwo"
    cutter = LineCutter(0, 100)
    found: list[Row] = []
    for start in range(0, len(data), chunk):
        cutter.feed(data[start : start + chunk])
        found += cutter.rows()
        assert len(cutter._buffer) <= 100 + chunk

    assert [*found, *cutter.rows(is_last=True)] == [Row(0, b"one"), Row(4, None), Row(1_005, b"two")]


def test_what_is_no_text_is_refused_with_its_byte() -> None:
    with pytest.raises(Refused, match="byte 2"):
        cells_of(b"a,\xff", ",")
