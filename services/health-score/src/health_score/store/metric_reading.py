"""Reads what metrics are computed from, and places among peers."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from health_score.application.journal import decisions_of
from health_score.application.life_journal import journal_of
from health_score.application.metric_queries import Measured, Place
from health_score.application.metric_views import ComputedView, DefinedView
from health_score.application.rules import RuleDocuments
from health_score.domain.account import zone_named
from health_score.domain.evidence import Evidence
from health_score.domain.history import Seats
from health_score.store.activity import ActivityDays
from health_score.store.customs import Customs
from health_score.store.decisions import Decisions
from health_score.store.documents import Documents
from health_score.store.facts import NOTHING, load
from health_score.store.tables import account

_POSITIONS = text("SELECT name, position FROM health_score.metric_position WHERE name = ANY(:names)")

# An undefined value is NaN, which is above every number and equal to itself.
_PLACE = (
    "count(*) FILTER (WHERE m.values[{at}] < 'NaN'), count(*) FILTER (WHERE m.values[{at}] < :v{at}),"
    " count(*) FILTER (WHERE m.values[{at}] = :v{at})"
)

_AMONG = (
    "SELECT {places} FROM health_score.account a JOIN health_score.account_metrics m ON m.account_no = a.account_no"
    " WHERE a.{axis} = :of AND a.account_no <> :account_no AND a.erased_at IS NULL"
)

_AXES = {"industry": "industry", "segment": "segment"}


class MetricReads:
    """One look at the store."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._activity = ActivityDays(connection)
        self._customs = Customs(connection, {})
        self.documents: RuleDocuments = Documents(connection)
        self.in_force = self._customs.in_force
        self.users_of_features = self._activity.users_of_features

    async def account(self, account_id: str) -> Measured | None:
        """What an account's metrics need, or None for an unknown account."""
        columns = account.c
        query = select(
            columns.account_no,
            columns.zone,
            columns.seats_by_day,
            columns.industry,
            columns.segment,
            columns.first_day,
        ).where(columns.erased_at.is_(None), columns.account_id == account_id)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        seats = Seats(msgspec.convert(row.seats_by_day, tuple[tuple[date, int | None], ...]))
        return Measured(row.account_no, row.zone, seats, row.industry, row.segment, row.first_day)

    async def evidence(self, account: Measured, since: date, series: Collection[int]) -> Evidence:
        """What an account's metrics are computed from; its activity (with its life) and series from a day on."""
        number, zone = account.account_no, zone_named(account.zone)
        activity = await self._activity.since_with_lives({number: since})
        facts = await load(self._connection, [number])
        decided = await Decisions(self._connection).of_accounts([number])
        days = await self._customs.since({number: since}, series)
        return Evidence(
            activity[number],
            facts.get(number, NOTHING).in_zone(zone),
            decisions_of(decided.get(number, ()), zone),
            days[number],
            journal_of(decided.get(number, ())),
        )

    async def places(self, account_no: int, by: str, of: str, values: Mapping[str, float]) -> Mapping[str, Place]:
        """The place of each value among the other accounts of an industry or segment, at their last closes."""
        rows = await self._connection.execute(_POSITIONS, {"names": list(values)})
        positions = {row.name: row.position for row in rows}
        if not positions:
            return {}
        places = ", ".join(_PLACE.format(at=at) for at in positions.values())
        query = text(_AMONG.format(places=places, axis=_AXES[by]))
        asked = {f"v{at}": values[name] for name, at in positions.items()}
        counts = (await self._connection.execute(query, {"account_no": account_no, "of": of, **asked})).one()
        return {name: Place(*counts[3 * place : 3 * place + 3]) for place, name in enumerate(positions)}

    async def customs(self, name: str | None = None) -> Sequence[DefinedView]:
        """The custom metrics that are not retired (or one of them), by name."""
        return [
            DefinedView(
                name=each.metric.name,
                kind="custom",
                unit=each.metric.unit.value,
                definition=each.metric.means,
                title=each.metric.title,
                version=each.version,
                version_in_force=each.version_in_force,
                saved_at=each.saved_at,
                saved_by=each.saved_by,
                computed=ComputedView(each.state, each.built_accounts, each.of_accounts),
                document=msgspec.json.decode(each.body),
            )
            for each in await self._customs.progress(name)
        ]


class MetricReading:
    """Opens looks at what is committed, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[MetricReads]:
        """One look: everything in it is read on one connection."""
        async with self._engine.connect() as connection:
            yield MetricReads(connection)
