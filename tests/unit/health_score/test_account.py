"""The account's record: the latest statement of each field stays, in whatever order facts come."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.account import Account, Worth, ZoneUnknown

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TODAY = NOW.date()

facts = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(["name", "owner", "tier"]), st.none() | st.sampled_from("abc"), max_size=3),
        st.integers(0, 3).map(lambda hours: NOW + timedelta(hours=hours)),
    ),
    max_size=8,
).map(lambda stated: [(fields, at, f"event-{place}") for place, (fields, at) in enumerate(stated)])


@given(facts, st.randoms())
def test_facts_commute(stated: list[tuple[dict[str, str | None], datetime, str]], chance: object) -> None:
    in_order, shuffled = Account("acme", 1), Account("acme", 1)
    for fields, at, by in stated:
        in_order.learn(fields, at=at, by=by)
    chance.shuffle(stated)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    for fields, at, by in [*stated, *stated]:
        shuffled.learn(fields, at=at, by=by)

    assert shuffled.stated == in_order.stated


def test_a_fact_that_says_nothing_new_changes_nothing() -> None:
    account = Account("acme", 1)
    assert account.learn({"name": "Acme"}, at=NOW, by="a") is True
    assert account.learn({"name": "Acme"}, at=NOW + timedelta(hours=1), by="b") is False
    assert account.learn({"name": "Old"}, at=NOW, by="0") is False
    assert account.said("name") == "Acme"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "America", "../../etc/passwd", "UTC\x00"])
def test_an_unknown_zone_is_refused_before_anything_is_learnt(zone: str) -> None:
    account = Account("acme", 1)
    with pytest.raises(ZoneUnknown):
        account.learn({"name": "Acme", "zone": zone}, at=NOW, by="a")
    assert account.stated == {}


def test_another_zone_makes_a_whole_life_dirty() -> None:
    account = Account("acme", 1, first_day=date(2026, 1, 1), closed_through=date(2026, 2, 28))

    account.learn({"zone": "Asia/Tokyo"}, at=NOW, by="fact")

    assert (account.regroup, account.dirty_from, account.dirty_by) == (True, date(2026, 1, 1), ("fact",))
    assert account.next_close(NOW) == datetime(2026, 3, 1, 15, tzinfo=UTC)


def test_the_same_zone_by_another_fact_makes_nothing_dirty() -> None:
    account = Account("acme", 1, first_day=date(2026, 1, 1))
    account.learn({"zone": "UTC"}, at=NOW, by="fact")
    assert (account.regroup, account.dirty_from) == (False, None)


def test_late_activity_makes_its_day_and_all_after_it_dirty() -> None:
    account = Account("acme", 1)
    account.was_active_on(TODAY, today=TODAY, by=["a"])
    assert (account.dirty_from, account.first_open_day()) == (None, TODAY)

    account.closed_through = TODAY - timedelta(days=1)
    account.was_active_on(date(2026, 2, 10), today=TODAY, by=["b"])
    account.was_active_on(date(2026, 2, 20), today=TODAY, by=["c"])
    assert (account.dirty_from, account.dirty_by) == (date(2026, 2, 10), ("b", "c"))
    assert (account.first_day, account.last_active) == (date(2026, 2, 10), TODAY)
    assert account.first_open_day() == date(2026, 2, 10)


def test_an_older_worth_is_ignored_and_other_seats_hold_from_their_day() -> None:
    account = Account("acme", 1, first_day=date(2026, 1, 1))
    assert account.appraise(Worth(seats=10, sequence=2), at=NOW, by="v2", now=NOW) is True
    assert account.appraise(Worth(seats=99, sequence=1), at=NOW, by="v1", now=NOW) is False
    assert account.appraise(Worth(seats=10, sequence=3), at=NOW, by="v3", now=NOW) is False
    assert (account.seats.on(TODAY), account.seats.on(TODAY - timedelta(days=1))) == (10, None)

    account.appraise(Worth(seats=20, sequence=4), at=NOW - timedelta(days=3), by="v4", now=NOW)
    assert (account.dirty_from, account.dirty_by) == (TODAY - timedelta(days=3), ("v4",))
    assert account.seats.on(TODAY) == 20


def test_a_midnight_that_summer_time_skips_is_the_first_instant_of_its_day() -> None:
    account = Account("acme", 1)
    account.learn({"zone": "America/Sao_Paulo"}, at=NOW, by="a")
    assert account.next_close(datetime(2018, 11, 3, 12, tzinfo=UTC)) == datetime(2018, 11, 4, 3, tzinfo=UTC)
