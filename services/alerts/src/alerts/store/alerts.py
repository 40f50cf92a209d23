"""Observations, alerts and their transitions."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.ports import History, Subject
from alerts.domain.alerts import Alert, AlertUnknown, Change, State
from alerts.domain.horizon import Horizon
from alerts.domain.observations import BAND, SCORE, Observation, Phrase
from alerts.domain.words import Category, Severity
from alerts.store.facts import from_row, to_row
from alerts.store.playbook_tables import account_health
from alerts.store.tables import alert, horizon, observation, transition

SAYS = """(o.kind <> 'band-entered' OR o.fact ->> 'band' <> 'unknown'
    OR coalesce(o.fact ->> 'previous', 'unknown') <> 'unknown')"""
"""Which fact speaks for those before it: after one without any known band the band is as it was before."""

_SUBJECTS = "unnest(CAST(:accounts AS text[]), CAST(:subjects AS text[])"

HISTORIES = f"""
SELECT o.account_id, o.subject, o.occurred_at, o.event_id, o.kind, o.fact,
    CASE WHEN h.rules = CAST(:rules AS text) THEN h.opens_from ELSE h.kept_since END AS settled
FROM {_SUBJECTS}) AS s (account_id, subject)
LEFT JOIN {horizon} h ON h.account_id = s.account_id AND h.subject = s.subject
CROSS JOIN LATERAL (
    SELECT o.* FROM {observation} o WHERE o.account_id = s.account_id AND o.subject = s.subject
        AND o.occurred_at >= CASE WHEN h.rules = CAST(:rules AS text) THEN h.reads_from ELSE '-infinity' END
    UNION ALL (
        SELECT o.* FROM {observation} o WHERE o.account_id = s.account_id AND o.subject = s.subject
            AND o.occurred_at < CASE WHEN h.rules = CAST(:rules AS text) THEN h.reads_from END AND {SAYS}
        ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1
    )
) o
"""

KEEP_HORIZONS = f"""
INSERT INTO {horizon} (account_id, subject, rules, reads_from, opens_from)
SELECT account_id, subject, :rules, reads_from, opens_from
FROM {_SUBJECTS}, CAST(:reads_from AS timestamptz[]), CAST(:opens_from AS timestamptz[]))
    AS h (account_id, subject, reads_from, opens_from)
ON CONFLICT (account_id, subject) DO UPDATE
SET rules = excluded.rules, reads_from = excluded.reads_from, opens_from = excluded.opens_from
"""

# A record that came late may have opened or ended what was settled: everything is read once more.
PASS_HORIZONS = f"""
UPDATE {horizon} h SET rules = NULL
FROM {_SUBJECTS}, CAST(:at AS timestamptz[])) AS late (account_id, subject, at)
WHERE h.account_id = late.account_id AND h.subject IN (late.subject, 'account') AND late.at <= h.opens_from
"""

# By the order of facts, so one that comes late changes nothing that is newer.
KEEP_HEALTH = f"""
INSERT INTO {account_health} (account_id, band, score)
SELECT a.account_id, b.fact ->> 'band', CAST(coalesce(s.fact, b.fact) ->> 'score' AS integer)
FROM unnest(CAST(:accounts AS text[])) AS a (account_id)
LEFT JOIN LATERAL (
    SELECT fact FROM {observation} o WHERE o.account_id = a.account_id AND o.subject = '{BAND}'
    ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1
) b ON true
LEFT JOIN LATERAL (
    SELECT fact FROM {observation} o WHERE o.account_id = a.account_id AND o.subject = '{SCORE}'
    ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1
) s ON true
ON CONFLICT (account_id) DO UPDATE SET band = excluded.band, score = excluded.score
WHERE (account_health.band, account_health.score) IS DISTINCT FROM (excluded.band, excluded.score)
"""

ABOUT = f"""
SELECT a.* FROM {_SUBJECTS}) AS s (account_id, subject)
JOIN {alert} a ON a.account_id = s.account_id AND a.subject = s.subject AND a.state <> 'resolved'
UNION ALL SELECT * FROM {alert} WHERE id = ANY (CAST(:ids AS text[])) AND state = 'resolved'
"""


class AlertStore:
    """Alerts and what they come from, within one transaction. The accounts' rows are locked by the caller."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def observe(self, observations: Sequence[Observation]) -> None:
        """Add observations; those already there stay as they are."""
        rows = []
        for seen in sorted(observations, key=lambda seen: (seen.account_id, seen.subject, seen.order)):
            kind, fact = to_row(seen.fact)
            rows.append(
                {
                    "account_id": seen.account_id,
                    "subject": seen.subject,
                    "occurred_at": seen.at,
                    "event_id": seen.event_id,
                    "kind": kind,
                    "fact": fact,
                }
            )
        await self._connection.execute(postgresql.insert(observation).on_conflict_do_nothing(), rows)
        subjects = [(seen.account_id, seen.subject) for seen in observations]
        late = {**_pairs(subjects), "at": [seen.at for seen in observations]}
        await self._connection.execute(text(PASS_HORIZONS), late)
        moved = sorted({account_id for account_id, subject in subjects if subject in {BAND, SCORE}})
        if moved:
            await self._connection.execute(text(KEEP_HEALTH), {"accounts": moved})

    async def histories(self, subjects: Collection[Subject], rules: str | None = None) -> Mapping[Subject, History]:
        """What was observed about the subjects, each from its horizon on where one was kept under these rules."""
        rows = await self._connection.execute(text(HISTORIES), {**_pairs(subjects), "rules": rules})
        facts: dict[Subject, list[Observation]] = defaultdict(list)
        settled: dict[Subject, datetime | None] = {}
        for row in rows:
            facts[row.account_id, row.subject].append(to_observation(row))
            settled[row.account_id, row.subject] = row.settled
        return {subject: History(seen, settled[subject]) for subject, seen in facts.items()}

    async def keep_horizons(self, horizons: Mapping[Subject, Horizon], rules: str) -> None:
        """Later folds under these rules begin at these horizons, unless a record comes that is older."""
        if not horizons:
            return
        ordered = sorted(horizons)
        await self._connection.execute(
            text(KEEP_HORIZONS),
            {
                **_pairs(ordered),
                "rules": rules,
                "reads_from": [horizons[one].reads_from for one in ordered],
                "opens_from": [horizons[one].opens_from for one in ordered],
            },
        )

    async def whole_histories(self, account_ids: Collection[str]) -> Mapping[str, Sequence[Observation]]:
        """Everything observed about accounts, by account."""
        rows = await self._connection.execute(
            select(observation).where(observation.c.account_id == func.any(sorted(account_ids)))
        )
        found: dict[str, list[Observation]] = defaultdict(list)
        for row in rows:
            found[row.account_id].append(to_observation(row))
        return found

    async def about(self, subjects: Collection[Subject], ids: Collection[str]) -> Mapping[Subject, Mapping[str, Alert]]:
        """The alerts about the subjects, by id: those that go on, and those with these ids."""
        rows = await self._connection.execute(
            text(ABOUT).columns(**{column.name: column.type for column in alert.c}),
            {**_pairs(subjects), "ids": sorted(ids)},
        )
        found: dict[Subject, dict[str, Alert]] = defaultdict(dict)
        for row in rows:
            found[row.account_id, row.subject][row.id] = to_alert(row)
        return found

    async def going_on(self, account_ids: Collection[str]) -> Sequence[Alert]:
        """The alerts of accounts that are not resolved."""
        rows = await self._connection.execute(
            select(alert)
            .where(alert.c.account_id == func.any(sorted(account_ids)), alert.c.state != State.RESOLVED)
            .order_by(alert.c.opened_at, alert.c.id)
        )
        return [to_alert(row) for row in rows]

    async def account_of(self, alert_id: str) -> str:
        """Whose alert it is. Raises `AlertUnknown`."""
        account_id = await self._connection.scalar(select(alert.c.account_id).where(alert.c.id == alert_id))
        if account_id is None:
            raise AlertUnknown(alert_id)
        return str(account_id)

    async def get(self, alert_id: str) -> Alert:
        """One alert. Raises `AlertUnknown`."""
        row = (await self._connection.execute(select(alert).where(alert.c.id == alert_id))).one_or_none()
        if row is None:
            raise AlertUnknown(alert_id)
        return to_alert(row)

    async def save(self, changes: Sequence[Change]) -> None:
        """Store alerts as they are now, and their new transitions."""
        if not changes:
            return
        statement = postgresql.insert(alert)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[alert.c.id],
                set_={column.name: statement.excluded[column.name] for column in alert.c if not column.primary_key},
            ),
            [asdict(change.alert) for change in sorted(changes, key=lambda change: change.alert.id)],
        )
        steps = [asdict(step) for change in changes for step in change.transitions]
        if steps:
            await self._connection.execute(insert(transition), steps)


def to_observation(row: Row[Any]) -> Observation:
    """The observation in a row."""
    return Observation(row.account_id, row.event_id, row.occurred_at, from_row(row.kind, row.fact))


def to_alert(row: Row[Any]) -> Alert:
    """The alert in a row, whose columns bear the names of its fields."""
    fields: dict[str, Any] = {column.name: getattr(row, column.name) for column in alert.c}
    fields |= {
        "category": Category(row.category),
        "severity": Severity(row.severity),
        "state": State(row.state),
        "said": tuple(Phrase(**phrase) for phrase in row.said),
    }
    return Alert(**fields)


def _pairs(subjects: Collection[Subject]) -> dict[str, list[str]]:
    return {"accounts": [account_id for account_id, _ in subjects], "subjects": [name for _, name in subjects]}
