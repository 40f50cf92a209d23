"""Reading timelines: facts and decisions in pages, closes and active days whole, which are few."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from health_score.application.announcing import SOURCE
from health_score.application.timeline import BandOn, Life, Place, Placed, Stretch, TimelineRow
from health_score.domain.facts.titles import title_of, title_of_decision

FACT: Final = "fact"
DECISION: Final = "decision"

_ACCOUNT: Final = text(
    "SELECT account_no, zone, band, score, band_since FROM health_score.account"
    " WHERE account_id = :account AND erased_at IS NULL"
)
_BANDS: Final = text(
    "SELECT day, band, score, previous_band, previous_score, is_last FROM (SELECT day, band, score,"
    " lag(band) OVER by_day AS previous_band, lag(score) OVER by_day AS previous_score,"
    " lead(day) OVER by_day IS NULL AS is_last"
    " FROM health_score.health_day WHERE account_no = :number WINDOW by_day AS (ORDER BY day)) AS d"
    " WHERE is_last OR band IS DISTINCT FROM coalesce(previous_band, 'unknown') ORDER BY day"
)
_ACTIVE_DAYS: Final = text("SELECT day FROM health_score.account_day WHERE account_no = :number ORDER BY day")
# Keys are ordered as Python orders them. Of the rows of one instant, those of other sections that come later are out.
_BEHIND: Final = (
    " AND {at} >= :begin AND {at} < :end AND (:any_kind OR {kind} = ANY(CAST(:kinds AS text[])))"
    " AND (CAST(:after_at AS timestamptz) IS NULL OR {at} < :after_at"
    " OR ({at} = :after_at AND ('{section}' < :after_section"
    " OR ('{section}' = :after_section AND {key} < :after_key))))"
    " ORDER BY {at} DESC, {key} DESC LIMIT :limit"
)
_FACT_KEY: Final = "(event_id || E'\\x1f' || source) COLLATE \"C\""
_FACTS: Final = text(
    f"SELECT kind, thing_id, occurred_at, source, body, {_FACT_KEY} AS key FROM health_score.fact"
    " WHERE account_no = :number" + _BEHIND.format(at="occurred_at", kind="kind", section=FACT, key=_FACT_KEY)
).columns(body=JSONB)
_DECISION_KEY: Final = "lpad(decision_no::text, 19, '0') COLLATE \"C\""
_DECISIONS: Final = text(
    f"SELECT kind, decided_at, decided_by, body, {_DECISION_KEY} AS key FROM health_score.decision"
    " WHERE account_no = :number" + _BEHIND.format(at="decided_at", kind="kind", section=DECISION, key=_DECISION_KEY)
).columns(body=JSONB)


class TimelineReading:
    """Reads what is committed, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def life(self, account_id: str) -> Life | None:
        """What a timeline needs of an account besides facts and decisions, or None for an unknown one."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(_ACCOUNT, {"account": account_id})).one_or_none()
            if row is None:
                return None
            number = {"number": row.account_no}
            closes = (await connection.execute(_BANDS, number)).all()
            active = list((await connection.execute(_ACTIVE_DAYS, number)).scalars())
        bands = [BandOn(*close[:5]) for close in closes]
        return Life(
            number=row.account_no,
            zone=row.zone,
            band=row.band,
            score=row.score,
            band_since=row.band_since,
            last_closed=bands[-1] if bands else None,
            bands=[each for each in bands if each.band != (each.previous_band or "unknown")],
            active_days=active,
        )

    async def facts(self, number: int, wanted: Stretch, limit: int) -> Sequence[Placed]:
        """The newest facts of a stretch."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_FACTS, _parameters(number, wanted, limit))).all()
        found = []
        for row in rows:
            data = {name: value for name, value in row.body.items() if name not in {"account_id", "occurred_at"}}
            title = title_of(row.kind, row.thing_id, row.body)
            shown = TimelineRow(row.kind, row.occurred_at, title, data, row.source, row.body.get("by"))
            found.append(Placed(Place(row.occurred_at, FACT, row.key), shown))
        return found

    async def decisions(self, number: int, wanted: Stretch, limit: int) -> Sequence[Placed]:
        """The newest decisions of a stretch."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_DECISIONS, _parameters(number, wanted, limit))).all()
        return [
            Placed(
                Place(row.decided_at, DECISION, row.key),
                TimelineRow(row.kind, row.decided_at, title_of_decision(row.kind), row.body, SOURCE, row.decided_by),
            )
            for row in rows
        ]


def _parameters(number: int, wanted: Stretch, limit: int) -> dict[str, Any]:
    after = wanted.after
    return {
        "number": number,
        "begin": wanted.begin,
        "end": wanted.end,
        "any_kind": not wanted.kinds,
        "kinds": sorted(wanted.kinds),
        "after_at": after and after.at,
        "after_section": after.section if after else "",
        "after_key": after.key if after else "",
        "limit": limit,
    }
