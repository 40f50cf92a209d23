"""Reading features by their use, for reports."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from health_score.application.report_parts import FeatureUse
from health_score.domain.activity import from_bytes
from health_score.domain.periods import Period
from health_score.store.activity import ActivityDays

_NAMES = text("SELECT feature_no, feature FROM health_score.account_feature WHERE account_no = :account_no")
_BEFORE = text("SELECT DISTINCT features FROM health_score.account_day WHERE account_no = :account_no AND day < :day")


class ReportStore:
    """Reads what is committed, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def features(self, account_no: int, period: Period) -> Sequence[FeatureUse]:
        """The features that somebody known used in a period."""
        async with self._engine.connect() as connection:
            used = await ActivityDays(connection).users_of_features(account_no, period.first, period.last)
            rows = (await connection.execute(_NAMES, {"account_no": account_no})).all()
            before = await _used_before(connection, account_no, period.first)
        names = {row.feature_no: row.feature for row in rows}
        return [
            FeatureUse(names[number], users.bit_count(), bool(before >> number & 1))
            for number, users in used.items()
            if number in names
        ]


async def _used_before(connection: AsyncConnection, account_no: int, day: date) -> int:
    """The features of all days before, as a bit set."""
    found = 0
    for features in (await connection.execute(_BEFORE, {"account_no": account_no, "day": day})).scalars():
        found |= from_bytes(features)
    return found
