"""Ranking everybody's work: what no priority at an account exceeds, in one statement over all that is open.

Every part is as `alerts.domain.worklist` has it, or more: a day is taken one nearer than in UTC, because zones differ.
The trend, for which a score of the past is looked up, is worked out for those only that come first if that score had
been 100.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from alerts.domain.cases import CaseState
from alerts.domain.observations import SCORE
from alerts.domain.words import Band, Severity
from alerts.domain.worklist import (
    MOST_OF_TREND,
    OF_BAND,
    OF_RENEWAL,
    OF_SEVERITY,
    OF_STATE,
    OF_WORST,
    SOON,
    TAKEN,
    Kind,
)
from alerts.store.playbook_tables import account_health, account_touch, risk_case, task
from alerts.store.tables import account, alert, observation


def _points(
    column: str, points: Mapping[Severity, int] | Mapping[CaseState, int] | Mapping[Band, int], otherwise: int = 0
) -> str:
    cases = " ".join(f"WHEN '{name.value}' THEN {most}" for name, most in points.items())
    return f"CASE {column} {cases} ELSE {otherwise} END"


def _by_day(due_on: str) -> str:
    """What a thing due on a day counts at most: it falls with every day that is left."""
    left = f"({due_on} - CAST(:today AS date) - 1)"
    return (
        f"CASE WHEN {left} < 0 THEN 30 + least(-{left}, 10) WHEN {left} = 0 THEN 25"
        f" ELSE greatest(5, 20 - 2 * {left}) END"
    )


_RENEWAL = " ".join(
    f"WHEN a.next_renewal_on - CAST(:today AS date) - 1 <= {days} THEN {points}" for days, points in OF_RENEWAL
)
_OWED = "CAST(t.touched_at AT TIME ZONE 'UTC' AS date) + coalesce(a.touch_every_days, CAST(:cadence AS int))"
_SOON = f"CAST(:today AS date) + {SOON + 1}"
_RATE = "coalesce(CAST(CAST(:rates AS jsonb) ->> ({money} ->> 'currency') AS double precision), 1)"


def _wanted(kind: Kind, points: str) -> str:
    return f"CASE WHEN '{kind.value}' = ANY (CAST(:kinds AS text[])) THEN {points} END"


_AMOUNT = "CAST({money} ->> 'amount' AS double precision) * " + _RATE
_ARR = f"""CASE jsonb_array_length(a.arr) WHEN 0 THEN 0 WHEN 1 THEN {_AMOUNT.format(money="(a.arr -> 0)")}
    ELSE (SELECT sum({_AMOUNT.format(money="m")}) FROM jsonb_array_elements(a.arr) m) END"""

_ALERT = f"{_points('severity', OF_SEVERITY)} - CASE WHEN acknowledged_at IS NULL THEN 0 ELSE {TAKEN} END"
_TASK = f"coalesce({_by_day('due_on')}, 5)"
# as Python folds the case of letters that are not ASCII, a name may be another one here
_TIER = """coalesce(
    CAST(CAST(:tiers AS jsonb) ->> lower(a.tier) AS double precision),
    CASE WHEN octet_length(a.tier) > length(a.tier) THEN CAST(:highest AS double precision) END,
    1
)"""

# The last digits: what is rounded there may have been rounded up.
RANKED: Final = text(f"""
WITH item AS (
    SELECT account_id, {_points("severity", OF_WORST)} AS worst, {_wanted(Kind.ALERT, _ALERT)} AS itself
    FROM {alert} WHERE state <> 'resolved' AND (snoozed_until IS NULL OR snoozed_until <= :now)
    UNION ALL
    SELECT account_id, 0, {_wanted(Kind.TASK, _TASK)} FROM {task} WHERE state = 'open'
    UNION ALL
    SELECT account_id, 0, {_wanted(Kind.CASE, _points("state", OF_STATE))} FROM {risk_case} WHERE closed_at IS NULL
    UNION ALL
    SELECT t.account_id, 0, greatest(
        CASE WHEN t.next_due_on <= {_SOON} THEN {_wanted(Kind.NEXT_STEP, _by_day("t.next_due_on"))} END,
        CASE WHEN {_OWED} <= {_SOON} + 1 THEN {_wanted(Kind.TOUCH_OWED, _by_day(f"({_OWED})"))} END
    )
    FROM {account_touch} t JOIN {account} a USING (account_id)
), busy AS (
    SELECT account_id, max(worst) AS worst, max(itself) AS itself FROM item
    GROUP BY account_id HAVING max(itself) IS NOT NULL
), bound AS (
    SELECT a.account_id, h.score, b.itself + b.worst + {_points("h.band", OF_BAND, OF_BAND[Band.UNKNOWN])}
            + CASE {_RENEWAL} ELSE 0 END AS urgency,
        (1.001 + log(1 + greatest({_ARR}, 0) / 1000) / 2) * {_TIER} + 0.01 AS value
    FROM busy b JOIN {account} a USING (account_id) LEFT JOIN {account_health} h USING (account_id)
), first AS MATERIALIZED (
    SELECT *, (urgency + coalesce(least({MOST_OF_TREND}, (100 - score) / 2.0), 0)) * value + 0.1 AS at_most
    FROM bound ORDER BY at_most DESC, account_id LIMIT :most
)
SELECT f.account_id, f.at_most,
    (f.urgency + coalesce(least({MOST_OF_TREND}, greatest(f.before - f.score, 0) / 2.0), 0)) * f.value + 0.1 AS bound
FROM (
    SELECT first.*, (
        SELECT CAST(o.fact ->> 'score' AS integer) FROM {observation} o WHERE o.account_id = first.account_id
            AND o.subject = '{SCORE}' AND o.occurred_at <= :before ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1
    ) AS before FROM first
) f ORDER BY bound DESC, account_id
""").bindparams(bindparam("tiers", type_=JSONB), bindparam("rates", type_=JSONB))
