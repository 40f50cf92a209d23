"""Renewals' own projection of accounts' health."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import RowMapping, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.ports import Health, HealthReport
from renewals.store.erasure import ErasureStore
from renewals.store.tables import account_health


class HealthStore:
    """The health of accounts as last heard, within one transaction."""

    def __init__(self, connection: AsyncConnection, erased: ErasureStore) -> None:
        self._connection = connection
        self._erased = erased

    async def report(self, reports: Sequence[HealthReport]) -> None:
        """Take in what health-score said; the latest by (as of, event id) holds, in whatever order they come.

        What is said about the erased is left out.
        """
        latest: dict[str, HealthReport] = {}
        for report in sorted(reports, key=lambda r: (r.account_id, r.health.as_of, r.event_id)):
            latest[report.account_id] = report
        # Of known ones too: no lock keeps an erasure from deleting a row between a look at it and the upsert.
        for account_id in await self._erased.among(list(latest)):
            del latest[account_id]
        if not latest:
            return
        statement = insert(account_health)
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=[account_health.c.account_id],
            set_={column.name: new[column.name] for column in account_health.c if not column.primary_key},
            where=tuple_(new.as_of, new.event_id) > tuple_(account_health.c.as_of, account_health.c.event_id),
        )
        # In the order of the accounts: two batches that touch the same ones would deadlock otherwise.
        await self._connection.execute(statement, [_row(report) for report in latest.values()])

    async def of_accounts(self, account_ids: Collection[str]) -> Mapping[str, Health]:
        """The health of those accounts that have any."""
        wanted = select(account_health).where(account_health.c.account_id.in_(account_ids))
        rows = (await self._connection.execute(wanted)).mappings()
        return {row["account_id"]: health_of(row) for row in rows}


def health_of(row: RowMapping, prefix: str = "") -> Health:
    """The health in a row whose columns carry a prefix."""
    return Health(row[f"{prefix}score"], row[f"{prefix}band"], row[f"{prefix}coverage"], row[f"{prefix}as_of"])


def _row(report: HealthReport) -> dict[str, object]:
    return {
        "account_id": report.account_id,
        "score": report.health.score,
        "band": report.health.band,
        "coverage": report.health.coverage,
        "as_of": report.health.as_of,
        "event_id": report.event_id,
    }
