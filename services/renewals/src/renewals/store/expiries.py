"""Terms that expire, and what became of them: common table expressions over the ledger as it was known.

A term is renewed where the ledger says with what it goes on, also by another contract; it has churned when nothing does
and its grace is over; until then it is open.
"""

from typing import Final

from renewals.store.sql import day_ends, known

_WAS_THE_PREDECESSORS: Final = """EXISTS (
                SELECT FROM renewals.contract_revision r WHERE r.contract_id = c.id
                    AND e.start = CAST(r.snapshot -> 'predecessor' ->> 'expires_before' AS date) - 1
            )"""
"""Whether a line speaks of the end that was once agreed of the contract before, and was corrected since."""


def expiries(at: str = ":known_at", as_of: str = ":as_of", prefix: str = "", more: str = "") -> str:
    """`expiry`: the terms whose last day lies from :t0 on and before :t1, as they stood on a day by what was known.

    `more` goes on with the condition, or orders and limits the rows.
    """
    return f"""
    {prefix}won AS (
        SELECT CASE WHEN c.predecessor IS NULL THEN e.contract_id
            WHEN e.start = CAST(c.predecessor ->> 'expires_before' AS date) - 1 OR {_WAS_THE_PREDECESSORS}
            THEN c.predecessor ->> 'contract_id' ELSE e.contract_id END AS contract_id, e.start, sum(e.arr) AS arr
        FROM renewals.ledger_entry e JOIN renewals.contract c ON c.id = e.contract_id
        WHERE e.kind = 'renewed' AND e.start >= :t0 AND e.start < :t1 AND {known("e", at)}
            AND (e.start < {as_of} OR e.recorded_at < {day_ends(as_of)})
        GROUP BY 1, 2
    ),
    {prefix}expiry AS MATERIALIZED (
        SELECT e.contract_id, e.term, e.account_id AS customer, e.start, e.currency, e.arr AS due, w.arr AS renewed,
            CASE WHEN w.arr IS NOT NULL THEN 'renewed' WHEN e.start + coalesce(g.days, 0) < {as_of} THEN 'churned'
                ELSE 'open' END AS status
        FROM renewals.ledger_entry e LEFT JOIN {prefix}won w USING (contract_id, start)
        LEFT JOIN LATERAL (
            SELECT max(r.grace_days) AS days FROM renewals.ledger_entry r
            WHERE r.contract_id = e.contract_id AND r.term = e.term AND r.kind = 'runs' AND {known("r", at)}
        ) AS g ON true
        WHERE e.kind = 'due' AND e.start >= :t0 AND e.start < :t1 AND {known("e", at)} {more}
    )"""


def groups(of: str = "expiry") -> str:
    """`grouped`: what the customer of each expiry was as its day ended; before the first word, what that says."""
    return f"""
    grouped AS (
        SELECT d.customer, d.start, g.segment, g.tier, g.owner FROM (
            SELECT d.customer, d.start, coalesce(max(g.sequence) FILTER (WHERE g.said_at < {day_ends("d.start")}),
                min(g.sequence)) AS sequence
            FROM (SELECT DISTINCT customer, start FROM {of}) AS d
            JOIN renewals.account_group g ON g.account_id = d.customer AND g.said_at <= :known_at
            GROUP BY d.customer, d.start
        ) AS d JOIN renewals.account_group g ON g.account_id = d.customer AND g.sequence = d.sequence
    )"""
