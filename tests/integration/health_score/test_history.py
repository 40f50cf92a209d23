"""Closes: one value a day, also for days that a backfill fills in; provisional values between them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from mainstay.contracts.health_score import AccountActiveAgain, AccountSilent, BandChanged, ScoreChanged
from tests.integration.health_score.health import Health, daily, fact, instant, usage, value


def _scores(history: list[Any]) -> list[tuple[str, int | None, str, float]]:
    return [(close["day"], close["score"], close["band"], close["coverage"]) for close in history]


async def test_a_score_falls_at_midnight_without_any_event(health: Health) -> None:
    await health.receives(*daily("acme", "2025-12-01", "2026-02-28"))
    await health.settle()
    before = await health.health("acme")

    await health.until("2026-03-20T00:00:00Z")

    after = await health.health("acme")
    assert after["score"] < before["score"]
    assert (after["as_of"], after["computed_at"]) == ("2026-03-19", "2026-03-20T00:00:00Z")
    assert len(await health.history("acme")) == 90 + 19
    assert (await health.metrics("acme", as_of="2026-03-19"))["days_since_last_activity"] == 19


async def test_a_days_use_shows_at_once_and_its_close_at_midnight(health: Health) -> None:
    await health.receives(*daily("acme", "2025-12-01", "2026-02-28", users=2))
    await health.settle()
    closed = await health.health("acme")

    await health.receives(*daily("acme", "2026-03-01", "2026-03-01", users=9, features=9))
    provisional = await health.health("acme")
    assert (closed["as_of"], provisional["as_of"]) == ("2026-02-28", "2026-03-01")
    assert provisional["score"] > closed["score"]
    (change,) = (await health.said(ScoreChanged))[-1:]
    assert (change.previous_score, change.score) == (closed["score"], provisional["score"])
    assert len(change.caused_by) == 9

    assert (await health.history("acme"))[-1]["day"] == "2026-02-28"
    await health.until("2026-03-02T00:00Z")
    assert (await health.history("acme"))[-1]["day"] == "2026-03-01"


async def test_a_band_entered_during_the_day_is_said_once(health: Health) -> None:
    await health.receives(*daily("acme", "2025-11-01", "2026-02-10", users=6, features=6))
    await health.settle()
    quiet = await health.health("acme")
    said_before = len(await health.said(BandChanged))

    await health.until("2026-03-01T15:00Z")
    await health.receives(*(usage("acme", at="2026-03-01T14:59Z", user=f"user-{n}", id=f"back-{n}") for n in range(6)))
    awake = await health.health("acme")
    await health.until("2026-03-02T12:00Z")

    assert (quiet["band"], awake["band"]) == ("yellow", "green")
    (band,) = (await health.said(BandChanged))[said_before:]
    assert (band.previous_band, band.band, band.occurred_at) == ("yellow", "green", instant("2026-03-01T15:00Z"))
    assert (band.previous_score, band.score) == (quiet["score"], awake["score"])
    assert band.caused_by == tuple(f"back-{n}" for n in range(6))
    assert (await health.health("acme"))["band_since"] == "2026-03-01T15:00:00Z"
    assert (await health.history("acme"))[-1]["band"] == "green"


async def test_history_filled_in_equals_history_lived_through(health: Health) -> None:
    chance = random.Random(20260301)
    day = instant("2026-03-01T00:00Z")
    events: list[dict[str, Any]] = []
    for _ in range(150):
        day += timedelta(days=1)
        for user in range(chance.choice((0, 0, 1, 3, 6, 12))):
            moment = day + timedelta(minutes=chance.randrange(24 * 60))
            events.append({"user": f"user-{user}", "feature": f"feature-{chance.randrange(8)}", "at": moment})
    by_time = sorted(events, key=lambda event: event["at"])

    await health.lives_through(*(usage("lived", **event) for event in by_time))
    end = day + timedelta(days=30)
    await health.until(end)
    chance.shuffle(events)
    for start in range(0, len(events), 97):
        batch = events[start : start + 97]
        await health.receives(*(usage("filled", received=end, **event) for event in batch))
        await health.handlers.due.run_due()
    await health.settle()

    lived, filled = await health.history("lived"), await health.history("filled")
    assert len(lived) > 150
    assert _scores(filled) == _scores(lived)
    assert len({close["band"] for close in lived}) == 4
    now_lived, now_filled = await health.health("lived"), await health.health("filled")
    for varies in ("account_id", "computed_at", "band_since"):
        now_lived.pop(varies), now_filled.pop(varies)
    assert now_lived == now_filled


async def test_late_events_restate_their_days_and_keep_what_was_reported(health: Health) -> None:
    await health.receives(*daily("acme", "2025-12-01", "2026-02-28", users=1))
    await health.settle()
    reported = {close["day"]: close for close in await health.history("acme")}

    await health.until("2026-03-05T10:00Z")
    late = daily("acme", "2026-02-10", "2026-02-10", users=12, features=5)
    await health.receives(*late)
    assert (await health.history("acme"))[-1]["restated_at"] is None
    await health.settle()

    history = {close["day"]: close for close in await health.history("acme")}
    assert history["2026-02-09"] == reported["2026-02-09"]
    restated = history["2026-02-10"]
    assert restated["score"] > reported["2026-02-10"]["score"]
    assert restated["reported"] == reported["2026-02-10"]["reported"]
    assert restated["restated_at"] is not None


async def test_a_backfill_says_one_transition_which_lies_in_the_past(health: Health) -> None:
    events = daily("acme", "2024-01-01", "2024-12-31", users=5, features=6)
    for start in range(0, len(events), 500):
        await health.receives(*events[start : start + 500])
    await health.settle()

    (band,) = await health.said(BandChanged)
    assert len(band.caused_by) == 50
    assert band.caused_by[0] == events[0].id
    assert (band.band, band.previous_band) == ("red", "yellow")
    assert instant("2025-01-15T00:00Z") < band.occurred_at < instant("2025-03-01T00:00Z")
    assert "nobody was active in 28 days" in band.reason.lower()
    (silent,) = await health.said(AccountSilent)
    assert silent.occurred_at == instant("2025-01-08T00:00Z")
    (score,) = await health.said(ScoreChanged)
    assert (score.previous_score, score.score) == (None, 0)


async def test_downtime_is_made_up_for_late_and_once(health: Health) -> None:
    await health.receives(*daily("acme", "2025-12-01", "2026-03-01"))
    await health.settle()
    health.clock.move_to(instant("2026-03-04T12:00Z"))

    await health.handlers.due.run_due()
    await health.handlers.due.run_due()

    history = await health.history("acme")
    assert [close["day"] for close in history[-4:]] == ["2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03"]
    assert {close["reported"]["at"] for close in history[-3:]} == {"2026-03-04T12:00:00Z"}
    (timer,) = await health.rows("SELECT due_at FROM health_score.due WHERE kind = 'close'")
    assert timer.due_at == datetime(2026, 3, 5, tzinfo=UTC)


async def test_a_midnight_is_the_accounts_own(health: Health) -> None:
    await health.receives(fact("acme", at="2026-03-01T08:00Z", zone="America/New_York"))
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))

    await health.until("2026-03-02T04:59Z")
    assert await health.history("acme") == []
    await health.until("2026-03-02T05:00Z")
    assert [close["day"] for close in await health.history("acme")] == ["2026-03-01"]


async def test_after_a_change_of_zone_the_midnight_is_the_new_one(health: Health) -> None:
    await health.receives(*daily("acme", "2026-02-01", "2026-03-01"))
    await health.settle()
    await health.receives(fact("acme", at="2026-03-01T08:00Z", zone="Asia/Tokyo"))

    await health.until("2026-03-01T14:59Z")
    assert (await health.history("acme"))[-1]["day"] == "2026-02-28"
    await health.until("2026-03-01T15:00Z")
    assert (await health.history("acme"))[-1]["day"] == "2026-03-01"


async def test_silence_is_found_once_and_again_after_a_return(health: Health) -> None:
    await health.receives(*daily("acme", "2026-01-01", "2026-02-28"))
    await health.settle()

    await health.until("2026-03-07T23:59:00Z")
    assert await health.said(AccountSilent) == []
    await health.until("2026-03-20T00:00Z")
    (silent,) = await health.said(AccountSilent)
    assert (silent.occurred_at, silent.habit_days) == (instant("2026-03-08T00:00Z"), 7)
    assert (await health.get("/accounts/acme"))["silent"] is True

    await health.receives(usage("acme", at="2026-03-20T00:00Z", id="back"))
    (back,) = await health.said(AccountActiveAgain)
    assert back.caused_by == ("back",)
    assert (await health.get("/accounts/acme"))["silent"] is False

    # Its habit now has a gap of 20 days in it; one gap among many is no habit.
    await health.until("2026-04-20T00:00Z")
    assert [said.occurred_at for said in await health.said(AccountSilent)][1:] == [instant("2026-03-28T00:00Z")]


async def test_an_account_of_one_day_is_silent_after_two_weeks(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))

    await health.until("2026-03-15T23:00Z")
    assert await health.said(AccountSilent) == []
    await health.until("2026-03-16T00:00Z")
    assert len(await health.said(AccountSilent)) == 1


async def test_late_events_end_a_silence_that_never_was(health: Health) -> None:
    await health.receives(*daily("acme", "2026-01-01", "2026-02-28"))
    await health.settle()
    await health.until("2026-03-10T12:00Z")
    assert len(await health.said(AccountSilent)) == 1

    await health.receives(*daily("acme", "2026-03-01", "2026-03-09"))
    await health.settle()

    (back,) = await health.said(AccountActiveAgain)
    assert back.occurred_at == instant("2026-03-09T00:00Z")


async def test_seats_change_the_score_at_once_and_no_day_before(health: Health) -> None:
    await health.receives(*daily("acme", "2025-12-01", "2026-02-28", users=4))
    await health.settle()
    without = await health.health("acme")
    assert {m["measure"]: m["status"] for m in without["measures"]}["seat_utilisation"] == "na"

    await health.receives(value("acme", at="2026-03-01T09:00Z", seats=40))
    with_seats = await health.health("acme")
    (seats,) = [m for m in with_seats["measures"] if m["measure"] == "seat_utilisation"]
    assert (seats["value"], seats["status"]) == (0.1, "ok")
    assert with_seats["score"] < without["score"]
    assert with_seats["coverage"] == 1.0

    await health.receives(value("acme", at="2026-03-01T09:30Z", seats=4, sequence=3))
    await health.receives(value("acme", at="2026-03-01T09:15Z", seats=400, sequence=2))
    (seats,) = [m for m in (await health.health("acme"))["measures"] if m["measure"] == "seat_utilisation"]
    assert seats["value"] == 1.0
    assert (await health.metrics("acme", as_of="2026-02-28"))["seat_utilisation"] is None
    assert (await health.history("acme"))[-1]["coverage"] == without["coverage"]


async def test_contributions_add_up_to_the_score(health: Health) -> None:
    await health.receives(*daily("acme", "2025-12-01", "2026-02-28", users=4))
    await health.receives(value("acme", at="2026-03-01T09:00Z", seats=7))
    await health.settle()

    answer = await health.health("acme")
    assert sum(measure["contribution"] for measure in answer["measures"]) == answer["score"]
    assert abs(sum(measure["effective_weight"] for measure in answer["measures"]) - 1) < 1e-12
    assert answer["scorecard"] == {"id": "default", "version": 1, "because": "it is for every account"}
