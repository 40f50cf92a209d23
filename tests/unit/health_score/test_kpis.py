"""What holds for key figures whatever happened: groups add up, order does not matter, and nothing is counted twice."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health_score.application.kpi_views import (
    active_users_view,
    csat_view,
    nps_view,
    outcomes_view,
    support_view,
    training_view,
)
from health_score.application.kpis import ACTIVE_USERS, CSAT, NPS, OUTCOMES, SUPPORT, TRAINING, Kpi, Row
from health_score.domain.activity import Activity, DayOfUse
from health_score.domain.facts.known import NOW as AHEAD
from health_score.domain.facts.known import Facts
from health_score.domain.kpis.attribution import Axis
from health_score.domain.kpis.ledger import Books, TooManyGroups
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.periods import DAY, Every, periods
from health_score.domain.kpis.tickets import Support
from mainstay.contracts.common import MoneyData
from mainstay.contracts.facts import (
    AdvocacyFact,
    FeedbackFact,
    ObjectiveFact,
    SurveyResponseFact,
    TicketFact,
    TrainingFact,
)
from mainstay.contracts.ingest import AccountFact, ServicePolicy, TeamAssignment
from mainstay.contracts.renewals import AccountValueChanged
from tests.unit.health_score.ruling import RULES
from tests.unit.health_score.stating import BERLIN, statements

FIRST, LAST = date(2025, 10, 1), date(2025, 12, 31)
NOW = datetime(2025, 12, 20, 12, tzinfo=UTC)
VIEWS: dict[str, tuple[Kpi[Any], Callable[[Row[Any]], Any]]] = {
    "nps": (NPS, nps_view),
    "csat": (CSAT, csat_view),
    "support": (SUPPORT, support_view),
    "training": (TRAINING, training_view),
    "active-users": (ACTIVE_USERS, active_users_view),
    "outcomes": (OUTCOMES, outcomes_view),
}
RATIOS = ("_share", "nps", "mean", "stickiness", "pass_rate", "per_active_user", "_hours", "_days_to_tell", "share")
SAME_FOR_ALL = ("complete_days",)

instants = st.datetimes(datetime(2025, 9, 20), datetime(2025, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware
days = st.dates(date(2025, 9, 20), date(2026, 1, 20))
things = st.sampled_from("abc")
people = st.sampled_from(["ann", "bob", None])


def told(kind: type[Any], *names: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda at, thing, stated: kind("acme", *([thing] if names else []), at, **stated),
        instants,
        things,
        st.fixed_dictionaries({}, optional=fields),
    )


facts = st.lists(
    st.one_of(
        told(
            AccountFact,
            owner=st.sampled_from(["kim", "lee", None]),
            tier=st.sampled_from(["gold", "silver", None]),
            segment=st.sampled_from(["smb", "large"]),
            partnership=st.sampled_from(["strategic", None]),
            service_policy=st.sampled_from([ServicePolicy(response_within_hours=3), None]),
        ),
        st.builds(
            lambda at, amount: AccountValueChanged("acme", 1, at, arr=(MoneyData(Decimal(amount), "EUR"),)),
            instants,
            st.integers(0, 2_000),
        ),
        st.builds(
            lambda at, who, since, length: AccountFact(
                "acme", at, team=(TeamAssignment("csm", who, since, since + length * DAY if since else None),)
            ),
            instants,
            st.sampled_from(["kim", "mo", None]),
            st.none() | days,
            st.integers(0, 40),
        ),
        told(
            TicketFact,
            "ticket_id",
            opened_at=instants,
            first_response_at=st.none() | instants,
            resolved_at=st.none() | instants,
            csat=st.none() | st.integers(1, 5),
            priority=st.sampled_from(["urgent", "low", None]),
        ),
        st.builds(
            lambda at, thing, kind, score, who: SurveyResponseFact(
                "acme", thing + kind, at, kind, score, contact_id=who
            ),
            instants,
            things,
            st.sampled_from(["nps", "csat"]),
            st.integers(1, 5),
            people,
        ),
        st.builds(
            lambda at, thing, stage, exam, who: TrainingFact(
                "acme", thing, at, "Basics", stage=stage, exam=exam, contact_id=who
            ),
            instants,
            things,
            st.sampled_from(["enrolled", "completed", "dropped"]),
            st.sampled_from(["passed", "failed", None]),
            people,
        ),
        told(
            ObjectiveFact,
            "objective_id",
            state=st.sampled_from(["draft", "active", "achieved", "missed", "dropped"]),
            due_on=st.none() | days,
            achieved_on=st.none() | days,
            confirmed_by=people,
        ),
        told(FeedbackFact, "feedback_id", state=st.sampled_from(["released", "wont_do", "in_test"])),
        st.builds(
            lambda at, thing, state: AdvocacyFact("acme", thing, at, "referral", state=state),
            instants,
            things,
            st.sampled_from(["given", "asked"]),
        ),
    ),
    max_size=25,
)  # fmt: skip
use = st.dictionaries(days, st.builds(lambda users: DayOfUse(1, users), st.integers(1, 15)), max_size=30)


def past(stated: list[Any], days_of_use: dict[date, DayOfUse] | None = None) -> Past:
    """An account with what was stated of instants up to now: the store reads nothing else."""
    known = Facts.of([statement for statement in statements(*stated) if statement.at < NOW + AHEAD])
    use_known = Activity(date(2025, 1, 1), days_of_use or {})
    return Past("acme", BERLIN, known.statements, {Axis.OWNER: "now"}, activity=use_known)


def counted(
    kpi: Kpi[Any], of: Past, *axes: Axis, every: Every = Every.MONTH, **more: Any
) -> dict[tuple[int, tuple[str | None, ...]], Any]:
    books = Books(periods(FIRST, LAST, every), axes, more.pop("wanted", {}), NOW, kpi.new, **{"rules": RULES, **more})
    kpi.count(of, books.of(of))
    return books.cells


def counts(view: Any, prefix: str = "") -> Counter[str]:
    """The counts of a view, by path; not its ratios."""
    found: Counter[str] = Counter()
    for name in view.__slots__:
        value = getattr(view, name)
        if hasattr(value, "__slots__"):
            found += counts(value, f"{prefix}{name}.")
        elif not any(name.endswith(ratio) for ratio in RATIOS) and name not in SAME_FOR_ALL and name != "daily_mean":
            found[prefix + name] += value
    return found


@settings(max_examples=150)
@given(facts, use, st.permutations([Axis.OWNER, Axis.TIER, Axis.COVERAGE_ROLE]))
def test_groups_add_up_to_the_whole(stated: list[Any], days_of_use: dict[date, DayOfUse], axes: list[Axis]) -> None:
    of = past(stated, days_of_use)
    for kpi, view in VIEWS.values():
        for every in (Every.NONE, Every.WEEK):
            cut = periods(FIRST, LAST, every)
            whole: dict[int, Counter[str]] = {
                place: counts(view(Row(cut[place], (), cell, 0)))
                for (place, _), cell in counted(kpi, of, every=every).items()
            }
            added: dict[int, Counter[str]] = {}
            for (place, group), cell in counted(kpi, of, *axes, every=every).items():
                added[place] = added.get(place, Counter()) + counts(view(Row(cut[place], group, cell, 0)))
            assert added == whole


@settings(max_examples=100)
@given(facts)
def test_weeks_add_up_to_the_whole_where_nothing_is_of_an_end(stated: list[Any]) -> None:
    of = past(stated)

    def opened_and_so_on(every: Every) -> Counter[str]:
        cells: list[Support] = list(counted(SUPPORT, of, every=every).values())
        return Counter(
            {name: sum(getattr(cell, name).total() for cell in cells) for name in ("opened", "resolved", "reopened")}
        )

    assert opened_and_so_on(Every.WEEK) == opened_and_so_on(Every.NONE)


@settings(max_examples=150)
@given(facts)
def test_what_is_open_is_what_came_and_did_not_go(stated: list[Any]) -> None:
    cells = counted(SUPPORT, past(stated), every=Every.WEEK)
    cut = periods(FIRST, LAST, Every.WEEK)
    began = [place for place, period in enumerate(cut) if period.first <= NOW.date()]
    opened_before = {place: cells.get((place, ()), Support()) for place in began}

    for before, after in pairwise(began):
        then, now = opened_before[before], opened_before[after]
        if after == began[-1]:
            continue  # the running week ends five minutes after now
        assert now.open_at_end.total() == (
            then.open_at_end.total() + now.opened.total() + now.reopened.total() - now.resolved.total()
        )


@settings(max_examples=50)
@given(facts, st.randoms())
def test_the_order_in_which_facts_came_does_not_matter(stated: list[Any], random: Any) -> None:
    said = [statement for statement in statements(*stated) if statement.at < NOW + AHEAD]
    shuffled = random.sample(said, len(said))
    for kpi, view in VIEWS.values():
        both = [counted(kpi, Past("acme", BERLIN, Facts.of(each).statements), Axis.OWNER) for each in (said, shuffled)]
        cut = periods(FIRST, LAST, Every.MONTH)
        shown = [{key: view(Row(cut[key[0]], key[1], cell, 0)) for key, cell in cells.items()} for cells in both]
        assert shown[0] == shown[1]


def test_what_is_to_come_counts_nowhere() -> None:
    soon = NOW + timedelta(minutes=10)
    of = past([TicketFact("acme", "t", NOW, opened_at=soon), SurveyResponseFact("acme", "r", soon, "nps", 9)])

    assert counted(NPS, of) == {}
    assert counted(SUPPORT, of) == {}


def test_too_many_rows_are_refused() -> None:
    of = past([SurveyResponseFact("acme", f"r{day}", NOW - day * DAY, "nps", 9) for day in range(60)])
    with pytest.raises(TooManyGroups, match="more than 3 rows"):
        counted(NPS, of, every=Every.WEEK, most=3)
