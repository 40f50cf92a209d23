"""Saved versions of rules, and the metrics that were heard of."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.rules import RuleVersion
from alerts.store.tables import known_metric, rule_version


class StoredRules:
    """The rules, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def revision(self) -> int:
        """Another number whenever a version was saved: versions are only ever added."""
        return int(await self._connection.scalar(select(func.count()).select_from(rule_version)) or 0)

    async def lock(self) -> None:
        """Be the only one to save rules until the transaction ends; reading goes on."""
        await self._connection.execute(text(f"LOCK TABLE {rule_version} IN SHARE ROW EXCLUSIVE MODE"))

    async def newest(self) -> Sequence[RuleVersion]:
        """The newest version of each rule, by id."""
        rows = await self._connection.execute(
            select(rule_version)
            .ext(postgresql.distinct_on(rule_version.c.id))
            .order_by(rule_version.c.id, rule_version.c.version.desc())
        )
        return [_version(row) for row in rows]

    async def latest(self, rule_id: str) -> RuleVersion | None:
        """The newest version of one rule."""
        found = await self.versions(rule_id, None, 1)
        return found[0] if found else None

    async def version(self, rule_id: str, version: int) -> RuleVersion | None:
        """One version."""
        row = (
            await self._connection.execute(
                select(rule_version).where(rule_version.c.id == rule_id, rule_version.c.version == version)
            )
        ).one_or_none()
        return _version(row) if row is not None else None

    async def versions(self, rule_id: str, before: int | None, limit: int) -> Sequence[RuleVersion]:
        """Up to `limit` versions below a number, newest first."""
        statement = select(rule_version).where(rule_version.c.id == rule_id)
        if before is not None:
            statement = statement.where(rule_version.c.version < before)
        rows = await self._connection.execute(statement.order_by(rule_version.c.version.desc()).limit(limit))
        return [_version(row) for row in rows]

    async def add(self, version: RuleVersion) -> None:
        """Save a version."""
        await self._connection.execute(
            insert(rule_version).values(
                id=version.id,
                version=version.version,
                body=version.body,
                saved_at=version.saved_at,
                saved_by=version.saved_by,
                reason=version.reason,
            )
        )

    async def metrics(self) -> frozenset[str]:
        """The metrics of which a value was ever heard."""
        return frozenset((await self._connection.execute(select(known_metric.c.name))).scalars())

    async def remember_metrics(self, names: Collection[str]) -> None:
        """From now on these are among the metrics known."""
        rows = [{"name": name} for name in sorted(names)]
        if rows:
            await self._connection.execute(postgresql.insert(known_metric).on_conflict_do_nothing(), rows)


def _version(row: Row[Any]) -> RuleVersion:
    return RuleVersion(row.id, row.version, row.body, row.saved_at, row.saved_by, row.reason)
