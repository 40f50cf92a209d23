"""Custom metrics: which hold, the series they are computed from, and the series' days of every account."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.application.metric_documents import KIND, counting_from, counting_to, metric_from
from health_score.application.ports import Building, SeriesKey
from health_score.domain.activity import from_bytes, to_bytes
from health_score.domain.metrics.custom import CustomMetric, InForce
from health_score.domain.metrics.matching import Counters, Counting, Series
from health_score.domain.metrics.series import SeriesDay
from health_score.store.documents import canonical

_IN_FORCE = text(
    "SELECT m.name, m.version, m.series_no, d.body::text AS body FROM health_score.custom_metric m"
    " JOIN health_score.document d ON d.kind = :kind AND d.id = m.name AND d.version = m.version"
    " WHERE m.series_no IS NOT NULL ORDER BY m.name"
)

_VERSIONS = text(
    "SELECT m.name || ' ' || m.version || ' ' || m.series_no || ' ' || d.digest FROM health_score.custom_metric m"
    " JOIN health_score.document d ON d.kind = :kind AND d.id = m.name AND d.version = m.version"
    " WHERE m.series_no IS NOT NULL"
)

_DEFINITIONS = text(
    "SELECT m.name, d.body::text AS body FROM health_score.custom_metric m JOIN health_score.document d"
    " ON d.kind = :kind AND d.id = m.name AND d.version = coalesce(m.wanted_version, m.version) ORDER BY m.name"
)

_PROGRESS = text(
    "SELECT m.name, d.version, d.body::text AS body, d.saved_at, d.saved_by, m.version AS version_in_force,"
    " s.state, s.built_accounts, s.of_accounts"
    " FROM health_score.custom_metric m JOIN health_score.document d"
    " ON d.kind = :kind AND d.id = m.name AND d.version = coalesce(m.wanted_version, m.version)"
    " JOIN health_score.custom_series s ON s.series_no = coalesce(m.wanted_series_no, m.series_no)"
    " WHERE CAST(:name AS text) IS NULL OR m.name = :name ORDER BY m.name"
)

_SERIES = text("SELECT series_no, counting, state FROM health_score.custom_series WHERE state <> 'leaving'")

_FIND_SERIES = text(
    "SELECT series_no, state FROM health_score.custom_series WHERE digest = :digest AND state <> 'leaving'"
)

_ADD_SERIES = text(
    "INSERT INTO health_score.custom_series (digest, counting, state, of_accounts) SELECT :digest, :counting,"
    " 'building', count(*) FROM health_score.account WHERE erased_at IS NULL RETURNING series_no"
)

_WANT = text(
    "INSERT INTO health_score.custom_metric (name, wanted_version, wanted_series_no) VALUES (:name, :version, :series)"
    " ON CONFLICT (name) DO UPDATE SET wanted_version = :version, wanted_series_no = :series"
)

_HOLD = text(
    "UPDATE health_score.custom_metric SET version = wanted_version, series_no = wanted_series_no,"
    " wanted_version = NULL, wanted_series_no = NULL WHERE wanted_series_no = :series"
)

_LET_GO = text(
    "UPDATE health_score.custom_series s SET state = 'leaving', after_xid = NULL"
    " WHERE s.state <> 'leaving' AND NOT EXISTS"
    " (SELECT FROM health_score.custom_metric m WHERE s.series_no IN (m.series_no, m.wanted_series_no))"
    " RETURNING s.series_no"
)

_BUILDING = text(
    "SELECT series_no, counting, state, built_through FROM health_score.custom_series WHERE series_no = :series"
    " FOR NO KEY UPDATE"
)

_MARK = text(
    "UPDATE health_score.custom_series SET after_xid = coalesce(after_xid, pg_snapshot_xmax(pg_current_snapshot()))"
    " WHERE series_no = :series RETURNING after_xid <= pg_snapshot_xmin(pg_current_snapshot())"
)

_NEXT = text(
    "SELECT account_id, account_no FROM (SELECT a.account_id, a.account_no,"
    " sum(e.events) OVER (ORDER BY a.account_no) - e.events AS events_before"
    " FROM (SELECT account_id, account_no FROM health_score.account WHERE account_no > :after AND erased_at IS NULL"
    " ORDER BY account_no LIMIT :most) a CROSS JOIN LATERAL (SELECT coalesce(sum(d.events), 0) AS events"
    " FROM health_score.account_day d WHERE d.account_no = a.account_no) e) AS n"
    " WHERE events_before < :events ORDER BY account_no"
)

_BUILT = text(
    "UPDATE health_score.custom_series SET built_through = :through, built_accounts = built_accounts + :accounts"
    " WHERE series_no = :series"
)

_READY = text(
    "UPDATE health_score.custom_series SET state = 'ready', of_accounts = built_accounts"
    " WHERE series_no = :series AND state = 'building'"
)

_FORGET_SOME = text(
    "DELETE FROM health_score.custom_day WHERE ctid = ANY(ARRAY(SELECT ctid FROM health_score.custom_day"
    " WHERE series_no = :series LIMIT :most))"
)

_DROP = text("DELETE FROM health_score.custom_series WHERE series_no = :series AND state = 'leaving'")

_TOUCHED = text(
    "SELECT d.account_no, d.series_no, d.day, d.events, d.amount, d.users"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:series AS int[]), CAST(:days AS date[]))"
    " AS t (account_no, series_no, day) CROSS JOIN LATERAL (SELECT * FROM health_score.custom_day x"
    " WHERE x.account_no = t.account_no AND x.series_no = t.series_no AND x.day = t.day LIMIT 1) AS d"
)

_WRITE = text(
    "INSERT INTO health_score.custom_day (account_no, series_no, day, events, amount, users)"
    " SELECT * FROM unnest(CAST(:numbers AS int[]), CAST(:series AS int[]), CAST(:days AS date[]),"
    " CAST(:events AS int[]), CAST(:amounts AS numeric[]), CAST(:users AS bytea[]))"
    " ON CONFLICT (account_no, series_no, day) DO UPDATE"
    " SET events = excluded.events, amount = excluded.amount, users = excluded.users"
)

_CLEAR = text("DELETE FROM health_score.custom_day WHERE account_no = ANY(:numbers) AND series_no = :series")

_SINCE = text(
    "SELECT d.account_no, d.series_no, array_agg(d.day) AS days, array_agg(d.events) AS events,"
    " array_agg(d.amount) AS amounts, array_agg(d.users) AS users"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:since AS date[])) AS t (account_no, since)"
    " JOIN health_score.custom_day d ON d.account_no = t.account_no AND d.day >= t.since"
    " AND d.series_no = ANY(:series) GROUP BY 1, 2"
)


@dataclass(frozen=True, slots=True)
class MetricProgress:
    """The newest version of a custom metric, and how far its past is counted: accounts done, and of how many.

    `version_in_force` is None until the first version is ready.
    """

    metric: CustomMetric
    body: bytes
    version: int
    version_in_force: int | None
    saved_at: datetime
    saved_by: str
    state: str
    built_accounts: int
    of_accounts: int


class Customs:
    """Custom metrics and their series, within one transaction. `known` has countings by series: they never change."""

    def __init__(self, connection: AsyncConnection, known: dict[int, Counting]) -> None:
        self._connection = connection
        self._known = known

    async def versions(self) -> frozenset[str]:
        """Which versions of which metrics can be read: another answer means that definitions changed."""
        return frozenset((await self._connection.execute(_VERSIONS, {"kind": KIND})).scalars())

    async def in_force(self) -> Sequence[InForce]:
        """The custom metrics that can be read."""
        rows = await self._connection.execute(_IN_FORCE, {"kind": KIND})
        return [InForce(metric_from(row.name, row.body.encode()), row.version, row.series_no) for row in rows]

    async def definitions(self) -> Mapping[str, CustomMetric]:
        """The newest definition of each custom metric that is not retired, ready or not."""
        rows = await self._connection.execute(_DEFINITIONS, {"kind": KIND})
        return {row.name: metric_from(row.name, row.body.encode()) for row in rows}

    async def progress(self, name: str | None = None) -> Sequence[MetricProgress]:
        """The newest version of each custom metric (or of one) that is not retired, and how far it is computed."""
        rows = await self._connection.execute(_PROGRESS, {"kind": KIND, "name": name})
        return [
            MetricProgress(
                metric_from(row.name, row.body.encode()),
                row.body.encode(),
                row.version,
                row.version_in_force,
                row.saved_at,
                row.saved_by,
                row.state,
                row.built_accounts,
                row.of_accounts,
            )
            for row in rows
        ]

    async def want(self, name: str, version: int, counting: Counting) -> tuple[int, bool]:
        """Have a version of a metric in force once its series is ready; answers the series, and whether it is new."""
        document, digest = canonical(counting_to(counting))
        row = (await self._connection.execute(_FIND_SERIES, {"digest": digest})).one_or_none()
        if row is None:
            added = await self._connection.execute(_ADD_SERIES, {"digest": digest, "counting": document.decode()})
            series, state = added.scalar_one(), "building"
        else:
            series, state = row.series_no, row.state
        await self._connection.execute(_WANT, {"name": name, "version": version, "series": series})
        if state == "ready":
            await self._connection.execute(_HOLD, {"series": series})
        return series, row is None

    async def retire(self, name: str) -> Sequence[int]:
        """A metric holds no more; answers the series that nobody needs any more."""
        await self._connection.execute(
            text("DELETE FROM health_score.custom_metric WHERE name = :name"), {"name": name}
        )
        return await self.let_go()

    async def let_go(self) -> Sequence[int]:
        """Stop keeping up the series that no metric needs; answers them."""
        return list((await self._connection.execute(_LET_GO)).scalars())

    async def counters(self) -> Counters:
        """The series to be kept up. Ask only after the accounts are locked: see `BuildSeries`."""
        series = []
        for row in await self._connection.execute(_SERIES):
            counting = self._known.get(row.series_no)
            if counting is None:
                counting = self._known[row.series_no] = counting_from(row.counting.encode())
            series.append(Series(row.series_no, counting, row.state == "ready"))
        return Counters(series)

    async def add(self, days: Mapping[SeriesKey, SeriesDay]) -> None:
        """Merge what was counted into its days. The accounts are locked."""
        if not days:
            return
        merged = dict(days)
        for row in await self._connection.execute(_TOUCHED, _keys(days)):
            known = SeriesDay(row.events, row.amount, from_bytes(row.users))
            known.merge(days[row.account_no, row.series_no, row.day])
            merged[row.account_no, row.series_no, row.day] = known
        await self._write(merged)

    async def replace(self, numbers: Collection[int], series: int, days: Mapping[SeriesKey, SeriesDay]) -> None:
        """Put these days in the place of all that the accounts (by number) have in a series."""
        await self._connection.execute(_CLEAR, {"numbers": sorted(numbers), "series": series})
        await self._write(days)

    async def since(
        self, wanted: Mapping[int, date], series: Collection[int]
    ) -> Mapping[int, Mapping[int, Mapping[date, SeriesDay]]]:
        """The days of series, by account and series, of each account from a day on; empty ones too."""
        found: dict[int, dict[int, Mapping[date, SeriesDay]]] = {
            number: {each: {} for each in series} for number in wanted
        }
        if not series:
            return found
        parameters = {"numbers": list(wanted), "since": list(wanted.values()), "series": sorted(series)}
        for row in await self._connection.execute(_SINCE, parameters):
            found[row.account_no][row.series_no] = {
                day: SeriesDay(events, Decimal(amount), from_bytes(users))
                for day, events, amount, users in zip(row.days, row.events, row.amounts, row.users, strict=True)
            }
        return found

    async def building(self, series: int) -> Building | None:
        """A series, locked: whoever lets go of it waits, and arms its timer after this one."""
        row = (await self._connection.execute(_BUILDING, {"series": series})).one_or_none()
        if row is None:
            return None
        return Building(row.series_no, counting_from(row.counting.encode()), row.state, row.built_through)

    async def others_have_ended(self, series: int) -> bool:
        """Whether every transaction that may not know of the series is over.

        The first question marks the transactions of its moment: they may not have seen the series.
        """
        return bool((await self._connection.execute(_MARK, {"series": series})).scalar_one())

    async def next_accounts(self, building: Building, events: int, most: int) -> Sequence[tuple[str, int]]:
        """The next accounts (id and number) to be counted: up to `most`, with about so many events together."""
        rows = await self._connection.execute(_NEXT, {"after": building.built_through, "events": events, "most": most})
        return [(row.account_id, row.account_no) for row in rows]

    async def built(self, series: int, through: int, accounts: int) -> None:
        """So many more accounts are done, up to this number."""
        await self._connection.execute(_BUILT, {"series": series, "through": through, "accounts": accounts})

    async def is_ready(self, series: int) -> Sequence[int]:
        """All accounts are done: metrics that waited for it hold now; answers series that nobody needs any more."""
        await self._connection.execute(_READY, {"series": series})
        await self._connection.execute(_HOLD, {"series": series})
        return await self.let_go()

    async def forget_some(self, series: int, most: int) -> bool:
        """Delete days of a leaving series; once there are none, the series too. Says whether it is gone."""
        gone = await self._connection.execute(_FORGET_SOME, {"series": series, "most": most})
        if gone.rowcount == most:
            return False
        await self._connection.execute(_DROP, {"series": series})
        self._known.pop(series, None)
        return True

    async def _write(self, days: Mapping[SeriesKey, SeriesDay]) -> None:
        if not days:
            return
        rows = dict(sorted(days.items()))
        await self._connection.execute(
            _WRITE,
            {
                **_keys(rows),
                "events": [day.events for day in rows.values()],
                "amounts": [day.amount for day in rows.values()],
                "users": [to_bytes(day.users) for day in rows.values()],
            },
        )


def _keys(days: Mapping[SeriesKey, SeriesDay]) -> Mapping[str, Sequence[object]]:
    by_column: dict[str, list[object]] = defaultdict(list)
    for account_no, series, day in days:
        by_column["numbers"].append(account_no)
        by_column["series"].append(series)
        by_column["days"].append(day)
    return by_column
