"""Renewals' own projection of accounts' health."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import RowMapping, select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.ports import Health, HealthReport
from renewals.store.erasure import ErasureStore
from renewals.store.tables import account_health, account_score

SCORE_DAYS: Final = 60
"""Scores are kept for so many days before an account's latest one: twice as far back as a trend looks."""

# The newest of those too old stays: it holds until the first of the others.
_FORGET_SCORES: Final = text(
    f"DELETE FROM {account_score} s USING (SELECT account_id, max(day) - CAST(:days AS int) AS first"
    f" FROM {account_score} WHERE account_id = ANY(CAST(:accounts AS text[])) GROUP BY account_id) AS kept"
    f" WHERE s.account_id = kept.account_id AND s.day < kept.first AND EXISTS (SELECT FROM {account_score} n"
    " WHERE n.account_id = s.account_id AND n.day > s.day AND n.day <= kept.first)"
)


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
        await self._keep_scores([report for report in reports if report.account_id in latest])

    async def scores_at(self, account_ids: Collection[str], at: datetime) -> Mapping[str, int | None]:
        """The scores that accounts had at an instant of the last weeks; those of which none is known are absent."""
        last = (
            select(account_score.c.account_id, account_score.c.score)
            .where(account_score.c.account_id.in_(account_ids), account_score.c.as_of <= at)
            .ext(distinct_on(account_score.c.account_id))
            .order_by(account_score.c.account_id, account_score.c.day.desc())
        )
        return {row.account_id: row.score for row in await self._connection.execute(last)}

    async def _keep_scores(self, reports: Sequence[HealthReport]) -> None:
        """The last score of each day, of as many days as a trend looks back, and the one that those begin with."""
        of_day: dict[tuple[str, date], HealthReport] = {}
        for report in sorted(reports, key=lambda r: (r.health.as_of, r.event_id)):
            of_day[report.account_id, report.health.as_of.astimezone(UTC).date()] = report
        statement = insert(account_score)
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=[account_score.c.account_id, account_score.c.day],
            set_={"score": new.score, "as_of": new.as_of, "event_id": new.event_id},
            where=tuple_(new.as_of, new.event_id) > tuple_(account_score.c.as_of, account_score.c.event_id),
        )
        rows = [
            {
                "account_id": account_id,
                "day": day,
                "score": of_day[account_id, day].health.score,
                "as_of": of_day[account_id, day].health.as_of,
                "event_id": of_day[account_id, day].event_id,
            }
            for account_id, day in sorted(of_day)
        ]
        await self._connection.execute(statement, rows)
        await self._connection.execute(
            _FORGET_SCORES, {"accounts": sorted({account_id for account_id, _ in of_day}), "days": SCORE_DAYS}
        )

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
