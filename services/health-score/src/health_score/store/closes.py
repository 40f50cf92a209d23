"""The history of closes: one small row a day, for ever."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.domain.account import Account
from health_score.domain.bands import Band, Standing
from health_score.domain.history import Close
from health_score.domain.scorecard import CardKey

_WRITE = text(
    "INSERT INTO health_score.health_day AS d (account_no, day, score, band, coverage, scorecard_no,"
    " computed_score, computed_band, reported_score, reported_band, reported_at)"
    " SELECT account_no, day, score, band, coverage, scorecard_no, computed_score, computed_band, score, band, :at"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:days AS date[]), CAST(:scores AS smallint[]), CAST(:bands AS text[]),"
    " CAST(:coverages AS smallint[]), CAST(:cards AS smallint[]), CAST(:computed_scores AS smallint[]),"
    " CAST(:computed_bands AS text[]))"
    " AS t (account_no, day, score, band, coverage, scorecard_no, computed_score, computed_band)"
    " ON CONFLICT (account_no, day) DO UPDATE SET score = excluded.score, band = excluded.band,"
    " coverage = excluded.coverage, scorecard_no = excluded.scorecard_no, computed_score = excluded.computed_score,"
    " computed_band = excluded.computed_band, restated_at = :at"
)

_KEPT = text(
    "SELECT array_agg(day), array_agg(score), array_agg(band), array_agg(coverage), array_agg(scorecard_no),"
    " array_agg(computed_score), array_agg(computed_band)"
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

    async def write(
        self, made: Iterable[tuple[Account, Sequence[Close]]], numbers: Mapping[CardKey, int], at: datetime
    ) -> None:
        """Write the closes of accounts that are new or other than those kept; what was first reported stays beside.

        `numbers` has the short numbers of the scorecards that made them.
        """
        written: list[tuple[int, Close]] = []
        for account, closes in made:
            kept = await self._kept(account.number, closes[0].day, closes[-1].day) if len(closes) > FEW else {}
            written += [(account.number, close) for close in closes if kept.get(close.day) != _row(close, numbers)]
        if not written:
            return
        closes = [close for _, close in written]
        await self._connection.execute(
            _WRITE,
            {
                "numbers": [number for number, _ in written],
                "at": at,
                "days": [close.day for close in closes],
                "scores": [close.score for close in closes],
                "bands": [close.band.value for close in closes],
                "coverages": [close.coverage for close in closes],
                "cards": [numbers[close.card] for close in closes],
                "computed_scores": [close.computed and close.computed[0] for close in closes],
                "computed_bands": [close.computed and close.computed[1].value for close in closes],
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

    async def _kept(self, account_no: int, first: date, last: date) -> dict[date, tuple[Any, ...]]:
        row = (await self._connection.execute(_KEPT, {"account_no": account_no, "first": first, "last": last})).one()
        if row[0] is None:
            return {}
        return dict(zip(row[0], zip(*row[1:], strict=True), strict=True))


def _row(close: Close, numbers: Mapping[CardKey, int]) -> tuple[Any, ...]:
    computed = close.computed or (None, None)
    return (close.score, close.band, close.coverage, numbers[close.card], *computed)
