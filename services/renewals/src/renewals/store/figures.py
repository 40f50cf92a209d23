"""Figures out of the ledger: one statement a period, set by set; what is per customer is added up in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.figures import Axis, CustomerRow, EntryRow, Group, Lost, Span, Why
from renewals.domain.currencies import minor_unit, smallest
from renewals.domain.rates import Quote
from renewals.domain.retention import Expiries, Movement, Movements
from renewals.store.churn import REVIEWED
from renewals.store.sql import day_ends, half_even, known
from renewals.store.tables import SCHEMA

COMPARED_PLACES: Final = 12
RATE_PLACES: Final = 30
WORK_MEMORY: Final = "64MB"


def _group_at(day: str) -> str:
    """What accounts were as a day ended (UTC), as far as it was known; before the first word, what that says."""
    return f"""
        SELECT g.account_id, g.segment, g.tier, g.owner FROM renewals.account_group g JOIN (
            SELECT account_id,
                coalesce(max(sequence) FILTER (WHERE said_at < {day_ends(day)}), min(sequence)) AS sequence
            FROM renewals.account_group WHERE said_at <= :known_at GROUP BY account_id
        ) AS c USING (account_id, sequence)"""


# A contract counts, on both days, for the customer that has it on t1: an assignment or a merger is no movement.
_HELD: Final = f"""
    held AS MATERIALIZED (
        SELECT e.contract_id, e.account_id FROM renewals.ledger_entry e
        WHERE e.kind = 'held' AND e.start <= :t1 AND e.end_exclusive > :t1 AND {known("e")}
    ),
    rate AS (
        SELECT * FROM unnest(CAST(:currencies AS text[]), CAST(:rates0 AS numeric[]), CAST(:rates1 AS numeric[]))
            AS r (currency, r0, r1)
    )"""

_CUSTOMERS: Final = f"""
    worth AS (
        SELECT coalesce(h.account_id, e.account_id) AS customer,
            coalesce(sum(e.arr * r.r0) FILTER (WHERE e.start <= :t0), 0) AS opening,
            coalesce(sum(e.arr * r.r0) FILTER (WHERE e.end_exclusive > :t1), 0) AS closing,
            coalesce(sum(e.arr * r.r1) FILTER (WHERE e.end_exclusive > :t1), 0) AS closing_later
        FROM renewals.ledger_entry e JOIN rate r USING (currency) LEFT JOIN held h USING (contract_id)
        WHERE e.kind = 'runs' AND e.start <= :t1 AND e.end_exclusive > :t0
            AND (e.start <= :t0 OR e.end_exclusive > :t1) AND {known("e")}
        GROUP BY 1
    ),
    rounded AS MATERIALIZED (
        SELECT customer, {half_even("opening")} AS opening, {half_even("closing")} AS closing,
            {half_even("closing_later")} AS closing_later
        FROM worth
    ),
    -- Who may have come back: of the cohort, with a line that nothing of its contract led up to; or not of the cohort.
    begun AS (
        SELECT coalesce(h.account_id, e.account_id) AS customer, e.start
        FROM renewals.ledger_entry e LEFT JOIN held h USING (contract_id)
        WHERE e.kind = 'runs' AND NOT e.continues AND e.start > :t0 AND e.start <= :t1 AND {known("e")}
    ),
    asked AS MATERIALIZED (
        SELECT n.customer, true AS of_cohort, b.start FROM rounded n JOIN begun b USING (customer)
        WHERE n.opening > 0 AND n.closing > 0
        UNION ALL
        SELECT customer, false, NULL FROM rounded WHERE opening = 0 AND closing > 0
    ),
    led AS MATERIALIZED (
        SELECT coalesce(h.account_id, e.account_id) AS customer, e.start, e.end_exclusive + e.grace_days AS reached
        FROM renewals.ledger_entry e LEFT JOIN held h USING (contract_id)
        WHERE e.kind = 'runs' AND e.start < :t1 AND {known("e")}
            AND (e.account_id IN (SELECT customer FROM asked) OR e.contract_id IN (SELECT contract_id FROM held))
    ),
    came_back AS (
        SELECT DISTINCT customer FROM (
            SELECT a.customer FROM asked a LEFT JOIN led USING (customer) GROUP BY a.customer, a.of_cohort, a.start
            HAVING CASE WHEN a.of_cohort
                THEN NOT coalesce(bool_or(led.start < a.start AND led.reached >= a.start), false)
                ELSE coalesce(bool_or(led.start <= :t0), false) END
        ) AS b
    ),
    moved AS (
        SELECT n.*, b.customer IS NOT NULL AS came_back,
            CASE WHEN n.opening > 0 AND (b.customer IS NULL OR :returning) THEN n.closing ELSE 0 END AS stayed,
            CASE WHEN n.opening = 0 OR (b.customer IS NOT NULL AND NOT :returning) THEN n.closing ELSE 0 END AS came
        FROM rounded n LEFT JOIN came_back b USING (customer) WHERE n.opening > 0 OR n.closing > 0
    )"""

_SUMS: Final = """
    coalesce(sum(opening), 0), coalesce(sum(opening) FILTER (WHERE stayed = 0), 0),
    coalesce(sum(opening - stayed) FILTER (WHERE stayed > 0 AND stayed < opening), 0),
    coalesce(sum(stayed - opening) FILTER (WHERE opening > 0 AND stayed > opening), 0),
    coalesce(sum(came) FILTER (WHERE came_back), 0), coalesce(sum(came) FILTER (WHERE NOT came_back), 0),
    coalesce(sum(closing), 0), coalesce(sum(closing_later - closing), 0),
    count(*) FILTER (WHERE opening > 0), count(*) FILTER (WHERE opening > 0 AND stayed = 0),
    count(*) FILTER (WHERE stayed > 0 AND stayed < opening),
    count(*) FILTER (WHERE opening > 0 AND stayed > opening),
    count(*) FILTER (WHERE came > 0 AND came_back), count(*) FILTER (WHERE came > 0 AND NOT came_back),
    count(*) FILTER (WHERE closing > 0)
"""

_MOVEMENT: Final = """
    CASE WHEN opening = 0 THEN CASE WHEN came_back THEN 'returned' ELSE 'new' END
        WHEN stayed = 0 THEN CASE WHEN came > 0 THEN 'returned' ELSE 'churned' END
        WHEN stayed < opening THEN 'contracted' WHEN stayed > opening THEN 'expanded' ELSE 'unchanged' END
"""

_FIRST: Final = f"""
    first_day AS (
        SELECT coalesce(h.account_id, e.account_id) AS customer, to_char(min(e.start), 'YYYY-MM') AS cohort
        FROM renewals.ledger_entry e LEFT JOIN held h USING (contract_id) WHERE e.kind = 'runs' AND {known("e")}
        GROUP BY 1
    )"""

_DUE: Final = f"""
    expiry AS MATERIALIZED (
        SELECT coalesce(h.account_id, e.account_id) AS customer, e.kind, e.start, e.arr * r.r0 AS arr
        FROM renewals.ledger_entry e JOIN rate r USING (currency) LEFT JOIN held h USING (contract_id)
        WHERE e.kind IN ('due', 'renewed') AND e.start >= :t0 AND e.start < :t1 AND {known("e")}
    )"""

# Of each kind of why one row a lost customer, so that each adds up to all of them.
_WHY: Final = """
    LEFT JOIN reviewed r ON r.of_customer = customer CROSS JOIN LATERAL (VALUES
        (1, 'reason', r.churn_reason), (2, 'expected', CAST(r.was_expected AS text)),
        (3, 'avoidable', CAST(r.was_avoidable AS text)), (4, 'good_customer', CAST(r.was_good_customer AS text)),
        (5, 'meets_criteria', r.verdict)
    ) AS w (place, why, value)"""

_GROUP_AT_EXPIRY: Final = f"""
    chosen AS (
        SELECT d.customer, d.start, coalesce(max(g.sequence) FILTER (WHERE g.said_at < {day_ends("d.start")}),
            min(g.sequence)) AS sequence
        FROM (SELECT DISTINCT customer, start FROM expiry) AS d
        JOIN renewals.account_group g ON g.account_id = d.customer AND g.said_at <= :known_at
        GROUP BY d.customer, d.start
    )"""


class FigureStore:
    """Figures, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def make_room(self) -> None:
        """Give this transaction's statements memory for hashing everybody; else they go by way of the disk."""
        await self._connection.execute(text(f"SET LOCAL work_mem = '{WORK_MEMORY}'"))

    async def currencies(self, known_at: datetime) -> Sequence[str]:
        """The currencies of recurring contracts that were known at an instant, in order."""
        found = await self._connection.execute(
            text(
                f"SELECT DISTINCT currency FROM {SCHEMA}.contract"
                " WHERE kind = 'recurring' AND entered_at <= :known_at ORDER BY 1"
            ),
            {"known_at": known_at},
        )
        return list(found.scalars())

    async def quotes(self, known_at: datetime) -> Sequence[Quote]:
        """The exchange rates that were known at an instant; of those for the same day the one recorded last."""
        found = await self._connection.execute(
            text(
                "SELECT * FROM (SELECT DISTINCT ON (currency, base, valid_from) currency, base, valid_from, rate"
                " FROM renewals.exchange_rate WHERE recorded_at <= :known_at"
                " ORDER BY currency, base, valid_from, recorded_at DESC, id DESC) AS q WHERE rate IS NOT NULL"
            ),
            {"known_at": known_at},
        )
        return [Quote(row.valid_from, row.currency, row.base, Fraction(row.rate)) for row in found]

    async def movements(self, span: Span, axes: Sequence[Axis]) -> Mapping[Group, Movements]:
        """What became of ARR between the span's days, by group: the one at t0 of the cohort, at t1 of who came."""
        statement = (
            f"WITH {_HELD}, {_CUSTOMERS}{_groups(axes)}"
            f" SELECT {_keys(axes)} {_SUMS} FROM moved {_joins(axes)} {_grouped(axes)}"
        )
        rows = await self._connection.execute(text(statement), _parameters(span))
        width = len(axes)
        return {tuple(row[:width]): Movements(*_told(row[width:], span)) for row in rows}

    async def expiries(self, span: Span, axes: Sequence[Axis]) -> Mapping[Group, Expiries]:
        """What came to its end from t0 on and before t1, by the group on the day of the expiry."""
        keys = "".join(f"{_expiry_key(axis)} AS {axis.value}, " for axis in axes)
        names = "".join(f"{axis.value}, " for axis in axes)
        more = ", " + _FIRST if Axis.COHORT in axes else ""
        more += ", " + _GROUP_AT_EXPIRY if set(axes) - {Axis.COHORT} else ""
        statement = (
            f"WITH {_HELD}, {_DUE}{more}, mine AS (SELECT {keys} x.customer,"
            f" {_sum_of('due')} AS due, {_sum_of('renewed')} AS renewed,"
            " count(*) FILTER (WHERE kind = 'due') AS terms, count(*) FILTER (WHERE kind = 'renewed') AS renewals"
            f" FROM expiry x {_expiry_joins(axes)} GROUP BY {names} x.customer),"
            f" rounded AS (SELECT {names} terms, renewals, {half_even('due')} AS due,"
            f" {half_even('renewed')} AS renewed FROM mine)"
            f" SELECT {names} coalesce(sum(due), 0), coalesce(sum(renewed), 0), coalesce(sum(least(due, renewed)), 0),"
            " count(*) FILTER (WHERE terms > 0), count(*) FILTER (WHERE renewals > 0)"
            f" FROM rounded {'GROUP BY ' + names.rstrip(', ') if axes else ''}"
        )
        rows = await self._connection.execute(text(statement), _parameters(span))
        width = len(axes)
        return {tuple(row[:width]): Expiries(*_told(row[width:], span)) for row in rows}

    async def lost(self, span: Span, axes: Sequence[Axis]) -> Mapping[Group, Sequence[Lost]]:
        """Who churned between the span's days and why, by group; each kind of why adds up to all of them."""
        width = len(axes)
        places = ", ".join(str(place + 1) for place in range(width + 3))
        statement = (
            f"WITH {_HELD}, {_CUSTOMERS}{_groups(axes)}, {REVIEWED}"
            f" SELECT {_keys(axes)} w.place, w.why, w.value, count(*), sum(opening) FROM moved {_joins(axes)} {_WHY}"
            f" WHERE opening > 0 AND stayed = 0 GROUP BY {places} ORDER BY {places}"
        )
        found: dict[Group, list[Lost]] = {}
        for row in await self._connection.execute(text(statement), _parameters(span)):
            _, why, value, customers, arr = row[width:]
            lost = Lost(Why(why), value, customers, arr.quantize(smallest(span.currency)))
            found.setdefault(tuple(row[:width]), []).append(lost)
        return found

    async def customers(
        self, span: Span, *, movement: Movement | None, after: str | None, limit: int
    ) -> Sequence[CustomerRow]:
        """Up to `limit` customers behind the movements, in the order of their ids, after the given one."""
        statement = (
            f"WITH {_HELD}, {_CUSTOMERS} SELECT customer, opening, closing, closing_later, movement"
            f" FROM (SELECT *, {_MOVEMENT} AS movement FROM moved) AS m"
            " WHERE (CAST(:after AS text) IS NULL OR customer > :after)"
            " AND (CAST(:movement AS text) IS NULL OR movement = :movement) ORDER BY customer LIMIT :limit"
        )
        asked = {"after": after, "movement": movement.value if movement else None, "limit": limit}
        rows = list(await self._connection.execute(text(statement), {**_parameters(span), **asked}))
        entries = await self._entries(span, [row.customer for row in rows])
        return [
            CustomerRow(
                row.customer,
                row.opening,
                row.closing,
                row.closing_later,
                Movement(row.movement),
                tuple(entry for customer, entry in entries if customer == row.customer),
            )
            for row in rows
        ]

    async def _entries(self, span: Span, customers: Sequence[str]) -> Sequence[tuple[str, EntryRow]]:
        """The ledger's rows that customers' figures are made of."""
        statement = (
            f"WITH {_HELD} SELECT coalesce(h.account_id, e.account_id) AS customer, e.*"
            " FROM renewals.ledger_entry e LEFT JOIN held h USING (contract_id)"
            " WHERE coalesce(h.account_id, e.account_id) = ANY(CAST(:customers AS text[])) AND (CASE"
            " WHEN e.kind = 'runs' THEN e.start <= :t1 AND e.end_exclusive > :t0"
            " WHEN e.kind IN ('due', 'renewed') THEN e.start >= :t0 AND e.start < :t1 ELSE false END)"
            f" AND {known('e')} ORDER BY customer, e.contract_id, e.start, e.id"
        )
        asked = {**_parameters(span), "customers": list(customers)}
        return [
            (
                row.customer,
                EntryRow(
                    id=row.id,
                    kind=row.kind,
                    contract_id=row.contract_id,
                    term=row.term,
                    account_id=row.account_id,
                    start=row.start,
                    end_exclusive=row.end_exclusive,
                    currency=row.currency,
                    amount=row.amount,
                    months=Fraction(row.months),
                    recorded_at=row.recorded_at,
                    recorded_by=row.recorded_by,
                    reason=row.reason,
                ),
            )
            for row in await self._connection.execute(text(statement), asked)
        ]


def _told(sums: Sequence[Any], span: Span) -> list[Any]:
    """Sums with their currency's decimals, also those of nothing; counts as they are."""
    step = smallest(span.currency)
    return [each.quantize(step) if isinstance(each, Decimal) else each for each in sums]


def _parameters(span: Span) -> dict[str, Any]:
    places = minor_unit(span.currency)
    currencies = sorted(span.rates)
    return {
        "t0": span.t0,
        "t1": span.t1,
        "known_at": span.known_at,
        "returning": span.returning,
        "places": places,
        "minor": Decimal(10**places),
        "half": smallest(span.currency) / 2 - Decimal(f"1e-{COMPARED_PLACES}"),
        "currencies": currencies,
        "rates0": [decimal_of(span.rates[currency][0]) for currency in currencies],
        "rates1": [decimal_of(span.rates[currency][1]) for currency in currencies],
    }


def decimal_of(rate: Fraction) -> Decimal:
    """A rate without the zeros at its end: they would make every product longer."""
    digits = f"{round(rate * 10**RATE_PLACES):0{RATE_PLACES + 1}d}"
    return Decimal(f"{digits[:-RATE_PLACES]}.{digits[-RATE_PLACES:]}".rstrip("0").rstrip("."))


def _groups(axes: Sequence[Axis]) -> str:
    """Common table expressions for the axes that are asked for."""
    found = ""
    if set(axes) - {Axis.COHORT}:
        found += f", at_t0 AS MATERIALIZED ({_group_at(':t0')}), at_t1 AS MATERIALIZED ({_group_at(':t1')})"
    return found + (f", {_FIRST}" if Axis.COHORT in axes else "")


def _joins(axes: Sequence[Axis]) -> str:
    found = ""
    if set(axes) - {Axis.COHORT}:
        found += " LEFT JOIN at_t0 ON at_t0.account_id = customer LEFT JOIN at_t1 ON at_t1.account_id = customer"
    return found + (" LEFT JOIN first_day USING (customer)" if Axis.COHORT in axes else "")


def _keys(axes: Sequence[Axis]) -> str:
    def key(axis: Axis) -> str:
        if axis is Axis.COHORT:
            return "cohort"
        return f"CASE WHEN opening > 0 THEN at_t0.{axis.value} ELSE at_t1.{axis.value} END"

    return "".join(f"{key(axis)}, " for axis in axes)


def _grouped(axes: Sequence[Axis]) -> str:
    return "GROUP BY " + ", ".join(str(place + 1) for place in range(len(axes))) if axes else ""


def _sum_of(kind: str) -> str:
    return f"coalesce(sum(arr) FILTER (WHERE kind = '{kind}'), 0)"


def _expiry_key(axis: Axis) -> str:
    return "first_day.cohort" if axis is Axis.COHORT else f"g.{axis.value}"


def _expiry_joins(axes: Sequence[Axis]) -> str:
    found = ""
    if set(axes) - {Axis.COHORT}:
        found += (
            " LEFT JOIN chosen USING (customer, start)"
            " LEFT JOIN renewals.account_group g ON g.account_id = x.customer AND g.sequence = chosen.sequence"
        )
    return found + (" LEFT JOIN first_day USING (customer)" if Axis.COHORT in axes else "")
