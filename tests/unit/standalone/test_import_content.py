import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standalone.import_content import Content, NotWhole, inner_suffix


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("content")


@given(
    st.binary(max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 70)), max_size=8),
    st.sampled_from(["a.csv", "a.csv.gz"]),
)
def test_any_part_is_what_stands_there(folder: Path, data: bytes, parts: list[tuple[int, int]], name: str) -> None:
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)

    with Content(folder / name) as content:
        assert content.size == len(data)
        for offset, length in parts:
            assert content.part(min(offset, len(data)), length) == data[offset:][:length]


@pytest.mark.parametrize(
    "stored", [gzip.compress(b"a,b\n" * 1_000)[:-9], b"a,b\n", gzip.compress(b"x" * 99)[:15] + b"?"]
)
def test_what_is_not_whole_is_found_before_anything_is_sent(tmp_path: Path, stored: bytes) -> None:
    (tmp_path / "a.csv.gz").write_bytes(stored)

    with pytest.raises(NotWhole, match=r"a\.csv\.gz"):
        Content(tmp_path / "a.csv.gz")


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.csv", ".csv"), ("a.CSV.GZ", ".csv"), ("a.b.ndjson.gz", ".ndjson"), ("a", "")]
)
def test_the_kind_of_file_is_told_by_its_name(name: str, suffix: str) -> None:
    assert inner_suffix(Path(name)) == suffix
