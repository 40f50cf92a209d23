"""What closes bring besides scores: the place among peers, deviations said once; and adoption and activation."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mainstay.contracts.health_score import MetricDeviated
from tests.integration.health_score.health import Health, daily, fact, usage, value


def busy(account: str, first: str, last: str, *, events: int, users: int = 6) -> list[Any]:
    """Weekdays with so many events of so many users, and three events of one user on each day of a weekend."""
    day, end = datetime.fromisoformat(first).replace(hour=12, tzinfo=UTC), datetime.fromisoformat(last)
    made = []
    while day.date() <= end.date():
        rests = day.weekday() >= 5
        made += [
            usage(account, at=day + timedelta(seconds=number), user=f"user-{0 if rests else number % users}")
            for number in range(3 if rests else events)
        ]
        day += timedelta(days=1)
    return made


async def test_a_drop_is_said_once_from_the_close_and_a_quiet_weekend_is_none(health: Health) -> None:
    await health.receives(*busy("acme", "2025-12-01", "2026-03-01", events=30))
    await health.settle()
    assert await health.said(MetricDeviated) == []

    await health.lives_through(
        *busy("acme", "2026-03-02", "2026-03-03", events=30),  # Monday, Tuesday
        *busy("acme", "2026-03-04", "2026-03-11", events=6, users=6),  # a week of a fifth, and a weekend
    )
    assert [(each.metric, each.day.isoformat(), each.value) for each in await health.said(MetricDeviated)] == [
        ("events_1d", "2026-03-04", 6)
    ]
    (said,) = await health.said(MetricDeviated)
    assert (said.expected, said.spread, said.deviation) == (30.0, 3.0, -8.0)
    assert said.occurred_at == datetime(2026, 3, 5, tzinfo=UTC)

    await health.lives_through(
        *busy("acme", "2026-03-12", "2026-03-12", events=30), *busy("acme", "2026-03-13", "2026-03-13", events=90)
    )
    await health.until("2026-03-14T09:00Z")
    assert [(each.day.isoformat(), each.deviation > 0) for each in await health.said(MetricDeviated)] == [
        ("2026-03-04", False),
        ("2026-03-13", True),
    ]


async def test_a_deviation_is_not_said_again_when_late_events_restate_its_day(health: Health) -> None:
    await health.receives(*busy("acme", "2025-12-01", "2026-03-01", events=30))
    await health.settle()
    await health.lives_through(*busy("acme", "2026-03-02", "2026-03-02", events=2))
    await health.until("2026-03-03T01:00Z")
    assert len(await health.said(MetricDeviated)) == 2  # events and users

    await health.receives(usage("acme", at="2026-03-02T20:00Z", user="user-0"))
    await health.settle()
    assert len(await health.said(MetricDeviated)) == 2

    await health.receives(*busy("acme", "2026-03-02", "2026-03-02", events=30))
    await health.settle()
    (stored,) = await health.rows("SELECT deviating FROM health_score.account_metrics")
    assert stored.deviating == {}
    assert (await health.metrics("acme", as_of="2026-03-02"))["usage_deviation"] == 1.0
    assert len(await health.said(MetricDeviated)) == 2


async def test_a_backfill_of_years_says_no_old_deviation(health: Health) -> None:
    await health.receives(
        *busy("acme", "2025-06-02", "2025-10-31", events=30), *busy("acme", "2025-11-03", "2025-11-28", events=300)
    )
    await health.settle()

    assert await health.said(MetricDeviated) == []


async def test_an_account_has_its_place_among_the_accounts_of_its_industry(health: Health) -> None:
    for number in range(8):
        industry = "banking" if number < 7 else "retail"
        await health.receives(fact(f"account-{number}", at="2026-02-01T00:00Z", industry=industry, segment="smb"))
        await health.receives(*daily(f"account-{number}", "2026-02-20", "2026-02-27", users=1 + min(number, 3)))
    await health.settle()

    found = await health.get("/accounts/account-2/metrics")

    assert found["peers"] == {"by": "industry", "of": "banking"}
    users = found["details"]["active_users_28d"]
    assert (found["metrics"]["active_users_28d"], users["unit"], users["seen_on"]) == (3, "users", "2026-02-27")
    assert users["peers"] == {"percentile": 100 * 2 / 6, "n": 6}  # users of the others: 1 2 4 4 4 4
    most = (await health.get("/accounts/account-4/metrics"))["details"]
    assert most["active_users_28d"]["peers"] == {"percentile": 75.0, "n": 6}  # 1 2 3 4 4 4
    assert most["seat_utilisation"]["peers"] == {"percentile": None, "n": 0}
    lonely = await health.get("/accounts/account-7/metrics")
    assert lonely["peers"] == {"by": "industry", "of": "retail"}
    assert lonely["details"]["active_users_28d"]["peers"] == {"percentile": None, "n": 0}
    past = await health.get("/accounts/account-2/metrics", as_of="2026-02-26")
    assert past["peers"] is None
    assert past["details"]["active_users_28d"]["peers"] is None


async def test_without_an_industry_the_segment_counts_and_four_peers_are_too_few(health: Health) -> None:
    for number in range(6):
        await health.receives(fact(f"account-{number}", at="2026-02-01T00:00Z", segment="smb"))
        await health.receives(usage(f"account-{number}", at="2026-02-20T00:00Z"))
        await health.settle()
        place = (await health.get("/accounts/account-0/metrics"))["details"]["events_28d"]["peers"]
        assert place == {"percentile": 50.0 if number == 5 else None, "n": number}


async def test_windows_slide_at_midnight_without_any_event_for_peers_too(health: Health) -> None:
    await health.receives(fact("acme", at="2026-02-01T00:00Z", zone="Asia/Tokyo", industry="banking"))
    await health.receives(usage("acme", at="2026-02-02T01:00Z", user="ann"))
    await health.settle()

    async def kept() -> Any:
        (row,) = await health.rows(
            "SELECT day::text, values[position]::int AS n"
            " FROM health_score.account_metrics, health_score.metric_position"
            " WHERE name = 'events_28d'"
        )
        return tuple(row)

    assert await kept() == ("2026-02-28", 1)
    await health.until("2026-03-01T14:59Z")
    assert (await health.metrics("acme"))["events_28d"] == 1
    assert await kept() == ("2026-02-28", 1)
    await health.until("2026-03-01T15:01Z")  # midnight in Tokyo: the close of 1 March
    assert await kept() == ("2026-03-01", 1)
    await health.until("2026-03-02T15:01Z")
    assert await kept() == ("2026-03-02", 0)
    assert (await health.metrics("acme"))["events_28d"] == 0


async def test_features_show_their_users_and_adoption_as_of_any_day(health: Health) -> None:
    events = [
        usage("acme", at="2026-02-10T12:00Z", user="ann", feature="export"),
        usage("acme", at="2026-02-11T12:00Z", user="bob", feature="export"),
        usage("acme", at="2026-02-11T12:00Z", user="bob", feature="share"),
        usage("acme", at="2026-02-12T12:00Z", user="cem", feature="login"),
        usage("acme", at="2026-02-12T12:00Z", user=None, feature="nobody's"),
    ]
    await health.receives(value("acme", at="2026-01-01T00:00Z", seats=8))
    for _ in range(2):
        await health.receives(*events[::-1])
        await health.receives(*events)
    await health.settle()

    found = (await health.get("/accounts/acme/metrics"))["features"]

    assert [(each["feature"], each["users_28d"], each["of_seats"]) for each in found] == [
        ("export", 2, 0.25),
        ("login", 1, 0.125),
        ("share", 1, 0.125),
    ]
    assert found[0]["adoption"] == 2 / 3
    before = (await health.get("/accounts/acme/metrics", as_of="2026-02-10"))["features"]
    assert [(each["feature"], each["adoption"]) for each in before] == [("export", 1.0)]


async def test_activation_counts_each_user_from_the_first_day_however_late_that_is_known(health: Health) -> None:
    await health.receives(value("acme", at="2026-01-01T00:00Z", seats=4))
    await health.receives(
        usage("acme", at="2026-02-20T20:00Z", user="ann"), usage("acme", at="2026-02-21T12:00Z", user="bob")
    )
    await health.settle()
    assert (await health.metrics("acme"))["activation"] == 0.5
    assert (await health.metrics("acme", as_of="2026-02-20"))["activation"] == 0.25

    await health.receives(
        usage("acme", at="2026-02-10T12:00Z", user="bob"), usage("acme", at="2026-02-25T12:00Z", user="bob")
    )
    await health.settle()
    assert (await health.metrics("acme", as_of="2026-02-10"))["activation"] == 0.25
    assert (await health.metrics("acme", as_of="2026-02-19"))["activation"] == 0.25
    assert (await health.metrics("acme", as_of="2026-02-20"))["activation"] == 0.5

    await health.receives(fact("acme", at="2026-03-01T08:00Z", zone="Asia/Tokyo"))  # ann's first day is the 21st there
    await health.settle()
    assert (await health.metrics("acme", as_of="2026-02-20"))["activation"] == 0.25
    assert [each["users_28d"] for each in (await health.get("/accounts/acme/metrics"))["features"]] == [2]
