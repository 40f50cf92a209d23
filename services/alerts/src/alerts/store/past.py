"""What is forgotten: facts from before every horizon, and old attempts."""

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.store.alerts import SAYS
from alerts.store.tables import attempt, delivery, horizon, observation

FORGET_DUE: Final = "forget"
"""The kind of the timer; there is one, and it goes on for ever."""

# The horizons are locked, so that no fold begins anew meanwhile for a record that comes late. What speaks for the facts
# before the horizon stays: the next fold begins with it. `kept_since` moves by a day at least, so that a subject is not
# looked at for each fact.
_FORGET_FACTS: Final = f"""
WITH due AS MATERIALIZED (
    SELECT h.account_id, h.subject, h.opens_from - h.reads_from AS back,
        least(h.reads_from, w.reads_from, CAST(:before AS timestamptz)) AS until
    FROM {horizon} h
    LEFT JOIN {horizon} w ON :on_accounts AND w.account_id = h.account_id AND w.subject = 'account'
    WHERE h.subject <> 'account' AND h.rules = CAST(:rules AS text)
        AND (NOT :on_accounts OR w.rules = CAST(:rules AS text))
        AND (h.kept_since IS NULL OR least(h.reads_from, w.reads_from, CAST(:before AS timestamptz))
            + (h.opens_from - h.reads_from) >= h.kept_since + interval '1 day')
    ORDER BY h.account_id, h.subject LIMIT :most FOR UPDATE OF h SKIP LOCKED
), first AS MATERIALIZED (
    SELECT due.account_id, due.subject, kept.occurred_at, kept.event_id FROM due CROSS JOIN LATERAL (
        SELECT o.occurred_at, o.event_id FROM {observation} o
        WHERE o.account_id = due.account_id AND o.subject = due.subject AND o.occurred_at < due.until AND {SAYS}
        ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1
    ) kept
), gone AS (
    DELETE FROM {observation} o USING first
    WHERE o.account_id = first.account_id AND o.subject = first.subject
        AND (o.occurred_at, o.event_id) < (first.occurred_at, first.event_id)
    RETURNING 1
), marked AS (
    UPDATE {horizon} h SET kept_since = due.until + due.back FROM due
    WHERE h.account_id = due.account_id AND h.subject = due.subject
)
SELECT (SELECT count(*) FROM due) AS subjects, (SELECT count(*) FROM gone) AS facts
"""

_FORGET_ATTEMPTS: Final = f"""
DELETE FROM {attempt} WHERE (delivery_id, number) IN (
    SELECT a.delivery_id, a.number FROM {attempt} a JOIN {delivery} d ON d.id = a.delivery_id
    WHERE a.started_at < :before AND d.state NOT IN ('pending', 'delivering') LIMIT :most
)
"""


class PastStore:
    """What was, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def forget_facts(self, before: datetime, rules: str, *, on_accounts: bool, most: int) -> tuple[int, int]:
        """Delete facts older than `before` that no horizon under these rules reads; answers (subjects, facts)."""
        asked = {"before": before, "rules": rules, "on_accounts": on_accounts, "most": most}
        found = (await self._connection.execute(text(_FORGET_FACTS), asked)).one()
        return found.subjects, found.facts

    async def forget_attempts(self, before: datetime, *, most: int) -> int:
        """Delete attempts that began before an instant, of deliveries that are settled; answers how many."""
        done = await self._connection.execute(text(_FORGET_ATTEMPTS), {"before": before, "most": most})
        return int(done.rowcount)
