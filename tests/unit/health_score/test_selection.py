"""Which scorecard, and what people decided, as of any instant."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health_score.domain.account import Account, Stated
from health_score.domain.activity import Activity
from health_score.domain.circumstances import attributes_until
from health_score.domain.conditions import Attributes, Condition
from health_score.domain.decisions import Decision, Decisions, Override, OverrideLifted, Sentiment, SentimentGiven
from health_score.domain.evidence import Evidence
from health_score.domain.facts.known import Facts, Known, Statement
from health_score.domain.metrics.life import months_between
from health_score.domain.scoring import Scorer
from health_score.domain.selection import Activation, Bases, Deployment, in_order
from health_score.scorecards.reading import shipped

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOLD = (Condition("tier", ("gold",)),)


def activation(card: str, hours: int, *, version: int | None = 1, **more: object) -> Activation:
    return Activation(AT + hours * HOUR, "ann", card, version, **more)  # type: ignore[arg-type]  # a test's builder


def test_the_first_card_whose_conditions_hold_is_taken_the_highest_priority_first() -> None:
    scorers = {scorer.key: scorer for scorer in (Scorer(shipped(id_).card) for id_ in ("default", "prove"))}
    deployment = Deployment((activation("default", 0), activation("prove", 1, when=GOLD, priority=5)), scorers)

    now = deployment.until(AT + 2 * HOUR)
    assert now.select(Attributes(tier="gold"))[1:] == (deployment.activations[1], "tier is gold")
    assert now.select(Attributes(tier="silver")).scorer.card.id == "default"
    assert now.select(Attributes()).reason == "it is for every account"
    before = deployment.until(AT + HOUR)  # it counts from then on, not before
    assert before.select(Attributes(tier="gold")).scorer.card.id == "default"
    assert deployment.until(AT - 1_000 * HOUR) is before  # imported history is scored by the first


def test_a_later_activation_takes_the_place_of_an_earlier_one_of_its_card() -> None:
    made = (activation("a", 0), activation("b", 1), activation("a", 2, version=2, priority=-1), activation("c", 3))
    assert [(each.card_id, each.version) for each in in_order(made)] == [("c", 1), ("b", 1), ("a", 2)]
    assert [each.card_id for each in in_order((*made, activation("c", 4, version=None)))] == ["b", "a"]


def test_attributes_are_those_of_their_time() -> None:
    account = Account("acme", 1, stated={"tier": Stated("gold", AT, "f"), "segment": Stated("large", AT, "f")})
    assert attributes_until(account, Known(), AT) == Attributes()
    assert attributes_until(account, Known(), AT + HOUR) == Attributes(tier="gold", segment="large")

    def fact(hours: int, by: str, **fields: str | None) -> Statement:
        return Statement(AT + hours * HOUR, by, "account", "acme", fields, AT)

    facts = Facts.of([fact(-9, "a", tier="bronze", stage="growth"), fact(-5, "b", tier="silver")])
    assert attributes_until(account, facts.until(AT - 6 * HOUR), AT - 6 * HOUR) == Attributes("bronze", "growth")
    assert attributes_until(account, facts.until(AT), AT) == Attributes("silver", "growth")


def override(hours: int, until: int, score: int, measure: str | None = None) -> Override:
    return Override(AT + hours * HOUR, "ann", measure, score, "a call", AT + until * HOUR)


def test_decisions_hold_from_their_instant_until_they_expire_or_are_taken_back() -> None:
    steps: tuple[Decision, ...] = (
        override(0, 10, 80),
        SentimentGiven(AT + HOUR, "ann", Sentiment.RED),
        override(2, 4, 20, "recency"),
        override(5, 99, 70),
        OverrideLifted(AT + 6 * HOUR, "ann", None),
        SentimentGiven(AT + 7 * HOUR, "ann", None),
    )
    decisions = Decisions(steps, ZoneInfo("Asia/Tokyo"))

    def at(hours: float) -> tuple[int | None, list[str], str | None]:
        found = decisions.until(AT + hours * HOUR)
        sentiment = found.sentiment.sentiment if found.sentiment else None
        return found.score.score if found.score else None, list(found.measures), sentiment

    assert at(0) == (None, [], None)
    assert at(1) == (80, [], None)
    assert at(3) == (80, ["recency"], "red")
    assert at(4) == (80, ["recency"], "red")  # what expires at midnight still holds for the day that ends then
    assert at(4.1) == (80, [], "red")
    assert at(5.5) == (70, [], "red")
    assert at(6.5) == (None, [], "red")
    assert at(8) == (None, [], None)
    assert decisions.until(AT + 3 * HOUR).sentiment_on == date(2026, 3, 1)


@settings(deadline=None)  # the first look at a zone reads a file
@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 60), st.booleans()), max_size=6),
    st.sampled_from(["UTC", "Asia/Tokyo"]),
)
def test_what_holds_changes_on_turning_days_only(made: list[tuple[int, int, bool]], zone: str) -> None:
    steps = [
        override(hours, hours + length, 50) if is_override else SentimentGiven(AT + hours * HOUR, "a", Sentiment.RED)
        for hours, length, is_override in sorted(made)
    ]
    account = Account("acme", 1, stated={"zone": Stated(zone, AT, "f")})
    evidence = Evidence(Activity(AT.date()), decisions=Decisions(tuple(steps), ZoneInfo(zone)))
    of = Bases(account, evidence, Deployment.of_one(Scorer(shipped("default").card), AT - 99 * HOUR))
    first = AT.date() - timedelta(days=1)
    turning = of.turning_days(first)

    for back in range(9):
        day = first + timedelta(days=back)
        begins, ends = (
            datetime(each.year, each.month, each.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
            for each in (day, day + timedelta(days=1))
        )
        assert (day in turning) == of.turns_on(day)
        if day not in turning:
            assert of.until(ends, Known()).decided == of.until(begins, Known()).decided


@pytest.mark.parametrize(
    ("born", "day", "months"),
    [
        ("2026-01-01", "2026-01-01", Fraction(0)),
        ("2026-01-01", "2026-02-15", 1 + Fraction(14, 28)),
        ("2026-01-31", "2026-02-27", Fraction(27, 28)),
        ("2026-01-31", "2026-02-28", Fraction(1)),
        ("2026-01-31", "2026-05-31", Fraction(4)),
        ("2024-02-29", "2025-02-28", Fraction(12)),
        ("2025-11-30", "2026-08-30", Fraction(9)),
        ("2025-11-30", "2026-08-31", 9 + Fraction(1, 31)),
    ],
)
def test_months_are_anchored_and_exact(born: str, day: str, months: Fraction) -> None:
    assert months_between(date.fromisoformat(born), date.fromisoformat(day)) == months


@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(0, 2_000))
def test_months_grow_with_every_day(born: date, days: int) -> None:
    day = born + timedelta(days=days)
    assert 0 <= months_between(born, day) < months_between(born, day + timedelta(days=1))
