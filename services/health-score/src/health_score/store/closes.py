"""The history of closes: one small row a day, for ever."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.domain.account import Account
from health_score.domain.bands import Band, Standing
from health_score.domain.history import Close

_WRITE = text(
    "INSERT INTO health_score.health_day AS d (account_no, day, score, band, coverage, scorecard_no,"
    " reported_score, reported_band, reported_at)"
    " SELECT :account_no, day, score, band, coverage, :scorecard_no, score, band, :at"
    " FROM unnest(CAST(:days AS date[]), CAST(:scores AS smallint[]), CAST(:bands AS text[]),"
    " CAST(:coverages AS smallint[])) AS t (day, score, band, coverage)"
    " ON CONFLICT (account_no, day) DO UPDATE SET score = excluded.score, band = excluded.band,"
    " coverage = excluded.coverage, scorecard_no = excluded.scorecard_no, restated_at = :at"
)

_KEPT = text(
    "SELECT array_agg(day), array_agg(score), array_agg(band), array_agg(coverage), array_agg(scorecard_no)"
    " FROM health_score.health_day WHERE account_no = :account_no AND day BETWEEN :first AND :last"
)

_LAST = text(
    "SELECT day, band FROM health_score.health_day WHERE account_no = :account_no AND day < :day"
    " ORDER BY day DESC LIMIT 1"
)

_LAST_OTHER = text(
    "SELECT day, band FROM health_score.health_day WHERE account_no = :account_no AND day < :day AND band <> :band"
    " ORDER BY day DESC LIMIT 1"
)

_FIRST = text("SELECT min(day) FROM health_score.health_day WHERE account_no = :account_no")

_KEEP_ONLY = text(
    "DELETE FROM health_score.health_day WHERE account_no = :account_no AND NOT day BETWEEN :first AND :last"
)

FEW = 2
"""So many closes are written without a look at what is there: the usual midnight."""


class Closes:
    """The closes, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def write(self, account: Account, closes: Sequence[Close], scorecard_no: int, at: datetime) -> None:
        """Write closes that are new or other than those kept; what was first reported stays beside."""
        if len(closes) > FEW:
            kept = await self._kept(account.number, closes[0].day, closes[-1].day)
            closes = [close for close in closes if kept.get(close.day) != (*close[1:], scorecard_no)]
        if not closes:
            return
        await self._connection.execute(
            _WRITE,
            {
                "account_no": account.number,
                "scorecard_no": scorecard_no,
                "at": at,
                "days": [close.day for close in closes],
                "scores": [close.score for close in closes],
                "bands": [close.band.value for close in closes],
                "coverages": [close.coverage for close in closes],
            },
        )

    async def standing_before(self, account: Account, day: date) -> Standing | None:
        """The standing after the last close before `day`."""
        last = (await self._connection.execute(_LAST, {"account_no": account.number, "day": day})).one_or_none()
        if last is None:
            return None
        other = (
            await self._connection.execute(
                _LAST_OTHER, {"account_no": account.number, "day": last.day, "band": last.band}
            )
        ).one_or_none()
        if other is None:
            first = (await self._connection.execute(_FIRST, {"account_no": account.number})).scalar_one()
            return Standing(Band(last.band), first)
        return Standing(Band(last.band), date.fromordinal(other.day.toordinal() + 1), Band(other.band))

    async def keep_only(self, account: Account, first: date, last: date) -> None:
        """Forget the closes of days outside `first` to `last`."""
        await self._connection.execute(_KEEP_ONLY, {"account_no": account.number, "first": first, "last": last})

    async def _kept(self, account_no: int, first: date, last: date) -> dict[date, tuple[int | None, str, int, int]]:
        row = (await self._connection.execute(_KEPT, {"account_no": account_no, "first": first, "last": last})).one()
        if row[0] is None:
            return {}
        return dict(zip(row[0], zip(*row[1:], strict=True), strict=True))
