"""Tiers and promises of key figures at instants of the past: by the rules in force then, from what was known then."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health_score.domain.account import Account, Stated
from health_score.domain.activity import Activity
from health_score.domain.circumstances import Circumstances
from health_score.domain.evidence import Evidence
from health_score.domain.facts.known import Facts
from health_score.domain.kpis.attribution import Axis, attribution
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.promises import promises_at
from health_score.domain.kpis.ruled import services, tiers
from health_score.domain.rulebook import NO_RULES, Rulebook
from health_score.domain.stages import Journal, Move
from mainstay.contracts.common import MoneyData
from mainstay.contracts.ingest import AccountFact, ServicePolicy
from mainstay.contracts.renewals import AccountValueChanged
from tests.unit.health_score.ruling import FIRST_RULES, OTHER_RULES, RULES
from tests.unit.health_score.stating import BERLIN, statements

MICROSECOND = timedelta(microseconds=1)


def on(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2025, month, day, hour, tzinfo=UTC)


def account(at: datetime, **fields: Any) -> AccountFact:
    return AccountFact("acme", at, **fields)


def worth(at: datetime, amount: int) -> AccountValueChanged:
    return AccountValueChanged("acme", 1, at, arr=(MoneyData(Decimal(amount), "EUR"),))


def past(*data: Any, **more: Any) -> Past:
    return Past("acme", BERLIN, Facts.of(statements(*data)).statements, **more)


TIERS: list[tuple[str, list[Any], list[tuple[datetime, str | None]]]] = [
    (
        "by the rules in force then",
        [account(on(9, 1), partnership="strategic"), worth(on(9, 2), 5000)],
        [
            (on(9, 20), None),
            (FIRST_RULES - MICROSECOND, None),
            (FIRST_RULES, "medium"),
            (OTHER_RULES - MICROSECOND, "medium"),
            (OTHER_RULES, "high"),
        ],
    ),
    (
        "from what was known then",
        [account(on(9, 1), name="Acme"), worth(on(11, 20), 5000), worth(on(12, 1), 10)],
        [(on(11, 19), None), (on(11, 20), "high"), (on(12, 1, 11), "high"), (on(12, 1), None)],
    ),
    (
        "before the first word what that one says, by the rules in force then",
        [account(on(12, 1), partnership="strategic")],
        [(on(10, 1), None), (on(11, 1), "medium"), (on(11, 20), None)],
    ),
    (
        "a stated one beats rules until it is withdrawn",
        [
            account(on(9, 1), partnership="strategic"),
            account(on(10, 20), tier="gold"),
            account(on(11, 1), tier=None),
        ],
        [(on(10, 19), "medium"), (on(10, 20), "gold"), (on(11, 1), "medium"), (on(11, 20), None)],
    ),
    (
        "the first stated one where rules give none before it",
        [account(on(9, 1), partnership="strategic"), account(on(12, 1), tier="gold")],
        [(on(9, 20), "gold"), (on(10, 20), "medium"), (on(11, 20), "gold"), (on(12, 2), "gold")],
    ),
    ("no word at all", [], [(on(9, 20), None), (on(12, 1), None)]),
]


@pytest.mark.parametrize(("told", "facts", "expected"), TIERS, ids=[told for told, *_ in TIERS])
def test_the_tier_of_an_instant(told: str, facts: list[Any], expected: list[tuple[datetime, str | None]]) -> None:
    under = attribution(past(*facts), (Axis.TIER,), RULES)

    assert [(instant, *under.at(instant)) for instant, _ in expected] == expected, told


def test_without_tier_rules_the_record_says_what_no_fact_speaks_of() -> None:
    of = past(account(on(9, 1), name="Acme"), present={Axis.TIER: "gold"})
    assert attribution(of, (Axis.TIER,), NO_RULES).at(on(10, 1)) == ("gold",)


def test_a_record_that_is_older_than_facts_counts_from_its_day_and_before_where_rules_give_nothing() -> None:
    stated = {"tier": Stated("gold", on(11, 1), "e0"), "partnership": Stated("strategic", on(10, 20), "e1")}
    steps = tiers(past(record=stated), RULES)
    instants = (on(10, 1), on(10, 19), on(10, 20), on(11, 1), on(12, 1))
    assert [steps.at(instant) for instant in instants] == ["gold", "gold", "medium", "gold", "gold"]


RESPONSE, RESOLUTION = 0, 1


def hours(of: Past, instant: datetime, priority: str | None, which: int = RESPONSE) -> int | None:
    return promises_at(of, RULES, [instant])[instant].for_ticket(priority)[which]


def test_hours_are_those_of_the_policy_in_force_by_the_tickets_priority() -> None:
    of = past(account(on(9, 1), name="Acme"), worth(on(9, 2), 5000))
    before, after = OTHER_RULES - MICROSECOND, OTHER_RULES  # the account is of the tier high from then on

    assert (hours(of, before, "urgent"), hours(of, after, "urgent")) == (None, 1)
    assert (hours(of, after, "normal"), hours(of, after, None), hours(of, after, "low")) == (4, 4, None)
    assert (hours(of, before, "low", RESOLUTION), hours(of, after, "low", RESOLUTION)) == (None, 24)


def test_what_is_stated_for_the_account_beats_the_policy_field_by_field() -> None:
    of = past(worth(on(9, 2), 5000), account(on(12, 1), service_policy=ServicePolicy(response_within_hours=9)))

    assert [hours(of, on(11, day), "urgent") for day in (1, 20)] == [9, 1]  # before: stated first; then the policy
    assert (hours(of, on(12, 1), "urgent"), hours(of, on(12, 1), "urgent", RESOLUTION)) == (9, 24)


def test_a_policy_may_go_by_the_stage_that_rules_or_people_gave_the_account() -> None:
    moves = (Move(on(12, 1), None, "growth", "began", 1, ""), Move(on(12, 20), "growth", "nurture", "settled", 1, ""))
    of = past(account(on(9, 1), name="Acme"), journal=Journal(moves))
    assert [hours(of, on(*day), None) for day in ((11, 30), (12, 1), (12, 20))] == [None, 10, None]

    of = past(account(on(9, 1), name="Acme"), account(on(12, 10), stage="nurture"), journal=Journal(moves))
    assert [hours(of, on(*day), None) for day in ((12, 9), (12, 10))] == [10, None]


def test_instants_may_be_asked_in_any_order() -> None:
    of = past(worth(on(9, 2), 5000), worth(on(12, 1), 10))
    asked = [on(12, 2), on(11, 20), on(12, 2), on(10, 1)]
    found = services(of, RULES, asked)
    assert [None if found[each] is None else "fast" for each in asked] == [None, "fast", None, None]


instants = st.datetimes(datetime(2025, 9, 20), datetime(2025, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware
told = st.one_of(
    st.builds(worth, instants, st.integers(0, 2_000)),
    st.builds(
        lambda at, fields: account(at, **fields),
        instants,
        st.fixed_dictionaries(
            {},
            optional={
                "tier": st.sampled_from(["high", "low", None]),
                "partnership": st.sampled_from(["strategic", None]),
                "stage": st.sampled_from(["growth", None]),
                "service_policy": st.sampled_from([ServicePolicy(response_within_hours=3), None]),
            },
        ),
    ),
)


@settings(max_examples=200)
@given(st.lists(told, max_size=12), st.lists(instants, min_size=1, max_size=8))
def test_once_everything_was_spoken_of_it_is_what_scores_are_made_on(facts: list[Any], asked: list[datetime]) -> None:
    """The same tier and service that the account's health as of the instant goes by."""
    begin = datetime(2025, 9, 1, tzinfo=UTC)
    of = past(account(begin, tier=None, service_policy=None, stage=None), *facts)
    known = Facts(of.statements, BERLIN)
    scored = Circumstances(Account("acme", 1), Evidence(Activity(begin.date()), known), RULES)
    steps, found = tiers(of, RULES), services(of, RULES, asked)

    for instant in asked:
        then = scored.until(instant + MICROSECOND, known.until(instant + MICROSECOND))
        assert (steps.at(instant), found[instant]) == (then.attributes.tier, then.service)


def test_a_rulebook_says_what_has_to_be_read() -> None:
    for rules, expected in ((RULES, (True, True, True)), (Rulebook(), (False, False, False))):
        assert (rules.has_tiers, rules.reads_arr, rules.promises_by_stage) == expected
