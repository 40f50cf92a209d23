"""The order of the worklist: every part pulls the way that a CSM expects, and ties are settled the same each time."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.accounts import Account
from alerts.domain.cases import CaseState
from alerts.domain.words import Band, Severity
from alerts.domain.worklist import TIER_WEIGHTS, Item, Kind, Row, Situation, Weights, in_order, standing
from alerts.domain.worklist import row as row_of
from mainstay.kernel.money import Money

TODAY = date(2026, 3, 2)
WEIGHTS = Weights(TIER_WEIGHTS, {"JPY": 0.006})
BY_BAND = (Band.GREEN, Band.YELLOW, Band.RED)


def row(item: Item, situation: Situation, weights: Weights) -> Row:
    return row_of(item, standing(situation, weights))


accounts = st.builds(
    Account,
    id=st.sampled_from(["acme", "globex", "initech"]),
    sequence=st.just(1),
    tier=st.sampled_from([None, "strategic", "Enterprise", "starter", "other"]),
    arr=st.lists(st.builds(Money, st.decimals(0, 10**9, places=2), st.sampled_from(["EUR", "JPY"])), max_size=2).map(
        tuple
    ),
    next_renewal_on=st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)),
)
situations = st.builds(
    Situation,
    account=accounts,
    today=st.just(TODAY),
    band=st.sampled_from(Band),
    score=st.none() | st.integers(0, 100),
    score_before=st.none() | st.integers(0, 100),
    worst_alert=st.none() | st.sampled_from(Severity),
)
items = st.builds(
    Item,
    kind=st.sampled_from(Kind),
    id=st.sampled_from(["1", "2", "3"]),
    account_id=st.just("acme"),
    title=st.just("t"),
    due_on=st.none() | st.dates(date(2026, 1, 1), date(2026, 6, 1)),
    severity=st.sampled_from(Severity),
    is_taken=st.booleans(),
    state=st.sampled_from([CaseState.AT_RISK, CaseState.PLAN_IN_PLACE, CaseState.SAVING]),
)


@given(items, situations)
def test_the_parts_make_the_priority(item: Item, situation: Situation) -> None:
    found = row(item, situation, WEIGHTS)

    urgency, factors = found.parts[:5], found.parts[5:]
    assert sum(part.value for part in urgency) == found.urgency
    assert 0 <= found.urgency <= 100
    assert found.value >= 1
    assert found.value == round(factors[0].value * factors[1].value, 2)
    assert found.priority == round(found.urgency * found.value, 1)
    assert all(part.why for part in found.parts)


@given(items, situations)
def test_what_is_worse_never_lowers_the_priority(item: Item, situation: Situation) -> None:
    def rising(*priorities: float) -> bool:
        return all(one <= other for one, other in pairwise(priorities))

    def of(**changes: Any) -> float:
        return row(item, replace(situation, **changes), WEIGHTS).priority

    account = situation.account
    assert rising(*(of(band=band) for band in BY_BAND))
    assert rising(*(of(worst_alert=severity) for severity in (None, *Severity)))
    assert rising(*(of(score=score, score_before=60) for score in (80, 60, 50, 20)))
    renewals = (None, *(TODAY + timedelta(days=days) for days in (400, 180, 90, 60, 30, 0, -5)))
    assert rising(*(of(account=replace(account, next_renewal_on=day)) for day in renewals))
    amounts = [(), *((Money(Decimal(amount), "EUR"),) for amount in (0, 900, 10_000, 10**6))]
    assert rising(*(of(account=replace(account, arr=arr)) for arr in amounts))


@given(situations)
def test_what_is_due_longer_stands_higher(situation: Situation) -> None:
    due = [
        row(Item(Kind.TASK, "1", "acme", "t", TODAY + timedelta(days=days)), situation, WEIGHTS).priority
        for days in (90, 10, 3, 1, 0, -1, -5, -40)
    ]
    alerts = [
        row(Item(Kind.ALERT, "1", "acme", "t", severity=severity), situation, WEIGHTS).priority for severity in Severity
    ]
    assert due == sorted(due)
    assert alerts == sorted(alerts)


@given(st.lists(st.tuples(items, situations), max_size=8), st.randoms())
def test_the_order_does_not_depend_on_the_order_of_asking(made: list[tuple[Item, Situation]], random: object) -> None:
    rows = [row(item, situation, WEIGHTS) for item, situation in made]
    mixed = list(rows)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis' own random

    assert [each.place for each in in_order(mixed)] == [each.place for each in in_order(rows)]


def test_an_emergency_at_a_small_account_stands_above_a_trifle_at_a_great_one() -> None:
    small = Account("small", 1, arr=(Money(Decimal(2_000), "EUR"),), next_renewal_on=TODAY + timedelta(days=20))
    great = Account("great", 1, tier="strategic", arr=(Money(Decimal(900_000), "EUR"),))
    burns = Situation(small, TODAY, Band.RED, 20, 70, Severity.CRITICAL)

    emergency = row(Item(Kind.ALERT, "1", "small", "t", severity=Severity.CRITICAL), burns, WEIGHTS)
    trifle = row(Item(Kind.TOUCH_OWED, "2", "great", "t", TODAY), Situation(great, TODAY, Band.GREEN), WEIGHTS)

    assert emergency.priority > trifle.priority
