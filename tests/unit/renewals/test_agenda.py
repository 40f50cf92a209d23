"""What calendars are told, over any changes, against a calendar program that remembers everything it ever read."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.application.calendars import is_holiday
from renewals.domain import amending
from renewals.domain.agenda import Entry, EntryKey, Told, agenda, changes, shows_after
from renewals.domain.contracts import Contract
from renewals.domain.milestones import milestones
from renewals.domain.ownership import Owner, Source
from renewals.domain.policy import OwnerRole
from renewals.domain.renewal import plans
from tests.unit.renewals.building import at, entered

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)

Rows = dict[tuple[EntryKey, str], Told]

steps = st.lists(
    st.tuples(
        st.sampled_from((0, 0, 1, 60, 34 * 86_400, 36 * 86_400)),  # seconds that go by
        st.dictionaries(  # what is wanted: days from the start, and whether it is off
            st.tuples(st.sampled_from(("window", "due")), st.sampled_from(("eve", "sam"))),
            st.tuples(st.sampled_from((-40, 10, 50, 400)), st.booleans()),
        ),
        st.booleans(),  # whether what nobody sees is forgotten then
    ),
    max_size=12,
)


def shown(rows: Rows, now: datetime) -> Rows:
    since, last_past = shows_after(now)
    return {
        key: told
        for key, told in rows.items()
        if told.changed_at > since or (not told.entry.is_off and told.entry.day > last_past)
    }


def of(name: str, owner: str, days: int, *, is_off: bool) -> Entry:
    return Entry("c1", 1, name, owner, START.date() + days * DAY, is_off)


@given(steps)
def test_a_number_never_falls_and_rises_whenever_the_day_or_the_status_changes(
    happens: list[tuple[int, dict[tuple[str, str], tuple[int, bool]], bool]],
) -> None:
    rows: Rows = {}
    read: dict[tuple[EntryKey, str], tuple[int, date, bool]] = {}
    now = START
    for seconds, stated, are_forgotten in happens:
        now += timedelta(seconds=seconds)
        wanted = [of(name, owner, days, is_off=is_off) for (name, owner), (days, is_off) in stated.items()]
        told = list(shown(rows, now).values())

        rows |= {(each.entry.key, each.entry.owner): each for each in changes(told, wanted, now)}

        seen = shown(rows, now)
        assert list(changes(list(seen.values()), wanted, now)) == []
        for key, each in seen.items():
            sequence, day, is_off = read.get(key, (-1, each.entry.day, each.entry.is_off))
            is_same = (day, is_off) == (each.entry.day, each.entry.is_off)
            assert each.sequence > sequence or (each.sequence == sequence and is_same)
            read[key] = each.sequence, each.entry.day, each.entry.is_off
        _, last_past = shows_after(now)
        on = {(each.key, each.owner): each.day for each in wanted if not each.is_off and each.day > last_past}
        assert on.items() <= {k: each.entry.day for k, each in seen.items() if not each.entry.is_off}.items()
        standing = {k for k, each in seen.items() if not each.entry.is_off}
        assert standing <= {(each.key, each.owner) for each in wanted if not each.is_off}
        if are_forgotten:
            rows = seen


def test_who_has_two_calendars_in_one_program_keeps_the_entry_that_stands() -> None:
    eves = Told(of("due", "eve", 50, is_off=False), 7, START)

    told = list(changes([eves], [of("due", "sam", 50, is_off=False)], START))

    assert [(each.entry.owner, each.entry.is_off) for each in told] == [("eve", True), ("sam", False)]
    assert 7 < told[0].sequence < told[1].sequence


def test_a_clock_that_goes_back_lowers_no_number() -> None:
    due = of("due", "eve", 50, is_off=False)
    (first,) = changes([], [due], START)

    (second,) = changes([first], [replace(due, is_off=True)], START - 400 * DAY)

    assert second.sequence > first.sequence


ANN = Owner("ann", None, OwnerRole.CSM, Source.ACCOUNT)


def on_days(contract: Contract, owner: Owner = ANN) -> dict[tuple[int, str, str], tuple[str, bool]]:
    return {
        (each.term, each.name, each.owner): (str(each.day), each.is_off)
        for term, plan in plans(contract, is_holiday, {})
        for each in agenda(contract, term, plan, milestones(plan, (60, 30)), owner)
    }


@pytest.mark.parametrize(
    ("owner", "people"),
    [
        (Owner("ann", "bea", OwnerRole.CSM_AND_SALES, Source.TEAM), {"ann", "bea"}),
        (Owner("ann", "ann", OwnerRole.CSM_AND_SALES, Source.TEAM), {"ann"}),
        (Owner(None, "bea", OwnerRole.CSM_AND_SALES, Source.NOBODY), {"bea"}),
        (Owner(None, None, OwnerRole.CSM, Source.NOBODY), set()),
    ],
)
def test_entries_stand_in_the_calendars_of_all_who_own_the_renewal(owner: Owner, people: set[str]) -> None:
    found = on_days(entered("2026-01-01", term_months=12), owner)

    assert {person for _, _, person in found} == people
    assert len(found) == 4 * len(people)


def test_what_nobody_has_to_renew_is_off() -> None:
    contract = entered("2026-01-01", term_months=12)
    days = {"window": "2026-10-01", "days_60": "2026-11-02", "days_30": "2026-12-02", "due": "2026-12-31"}

    cancelled, _ = amending.cancel(contract, at("2026-05-01"), "left", at("2027-01-01").date())
    renewed, _ = amending.renew(contract, amending.Renewal(), at("2026-11-02T10:00"))

    assert on_days(contract) == {(1, name, "ann"): (day, False) for name, day in days.items()}
    assert on_days(cancelled) == {(1, name, "ann"): (day, True) for name, day in days.items()}
    first = {name: is_off for (term, name, _), (_, is_off) in on_days(renewed).items() if term == 1}
    assert first == {"window": False, "days_60": False, "days_30": True, "due": True}
