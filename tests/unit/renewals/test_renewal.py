"""Where a renewal stands, what can be done then, its milestones, the policy and its owner: against slow oracles."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.application.calendars import is_holiday
from renewals.domain import amending
from renewals.domain.amending import Renewal
from renewals.domain.contracts import AtEnd, Contract, Kind
from renewals.domain.errors import ContractOver, GraceOver, NotCancelled
from renewals.domain.milestones import Milestone, due, milestones, told_once
from renewals.domain.notice import NoticeRule, NoticeUnit
from renewals.domain.ownership import Assignment, Handover, Holding, Owner, Source, owner_of
from renewals.domain.policy import Cadence, OwnerRole, PolicyRule, RenewalPolicy, unreachable
from renewals.domain.renewal import (
    IN_ORDER,
    Plan,
    RenewalState,
    Risk,
    Step,
    plans,
    refusal,
    risk_of,
    standing,
)
from renewals.domain.schedule import Window
from tests.unit.renewals.building import at, day, entered

DAY = timedelta(days=1)
YEAR = day("2026-01-01"), day("2027-01-01")


def plan_of(contract: Contract, number: int | None = None) -> Plan:
    wanted = contract.latest.number if number is None else number
    return next(plan for term, plan in plans(contract, is_holiday, {}) if term.number == wanted)


def shown(plan: Plan) -> list[tuple[str, str]]:
    return [(str(on), state.value) for on, state in plan.turns()]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {},
            [("2026-10-01", "window_open"), ("2026-12-31", "due"), ("2027-01-01", "renewed")],
        ),
        (
            {"at_end": AtEnd.CANCEL},
            [("2026-10-01", "window_open"), ("2026-12-31", "due"), ("2027-01-01", "churned")],
        ),
        (
            {"at_end": AtEnd.CANCEL, "grace_days": 15, "notice": NoticeRule(1, NoticeUnit.MONTHS)},
            [
                ("2026-10-01", "window_open"),
                ("2026-12-01", "notice_passed"),
                ("2026-12-31", "due"),
                ("2027-01-01", "grace"),
                ("2027-01-16", "churned"),
            ],
        ),
        (
            {"at_end": AtEnd.CANCEL, "window_days": 10, "notice": NoticeRule(60, NoticeUnit.DAYS)},
            [("2026-11-02", "notice_passed"), ("2026-12-31", "due"), ("2027-01-01", "churned")],
        ),
    ],
)
def test_time_moves_a_renewal_from_state_to_state(facts: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert shown(plan_of(entered("2026-01-01", term_months=12, **facts))) == expected


def test_a_notice_that_would_be_due_before_the_term_is_none() -> None:
    contract = entered("2026-01-01", term_months=1, notice=NoticeRule(3, NoticeUnit.MONTHS))

    assert plan_of(contract).notice_by is None
    assert plan_of(contract).state(day("2026-01-02")) is RenewalState.WINDOW_OPEN


def test_one_time_and_evergreen_terms_are_no_renewals() -> None:
    once = entered("2026-01-01", end="2026-12-31", kind=Kind.ONE_TIME)
    rolling, _ = entered("2026-01-01", term_months=12, at_end=AtEnd.EVERGREEN).catch_up(at("2028-02-01"))

    assert list(plans(once, is_holiday, {})) == []
    assert [term.number for term, _ in plans(rolling, is_holiday, {})] == [1]


def test_another_contract_that_renews_this_one_is_its_renewal() -> None:
    contract = entered("2026-01-01", term_months=12, at_end=AtEnd.CANCEL)
    ((term, plan),) = plans(contract, is_holiday, {contract.id: day("2026-11-20")})

    assert plan.state(day("2026-11-19")) is RenewalState.WINDOW_OPEN
    assert plan.state(day("2026-11-20")) is RenewalState.RENEWED
    over = replace(contract, terms=(replace(term, outcome=contract.latest.outcome),))
    assert standing(over.latest, plan, day("2027-03-01")) is RenewalState.RENEWED


def test_a_clock_that_goes_back_takes_nothing_back() -> None:
    contract = entered("2026-01-01", term_months=12)
    opened, _ = contract.catch_up(at("2026-10-01"))
    renewed, _ = contract.catch_up(at("2027-01-01"))

    assert standing(opened.latest, plan_of(opened), day("2026-09-30")) is RenewalState.WINDOW_OPEN
    assert standing(renewed.terms[0], plan_of(renewed, 1), day("2026-12-31")) is RenewalState.RENEWED


days_ahead = st.integers(0, 900).map(lambda count: YEAR[0] + count * DAY)


@st.composite
def agreed(draw: st.DrawFn) -> Contract:
    """A contract of one term with every way of ending, notice, grace and window."""
    unit = st.sampled_from([NoticeUnit.DAYS, NoticeUnit.WEEKS, NoticeUnit.MONTHS, NoticeUnit.BUSINESS_DAYS])
    return entered(
        "2026-01-01",
        term_months=draw(st.integers(1, 24)),
        at_end=draw(st.sampled_from([AtEnd.RENEW, AtEnd.CANCEL, AtEnd.RENEW_ONCE])),
        grace_days=draw(st.sampled_from([0, 1, 30])),
        window_days=draw(st.none() | st.integers(0, 400)),
        notice=draw(st.none() | st.builds(NoticeRule, st.integers(1, 6), unit)),
    )


@given(agreed(), days_ahead)
def test_the_state_on_a_day_is_that_of_a_walk_through_every_day(contract: Contract, until: date) -> None:
    plan, walked = plan_of(contract), RenewalState.ACTIVE
    for on in _days(YEAR[0], until + DAY):
        if on == plan.window_on and walked is RenewalState.ACTIVE:
            walked = RenewalState.WINDOW_OPEN
        if plan.notice_by and on == plan.notice_by + DAY:
            walked = RenewalState.NOTICE_PASSED
        if on == plan.due_on:
            walked = RenewalState.DUE
        if on == plan.ends_before:
            ends = contract.at_end is AtEnd.CANCEL
            walked = RenewalState.GRACE if ends and contract.grace_days else RenewalState.CHURNED
            walked = walked if ends else RenewalState.RENEWED
        if on == plan.late_from and walked is RenewalState.GRACE:
            walked = RenewalState.CHURNED
    assert plan.state(until) is walked


@given(agreed())
def test_time_alone_never_moves_a_renewal_back(contract: Contract) -> None:
    plan = plan_of(contract)
    order = [IN_ORDER.index(plan.state(on)) for on in _days(YEAR[0], YEAR[0] + 900 * DAY)]

    assert order == sorted(order)
    assert [IN_ORDER.index(state) for _, state in plan.turns()] == sorted(set(order) - {0})


@given(agreed(), days_ahead, st.none() | days_ahead)
def test_a_step_is_refused_exactly_where_it_would_fail(contract: Contract, on: date, cancelled: date | None) -> None:
    if cancelled and cancelled < min(on, contract.latest.end_exclusive):
        contract, _ = contract.catch_up(at(f"{cancelled}T09:00"))
        contract, _ = amending.cancel(contract, at(f"{cancelled}T10:00"), "left")
    contract, _ = contract.catch_up(at(f"{on}T12:00"))
    term, plan = list(plans(contract, is_holiday, {}))[-1]
    steps: dict[Step, Any] = {
        Step.RENEW: lambda: amending.renew(contract, Renewal(term_months=12), at(f"{on}T12:00")),
        Step.CANCEL: lambda: amending.cancel(contract, at(f"{on}T12:00"), "left"),
        Step.WITHDRAW_CANCELLATION: lambda: amending.reinstate(contract),
    }

    for step, take in steps.items():
        why = refusal(contract, term, plan, step, on)
        if why is None:
            take()
        else:
            assert len(why) > 10
            with pytest.raises((ContractOver, GraceOver, NotCancelled)):
                take()


def test_a_refusal_says_why() -> None:
    over, _ = entered("2026-01-01", term_months=12, at_end=AtEnd.CANCEL, grace_days=10).catch_up(at("2027-02-01"))
    left, _ = amending.cancel(entered("2026-01-01", term_months=12), at("2026-06-01"), "left")
    renewed, _ = entered("2026-01-01", term_months=12).catch_up(at("2027-02-01"))

    def why(contract: Contract, step: Step, number: int = 1) -> str | None:
        term, plan = next(each for each in plans(contract, is_holiday, {}) if each[0].number == number)
        return refusal(contract, term, plan, step, day("2027-02-01"))

    assert why(over, Step.RENEW) == (
        "the term ended before 2027-01-01 and its grace before 2027-01-11: enter a new contract"
    )
    assert why(over, Step.HAND_OVER) == "the renewal is closed (churned): there is nothing to hand over"
    assert why(left, Step.RENEW) == "the contract was cancelled from 2026-06-01 on: withdraw the cancellation first"
    assert why(left, Step.WITHDRAW_CANCELLATION) is None
    assert why(renewed, Step.RENEW) == "the term was renewed: term 2 follows it"
    assert why(renewed, Step.HAND_OVER, 2) is None


# Milestones


def test_the_milestones_of_a_year() -> None:
    contract = entered("2026-01-01", term_months=12, notice=NoticeRule(1, NoticeUnit.MONTHS))

    assert milestones(plan_of(contract), (60, 30)) == (
        Milestone("window", day("2026-10-01")),
        Milestone("days_60", day("2026-11-02")),
        Milestone("notice_deadline", day("2026-11-30")),
        Milestone("days_30", day("2026-12-02")),
        Milestone("due", day("2026-12-31")),
    )


def test_days_before_the_end_count_within_the_window() -> None:
    late = entered("2026-01-01", term_months=12, window_days=30)
    monthly = entered("2026-01-01", term_months=1)

    assert [each.name for each in milestones(plan_of(late), (60, 30, 7))] == ["window", "days_7", "due"]
    assert [each.name for each in milestones(plan_of(monthly), (60, 30))] == ["window", "days_30", "due"]


@given(agreed(), st.lists(st.integers(1, 400), max_size=5, unique=True), days_ahead, days_ahead)
def test_what_is_due_is_what_a_walk_through_every_day_meets(
    contract: Contract, counts: list[int], on: date, before: date
) -> None:
    plan = plan_of(contract)
    before = min(on, before)

    def met(until: date) -> set[str]:
        found = set[str]()
        for today in _days(YEAR[0], until + DAY):
            left = (plan.due_on - today).days + 1
            found |= {f"days_{count}" for count in counts if count == left and today > plan.window_on}
            found |= {"window"} if today == plan.window_on <= plan.due_on else set()  # else it never opens
            found |= {"notice_deadline"} if today == plan.notice_by else set()
            found |= {"due"} if today == plan.due_on else set()
        return found

    new = [each.name for each in due(plan, counts, frozenset(met(before)), on, has_opened=True)]

    assert len(new) == len(set(new))
    assert set(new) == met(on) - met(before)


def test_what_would_come_after_a_renewal_or_a_cancellation_is_not_due() -> None:
    contract, _ = entered("2026-01-01", term_months=12).catch_up(at("2026-11-10"))
    early, _ = amending.renew(contract, Renewal(), at("2026-11-10"))
    left, _ = amending.cancel(contract, at("2026-11-02T12:00"), "left", day("2026-11-02"))

    names = [each.name for each in due(plan_of(early, 1), (60, 30), frozenset(), day("2027-03-01"), has_opened=True)]
    assert names == ["window", "days_60"]
    names = [each.name for each in due(plan_of(left, 1), (60, 30), frozenset(), day("2027-03-01"), has_opened=True)]
    assert names == ["window"]


def test_of_what_is_reached_at_once_the_latest_is_told_if_its_term_is_open() -> None:
    window, sixty = Milestone("window", day("2026-10-01")), Milestone("days_60", day("2026-11-02"))
    same_day = Milestone("due", day("2026-11-02"))

    def told(*reached: tuple[int, Milestone], open_term: int | None) -> list[tuple[int, str]]:
        return [(e.term, e.milestone.name) for e in told_once(reached, open_term) if not e.superseded]

    assert told((1, sixty), (1, window), open_term=1) == [(1, "days_60")]
    assert told((1, sixty), (1, same_day), open_term=1) == [(1, "due")]
    assert told((2, window), (1, sixty), open_term=2) == [(2, "window")]
    assert told((1, sixty), open_term=2) == []
    assert told((1, sixty), open_term=None) == []
    assert told(open_term=1) == []


# The policy, owners, risk


GOLD = PolicyRule("gold", Cadence(Window(months=6), (120, 90)), tiers=frozenset({"gold"}))
SCALE = PolicyRule("scale", Cadence(Window(days=45), (30,)), segments=frozenset({"scale", "self-serve"}))


@pytest.mark.parametrize(
    ("tier", "segment", "window"),
    [
        ("gold", "scale", Window(months=6)),
        ("silver", "scale", Window(days=45)),
        (None, "self-serve", Window(days=45)),
        ("silver", "enterprise", Window(months=3)),
        (None, None, Window(months=3)),
    ],
)
def test_the_first_rule_that_fits_counts(tier: str | None, segment: str | None, window: Window) -> None:
    assert RenewalPolicy((GOLD, SCALE)).of(tier, segment).window == window


def test_a_window_is_as_the_policy_says_unless_the_contract_says_otherwise() -> None:
    usual, own = entered("2026-01-01", term_months=12), entered("2026-01-01", term_months=12, window_days=10)

    for window, opens in ((Window(months=6), "2026-07-01"), (Window(days=45), "2026-11-17")):
        assert usual.catch_up(at("2026-01-02"), window)[0].latest.window_opens_on == day(opens)
        assert own.catch_up(at("2026-01-02"), window)[0].latest.window_opens_on == day("2026-12-22")


def test_a_window_that_opened_stays_open_whatever_the_policy_becomes() -> None:
    opened, _ = entered("2026-01-01", term_months=12).catch_up(at("2026-10-01"))

    later, happened = opened.catch_up(at("2026-10-02"), Window(days=10))

    assert (later.latest.window_opens_on, happened) == (day("2026-10-01"), ())


def test_the_window_of_the_policy_holds_for_terms_that_pass_in_one_go() -> None:
    contract, _ = entered("2026-01-01", term_months=12).catch_up(at("2028-01-05"), Window(months=6))

    assert [str(term.window_opens_on) for term in contract.terms] == ["2026-07-01", "2027-07-01", "2028-07-01"]


names = st.sampled_from(["a", "b", "c"])
some = st.frozensets(names, max_size=3)


@given(st.lists(st.builds(lambda t, s: PolicyRule(f"{t}{s}", Cadence(), t, s), some, some), max_size=5))
def test_a_rule_is_unreachable_only_if_no_account_reaches_it(rules: list[PolicyRule]) -> None:
    kinds = [*("a", "b", "c", "other"), None]

    reached = {
        next(place for place, rule in enumerate(rules) if rule.fits(tier, segment))
        for tier in kinds
        for segment in kinds
        if any(rule.fits(tier, segment) for rule in rules)
    }

    assert not {place for place, _ in unreachable(tuple(rules))} & reached


TEAM = (
    Assignment("csm", "ann", day("2026-01-01"), day("2026-06-30")),
    Assignment("csm", "bea", day("2026-07-01")),
    Assignment("sales", "sam", day("2026-01-01")),
    Assignment("renewal_owner", "rob", day("2026-03-01")),
)
EVERYBODY = Holding(owner="ann", team=TEAM)


@pytest.mark.parametrize(
    ("role", "account", "on", "expected"),
    [
        (OwnerRole.CSM, EVERYBODY, "2026-06-30", ("ann", None, Source.TEAM)),
        (OwnerRole.CSM, EVERYBODY, "2026-07-01", ("bea", None, Source.TEAM)),
        (OwnerRole.CSM_AND_SALES, EVERYBODY, "2026-07-01", ("bea", "sam", Source.TEAM)),
        (OwnerRole.RENEWAL_TEAM, EVERYBODY, "2026-07-01", ("rob", None, Source.TEAM)),
        (OwnerRole.RENEWAL_TEAM, EVERYBODY, "2026-02-01", ("renewals-emea", None, Source.POLICY)),
        (OwnerRole.CSM, Holding(owner="ann"), "2026-02-01", ("ann", None, Source.ACCOUNT)),
        (OwnerRole.CSM_AND_SALES, Holding(), "2026-02-01", (None, None, Source.NOBODY)),
    ],
)
def test_an_owner_comes_from_the_dated_team(role: OwnerRole, account: Holding, on: str, expected: Any) -> None:
    found = owner_of(Cadence(owner=role, team="renewals-emea"), account, (), day(on))

    assert (found.person, found.with_, found.source) == expected


def test_a_hand_over_beats_the_team_until_it_is_given_back() -> None:
    cadence, now = Cadence(owner=OwnerRole.CSM_AND_SALES), at("2026-08-01")
    given_to = Handover("max", "on leave", now, "key")
    back = Handover(None, "back again", now, "key")

    assert owner_of(cadence, EVERYBODY, (given_to,), day("2026-08-01")) == Owner(
        "max", "sam", OwnerRole.CSM_AND_SALES, Source.HANDOVER
    )
    assert owner_of(cadence, EVERYBODY, (given_to, back), day("2026-08-01")).person == "bea"


def test_risk_is_said_within_the_window_and_unknown_is_not_green() -> None:
    bands = {None: Risk.UNKNOWN, "unknown": Risk.UNKNOWN, "red": Risk.AT_RISK, "yellow": Risk.NONE, "green": Risk.NONE}
    for band, risk in bands.items():
        for state in RenewalState:
            at_work = state not in {RenewalState.ACTIVE, RenewalState.RENEWED, RenewalState.CHURNED}
            assert risk_of(state, band) is (risk if at_work else None)


def _days(first: date, last: date) -> Iterator[date]:
    for count in range((last - first).days):
        yield first + count * DAY
