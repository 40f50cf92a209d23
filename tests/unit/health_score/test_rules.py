"""Tiers and service policies by the operator's rules, and what is told of documents that cannot be used."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_score.domain.account import Account
from health_score.domain.conditions import Attributes
from health_score.domain.facts.known import Facts
from health_score.domain.metrics.catalogue import METRICS
from health_score.domain.rules import By, Dated
from health_score.domain.tiers import Record, ServicePolicies, TierRules, tier_of
from health_score.rulebook.reading import Kind, RulesInvalid, check_rules, read_rules, shipped_body
from health_score.scorecards.plain_yaml import read_yaml
from mainstay.contracts.common import MoneyData
from mainstay.contracts.facts import TicketFact
from mainstay.contracts.ingest import AccountFact, ServicePolicy
from mainstay.contracts.renewals import AccountValueChanged
from tests.unit.health_score.stating import days_ago, reading, statements

AT = datetime(2026, 3, 31, tzinfo=UTC)
TIERS: dict[str, Any] = {
    "rules": [
        {"name": "partners", "tier": "high", "when": [{"attribute": "partnership", "in": ["strategic"]}]},
        {"name": "large", "tier": "high", "when": [{"arr": "EUR", "at_least": 100_000}], "reason": "a large contract"},
        {"name": "large-usd", "tier": "high", "when": [{"arr": "USD", "above": 110000.5}]},
        {
            "name": "brands",
            "tier": "medium",
            "when": [{"attribute": "brand_value", "in": ["high"]}, {"attribute": "industry", "not_in": ["retail"]}],
        },
        {"name": "others", "tier": "low"},
    ]
}


def record(*data: Any) -> Record:
    facts = Facts.of(statements(*data))
    return Record(Account("acme", 1), facts.until(AT), AT)


def worth(*amounts: tuple[str, str]) -> AccountValueChanged:
    arr = tuple(MoneyData(Decimal(amount), currency) for amount, currency in amounts)
    return AccountValueChanged("acme", 1, days_ago(9), arr=arr)


def tiers() -> TierRules:
    rules = read_rules(Kind.TIERS, TIERS, version=3)
    assert isinstance(rules, TierRules)
    return rules


@pytest.mark.parametrize(
    ("data", "tier", "rule"),
    [
        ([AccountFact("acme", days_ago(5), partnership="strategic")], "high", "partners"),
        ([AccountFact("acme", days_ago(5), partnership="channel")], "low", "others"),
        ([worth(("100000.00", "EUR"))], "high", "large"),
        ([worth(("99999.99", "EUR"))], "low", "others"),
        ([worth(("99999.99", "EUR"), ("110000.50", "USD"))], "low", "others"),  # no amount is converted or added
        ([worth(("1", "EUR"), ("110000.51", "USD"))], "high", "large-usd"),
        ([AccountFact("acme", days_ago(5), brand_value="high")], "medium", "brands"),
        ([AccountFact("acme", days_ago(5), brand_value="high", industry="retail")], "low", "others"),
        ([], "low", "others"),
    ],
)
def test_the_tier_is_that_of_the_first_rule_that_fits(data: list[Any], tier: str, rule: str) -> None:
    found, by = tier_of(record(*data), tiers())
    assert found == tier
    assert by is not None
    assert (by.how, by.rule, by.version) == ("rule", rule, 3)


def test_a_tier_says_why_and_a_stated_one_beats_it() -> None:
    _, by = tier_of(record(worth(("250000", "EUR"))), tiers())
    assert by is not None
    assert by.reason == "a large contract – arr.EUR is 250000"
    assert tier_of(record(worth(("250000", "EUR")), AccountFact("acme", days_ago(1), tier="low")), tiers()) == (
        "low",
        By("hand"),
    )
    assert tier_of(record(), TierRules()) == (None, None)


def test_a_tier_is_that_of_its_day() -> None:
    facts = Facts.of(
        statements(
            worth(("250000", "EUR")),
            AccountValueChanged("acme", 2, days_ago(3)),  # nothing any more: what is left out is not any more
        )
    )

    def tier(days: int) -> str | None:
        instant = days_ago(days)
        return tier_of(Record(Account("acme", 1), facts.until(instant), instant), tiers())[0]

    assert [tier(days) for days in (10, 8, 2)] == ["low", "high", "low"]


def policies() -> ServicePolicies:
    found = read_rules(Kind.POLICIES, shipped_body(Kind.POLICIES), version=0)
    assert isinstance(found, ServicePolicies)
    return found


def test_what_was_stated_for_an_account_stands_before_the_policy_of_its_tier() -> None:
    of = policies().of

    assert of(Attributes(), None) is None
    high = of(Attributes(tier="high"), None)
    assert high is not None
    assert (high.policy, high.promises["touch_every_days"], high.by.reason) == ("high touch", 30, "tier is high")
    mixed = of(Attributes(tier="high"), {"touch_every_days": 14, "response_within_hours": None})
    assert mixed is not None
    assert mixed.promises == {**high.promises, "touch_every_days": 14}
    assert mixed.by.reason == "tier is high; stated for this account: touch_every_days"
    named = of(Attributes(tier="high"), {"name": "low touch"})
    assert named is not None
    assert (named.policy, named.by.how) == ("low touch", "hand")
    alone = of(Attributes(), {"touch_every_days": 7, "budget": {"amount": Decimal("9.50"), "currency": "EUR"}})
    assert alone is not None
    assert (alone.policy, alone.by.how) == (None, "hand")
    assert alone.promises == {"touch_every_days": 7, "budget": {"amount": "9.50", "currency": "EUR"}}


def test_hours_are_promised_by_priority_as_of_the_day() -> None:
    def ticket(name: str, priority: str | None, hours: int) -> TicketFact:
        opened = days_ago(5, 9)
        return TicketFact(
            "acme",
            name,
            opened,
            opened_at=opened,
            priority=priority,  # type: ignore[arg-type]  # a text of the test
            first_response_at=opened + timedelta(hours=hours),
            resolved_at=opened + timedelta(hours=10 * hours),
        )

    then = reading(statements(ticket("a", "urgent", 2), ticket("b", "normal", 2), ticket("c", None, 9)))
    assert _in_time(then) == (None, None)
    service = policies().of(Attributes(tier="high"), None)
    assert service is not None
    then.promises = service.promises
    assert _in_time(then) == (1 / 3, 1 / 3)  # urgent: 1 hour; normal and none: 8; resolved after 20, 20 and 90 hours
    then.promises = {"response_within_hours": 2}
    assert _in_time(then) == (2 / 3, None)


def _in_time(then: Any) -> tuple[float | None, float | None]:
    names = ("answered_in_time_share_90d", "resolved_in_time_share_90d")
    first, second = (METRICS[name].read(then) for name in names)
    return (None if first is None else float(first), None if second is None else float(second))


def test_a_stated_promise_beats_the_policys_in_metrics() -> None:
    stated = AccountFact("acme", days_ago(40), service_policy=ServicePolicy(response_within_hours=4))
    opened = days_ago(5, 9)
    ticket = TicketFact("acme", "a", opened, opened_at=opened, first_response_at=opened + timedelta(hours=5))
    then = reading(statements(stated, ticket))
    then.promises = {"response_within_hours": 8}
    assert _in_time(then)[0] == 0


@given(st.lists(st.integers(0, 50), min_size=1, max_size=5, unique=True), st.integers(-10, 60))
def test_a_version_is_in_force_from_the_instant_it_was_saved_until_the_next(days: list[int], day: int) -> None:
    saved = sorted(days)
    dated = Dated(tuple(AT + timedelta(days=each) for each in saved), tuple(TierRules(version=each) for each in saved))

    version = dated.until(AT + timedelta(days=day)).version

    assert version == max([each for each in saved if each < day], default=saved[0])


WRONG: list[tuple[Kind, Any, list[tuple[str, str]]]] = [
    (Kind.TIERS, [], [("", "Input should be a valid dictionary or instance of TierRulesDocument")]),
    (
        Kind.TIERS,
        {"rules": [{"name": "a", "tier": "x", "when": [{"arr": "EUR"}]}]},
        [("/rules/0/when/0", "needs one of at_least, above, at_most, below")],
    ),
    (
        Kind.TIERS,
        {"rules": [{"name": "a", "tier": "x", "when": [{"arr": "eur", "above": 1}]}]},
        [("/rules/0/when/0/arr", "String should match pattern '^[A-Z]{3}$'")],
    ),
    (
        Kind.TIERS,
        {"rules": [{"name": "a", "tier": "x"}, {"name": "a", "tier": "y"}]},
        [
            ("/rules/1/name", "a stands there twice"),
            ("/rules/0/when", "a is for every account, so nothing behind it is ever reached"),
        ],
    ),
    (
        Kind.STAGES,
        {
            "transitions": [
                {"name": "a", "from": ["growth"], "to": "growth", "when": [{"metric": "tenure", "above": 1}]}
            ]
        },
        [("/transitions/0/when/0/metric", "no metric is named 'tenure'; near it are tenure_days, tenure_months")],
    ),
    (
        Kind.STAGES,
        {"transitions": [{"name": "a", "from": ["growth"], "to": "growth"}]},
        [("/transitions/0/to", "growth is one of the stages it comes from")],
    ),
    (
        Kind.STAGES,
        {
            "transitions": [
                {
                    "name": "a",
                    "from": [None],
                    "to": "growth",
                    "when": [{"metric": "activation", "known": True, "above": 1}],
                }
            ]
        },
        [("/transitions/0/when/0", "needs either known or one of at_least, above, at_most, below")],
    ),
    (
        Kind.STAGES,
        {"target_dwell_days": {"growth": -1}},
        [("/target_dwell_days/growth", "Input should be greater than or equal to 0")],
    ),
    (
        Kind.POLICIES,
        {"policies": [{"name": "a", "when": [{"attribute": "tier"}], "response_within_hours": {"urgent": "1"}}]},
        [
            ("/policies/0/when/0", "needs either in or not_in"),
            ("/policies/0/response_within_hours/urgent", "Input should be a valid integer"),
        ],
    ),
]


@pytest.mark.parametrize(("kind", "body", "faults"), WRONG)
def test_everything_that_is_wrong_with_a_document_is_told_with_its_place(
    kind: Kind, body: Any, faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(RulesInvalid) as refused:
        check_rules(kind, body)
    assert [tuple(fault) for fault in refused.value.faults] == faults


@pytest.mark.parametrize("kind", Kind)
def test_what_comes_with_mainstay_can_be_used(kind: Kind) -> None:
    check_rules(kind, shipped_body(kind))


def test_the_examples_of_the_documentation_can_be_used() -> None:
    text = (Path(__file__).parents[3] / "docs" / "lifecycle.md").read_text(encoding="utf-8")
    examples = [read_yaml(block.partition("```")[0]) for block in text.split("```yaml\n")[1:]]
    kinds = {"transitions": Kind.STAGES, "rules": Kind.TIERS, "policies": Kind.POLICIES}
    checked = [kind for example in examples for name, kind in kinds.items() if name in example]
    assert checked == [Kind.STAGES, Kind.TIERS, Kind.POLICIES]
    for kind, example in zip(checked, examples, strict=True):
        check_rules(kind, example)
