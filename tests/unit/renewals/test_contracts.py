"""Contracts over time: each window and each end once, on its day, in the contract's zone."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.domain.amending import cancel
from renewals.domain.contracts import Amendment, AtEnd, Contract, Kind
from renewals.domain.currencies import CurrencyUnknown
from renewals.domain.entering import amend
from renewals.domain.errors import (
    AmountInvalid,
    ContractInvalid,
    ContractOver,
    EndBeforeStart,
    EndMissing,
    EndOutOfRange,
    OneTimeRenews,
    StartOutOfRange,
    TermLengthUnknown,
)
from renewals.domain.terms import Outcome, TermState
from tests.unit.renewals.building import at, day, entered, story


def spans(contract: Contract) -> list[tuple[str, str]]:
    return [(str(term.start), str(term.end_exclusive)) for term in contract.terms]


@pytest.mark.parametrize(
    ("facts", "now", "expected"),
    [
        (  # anchored on January 31: never chained
            {"start": "2025-01-31", "term_months": 1},
            "2025-05-10",
            ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"],
        ),
        (  # whole months from a stated end, without a length: later terms last as long
            {"start": "2024-03-01", "end": "2025-02-28"},
            "2025-06-01",
            ["2024-03-01", "2025-03-01", "2026-03-01"],
        ),
        (  # February 29 comes back every fourth year
            {"start": "2024-02-29", "term_months": 12},
            "2028-03-01",
            ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28"],
        ),
        (  # an odd first term is followed by terms of the stated length, anchored on its end
            {"start": "2025-01-15", "end": "2025-06-30", "term_months": 12},
            "2026-08-01",
            ["2025-01-15", "2025-07-01", "2026-07-01", "2027-07-01"],
        ),
    ],
)
def test_terms_lie_on_the_anchored_calendar(facts: dict[str, str], now: str, expected: list[str]) -> None:
    contract = entered(now=now, **facts)

    assert spans(contract) == list(pairwise(expected))
    assert [term.outcome for term in contract.terms] == [Outcome.RENEWED] * (len(expected) - 2) + [None]


@pytest.mark.parametrize(
    ("facts", "window"),
    [
        ({"start": "2026-01-01", "end": "2026-12-31"}, "2026-10-01"),
        ({"start": "2025-03-01", "end": "2026-02-28"}, "2025-12-01"),  # counted from the exclusive end, March 1
        ({"start": "2025-08-31", "term_months": 6}, "2025-11-30"),  # August 31 + 3 months
        ({"start": "2025-11-30", "term_months": 3}, "2025-11-30"),  # from the anchor; chained it would be November 28
        ({"start": "2026-01-15", "term_months": 1}, "2026-01-15"),  # never before the term
        ({"start": "2026-01-01", "end": "2026-12-31", "window_days": 30}, "2026-12-02"),
        ({"start": "2026-01-01", "end": "2026-12-31", "window_days": 0}, "2027-01-01"),
        ({"start": "2026-01-01", "end": "2026-12-31", "window_days": 900}, "2026-01-01"),
        ({"start": "2026-01-01", "end": "2026-12-31", "kind": Kind.ONE_TIME}, None),
    ],
)
def test_when_the_window_opens(facts: dict[str, str], window: str | None) -> None:
    contract = entered(**facts)

    assert contract.latest.window_opens_on == (day(window) if window else None)


def test_a_year_in_the_life_of_a_contract() -> None:
    contract = entered("2026-01-01", end="2026-12-31")

    contract, nothing = contract.catch_up(at("2026-09-30T23:59"))
    contract, window = contract.catch_up(at("2026-10-01"))
    contract, again = contract.catch_up(at("2026-12-31T23:59"))
    contract, renewal = contract.catch_up(at("2027-01-01"))

    assert story(nothing) == story(again) == []
    assert story(window) == [("WindowOpened", 1, "2026-10-01T00:00")]
    assert story(renewal) == [("Renewed", 1, "2027-01-01T00:00")]
    assert spans(contract)[-1] == ("2027-01-01", "2028-01-01")


def test_days_begin_in_the_contracts_zone() -> None:
    contract = entered("2026-01-01", end="2026-12-31", zone="Asia/Tokyo")

    assert list(contract.moments(at("2026-02-01"))) == [at("2026-09-30T15:00"), at("2026-12-31T15:00")]
    _, early = contract.catch_up(at("2026-09-30T14:59:59"))
    _, window = contract.catch_up(at("2026-09-30T15:00"))
    assert story(early) == []
    assert story(window) == [("WindowOpened", 1, "2026-09-30T15:00")]


def test_where_summer_time_begins_at_midnight_the_day_begins_an_hour_late() -> None:
    contract = entered("2018-01-04", end="2018-11-03", zone="America/Sao_Paulo", at_end=AtEnd.CANCEL)

    _, happened = contract.catch_up(at("2018-11-04T03:00"))  # 00:00 does not exist; 01:00 is the first instant

    assert story(happened)[-1] == ("Ended", 1, "2018-11-04T03:00")


def test_after_400_days_of_absence_everything_comes_once_and_in_order() -> None:
    contract = entered("2026-01-01", term_months=6)

    contract, happened = contract.catch_up(at("2026-01-01") + timedelta(days=400))

    assert story(happened) == [
        ("WindowOpened", 1, "2026-04-01T00:00"),
        ("Renewed", 1, "2026-07-01T00:00"),
        ("WindowOpened", 2, "2026-10-01T00:00"),
        ("Renewed", 2, "2027-01-01T00:00"),
    ]
    assert contract.catch_up(at("2027-02-05"))[1] == ()


def test_a_contract_entered_late_opens_its_window_at_once_and_keeps_quiet_about_the_past() -> None:
    contract = entered("2024-01-01", end="2024-12-31", now="2026-11-20")

    contract, happened = contract.catch_up(at("2026-11-20"))

    assert story(happened) == [("WindowOpened", 3, "2026-10-01T00:00")]
    assert [term.outcome for term in contract.terms] == [Outcome.RENEWED, Outcome.RENEWED, None]


def test_a_contract_entered_after_its_end_is_history() -> None:
    contract = entered("2024-01-01", end="2024-12-31", at_end=AtEnd.CANCEL, now="2026-11-20")

    assert contract.is_over
    assert contract.catch_up(at("2026-11-20"))[1] == ()
    assert list(contract.moments(at("2026-11-20"))) == []


def test_a_one_time_contract_is_served() -> None:
    contract = entered("2026-01-01", end="2026-03-31", kind=Kind.ONE_TIME)

    contract, happened = contract.catch_up(at("2027-01-01"))

    assert story(happened) == [("Ended", 1, "2026-04-01T00:00")]
    assert contract.latest.state(day("2027-01-01")) is TermState.ENDED


def test_a_moved_end_moves_the_anchor_and_the_window_that_has_not_opened() -> None:
    contract = entered("2026-01-01", end="2026-12-31")

    moved = amend(contract, Amendment(end=day("2027-01-31")))

    assert moved.latest.window_opens_on == day("2026-11-01")
    renewed, _ = moved.catch_up(at("2027-02-01"))
    assert spans(renewed) == [("2026-01-01", "2027-02-01"), ("2027-02-01", "2028-02-01")]


def test_a_window_that_opened_does_not_open_again_when_the_end_moves() -> None:
    contract, _ = entered("2026-01-01", end="2026-12-31").catch_up(at("2026-10-05"))

    later = amend(contract, Amendment(end=day("2027-12-31")))
    later, happened = later.catch_up(at("2027-12-31"))

    assert happened == ()
    assert later.latest.window_opened_at == at("2026-10-05")


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (date.min, EndBeforeStart),
        (day("2025-12-31"), EndBeforeStart),
        (day("2200-01-01"), EndOutOfRange),
        (date.max, EndOutOfRange),
    ],
)
def test_an_end_moved_out_of_the_calendar_is_refused(end: date, error: type[ContractInvalid]) -> None:
    with pytest.raises(error):
        amend(entered("2026-01-01", end="2026-12-31"), Amendment(end=end))


def test_an_amended_amount_holds_for_this_term_and_those_to_come() -> None:
    contract, _ = entered("2026-01-01", term_months=12).catch_up(at("2027-01-01"))

    amended = amend(contract, Amendment(amount=Decimal("1500.5"), seats=None))
    amended, _ = amended.catch_up(at("2028-01-01"))

    assert [str(term.amount) for term in amended.terms] == ["1200.00", "1500.50", "1500.50"]


def test_what_is_over_does_not_change() -> None:
    contract, ended = cancel(entered("2026-01-01", term_months=12), at("2026-05-05T10:00"), "closed down")

    assert ended is not None
    assert (ended.reason, contract.latest.state(day("2026-05-05"))) == ("closed down", TermState.CANCELLED)
    assert contract.latest.end_exclusive == day("2027-01-01")
    with pytest.raises(ContractOver):
        amend(contract, Amendment(seats=5))
    with pytest.raises(ContractOver):
        cancel(contract, at("2026-05-06"), "again")


@pytest.mark.parametrize(
    ("facts", "error"),
    [
        ({"amount": "-1"}, AmountInvalid),
        ({"amount": "NaN"}, AmountInvalid),
        ({"amount": "10.005"}, AmountInvalid),
        ({"amount": "10.5", "currency": "JPY"}, AmountInvalid),
        ({"amount": "1e15"}, AmountInvalid),
        ({"end": "2025-12-31"}, EndBeforeStart),
        ({"end": None, "term_months": None}, EndMissing),
        ({"end": "2200-01-01"}, EndOutOfRange),
        ({"start": "1969-12-31"}, StartOutOfRange),
        ({"end": "2026-05-15", "at_end": AtEnd.RENEW}, TermLengthUnknown),
        ({"kind": Kind.ONE_TIME, "at_end": AtEnd.RENEW}, OneTimeRenews),
    ],
)
def test_facts_that_contradict_each_other_are_refused(facts: dict[str, str], error: type[ContractInvalid]) -> None:
    with pytest.raises(error):
        entered(**{"start": "2026-01-01", "end": "2026-12-31", "now": "2026-01-01", **facts})


def test_a_currency_outside_the_list_is_refused() -> None:
    with pytest.raises(CurrencyUnknown, match="DEM"):
        entered("2026-01-01", term_months=12, currency="DEM")


def test_without_a_known_length_a_contract_does_not_renew_by_itself() -> None:
    assert entered("2026-01-15", end="2026-12-31").at_end is AtEnd.CANCEL
    assert entered("2026-01-15", end="2026-12-31", term_months=12).at_end is AtEnd.RENEW


starts = st.dates(min_value=date(2000, 1, 1), max_value=date(2020, 12, 31))
lengths = st.integers(min_value=1, max_value=36)
looks = st.lists(st.integers(min_value=-2, max_value=400 * 24), min_size=1, max_size=30)


@given(starts, lengths, looks, st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Auckland", "America/New_York"]))
def test_however_often_one_looks_each_milestone_comes_once(
    start: date, length: int, hours: list[int], zone: str
) -> None:
    """Looking at odd hours, on a clock that goes back now and then, tells the story that one look at the end tells."""
    began = datetime(start.year, start.month, start.day, tzinfo=UTC)
    unseen = watched = entered(str(start), term_months=length, zone=zone, now=(began - timedelta(days=1)).isoformat())
    seen = []
    clock = began
    for step in hours:
        clock += timedelta(hours=step)
        watched, happened = watched.catch_up(clock)
        seen += story(happened)
    last = max(began + timedelta(hours=sum(hours[:n])) for n in range(1, len(hours) + 1))
    unseen, at_once = unseen.catch_up(last)

    assert seen == story(at_once)
    assert spans(watched) == spans(unseen)
    assert [name for name, number, _ in seen if number == 1][:1] in ([], ["WindowOpened"])


@given(starts, lengths, st.integers(min_value=0, max_value=60))
def test_terms_touch_without_gap_or_overlap_and_never_drift(start: date, length: int, terms: int) -> None:
    contract = entered(str(start), term_months=length)
    for _ in range(terms):
        contract = contract.followed(at(str(start)))

    assert [t.start for t in contract.terms[1:]] == [t.end_exclusive for t in contract.terms[:-1]]
    assert all(t.start.day == start.day or t.start.day >= 28 for t in contract.terms)
    assert all(t.start <= w < t.end_exclusive for t in contract.terms if (w := t.window_opens_on))
    assert {t.months for t in contract.terms} == {length}
