"""Key figures over HTTP, each as worked out by hand: periods, owners and tiers of the day, nothing of nothing."""

from datetime import date
from typing import Any

import pytest

from mainstay.contracts.facts import (
    AdvocacyFact,
    EntitlementFact,
    FeedbackFact,
    ObjectiveFact,
    SurveyResponseFact,
    TicketFact,
    TrainingFact,
)
from mainstay.contracts.ingest import ContactFact, ServicePolicy, TeamAssignment
from tests.integration.health_score.health import Health, daily, fact, instant, stated, usage, value

ALL = ("nps", "csat", "support", "training", "adoption", "active-users", "outcomes")
JANUARY, FEBRUARY = ("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28")


async def rows(health: Health, kpi: str, first: str, last: str, **more: Any) -> dict[tuple[Any, ...], Any]:
    """The figures by the period's first day and the group's values."""
    answer = await health.get(f"/kpis/{kpi}", **{"from": first, "to": last, **more})
    assert (answer["kpi"], answer["first_day"], answer["last_day"]) == (kpi, first, last)
    return {(row["first_day"], *row["group"].values()): row["figures"] for row in answer["data"]}


async def figures(health: Health, kpi: str, first: str, last: str, **more: Any) -> Any:
    """The figures of all the days at once."""
    ((_, found),) = (await rows(health, kpi, first, last, period="none", **more)).items()
    return found


async def changed_hands(health: Health, account: str = "acme") -> None:
    """In Berlin; kim's until noon (UTC) of February 10, then lee's, who is of the pool; silver from that day on too."""
    await health.receives(
        fact(account, at="2026-01-01T08:00Z", zone="Europe/Berlin", owner="kim", tier="gold"),
        fact(account, at="2026-01-01T08:00Z", coverage_role="coordinator"),
        fact(account, at="2026-02-10T12:00Z", team=(TeamAssignment("csm", "lee"),), tier="silver"),
        fact(account, at="2026-02-10T12:00Z", coverage_assignment="pool"),
    )


def answered(thing: str, at: str, score: int, contact: str | None = None, kind: Any = "nps") -> Any:
    return stated(SurveyResponseFact("acme", thing, instant(at), kind, score, contact_id=contact))


def ticket(thing: str, at: str, **fields: Any) -> Any:
    """A statement about a ticket; instants may be told as text."""
    told: dict[str, Any] = {
        name: instant(field) if name.endswith("_at") and field else field for name, field in fields.items()
    }
    return stated(TicketFact("acme", thing, instant(at), **told))


async def surveyed(health: Health) -> None:
    await changed_hands(health)
    await health.receives(
        answered("r1", "2026-01-31T22:59:59Z", 10, "ann"),
        answered("r2", "2026-01-31T23:00:00Z", 3, "ann"),
        answered("r3", "2026-02-05T10:00Z", 9, "bob"),
        answered("r4", "2026-02-20T10:00Z", 6, "bob"),
        answered("r5", "2026-02-21T10:00Z", 8),
        answered("r6", "2026-02-21T10:00Z", 5, "ann", kind="csat"),
    )


async def test_nps_takes_the_last_answer_of_each_contact_in_the_period(health: Health) -> None:
    await surveyed(health)

    by_month = await rows(health, "nps", "2026-01-01", "2026-03-31")
    by_owner = await rows(health, "nps", *FEBRUARY, by="owner")
    by_tier = await rows(health, "nps", *FEBRUARY, by="tier,coverage")

    january = {"nps": 100.0, "n": 1, "promoters": 1, "passives": 0, "detractors": 0, "answers": 1}
    february = {"nps": -200 / 3, "n": 3, "promoters": 0, "passives": 1, "detractors": 2, "answers": 4}
    nothing = {"nps": None, "n": 0, "promoters": 0, "passives": 0, "detractors": 0, "answers": 0}
    kim = {"nps": -100.0, "n": 1, "promoters": 0, "passives": 0, "detractors": 1, "answers": 2}
    lee = {"nps": -50.0, "n": 2, "promoters": 0, "passives": 1, "detractors": 1, "answers": 2}
    assert by_month == {("2026-01-01",): january, ("2026-02-01",): february, ("2026-03-01",): nothing}
    assert by_owner == {("2026-02-01", "kim"): kim, ("2026-02-01", "lee"): lee}
    assert list(by_tier) == [
        ("2026-02-01", "gold", "coordinator", "pool"),
        ("2026-02-01", "silver", "coordinator", "pool"),
    ]
    assert await rows(health, "nps", *FEBRUARY, owner="kim") == {("2026-02-01",): kim}
    assert await rows(health, "nps", *FEBRUARY, owner=["kim", "lee"], tier="silver") == {("2026-02-01",): lee}
    assert await rows(health, "nps", *FEBRUARY, owner="") == {("2026-02-01",): nothing}
    assert await rows(health, "nps", *FEBRUARY, account="other") == {("2026-02-01",): nothing}


@pytest.mark.parametrize(
    ("day", "begins", "ends"),
    [
        ("2025-03-30", "2025-03-29T23:00:00Z", "2025-03-30T21:59:59Z"),
        ("2025-10-26", "2025-10-25T22:00:00Z", "2025-10-26T22:59:59Z"),
    ],
)
async def test_a_day_of_23_or_25_hours_is_one_of_the_accounts_zone(
    health: Health, day: str, begins: str, ends: str
) -> None:
    await health.receives(fact("acme", at="2025-01-01T00:00Z", zone="Europe/Berlin"))
    await health.receives(answered("r1", begins, 9, "ann"), answered("r2", ends, 9, "bob"))

    around = await rows(health, "nps", "2025-01-01", "2025-12-31", period="none", by="account")

    assert (await figures(health, "nps", day, day))["n"] == around["2025-01-01", "acme"]["n"] == 2


async def test_csat_of_tickets_and_of_surveys_stand_apart(health: Health) -> None:
    await changed_hands(health)
    await health.receives(
        ticket("t1", "2026-02-01T10:00Z", csat=2),
        ticket("t1", "2026-02-15T10:00Z", csat=5),
        ticket("t2", "2026-02-16T10:00Z", csat=3),
        ticket("t2", "2026-02-17T10:00Z", csat=3),
        ticket("t3", "2026-02-16T10:00Z", csat=4),
        ticket("t3", "2026-02-18T10:00Z", csat=None),
        answered("r1", "2026-02-05T10:00Z", 4, kind="csat"),
        answered("r2", "2026-02-05T11:00Z", 9),
    )

    assert await figures(health, "csat", *FEBRUARY) == {
        "tickets": {"mean": 4.0, "satisfied_share": 0.5, "satisfied": 1, "n": 2},
        "surveys": {"mean": 4.0, "satisfied_share": 1.0, "satisfied": 1, "n": 1},
    }
    nothing = {"mean": None, "satisfied_share": None, "satisfied": 0, "n": 0}
    assert await figures(health, "csat", *JANUARY) == {"tickets": nothing, "surveys": nothing}


async def support_cases(health: Health) -> None:
    await changed_hands(health)
    await health.receives(
        fact("acme", at="2026-01-01T08:00Z", service_policy=ServicePolicy(response_within_hours=4)),
        fact("acme", at="2026-02-20T08:00Z", service_policy=ServicePolicy(response_within_hours=1)),
    )
    await health.receives(
        # Answered in time, resolved after 24 hours, opened again a week later, resolved for good.
        ticket("t1", "2026-01-10T10:00Z", opened_at="2026-01-10T10:00Z", priority="urgent"),
        ticket("t1", "2026-01-11T10:00Z", first_response_at="2026-01-10T12:00Z", resolved_at="2026-01-11T10:00Z"),
        ticket("t1", "2026-02-18T10:00Z", resolved_at=None),
        ticket("t1", "2026-02-19T10:00Z", resolved_at="2026-02-19T10:00Z"),
        # Opened under kim, answered late and resolved under lee.
        ticket("t2", "2026-02-10T10:00Z", opened_at="2026-02-10T10:00Z", priority="low"),
        ticket("t2", "2026-02-10T16:00Z", first_response_at="2026-02-10T16:00Z"),
        ticket("t2", "2026-02-12T10:00Z", resolved_at="2026-02-12T10:00Z"),
        # Never answered; the promise is a shorter one by then.
        ticket("t3", "2026-02-21T10:00Z", opened_at="2026-02-21T10:00Z"),
        # Opened an hour ago: it may still be in time.
        ticket("t4", "2026-03-01T08:30Z", opened_at="2026-03-01T08:30Z", priority="high"),
    )


async def test_support_counts_what_came_and_went_and_what_stays(health: Health) -> None:
    await support_cases(health)

    months = await rows(health, "support", "2026-01-01", "2026-03-31")

    flows = {month: tuple(found["tickets"].values()) for (month,), found in months.items()}
    assert flows == {"2026-01-01": (1, 1, 0, 0), "2026-02-01": (2, 2, 1, 1), "2026-03-01": (1, 0, 0, 2)}
    january, february, march = months.values()
    assert february["by_priority"] == {
        "urgent": {"opened": 0, "resolved": 1, "reopened": 1, "open_at_end": 0},
        "high": {"opened": 0, "resolved": 0, "reopened": 0, "open_at_end": 0},
        "normal": {"opened": 0, "resolved": 0, "reopened": 0, "open_at_end": 0},
        "low": {"opened": 1, "resolved": 1, "reopened": 0, "open_at_end": 0},
        "unstated": {"opened": 1, "resolved": 0, "reopened": 0, "open_at_end": 1},
    }
    assert january["first_response"] == {"median_hours": 2.0, "p90_hours": 2.0, "n": 1}
    assert january["resolution"] == {"median_hours": None, "p90_hours": None, "n": 0}
    assert february["resolution"] == {"median_hours": (48 + 960) / 2, "p90_hours": 960.0, "n": 2}
    assert january["in_time"] == {"share": 1.0, "in_time": 1, "n": 1}
    assert february["in_time"] == {"share": 0.0, "in_time": 0, "n": 2}
    assert march["in_time"] == {"share": None, "in_time": 0, "n": 0}


async def test_each_step_of_a_ticket_counts_for_who_had_the_account_then(health: Health) -> None:
    await support_cases(health)

    of = await rows(health, "support", *FEBRUARY, by="owner")

    kim, lee = of["2026-02-01", "kim"], of["2026-02-01", "lee"]
    assert tuple(kim["tickets"].values()) == (1, 0, 0, 0)
    assert tuple(lee["tickets"].values()) == (1, 2, 1, 1)
    assert (kim["first_response"]["n"], lee["first_response"]["median_hours"]) == (0, 6.0)
    assert (kim["in_time"]["n"], lee["in_time"]["n"]) == (1, 1)


async def test_training_counts_records_exams_and_people(health: Health) -> None:
    await changed_hands(health)

    def trained(thing: str, at: str, contact: str | None = None, **fields: Any) -> Any:
        return stated(TrainingFact("acme", thing, instant(at), "Basics", contact_id=contact, **fields))

    await health.receives(*daily("acme", "2026-02-20", "2026-02-20", users=4))
    await health.receives(
        trained("a", "2026-01-20T10:00Z", "user-0", stage="enrolled"),
        trained("a", "2026-02-01T10:00Z", "user-0", exam="failed"),
        trained("a", "2026-02-02T10:00Z", "user-0", exam="passed"),
        trained("a", "2026-02-12T10:00Z", "user-0", certificate="C-1", stage="completed"),
        trained("b", "2026-02-03T10:00Z", "user-1", stage="started"),
        trained("b", "2026-02-04T10:00Z", "user-1", stage="dropped"),
        trained("c", "2026-01-05T10:00Z", "gone", stage="completed"),
        trained("d", "2026-02-27T10:00Z", stage="completed"),
    )
    await health.receives(stated(ContactFact("acme", "gone", instant("2026-02-10T10:00Z"), status="left")))

    assert await rows(health, "training", "2026-01-01", "2026-02-28") == {
        ("2026-01-01",): {
            "enrolled": 2,
            "completed": 1,
            "dropped": 0,
            "certified": 0,
            "exams": {"pass_rate": None, "passed": 0, "n": 0},
            "trained": {"per_active_user": None, "people": 1, "active_users": 0},
        },
        ("2026-02-01",): {
            "enrolled": 2,
            "completed": 2,
            "dropped": 1,
            "certified": 1,
            "exams": {"pass_rate": 0.5, "passed": 1, "n": 2},
            "trained": {"per_active_user": 0.5, "people": 2, "active_users": 4},
        },
    }
    by_owner = await rows(health, "training", *FEBRUARY, by="owner")
    assert {owner: (found["completed"], found["certified"]) for (_, owner), found in by_owner.items()} == {
        "kim": (1, 0),
        "lee": (1, 1),
    }


async def test_active_users_are_those_of_the_periods_end_and_of_each_day(health: Health) -> None:
    await changed_hands(health)
    await health.receives(*daily("acme", "2026-02-03", "2026-02-03", users=3))
    await health.receives(*daily("acme", "2026-02-09", "2026-02-10", users=2))
    await health.receives(*daily("other", "2026-02-28", "2026-02-28", users=5))
    await health.receives(usage("acme", at="2026-02-28T23:00Z", user="late"))
    await health.settle()

    assert await rows(health, "active-users", "2026-01-01", "2026-03-31") == {
        ("2026-01-01",): {
            "daily": 0, "weekly": 0, "monthly": 0, "accounts": 0, "stickiness": None, "user_days_28d": 0,
            "daily_mean": 0.0, "user_days": 0, "complete_days": 31,
        },
        ("2026-02-01",): {
            "daily": 5, "weekly": 5, "monthly": 8, "accounts": 2, "stickiness": 12 / (28 * 8), "user_days_28d": 12,
            "daily_mean": 7 / 27, "user_days": 7, "complete_days": 27,
        },
        ("2026-03-01",): {
            "daily": 1, "weekly": 6, "monthly": 9, "accounts": 2, "stickiness": 13 / (28 * 9), "user_days_28d": 13,
            "daily_mean": None, "user_days": 0, "complete_days": 0,
        },
    }  # fmt: skip
    by_owner = await rows(health, "active-users", *FEBRUARY, by="owner")
    assert {owner: (found["user_days"], found["monthly"]) for (_, owner), found in by_owner.items()} == {
        "kim": (5, 0),
        "lee": (2, 3),
        None: (0, 5),
    }


async def test_adoption_counts_features_seats_activation_and_first_value(health: Health) -> None:
    await health.receives(
        fact("acme", at="2026-02-01T08:00Z", go_live_on=date(2026, 2, 2), owner="kim"),
        fact("other", at="2026-01-01T08:00Z", owner="kim"),
    )
    await health.receives(
        value("acme", at="2026-02-01T08:00Z", seats=10),
        value("other", at="2026-01-01T08:00Z", seats=4),
    )
    await health.receives(
        stated(EntitlementFact("acme", "plan", instant("2026-02-01T08:00Z"), features=("feature-0", "exports"))),
        stated(EntitlementFact("acme", "seats", instant("2026-02-01T08:00Z"), used=6)),
    )
    await health.receives(*daily("acme", "2026-02-12", "2026-02-12", users=5, features=1))
    await health.receives(*daily("other", "2026-01-15", "2026-01-15", users=1, features=2))
    await health.receives(*daily("other", "2026-02-20", "2026-02-20", users=2, features=2))
    await health.settle()

    february = await figures(health, "adoption", *FEBRUARY)
    january = await figures(health, "adoption", *JANUARY, feature="exports")

    assert february == {
        "features_per_account": 1.5,
        "features_used": 3,
        "accounts": 2,
        "seats": {"utilisation": 8 / 14, "used": 8.0, "bought": 14, "n": 2},
        "activated": 2,
        "time_to_first_value": {"median_days": 10.0, "n": 1},
        "features": [
            {"feature": "feature-0", "adoption": 6 / 7, "users": 6, "eligible": 7},
            {"feature": "feature-1", "adoption": 0.5, "users": 1, "eligible": 2},
        ],
    }
    assert (january["activated"], january["time_to_first_value"]) == (0, {"median_days": 14.0, "n": 1})
    assert january["seats"] == {"utilisation": 0.25, "used": 1.0, "bought": 4, "n": 1}
    assert january["features"] == [{"feature": "exports", "adoption": 0.0, "users": 0, "eligible": 1}]


async def test_outcomes_count_goals_advocacy_and_the_closed_loop(health: Health) -> None:
    await changed_hands(health)

    def goal(thing: str, at: str, **fields: Any) -> Any:
        return stated(ObjectiveFact("acme", thing, instant(at), **fields))

    def asked(thing: str, at: str, **fields: Any) -> Any:
        told: dict[str, Any] = {
            name: instant(field) if name.endswith("_at") else field for name, field in fields.items()
        }
        return stated(FeedbackFact("acme", thing, instant(at), **told))

    await health.receives(
        goal("on time", "2026-01-05T10:00Z", due_on=date(2026, 2, 10)),
        goal("on time", "2026-02-11T10:00Z", state="achieved", achieved_on=date(2026, 2, 10), confirmed_by="ann"),
        goal("late", "2026-01-05T10:00Z", due_on=date(2026, 2, 5), state="active"),
        goal("late", "2026-02-20T10:00Z", state="achieved"),
        goal("missed", "2026-01-05T10:00Z", due_on=date(2026, 2, 28)),
        goal("running", "2026-02-05T10:00Z", due_on=date(2026, 3, 1)),
        goal("draft", "2026-02-05T10:00Z", due_on=date(2026, 2, 20), state="draft"),
    )
    await health.receives(
        stated(AdvocacyFact("acme", "a1", instant("2026-02-11T10:00Z"), "referral", state="given")),
        stated(AdvocacyFact("acme", "a2", instant("2026-02-11T10:00Z"), "case_study", state="agreed")),
    )
    await health.receives(
        asked("f1", "2026-02-01T10:00Z", state="in_test"),
        asked("f1", "2026-02-02T10:00Z", state="released"),
        asked("f1", "2026-02-08T10:00Z", state="released", customer_told_at="2026-02-05T22:00Z"),
        asked("f2", "2026-02-20T10:00Z", state="wont_do"),
    )

    february = await figures(health, "outcomes", *FEBRUARY)
    march = await figures(health, "outcomes", "2026-03-01", "2026-03-31")
    december = await figures(health, "outcomes", "2025-12-01", "2025-12-31")

    due = {"achieved_share": 2 / 3, "achieved_on_time": 1, "achieved_late": 1, "missed": 1, "still_running": 0, "n": 3}
    assert february == {
        "due": due,
        "achieved": {"confirmed_share": 0.5, "confirmed": 1, "n": 2},
        "customers": {"reached_share": 1.0, "reached": 1, "n": 1},
        "advocacies": {"referral": 1, "reference": 0, "case_study": 0, "testimonial": 0, "n": 1},
        "feedback": {"told_share": 0.5, "told": 1, "released": 1, "declined": 1, "n": 2, "median_days_to_tell": 3.5},
    }
    assert (march["due"]["still_running"], march["customers"]) == (1, {"reached_share": 0.0, "reached": 0, "n": 1})
    assert (december["due"]["achieved_share"], december["customers"]["reached_share"]) == (None, None)
    by_owner = await rows(health, "outcomes", *FEBRUARY, by="owner")
    assert {owner: (of["due"]["n"], of["feedback"]["n"]) for (_, owner), of in by_owner.items()} == {
        "kim": (1, 1),
        "lee": (2, 1),
    }
