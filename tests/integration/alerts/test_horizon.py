"""What is folded, and what is forgotten, over the real tables."""

import random
from datetime import datetime, timedelta
from typing import Any

from mainstay.contracts.envelope import Event
from mainstay.contracts.health_score import ScoreChanged
from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.test_delivering import opened
from tests.integration.alerts.world import CARD, World, known, went_silent

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RULE = {
    "id": "low",
    "kind": "metric-threshold",
    "when": {"metric": "health_score", "is": "below"},
    "levels": {"warning": 30, "critical": 10},
    "category": "risk",
    "title": "$account is low",
    "text": "It is at $value.",
    "next_steps": ["Look."],
    "for": "6h",
    "cooldown": "6h",
}


def moved(at: datetime, score: int, *, account: str = "acme") -> Event[ScoreChanged]:
    said = ScoreChanged(account, at, score, 50, "yellow", 1.0, CARD)
    return Event(f"{account} {at.isoformat()}", "mainstay/health-score", at, said)


async def saved(alerts: World, rule: dict[str, Any]) -> None:
    async with alerts.api() as api:
        answer = await api.put(f"/v1/alert-rules/{rule['id']}", json={"rule": rule})
    assert answer.is_success, answer.text


async def stood(alerts: World) -> Any:
    return await alerts.rows(
        "SELECT id, opened_at, grade, state, resolved_at, resolution, words FROM alerts.alert"
        " WHERE rule = 'low' ORDER BY opened_at, id"
    )


async def facts(alerts: World) -> int:
    [row] = await alerts.rows("SELECT count(*) AS facts FROM alerts.observation WHERE subject = 'score'")
    return int(row.facts)


async def test_a_fold_from_the_horizon_and_one_of_everything_make_the_same_alerts(alerts: World) -> None:
    await saved(alerts, RULE)
    await alerts.hears(known(alerts.clock.now()))
    chance, read_from = random.Random(7), []
    for _ in range(300):
        alerts.clock.advance(12 * HOUR)
        score = chance.choice([5, 20]) if chance.random() < 0.06 else chance.randrange(58, 63)
        await alerts.hears(moved(alerts.clock.now(), score))
        read_from += [row.reads_from for row in await alerts.rows("SELECT reads_from FROM alerts.horizon")]
    assert sorted(read_from) == read_from
    assert read_from
    step_by_step = await stood(alerts)
    await alerts.rows("DELETE FROM alerts.horizon RETURNING 1", commit=True)
    await alerts.rows("DELETE FROM alerts.transition RETURNING 1", commit=True)
    await alerts.rows("DELETE FROM alerts.delivery RETURNING 1", commit=True)
    await alerts.rows("DELETE FROM alerts.notification RETURNING 1", commit=True)
    await alerts.rows("DELETE FROM alerts.alert RETURNING 1", commit=True)
    alerts.clock.advance(timedelta(seconds=1))
    await alerts.hears(moved(alerts.clock.now(), 50))

    assert len(step_by_step) > 10
    everything = {row.id: row for row in await stood(alerts)}
    for row in step_by_step:
        if row.state != "resolved":
            assert everything[row.id].opened_at == row.opened_at
        else:
            assert everything[row.id] == row


async def test_a_record_older_than_the_horizon_has_everything_read_again(alerts: World) -> None:
    await saved(alerts, RULE)
    await alerts.hears(known(alerts.clock.now()))
    begin = alerts.clock.now() - 300 * DAY
    for number in range(290):
        await alerts.hears(moved(begin + number * DAY, 60 + number % 7))
    assert await stood(alerts) == []

    await alerts.hears(moved(begin + 20 * DAY + HOUR, 5))  # and better again the day after

    [found] = await stood(alerts)
    assert (found.grade, found.state, found.opened_at) == ("critical", "resolved", begin + 20 * DAY + 7 * HOUR)


async def test_facts_that_nothing_needs_are_forgotten_and_what_is_open_stays_open(alerts: World) -> None:
    await saved(alerts, RULE)
    await alerts.hears(known(alerts.clock.now()), known(alerts.clock.now(), account="globex"))
    begin = alerts.clock.now() - 600 * DAY
    for number in range(600):
        await alerts.hears(moved(begin + number * DAY, 60 + number % 7))
    for number in range(300):  # low all the time: the alert is open, and everything since is needed
        await alerts.hears(moved(begin + number * 2 * DAY, 20 + number % 7, account="globex"))
    [low] = await stood(alerts)
    before = await facts(alerts)

    await alerts.application.due.run_due()
    left = await alerts.rows(
        "SELECT account_id, count(*) AS facts, min(occurred_at) AS first FROM alerts.observation"
        " WHERE subject = 'score' GROUP BY account_id ORDER BY account_id"
    )
    assert before == 900
    assert [(row.account_id, row.facts) for row in left] == [("acme", 401), ("globex", 300)]
    assert left[0].first < alerts.clock.now() - 400 * DAY <= left[0].first + DAY  # the one that stood then

    await saved(alerts, {**RULE, "next_steps": ["Look again."]})  # everything on record is read again
    alerts.clock.advance(timedelta(seconds=1))
    await alerts.application.due.run_due()
    await alerts.hears(moved(alerts.clock.now(), 60), moved(alerts.clock.now(), 21, account="globex"))
    assert [(row.id, row.state) for row in await stood(alerts)] == [(low.id, low.state)]


async def test_a_late_record_also_ends_the_horizon_of_its_account(alerts: World) -> None:
    cel = {**RULE, "id": "far", "kind": "cel", "when": {"warning": "health_score < 5"}, "text": "It is so."}
    await saved(alerts, {key: value for key, value in cel.items() if key != "levels"})
    begin = alerts.clock.now() - 290 * DAY
    await alerts.hears(known(alerts.clock.now()), *(moved(begin + number * DAY, 60) for number in range(290)))
    known_of = "SELECT subject FROM alerts.horizon WHERE rules IS NOT NULL ORDER BY subject"
    assert [row.subject for row in await alerts.rows(known_of)] == ["account", "score"]

    await alerts.hears(went_silent(begin))  # the rule does not go by it, so the account is not looked at

    assert [row.subject for row in await alerts.rows(known_of)] == ["score"]


async def test_attempts_are_forgotten_when_their_delivery_is_settled_and_they_are_old(
    alerts: World, sink: HttpSink
) -> None:
    await alerts.webhook(sink.url)
    sink.answers.extend([204, 500])
    await opened(alerts)
    await alerts.delivers()
    await opened(alerts, "globex")
    await alerts.delivers()
    await alerts.rows("UPDATE alerts.attempt SET started_at = started_at - interval '91 days' RETURNING 1", commit=True)
    await opened(alerts, "initech")
    await alerts.delivers()

    await alerts.application.due.run_due()

    outcomes = await alerts.rows("SELECT outcome FROM alerts.attempt ORDER BY started_at")
    assert [row.outcome for row in outcomes] == ["failed", "delivered"]
    timers = await alerts.rows("SELECT due_at FROM alerts.due WHERE kind = 'forget'")
    assert [row.due_at > alerts.clock.now() for row in timers] == [True]
