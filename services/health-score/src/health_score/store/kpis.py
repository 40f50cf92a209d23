"""What key figures are computed from: accounts, their facts of some kinds and their days of use, page by page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from health_score.application.document_ports import StoredDecision
from health_score.application.kpis import Use, Wants
from health_score.application.life_journal import journal_of
from health_score.domain.account import zone_named
from health_score.domain.activity import Activity, DayOfUse, Life, from_bytes, users_of_from_bytes
from health_score.domain.history import Seats
from health_score.domain.kpis.attribution import Axis
from health_score.domain.kpis.past import Past
from health_score.store.account_rows import stated_of
from health_score.store.activity import ActivityDays
from health_score.store.decisions import Decisions
from health_score.store.statements import statement_of

ACCOUNTS = 50
"""So many accounts are read at once. Their rows arrive in the thread that answers everybody else: 0.2 ms an account."""

_ACCOUNTS = (
    "SELECT l.account_no, l.account_id, l.owner, l.tier, l.segment, l.industry, l.zone,"
    " a.seats_by_day::text AS seats_by_day, CASE WHEN CAST(:has_record AS boolean) THEN a.stated::text END AS stated"
    " FROM health_score.listing l JOIN health_score.account a ON a.account_no = l.account_no"
    " WHERE l.account_no > :after{only} ORDER BY l.account_no LIMIT :limit"
)
_ALL = text(_ACCOUNTS.format(only=""))
_SOME = text(_ACCOUNTS.format(only=" AND l.account_id = ANY(CAST(:accounts AS text[]))"))

# Of a passing thing everything is read, or nothing: nothing where it was last spoken of before the periods. A ticket
# that came as one row, at its opening, also speaks of later instants; it is open where the last word of its resolution
# withdraws it.
_SPOKEN_OF = (
    "SELECT y.kind, y.thing_id FROM health_score.fact y WHERE y.account_no = t.account_no"
    " AND y.kind = ANY(CAST(:passing AS text[])) AND y.occurred_at < :before GROUP BY y.kind, y.thing_id"
    " HAVING max(y.occurred_at) >= :since OR y.kind = 'ticket' AND (coalesce(max(y.occurred_at)"
    " FILTER (WHERE y.body ->> 'resolved_at' IS NOT NULL) <= coalesce(max(y.occurred_at)"
    " FILTER (WHERE y.body -> 'resolved_at' = 'null'), '-infinity'), true)"
    " OR greatest(max(y.body ->> 'resolved_at'), max(y.body ->> 'first_response_at'), max(y.body ->> 'opened_at'))"
    ' >= CAST(:since_day AS text) COLLATE "C")'
)
# One row an account: arrays are decoded several times faster than rows.
_FACTS = text(
    "SELECT t.account_no, f.* FROM unnest(CAST(:numbers AS int[])) AS t (account_no)"
    " CROSS JOIN LATERAL (SELECT array_agg(x.kind) AS kinds, array_agg(x.thing_id) AS things,"
    " array_agg(x.occurred_at) AS occurred, array_agg(x.event_id) AS events, array_agg(x.known_at) AS known,"
    " array_agg(x.body::text) AS bodies FROM (SELECT * FROM"
    " (SELECT y.* FROM health_score.fact y WHERE y.account_no = t.account_no"
    " AND y.kind = ANY(CAST(:kinds AS text[])) AND y.occurred_at < :before"
    f" UNION ALL SELECT y.* FROM ({_SPOKEN_OF}) AS p JOIN health_score.fact y ON y.account_no = t.account_no"
    " AND y.kind = p.kind AND y.thing_id = p.thing_id AND y.occurred_at < :before) AS z"
    " ORDER BY z.occurred_at, z.event_id, z.source) AS x) AS f WHERE f.kinds IS NOT NULL"
)
_USE = (
    "SELECT t.account_no, d.* FROM unnest(CAST(:numbers AS int[])) AS t (account_no)"
    " CROSS JOIN LATERAL (SELECT array_agg(x.day) AS days, array_agg(x.events) AS events, array_agg(x.users) AS users"
    "{more} FROM health_score.account_day x WHERE x.account_no = t.account_no"
    " AND x.day = ANY(CAST(:days AS date[]))) AS d WHERE d.days IS NOT NULL"
)
_USERS = text(_USE.format(more=""))
_FEATURES = text(_USE.format(more=", array_agg(x.features) AS features, array_agg(x.feature_users) AS feature_users"))

_seats = msgspec.json.Decoder(tuple[tuple[date, int | None], ...])


@dataclass(frozen=True, slots=True)
class AccountRows:
    """Some accounts as the database has them, and what was read of each, by number."""

    accounts: Sequence[Row[Any]]
    facts: Mapping[int, Row[Any]]
    use: Mapping[int, Row[Any]]
    lives: Mapping[int, Life]
    decided: Mapping[int, Sequence[StoredDecision]]
    days: Sequence[date]

    @property
    def last(self) -> int:
        """The number of the last account."""
        number: int = self.accounts[-1].account_no
        return number

    def pasts(self) -> Iterator[Past]:
        """Decode them."""
        since = self.days[0] if self.days else date.min
        for row in self.accounts:
            number = row.account_no
            facts, use = self.facts.get(number), self.use.get(number)
            yield Past(
                account_id=row.account_id,
                zone=zone_named(row.zone),
                statements=()
                if facts is None
                else tuple(
                    statement_of(*each)
                    for each in zip(
                        facts.kinds, facts.things, facts.occurred, facts.events, facts.known, facts.bodies, strict=True
                    )
                ),
                present={
                    Axis.OWNER: row.owner,
                    Axis.TIER: row.tier,
                    Axis.SEGMENT: row.segment,
                    Axis.INDUSTRY: row.industry,
                },
                seats=Seats(_seats.decode(row.seats_by_day)),
                activity=Activity(since, {} if use is None else _days(use), life=self.lives.get(number)),
                record={} if row.stated is None else stated_of(row.stated),
                journal=journal_of(self.decided.get(number, ())),
            )


class KpiStore:
    """Reads accounts' pasts, a transaction a page, on connections of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def after(self, number: int, wants: Wants) -> AccountRows | None:
        """The next accounts by number; None when there are none."""
        async with self._engine.connect() as connection:
            asked: dict[str, Any] = {"after": number, "limit": ACCOUNTS, "has_record": wants.has_record}
            if wants.accounts is not None:
                asked["accounts"] = sorted(wants.accounts)
            accounts = (await connection.execute(_ALL if wants.accounts is None else _SOME, asked)).all()
            if not accounts:
                return None
            numbers = [row.account_no for row in accounts]
            return AccountRows(
                accounts,
                await _facts(connection, numbers, wants),
                await _use(connection, numbers, wants),
                await ActivityDays(connection).lives(numbers) if wants.has_life else {},
                await Decisions(connection).of_accounts(numbers) if wants.has_journal else {},
                wants.days,
            )


async def _facts(connection: AsyncConnection, numbers: list[int], wants: Wants) -> Mapping[int, Row[Any]]:
    if not wants.kinds and not wants.passing:
        return {}
    asked = {
        "numbers": numbers,
        "kinds": list(wants.kinds),
        "passing": list(wants.passing),
        "since": wants.since,
        "since_day": wants.since.date().isoformat(),
        "before": wants.before,
    }
    return {row.account_no: row for row in await connection.execute(_FACTS, asked)}


async def _use(connection: AsyncConnection, numbers: list[int], wants: Wants) -> Mapping[int, Row[Any]]:
    if wants.use is None:
        return {}
    query = _FEATURES if wants.use is Use.FEATURES else _USERS
    asked = {"numbers": numbers, "days": list(wants.days)}
    return {row.account_no: row for row in await connection.execute(query, asked)}


def _days(use: Row[Any]) -> dict[date, DayOfUse]:
    if not hasattr(use, "features"):
        return {
            day: DayOfUse(events, from_bytes(users))
            for day, events, users in zip(use.days, use.events, use.users, strict=True)
        }
    found = {}
    rows = zip(use.days, use.events, use.users, use.features, use.feature_users, strict=True)
    for day, events, users, features, feature_users in rows:
        used = from_bytes(features)
        found[day] = DayOfUse(events, from_bytes(users), used, users_of_from_bytes(used, feature_users))
    return found
