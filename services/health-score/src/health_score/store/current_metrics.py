"""Each account's metrics as of its last close: what it is compared with its peers by."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from datetime import date

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.ports import ClosedMetrics
from health_score.domain.metrics.deviation import Deviating
from health_score.domain.metrics.reading import Value

_DEVIATING = text(
    "SELECT account_no, day, deviating::text FROM health_score.account_metrics WHERE account_no = ANY(:numbers)"
)

_SAVE = text(
    "INSERT INTO health_score.account_metrics (account_no, day, values, deviating)"
    " SELECT account_no, day, CAST(values AS float8[]), CAST(deviating AS jsonb) FROM unnest(CAST(:numbers AS int[]),"
    " CAST(:days AS date[]), CAST(:values AS text[]), CAST(:deviating AS text[]))"
    " AS t (account_no, day, values, deviating) ON CONFLICT (account_no) DO UPDATE"
    " SET day = excluded.day, values = excluded.values, deviating = excluded.deviating"
)

_POSITIONS = text("SELECT name, position FROM health_score.metric_position")

_PLACE = text(
    "INSERT INTO health_score.metric_position (name) SELECT * FROM unnest(CAST(:names AS text[]))"
    " ON CONFLICT DO NOTHING"
)

_json = msgspec.json.Encoder()
_deviating = msgspec.json.Decoder(dict[str, Deviating])


class CurrentMetrics:
    """The metrics as of the last close, within one transaction that has locked the accounts."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def deviating(self, numbers: Collection[int]) -> Mapping[int, tuple[date, Mapping[str, Deviating]]]:
        """The last day told of, and what deviates, by account."""
        rows = await self._connection.execute(_DEVIATING, {"numbers": sorted(numbers)})
        return {row.account_no: (row.day, _deviating.decode(row.deviating)) for row in rows}

    async def save(self, closed: Mapping[int, ClosedMetrics]) -> None:
        """Write what closes found, by account."""
        if not closed:
            return
        numbers = sorted(closed)
        positions = await self._positions({name for found in closed.values() for name in found.values})
        await self._connection.execute(
            _SAVE,
            {
                "numbers": numbers,
                "days": [closed[number].day for number in numbers],
                # An array of arrays would have to be a rectangle, so each goes as its text.
                "values": [_array(closed[number].values, positions) for number in numbers],
                "deviating": [_json.encode(closed[number].deviating).decode() for number in numbers],
            },
        )

    async def _positions(self, names: AbstractSet[str]) -> Mapping[str, int]:
        known = {row.name: row.position for row in await self._connection.execute(_POSITIONS)}
        if names <= known.keys():
            return known
        # In one order, or two transactions would wait for each other.
        await self._connection.execute(_PLACE, {"names": sorted(names - known.keys())})
        return {row.name: row.position for row in await self._connection.execute(_POSITIONS)}


def _array(values: Mapping[str, Value], positions: Mapping[str, int]) -> str:
    """The values at their positions, as PostgreSQL writes an array; NaN where there is none."""
    told = ["NaN"] * max(positions.values())
    for name, value in values.items():
        if value is not None:
            told[positions[name] - 1] = repr(float(value))
    return "{" + ",".join(told) + "}"
