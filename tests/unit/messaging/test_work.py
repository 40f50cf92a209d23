"""Batches and their parts: every part steps on from where the part before it ended."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.messaging.port import Position, Record
from mainstay.messaging.work import BrokenChain, Work, join, reason_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def record(partition: int, offset: int, value: bytes = b"1") -> Record:
    return Record("t", partition, offset, "acme", value, (), NOW)


def step(partition: int, expected: int, new: int) -> Position:
    return Position("t", partition, "log", "group", expected, new)


@st.composite
def works(draw: st.DrawFn) -> tuple[list[Record], list[Position], list[int]]:
    """Records of up to three partitions with holes between offsets, their steps, and where to cut them."""
    records: list[Record] = []
    steps: list[Position] = []
    for partition in range(draw(st.integers(1, 3))):
        stored = draw(st.integers(0, 5))
        offset = stored
        for hole in draw(st.lists(st.integers(0, 2), min_size=1, max_size=6)):
            records.append(record(partition, offset + hole))
            offset += hole + 1
        steps.append(step(partition, stored, offset))
    cuts = draw(st.sets(st.integers(1, len(records))))
    return records, steps, sorted({0, len(records), *cuts})


@given(works())
def test_the_parts_of_a_batch_make_the_same_steps_as_the_whole(
    work: tuple[list[Record], list[Position], list[int]],
) -> None:
    records, steps, cuts = work
    it = Work[Record](lambda each: each)
    it.add(records, steps)

    stored = {each.partition: each.expected for each in steps}
    seen: list[Record] = []
    for start, end in pairwise(cuts):
        part = it.part(start, end)
        for each in part.positions:
            assert each.expected == stored[each.partition]
            stored[each.partition] = each.new
        seen.extend(part.messages)

    assert stored == {each.partition: each.new for each in steps}
    assert seen == records


def test_what_cannot_be_decoded_is_refused_and_what_is_nobodys_business_left_out() -> None:
    def decode(each: Record) -> int | None:
        return int(each.value) or None

    work = Work(decode)
    work.add([record(0, 0)], [step(0, 0, 1)])
    work.add([record(0, 1, b"x"), record(0, 2, b"0")], [step(0, 1, 3)])
    batch = work.part(0, 3)

    assert batch.messages == (1,)
    [letter] = batch.refused
    assert letter.record.offset == 1
    assert letter.reason.startswith("ValueError: ")
    assert batch.positions == (step(0, 0, 3),)


def test_one_record_can_be_put_aside() -> None:
    work = Work[Record](lambda each: each)
    work.add([record(0, 0), record(0, 1)], [step(0, 0, 2)])
    aside = work.aside(1, "no")
    assert (aside.positions, aside.messages) == ((step(0, 1, 2),), ())
    assert [letter.record.offset for letter in aside.refused] == [1]


def test_two_fetches_join_where_they_meet() -> None:
    assert join([step(0, 0, 3)], [step(0, 3, 5), step(1, 0, 1)]) == [step(0, 0, 5), step(1, 0, 1)]


def test_two_fetches_with_a_rebalance_between_them_do_not_join() -> None:
    with pytest.raises(BrokenChain):
        join([step(0, 0, 3)], [step(0, 0, 5)])


def test_a_reason_is_one_line_that_any_encoding_takes() -> None:
    assert reason_of(ValueError("a\nb\x00\ud800")) == "ValueError: a b?"
