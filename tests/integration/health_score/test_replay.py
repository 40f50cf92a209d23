"""The log and the journal are all there is: replayed into an empty database they give the same closes, by hash."""

import hashlib
import json
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.integration.health_score.health import Health, instant, usage
from tests.integration.health_score.test_cards import activate, put
from tests.integration.health_score.test_fact_closes import history_of, told

ACCOUNTS = ("acme", "zeta")
FIRST = instant("2026-03-01T09:30Z")
DAYS = 35
CARD = """
bands:
  yellow: {begins: 50, enter: 52, leave: 48}
  green: {begins: 75, enter: 77, leave: 73}
  dwell_closes: 2
  coverage_floor: 0.2
groups:
  - name: use
    weight: 3
    measures:
      - {name: recency, metric: days_since_last_activity, weight: 1, line: [[0, 100], [14, 0]]}
      - {name: people, metric: active_users_7d, weight: 1, line: [[0, 0], [6, 100]]}
  - name: risk
    weight: 1
    measures:
      - {name: urgent, metric: open_urgent_tickets, weight: 1, line: [[0, 100], [4, 0]]}
      - name: sentiment
        metric: csm_sentiment
        weight: 1
        fresh_for_days: 9
        steps: {edges: [50, 100], scores: [0, 50, 100]}
        forces: [{band: red, below: 50}]
"""


@pytest.mark.parametrize("seed", [20261128])
async def test_a_replay_gives_the_same_closes(health: Health, another_health: Health, seed: int) -> None:
    chance = random.Random(seed)
    log = log_of(chance)
    await live_through(health, log, chance)
    end = health.clock.now()

    replayed = another_health
    replayed.clock.move_to(end)
    await copy_documents_and_decisions_about_all(health, replayed)
    for account in ACCOUNTS:  # decisions are about accounts that exist
        await replayed.receives(next(event for _, event in log if event.data.account_id == account))
    await copy_decisions_about_accounts(health, replayed)
    shuffled = [event for _, event in log] + chance.sample([event for _, event in log], 60)
    chance.shuffle(shuffled)
    for kind in (True, False):
        of_kind = [event for event in shuffled if (event.data.TYPE == "mainstay.usage.recorded.v1") is kind]
        for start in range(0, len(of_kind), 41):
            await replayed.receives(*of_kind[start : start + 41])
    await replayed.settle()

    for account in ACCOUNTS:
        lived = await health.history(account)
        assert len({close["score"] for close in lived}) > 10
        assert {close["scorecard"]["id"] for close in lived} == {"default", "mine"}
        assert hash_of(await replayed.history(account)) == hash_of(lived)


def log_of(chance: random.Random) -> list[tuple[Any, Any]]:
    """Usage and facts of 35 days as (when it arrived, what), some of it up to three days late, in order of arrival."""
    log: list[tuple[Any, Any]] = []
    for account in ACCOUNTS:
        for day in range(DAYS):
            for _ in range(chance.choice((0, 0, 1, 3, 6))):
                at = FIRST + timedelta(days=day, minutes=chance.randrange(800))
                arrived = at + timedelta(hours=chance.choice((0, 0, 0, 1, 30, 70)))
                user, feature = f"user-{chance.randrange(8)}", f"feature-{chance.randrange(4)}"
                log.append((arrived, usage(account, at=at, received=arrived, user=user, feature=feature)))
        facts = told(account, history_of(chance, FIRST, DAYS))
        log += [(event.time + timedelta(hours=chance.choice((0, 0, 26))), event) for event in facts]
    return sorted(log, key=lambda each: each[0])


async def live_through(health: Health, log: Sequence[tuple[Any, Any]], chance: random.Random) -> None:
    """Receive each record as it arrives, while people decide."""
    decided = sorted(FIRST + timedelta(days=chance.randrange(DAYS), hours=chance.randrange(20)) for _ in range(30))
    await health.get("/active-scorecards")
    for arrived, event in log:
        while decided and decided[0] <= arrived:
            await health.until(decided.pop(0))
            await decide(health, chance, left=len(decided))
        await health.until(arrived)
        await health.receives(event)
    await health.until(FIRST + timedelta(days=DAYS + 20))
    await health.settle()


async def decide(health: Health, chance: random.Random, *, left: int) -> None:
    """Something that a person may decide; once the operator puts another scorecard in force."""
    if left == 15:
        await put(health, "mine", CARD)
        await activate(health, "mine", priority=1)
        return
    path = f"/v1/accounts/{chance.choice(ACCOUNTS)}"
    if chance.random() < 0.6:
        colour = chance.choice(("red", "yellow", "green"))
        await health.api.put(f"{path}/sentiment", json={"sentiment": colour, "by": "eve"})
    else:
        ends = health.clock.now() + timedelta(hours=chance.randrange(1, 90))
        body = {"score": chance.randrange(101), "reason": "we met them", "expires_at": ends.isoformat(), "by": "eve"}
        await health.api.put(f"{path}/override", json=body)


async def copy_documents_and_decisions_about_all(source: Health, target: Health) -> None:
    documents = await source.rows(
        "SELECT kind, id, version, body::text, digest, saved_at, saved_by FROM health_score.document"
    )
    await insert(target, "document", "kind, id, version, body, digest, saved_at, saved_by", documents)
    registered = await source.rows("SELECT id, version, digest, registered_at FROM health_score.scorecard")
    await insert(target, "scorecard", "id, version, digest, registered_at", registered)
    about_all = await source.rows(
        "SELECT kind, decided_at, decided_by, body::text FROM health_score.decision"
        " WHERE account_no IS NULL ORDER BY decision_no"
    )
    await insert(target, "decision", "kind, decided_at, decided_by, body", about_all)


async def copy_decisions_about_accounts(source: Health, target: Health) -> None:
    """An account's number is its own in each database."""
    numbers = {row.account_id: row.account_no for row in await target.rows("SELECT * FROM health_score.account")}
    rows = await source.rows(
        "SELECT account_id, kind, decided_at, decided_by, body::text FROM health_score.decision"
        " JOIN health_score.account USING (account_no) ORDER BY decision_no"
    )
    copies = [(numbers[account], *rest) for account, *rest in rows]
    assert len(copies) > 10
    await insert(target, "decision", "account_no, kind, decided_at, decided_by, body", copies)


async def insert(target: Health, table: str, columns: str, rows: Sequence[Any]) -> None:
    names = columns.split(", ")
    places = ", ".join("CAST(:body AS jsonb)" if name == "body" else f":{name}" for name in names)
    async with target.database.engine.begin() as connection:
        await connection.execute(
            text(f"INSERT INTO health_score.{table} ({columns}) VALUES ({places})"),
            [dict(zip(names, row, strict=True)) for row in rows],
        )


def hash_of(history: Sequence[Any]) -> str:
    """Of all that a close says, as it is known now; what was first reported, and when it was made again, is
    about when things arrived.
    """
    known = [
        {name: value for name, value in close.items() if name not in {"reported", "restated_at"}} for close in history
    ]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
