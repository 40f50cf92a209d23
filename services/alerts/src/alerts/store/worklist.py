"""What worklists are made of: a handful of queries, each by an index, whatever the size of the portfolio."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.worklist_ports import Material, Ranked, Ranking, Seen, Touches, Whose
from alerts.domain.runs import RunState, TaskState
from alerts.domain.words import Band
from alerts.domain.worklist import DAYS_OF_TREND, SOON, Kind, Weights
from alerts.store.accounts import to_account
from alerts.store.alerts import to_alert
from alerts.store.cases import to_case
from alerts.store.people_tables import assignment
from alerts.store.playbook_tables import account_touch, risk_case, run, task
from alerts.store.ranking import RANKED
from alerts.store.runs import to_runs
from alerts.store.tables import account, alert, observation
from mainstay.db.engine import Database

_HEALTH: Final = f"""
SELECT a.account_id,
    (SELECT fact FROM {observation} o WHERE o.account_id = a.account_id AND o.subject = 'band'
        AND o.occurred_at <= :now ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1) AS band,
    (SELECT fact FROM {observation} o WHERE o.account_id = a.account_id AND o.subject = 'score'
        AND o.occurred_at <= :now ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1) AS score,
    (SELECT fact FROM {observation} o WHERE o.account_id = a.account_id AND o.subject = 'score'
        AND o.occurred_at <= :before ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1) AS score_before
FROM unnest(CAST(:ids AS text[])) AS a (account_id)
"""


class StoredWorklist:
    """Reads what there may be to do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def material(self, whose: Whose, now: datetime, *, cadence_days: int | None) -> Material:
        """What there may be to do for people."""
        async with self._database.engine.connect() as connection:
            return await _material(connection, await _accounts_of(connection, whose), now, cadence_days)

    async def material_of(self, account_ids: Collection[str], now: datetime, *, cadence_days: int | None) -> Material:
        """What there may be to do at accounts."""
        async with self._database.engine.connect() as connection:
            return await _material(connection, sorted(account_ids), now, cadence_days)

    async def ranked(
        self, now: datetime, weights: Weights, kinds: Collection[Kind], *, cadence_days: int | None, most: int
    ) -> Ranking:
        """The accounts at which there may be something of the kinds to do, that of the highest bound first."""
        asked = {
            "now": now,
            "before": now - timedelta(days=DAYS_OF_TREND),
            "today": now.date(),
            "cadence": cadence_days,
            "kinds": sorted(kinds),
            "tiers": dict(weights.tiers),
            "highest": max(weights.tiers.values(), default=1.0),
            "rates": dict(weights.rates),
            "most": most,
        }
        async with self._database.engine.connect() as connection:
            rows = (await connection.execute(RANKED, asked)).all()
        rest = min(row.at_most for row in rows) if len(rows) == most else None
        return Ranking([Ranked(row.account_id, row.bound) for row in rows], rest)


async def _material(
    connection: AsyncConnection, ids: Sequence[str], now: datetime, cadence_days: int | None
) -> Material:
    alerts = await _rows(
        connection,
        select(alert).where(
            alert.c.state != "resolved",
            or_(alert.c.snoozed_until.is_(None), alert.c.snoozed_until <= now),
            alert.c.account_id == func.any(ids),
        ),
    )
    tasks = await _rows(
        connection,
        select(task).where(task.c.state == TaskState.OPEN, task.c.account_id == func.any(ids)).order_by(task.c.number),
    )
    runs = await _rows(
        connection,
        select(run).where(run.c.id == func.any(sorted({row.run_id for row in tasks})), run.c.state == RunState.OPEN),
    )
    touches = await _rows(connection, _touches(now, ids, cadence_days))
    cases = await _rows(
        connection, select(risk_case).where(risk_case.c.closed_at.is_(None), risk_case.c.account_id == func.any(ids))
    )
    pooled = await _rows(
        connection, select(assignment).where(assignment.c.alert_id == func.any([row.id for row in alerts]))
    )
    concerned = {row.account_id for rows in (alerts, tasks, touches, cases) for row in rows}
    seen = await _seen(connection, concerned, now)
    return Material(
        alerts=[to_alert(row) for row in alerts],
        pooled={row.alert_id: row.person_id for row in pooled},
        runs=to_runs(runs, tasks),
        touches={row.account_id: Touches(row.touched_at, row.next_due_on) for row in touches},
        cases=[to_case(row) for row in cases],
        seen=seen,
    )


async def _accounts_of(connection: AsyncConnection, whose: Whose) -> Sequence[str]:
    people = sorted(whose.people)
    owners = sorted(whose.people | whose.reports)
    has_a_role = [account.c.team.contains([{"person": one}]) for one in owners]
    statement = (
        select(account.c.account_id)
        .where(or_(account.c.owner == func.any(owners), *has_a_role))
        .union(
            select(alert.c.account_id).where(alert.c.assignee == func.any(people), alert.c.state != "resolved"),
            select(assignment.c.account_id).where(assignment.c.person_id == func.any(people)),
            select(risk_case.c.account_id).where(
                risk_case.c.owner == func.any(people), risk_case.c.closed_at.is_(None)
            ),
        )
    )
    return list((await connection.execute(statement)).scalars())


def _touches(now: datetime, ids: Sequence[str], cadence_days: int | None) -> Any:
    """Accounts with a promise that is due soon, or a last touch that is old enough; a day more for other zones."""
    soon = (now + timedelta(days=SOON + 1)).date()
    own = func.coalesce(account.c.touch_every_days, cadence_days)
    owed = account_touch.c.touched_at + own * text("interval '1 day'") <= now + timedelta(days=SOON + 1)
    return (
        select(account_touch)
        .join(account, account.c.account_id == account_touch.c.account_id)
        .where(or_(account_touch.c.next_due_on <= soon, owed), account_touch.c.account_id == func.any(ids))
    )


async def _seen(connection: AsyncConnection, ids: Collection[str], now: datetime) -> Mapping[str, Seen]:
    wanted = sorted(ids)
    accounts = await _rows(connection, select(account).where(account.c.account_id == func.any(wanted)))
    before = now - timedelta(days=DAYS_OF_TREND)
    health = {
        row.account_id: row
        for row in await connection.execute(text(_HEALTH), {"ids": wanted, "now": now, "before": before})
    }
    return {row.account_id: _with_health(row, health[row.account_id]) for row in accounts}


def _with_health(row: Row[Any], health: Row[Any]) -> Seen:
    band = health.band["band"] if health.band else None
    score = health.score["score"] if health.score else health.band["score"] if health.band else None
    before = health.score_before["score"] if health.score_before else None
    return Seen(to_account(row), Band(band) if band else Band.UNKNOWN, score, before)


async def _rows(connection: AsyncConnection, statement: Any) -> Sequence[Row[Any]]:
    return (await connection.execute(statement)).all()
