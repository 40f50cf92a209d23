"""Retention by cohort: one statement over the ledger's rows of the customers that began in a span."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.cohorts import CohortScope
from renewals.domain.civil import ONE_DAY, add_months
from renewals.domain.cohorts import Cohort, CohortPoint
from renewals.domain.currencies import minor_unit, smallest
from renewals.store.figures import COMPARED_PLACES, decimal_of
from renewals.store.sql import half_even, known

# A contract counts for the customer that has it on :as_of, as in retention figures. Who came back after a gap beyond
# grace is gone from then on, unless returning customers count as if they had stayed.
_COHORTS: Final = f"""
    WITH held AS MATERIALIZED (
        SELECT e.contract_id, e.account_id FROM renewals.ledger_entry e
        WHERE e.kind = 'held' AND e.start <= :as_of AND e.end_exclusive > :as_of AND {known("e")}
    ),
    rate AS (
        SELECT * FROM unnest(CAST(:firsts AS date[]), CAST(:currencies AS text[]), CAST(:rates AS numeric[]))
            AS r (cohort, currency, rate)
    ),
    member AS (
        SELECT customer, begun, CAST(date_trunc(:size, begun) AS date) AS cohort FROM (
            SELECT coalesce(h.account_id, e.account_id) AS customer, min(e.start) AS begun
            FROM renewals.ledger_entry e LEFT JOIN held h USING (contract_id)
            WHERE e.kind = 'runs' AND {known("e")} GROUP BY 1
        ) AS b WHERE begun >= :t0 AND begun < :t1
    ),
    line AS MATERIALIZED (
        SELECT m.customer, m.cohort, m.begun, e.start, e.end_exclusive, e.end_exclusive + e.grace_days AS reached,
            e.continues, e.arr * r.rate AS arr
        FROM renewals.ledger_entry e LEFT JOIN held h USING (contract_id)
        JOIN member m ON m.customer = coalesce(h.account_id, e.account_id)
        JOIN rate r ON r.cohort = m.cohort AND r.currency = e.currency
        WHERE e.kind = 'runs' AND {known("e")}
    ),
    back AS (
        SELECT l.customer, min(l.start) AS start FROM line l
        WHERE NOT l.continues AND l.start > l.begun AND NOT EXISTS (
            SELECT FROM line p WHERE p.customer = l.customer AND p.start < l.start AND p.reached >= l.start
        ) GROUP BY l.customer
    ),
    point AS (
        SELECT m.customer, m.cohort, n.months, CAST(m.begun + make_interval(months => n.months) AS date) AS day
        FROM member m CROSS JOIN generate_series(0, CAST(:months AS int), CAST(:step AS int)) AS n (months)
        WHERE m.cohort + make_interval(months => CAST(:size_months AS int)) - interval '1 day'
            + make_interval(months => n.months) <= :as_of
    ),
    worth AS (
        SELECT p.customer, p.cohort, p.months, coalesce(sum(l.arr) FILTER (WHERE l.start <= p.day
            AND l.end_exclusive > p.day AND (:returning OR b.start IS NULL OR p.day < b.start)), 0) AS arr
        FROM point p JOIN line l USING (customer) LEFT JOIN back b USING (customer)
        GROUP BY 1, 2, 3
    ),
    rounded AS MATERIALIZED (SELECT customer, cohort, months, {half_even("arr")} AS arr FROM worth)
    SELECT w.cohort, w.months, count(*) AS customers, sum(o.arr) AS opening,
        count(*) FILTER (WHERE w.arr > 0) AS stayed, sum(least(w.arr, o.arr)) AS kept, sum(w.arr) AS closing
    FROM rounded w JOIN rounded o ON o.customer = w.customer AND o.months = 0 AND o.arr > 0
    GROUP BY 1, 2 ORDER BY 1, 2
"""


class CohortStore:
    """Cohorts, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def cohorts(self, scope: CohortScope) -> Sequence[Cohort]:
        """The cohorts that have any customer, in order."""
        rates = sorted(scope.rates.items())
        unit = smallest(scope.currency)
        asked = {
            "t0": scope.t0,
            "t1": scope.t1,
            "size": scope.size.value,
            "size_months": scope.size.months,
            "months": scope.months,
            "step": scope.step,
            "as_of": scope.as_of,
            "known_at": scope.known_at,
            "returning": scope.returning,
            "firsts": [first for (first, _), _ in rates],
            "currencies": [currency for (_, currency), _ in rates],
            "rates": [decimal_of(rate) for _, rate in rates],
            "places": minor_unit(scope.currency),
            "minor": Decimal(10 ** minor_unit(scope.currency)),
            "half": unit / 2 - Decimal(f"1e-{COMPARED_PLACES}"),
        }
        found: dict[object, Cohort] = {}
        for row in await self._connection.execute(text(_COHORTS), asked):
            point = CohortPoint(row.months, row.stayed, row.kept.quantize(unit), row.closing.quantize(unit))
            known_points = found[row.cohort].points if row.cohort in found else ()
            last = add_months(row.cohort, scope.size.months) - ONE_DAY
            opening = row.opening.quantize(unit)
            found[row.cohort] = Cohort(row.cohort, last, row.customers, opening, (*known_points, point))
        return list(found.values())
