"""Read models of an account's health and its closes."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from health_score.application.disagreement import CardDays
from health_score.application.health import CurrentHealth, KeptClose
from health_score.application.health_views import ComputedView, MeasureView, OverrideView, SelectedCardView
from health_score.application.views import Reported
from health_score.store.account_rows import MeasureRow
from health_score.store.tables import account, scorecard

_CLOSES_ON = text(
    "SELECT d.day, d.score, d.reported_score, d.reported_band, d.reported_at FROM health_score.health_day d"
    " JOIN health_score.account a USING (account_no)"
    " WHERE a.account_id = :account AND a.erased_at IS NULL AND d.day = ANY(CAST(:days AS date[]))"
)

_BY_CARD = text(
    "SELECT s.id, s.version, d.days, d.by_hand, d.higher, d.lower, d.other_band FROM ("
    " SELECT scorecard_no, count(*) AS days, count(computed_band) AS by_hand,"
    " count(*) FILTER (WHERE score > computed_score) AS higher,"
    " count(*) FILTER (WHERE score < computed_score) AS lower,"
    " count(*) FILTER (WHERE band <> computed_band) AS other_band"
    " FROM health_score.health_day WHERE day BETWEEN :first AND :last GROUP BY scorecard_no) AS d"
    " JOIN health_score.scorecard s USING (scorecard_no) ORDER BY s.id, s.version"
)


class HealthReading:
    """Reads what is committed, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def current(self, account_id: str) -> CurrentHealth | None:
        """The current value, or None for an unknown account."""
        query = (
            select(account, scorecard.c.id.label("card_id"), scorecard.c.version.label("card_version"))
            .outerjoin(scorecard, scorecard.c.scorecard_no == account.c.scorecard_no)
            .where(account.c.erased_at.is_(None), account.c.account_id == account_id)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return CurrentHealth(
            score=row.score,
            band=row.band,
            band_since=row.band_since,
            coverage=row.coverage,
            as_of=row.as_of,
            computed_at=row.computed_at,
            card=SelectedCardView(row.card_id, row.card_version, row.selected_because) if row.card_id else None,
            computed=ComputedView(row.computed_score, row.computed_band) if row.computed_band else None,
            measures=tuple(map(_measure, msgspec.convert(row.measures, tuple[MeasureRow, ...]))),
        )

    async def closes_on(self, account_id: str, days: Sequence[date]) -> Mapping[date, KeptClose]:
        """The closes of these days; days without one are left out."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_CLOSES_ON, {"account": account_id, "days": list(days)})
            return {
                row.day: KeptClose(row.score, Reported(row.reported_score, row.reported_band, row.reported_at))
                for row in rows
            }

    async def by_card(self, first: date, last: date) -> Sequence[CardDays]:
        """The closes of a period by scorecard, and how many of them people set by hand."""
        async with self._engine.connect() as connection:
            return [CardDays(*row) for row in await connection.execute(_BY_CARD, {"first": first, "last": last})]


def _measure(row: MeasureRow) -> MeasureView:
    shown = msgspec.structs.asdict(row)
    del shown["told"]  # what others know is no part of the score
    override = row.override
    shown["override"] = OverrideView(**msgspec.structs.asdict(override)) if override else None
    return MeasureView(**shown)
