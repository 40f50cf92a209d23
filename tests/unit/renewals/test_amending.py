"""Amendments with a day of their own, and what the ledger says of them."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from renewals.domain.amending import Change, Renewal, assign, cancel, change, reinstate, renew
from renewals.domain.contracts import Amendment, AtEnd, Contract, Kind
from renewals.domain.entering import amend, co_terming
from renewals.domain.errors import (
    ContractOver,
    CoTermOver,
    EffectiveInFuture,
    EffectiveOutsideTerms,
    GraceOver,
    NotCancelled,
    NotRecurring,
    RenewalStartOutOfRange,
    ScheduleInvalid,
)
from renewals.domain.ledger import LineKind, annual, lines
from renewals.domain.succeeding import succeeded
from renewals.domain.terms import Outcome
from tests.unit.renewals.building import at, day, entered, stated


def said(contract: Contract, kind: LineKind) -> list[tuple[str, str, str]]:
    """Lines of a kind: first day, first day after, ARR."""
    found = sorted((line for line in lines(contract) if line.kind is kind), key=lambda line: line.start)
    return [(str(line.start), str(line.end_exclusive), f"{line.arr:.2f}") for line in found]


def test_a_change_holds_from_its_day_to_the_end_of_its_term_and_for_those_to_come() -> None:
    contract = entered("2026-01-01", term_months=12, amount="1200", seats=10)

    changed = change(contract, Change(effective=day("2026-07-01"), amount=Decimal(1800), seats=15))
    renewed, _ = changed.catch_up(at("2027-01-01"))

    assert said(renewed, LineKind.RUNS) == [
        ("2026-01-01", "2026-07-01", "1200.00"),
        ("2026-07-01", "2027-01-01", "1800.00"),
        ("2027-01-01", "2028-01-01", "1800.00"),
    ]
    assert said(renewed, LineKind.DUE)[0] == ("2026-12-31", "2027-01-01", "1800.00")
    assert (changed.latest.shown(day("2026-06-30")).seats, changed.latest.shown(day("2026-07-01")).seats) == (10, 15)


def test_seats_alone_leave_a_price_schedule_as_it_is() -> None:
    steps = ((day("2026-01-01"), Decimal(1000)), (day("2027-01-01"), Decimal(1400)))
    contract = entered("2026-01-01", term_months=24, amount="2400", seats=5, steps=steps)

    changed = change(contract, Change(effective=day("2026-06-01"), seats=9))

    assert said(changed, LineKind.RUNS) == [
        ("2026-01-01", "2026-06-01", "1000.00"),
        ("2026-06-01", "2027-01-01", "1000.00"),
        ("2027-01-01", "2028-01-01", "1400.00"),
    ]
    assert [each.seats for each in changed.latest.stretches()] == [5, 9, 9]


def test_a_change_of_a_term_that_is_over_corrects_that_term_only() -> None:
    contract, _ = entered("2024-01-01", term_months=12).catch_up(at("2026-03-01"))

    corrected = change(contract, Change(effective=day("2025-01-01"), amount=Decimal(900)))

    assert [arr for _, _, arr in said(corrected, LineKind.RUNS)] == ["1200.00", "900.00", "1200.00"]
    assert said(corrected, LineKind.RENEWED)[0][2] == "900.00"


@pytest.mark.parametrize(
    "steps",
    [
        [("2026-01-01", "1000"), ("2027-01-01", "1000")],  # adds up to 2000
        [("2026-02-01", "2400")],  # begins later
        [("2026-01-01", "1200"), ("2028-01-01", "1200")],  # after the end
        [("2026-01-01", "1200"), ("2026-01-01", "1200")],  # twice the same day
    ],
)
def test_a_price_schedule_that_does_not_fit_its_term_is_refused(steps: list[tuple[str, str]]) -> None:
    with pytest.raises(ScheduleInvalid):
        entered(
            "2026-01-01", term_months=24, amount="2400", steps=tuple((day(d), Decimal(amount)) for d, amount in steps)
        )


def test_an_early_renewal_ends_the_running_term_and_belongs_to_the_end_that_was_agreed() -> None:
    contract = entered("2026-01-01", term_months=12)

    renewed, happened = renew(contract, Renewal(start=day("2026-10-01"), amount=Decimal(1500)), at("2026-09-15"))

    assert said(renewed, LineKind.RUNS) == [
        ("2026-01-01", "2026-10-01", "1200.00"),
        ("2026-10-01", "2027-10-01", "1500.00"),
    ]
    assert said(renewed, LineKind.DUE)[0] == ("2026-12-31", "2027-01-01", "1200.00")
    assert said(renewed, LineKind.RENEWED) == [("2026-12-31", "2027-01-01", "1500.00")]
    assert type(happened).__name__ == "Renewed"
    assert renewed.latest.window_opens_on == day("2027-07-01")


def lapsed(**facts: Any) -> Contract:
    contract = entered("2025-01-01", end="2025-12-31", at_end=AtEnd.CANCEL, grace_days=30, **facts)
    return contract.catch_up(at("2026-01-01"))[0]


def test_days_between_an_end_and_a_renewal_within_grace_count_as_renewed() -> None:
    renewed, _ = renew(lapsed(), Renewal(start=day("2026-01-15"), term_months=12), at("2026-01-20"))

    assert said(renewed, LineKind.RUNS) == [
        ("2025-01-01", "2026-01-01", "1200.00"),
        ("2026-01-01", "2027-01-15", "1200.00"),
    ]
    assert all(line.continues for line in lines(renewed) if line.start == day("2026-01-01"))


@pytest.mark.parametrize(
    ("renewal", "now", "terms"),
    [
        (Renewal(start=day("2026-01-31"), term_months=12), "2026-01-30", 2),
        (Renewal(start=day("2026-02-01"), term_months=12), "2026-01-30", None),
        (Renewal(term_months=12), "2026-01-30T23:00", 2),
        (Renewal(term_months=12), "2026-01-31", None),
        (Renewal(term_months=12, signed_on=day("2026-01-30")), "2026-05-05", 2),
    ],
)
def test_a_renewal_is_in_time_within_the_days_of_grace(renewal: Renewal, now: str, terms: int | None) -> None:
    if terms:
        assert renew(lapsed(), renewal, at(now))[0].latest.number == terms
    else:
        with pytest.raises(GraceOver):
            renew(lapsed(), renewal, at(now))


def test_what_cannot_be_renewed_is_refused() -> None:
    running = entered("2026-01-01", term_months=12)
    cases: list[tuple[Contract, Renewal, type[Exception]]] = [
        (entered("2026-01-01", end="2026-12-31", kind=Kind.ONE_TIME), Renewal(), NotRecurring),
        (cancel(running, at("2026-03-01"), "left")[0], Renewal(), ContractOver),
        (running, Renewal(signed_on=day("2026-03-02")), EffectiveInFuture),
        (running, Renewal(start=day("2026-01-01")), RenewalStartOutOfRange),
    ]
    for contract, renewal, error in cases:
        with pytest.raises(error):
            renew(contract, renewal, at("2026-03-01"))


def test_a_cancellation_known_too_late_takes_back_the_renewal() -> None:
    renewed, _ = entered("2025-01-01", term_months=12).catch_up(at("2026-01-20"))

    cancelled, ended = cancel(renewed, at("2026-01-20"), "they had told us in October", day("2026-01-01"))

    assert [term.outcome for term in cancelled.terms] == [Outcome.ENDED]
    assert said(cancelled, LineKind.DUE) == [("2025-12-31", "2026-01-01", "1200.00")]
    assert said(cancelled, LineKind.RENEWED) == []
    assert ended is not None
    assert ended.occurred_at == at("2026-01-01")


def test_a_cancellation_ahead_ends_the_contract_on_its_day_and_can_be_withdrawn() -> None:
    contract = entered("2026-01-01", term_months=12)
    told, nothing = cancel(contract, at("2026-03-01"), "moving away", day("2026-06-01"))

    ended, [happened] = told.catch_up(at("2026-06-01"))

    assert nothing is None
    assert list(told.moments(at("2026-03-01"))) == [at("2026-06-01")]
    assert type(happened).__name__ == "Ended"
    assert said(ended, LineKind.RUNS) == [("2026-01-01", "2026-06-01", "1200.00")]
    assert said(ended, LineKind.DUE) == []  # it never came to its end
    assert lines(reinstate(ended)) == lines(contract)
    with pytest.raises(NotCancelled):
        reinstate(contract)


def test_a_cancellation_at_the_end_is_gone_when_somebody_says_that_the_contract_renews() -> None:
    told, _ = cancel(entered("2026-01-01", term_months=12), at("2026-03-01"), "too dear", day("2027-01-01"))

    again = amend(told, Amendment(at_end=AtEnd.RENEW))

    assert (told.at_end, again.at_end, again.cancellation) == (AtEnd.CANCEL, AtEnd.RENEW, None)


@pytest.mark.parametrize("on", ["2025-12-31", "2027-01-02"])
def test_a_cancellation_on_a_day_without_a_term_is_refused(on: str) -> None:
    with pytest.raises(EffectiveOutsideTerms):
        cancel(entered("2026-01-01", term_months=12), at("2026-03-01"), "left", day(on))


def test_a_renewal_calls_off_a_cancellation_that_is_still_to_come() -> None:
    contract, _ = cancel(
        entered("2026-01-01", term_months=12, amount="1200"), at("2026-03-01"), "left", day("2026-09-01")
    )

    renewed, _ = renew(contract, Renewal(amount=Decimal(1500)), at("2026-06-01"))

    assert renewed.cancellation is None
    assert said(renewed, LineKind.RUNS) == [
        ("2026-01-01", "2027-01-01", "1200.00"),
        ("2027-01-01", "2028-01-01", "1500.00"),
    ]


def test_an_assigned_contract_is_held_by_each_account_on_its_days() -> None:
    contract = entered("2026-01-01", term_months=12)

    assigned = assign(contract, "bolt", day("2026-03-01"), day("2026-03-15"))

    runs = sorted((str(each.start), each.account_id) for each in lines(assigned) if each.kind is LineKind.RUNS)
    assert runs == [("2026-01-01", "acme"), ("2026-03-01", "bolt")]
    assert assigned.as_of(day("2026-02-01")).account_id == "acme"
    with pytest.raises(EffectiveInFuture):
        assign(contract, "bolt", day("2026-03-16"), day("2026-03-15"))


def test_an_evergreen_contract_goes_on_without_being_up_for_renewal() -> None:
    contract = entered("2026-01-01", end="2026-12-31", term_months=1, at_end=AtEnd.EVERGREEN, next_amount=Decimal(100))

    later, _ = contract.catch_up(at("2027-04-01"))

    assert [each.window_opens_on for each in later.terms[1:]] == [None] * 4
    assert said(later, LineKind.DUE) == [("2026-12-31", "2027-01-01", "1200.00")]
    assert {arr for _, _, arr in said(later, LineKind.RUNS)} == {"1200.00"}


def test_a_contract_renewed_once_ends_after_that() -> None:
    later, happened = entered("2026-01-01", term_months=12, at_end=AtEnd.RENEW_ONCE).catch_up(at("2028-06-01"))

    assert [term.outcome for term in later.terms] == [Outcome.RENEWED, Outcome.ENDED]
    assert [type(each).__name__ for each in happened][-1] == "Ended"


def test_a_co_term_ends_with_the_other_and_costs_as_much_for_each_month_later() -> None:
    lead = entered("2026-01-01", term_months=12)

    joined = co_terming(stated("2026-10-01", amount="250"), lead)

    assert (joined.end, joined.term_months, joined.next_amount) == (day("2026-12-31"), 12, Decimal("1000.00"))
    with pytest.raises(CoTermOver):
        co_terming(stated("2027-01-01", amount="250"), lead)


def test_a_contract_that_another_one_renews_ends_where_that_begins() -> None:
    ended, _ = succeeded(entered("2026-01-01", term_months=12), day("2026-11-01"), at("2026-06-01"))

    assert (ended.latest.end_exclusive, ended.latest.expires_before) == (day("2026-11-01"), day("2027-01-01"))
    assert ended.latest.arr("EUR").amount == Decimal("1200.00")  # for the year that was agreed


def oracle(contract: Contract, when: date) -> Fraction:
    """ARR on a day, slowly: the last thing said about the term that the day lies in."""
    for term in contract.terms:
        if term.start <= when < term.served_before:
            amount, months = term.amount, term.months
            for step in term.steps:
                if step.start <= when:
                    amount, months = step.amount, step.months
            return Fraction(amount) * 12 / months
    return Fraction(0)


@example([("cancel", 1, 152), ("renew", 1, 1)], 1)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["change", "renew", "cancel", "reinstate", "pass"]),
            st.integers(1, 200),
            st.integers(1, 9999),
        ),
        max_size=12,
    ),
    st.integers(1, 18),
)
def test_the_ledger_says_of_every_day_what_the_contract_says(acts: list[tuple[str, int, int]], months: int) -> None:
    """Whatever is done to a contract, its lines touch nowhere twice and give each day's ARR."""
    contract = entered("2024-01-31", term_months=months, amount="1200", grace_days=5)
    now = at("2024-01-31")
    for act, days, amount in acts:
        now += timedelta(days=days)
        contract, _ = contract.catch_up(now)
        contract = acted(contract, act, now, amount)
        contract, _ = contract.catch_up(now)
    runs = [line for line in lines(contract) if line.kind is LineKind.RUNS]
    first = min(term.start for term in contract.terms)
    for n in range(0, (contract.latest.end_exclusive - first).days + 30, 7):
        when = first + timedelta(days=n)
        worth = [each.arr for each in runs if each.start <= when < each.end_exclusive]
        assert sum(map(Fraction, worth)) == Fraction(annual(oracle(contract, when)))
        assert len(worth) <= 1
    for line in lines(contract):
        if line.kind is LineKind.RENEWED:
            assert any(each.kind is LineKind.DUE and each.start == line.start for each in lines(contract))


def acted(contract: Contract, act: str, now: datetime, amount: int) -> Contract:
    today = now.date()
    try:
        match act:
            case "change":
                return change(contract, Change(effective=today - timedelta(days=amount % 400), amount=Decimal(amount)))
            case "renew":
                early = contract.latest.end_exclusive - timedelta(days=amount % 20)
                return renew(contract, Renewal(start=early, term_months=6, amount=Decimal(amount)), now)[0]
            case "cancel":
                return cancel(contract, now, "left", today + timedelta(days=amount % 300 - 150))[0]
            case "reinstate":
                return reinstate(contract)
            case _:
                return contract
    except (ContractOver, NotCancelled, GraceOver, EffectiveOutsideTerms, RenewalStartOutOfRange):
        return contract
