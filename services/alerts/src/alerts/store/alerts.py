"""Observations, alerts and their transitions."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.ports import Subject
from alerts.domain.alerts import Alert, AlertUnknown, Change, State
from alerts.domain.observations import Observation, Phrase
from alerts.domain.words import Category, Severity
from alerts.store.facts import from_row, to_row
from alerts.store.tables import alert, observation, transition


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

    async def histories(self, subjects: Collection[Subject]) -> Mapping[Subject, Sequence[Observation]]:
        """Everything observed about the subjects."""
        rows = await self._connection.execute(
            select(observation).where(tuple_(observation.c.account_id, observation.c.subject).in_(sorted(subjects)))
        )
        found: dict[Subject, list[Observation]] = defaultdict(list)
        for row in rows:
            found[row.account_id, row.subject].append(to_observation(row))
        return found

    async def whole_histories(self, account_ids: Collection[str]) -> Mapping[str, Sequence[Observation]]:
        """Everything observed about accounts, by account."""
        rows = await self._connection.execute(
            select(observation).where(observation.c.account_id == func.any(sorted(account_ids)))
        )
        found: dict[str, list[Observation]] = defaultdict(list)
        for row in rows:
            found[row.account_id].append(to_observation(row))
        return found

    async def about(self, subjects: Collection[Subject]) -> Mapping[Subject, Mapping[str, Alert]]:
        """The alerts about the subjects, by id."""
        rows = await self._connection.execute(
            select(alert).where(tuple_(alert.c.account_id, alert.c.subject).in_(sorted(subjects)))
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
