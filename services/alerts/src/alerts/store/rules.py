"""Saved versions of rules, and the metrics that were heard of."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.store.tables import known_metric, rule_version
from alerts.store.versions import StoredVersions


class StoredRules:
    """The rules, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        versions = StoredVersions(connection, rule_version)
        self.revision = versions.revision
        self.lock = versions.lock
        self.newest = versions.newest
        self.latest = versions.latest
        self.version = versions.version
        self.versions = versions.versions
        self.add = versions.add

    async def metrics(self) -> frozenset[str]:
        """The metrics of which a value was ever heard."""
        return frozenset((await self._connection.execute(select(known_metric.c.name))).scalars())

    async def remember_metrics(self, names: Collection[str]) -> None:
        """From now on these are among the metrics known."""
        rows = [{"name": name} for name in sorted(names)]
        if rows:
            await self._connection.execute(postgresql.insert(known_metric).on_conflict_do_nothing(), rows)
