"""Timers that look again at what gets worse, or passes, by itself."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from alerts.application.ports import Subject
from alerts.store.tables import alert, kit, observation
from mainstay.db.work import Transaction

LOOK_DUE: Final = "look"
"""The kind of the timer. Its key is `<account>\\n<subject> <instant>`: an event never moves a timer, it sets another,
and one that is not needed any more looks and finds nothing new."""
ENDS_ACCOUNT: Final = "\n"


class LookStore:
    """The timers, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._due = transaction.due

    async def arm(self, looks: Mapping[Subject, datetime]) -> None:
        """Look at subjects again at their instants."""
        await self._due.arm_many(LOOK_DUE, [(_key(subject, at), at) for subject, at in looks.items()])

    async def arm_all(self, at: datetime, subjects: Iterable[str], *, accounts: Collection[str] | None = None) -> None:
        """Look at everything observed about subjects, of some accounts or of all.

        A colon at the end stands for all that begin so, `account` for conditions over all that is known of an account.
        """
        await self._connection.execute(
            text(
                f"INSERT INTO {kit.due} (kind, key, due_at, payload)"
                " SELECT CAST(:kind AS text), account_id || CAST(:mark AS text) || subject || ' '"
                " || CAST(:at_text AS text), CAST(:at AS timestamptz), CAST('{}' AS jsonb) FROM ("
                f"  SELECT DISTINCT o.account_id, o.subject FROM {observation} o"
                "   JOIN unnest(CAST(:subjects AS text[])) AS s (subject)"
                "   ON o.subject = s.subject OR (s.subject LIKE '%:' AND starts_with(o.subject, s.subject))"
                "   WHERE CAST(:accounts AS text[]) IS NULL OR o.account_id = ANY(CAST(:accounts AS text[]))"
                f"  UNION SELECT DISTINCT o.account_id, 'account' FROM {observation} o"
                "   WHERE 'account' = ANY(CAST(:subjects AS text[]))"
                "   AND (CAST(:accounts AS text[]) IS NULL OR o.account_id = ANY(CAST(:accounts AS text[])))"
                " ) AS wanted ON CONFLICT DO NOTHING"
            ),
            {
                "kind": LOOK_DUE,
                "mark": ENDS_ACCOUNT,
                "at": at,
                "at_text": _instant(at),
                "subjects": sorted(set(subjects)),
                "accounts": sorted(accounts) if accounts is not None else None,
            },
        )

    async def arm_alerts_of(self, rule_id: str, at: datetime) -> None:
        """Look at everything that a rule has an open alert about."""
        await self._connection.execute(
            text(
                f"INSERT INTO {kit.due} (kind, key, due_at, payload)"
                " SELECT DISTINCT CAST(:kind AS text), account_id || CAST(:mark AS text) || subject || ' '"
                " || CAST(:at_text AS text), CAST(:at AS timestamptz), CAST('{}' AS jsonb)"
                f" FROM {alert} WHERE rule = :rule AND state <> 'resolved' ON CONFLICT DO NOTHING"
            ),
            {"kind": LOOK_DUE, "mark": ENDS_ACCOUNT, "at": at, "at_text": _instant(at), "rule": rule_id},
        )


def subject_of(key: str) -> Subject:
    """What the timer with a key looks at."""
    account_id, _, rest = key.rpartition(ENDS_ACCOUNT)
    return account_id, rest.rpartition(" ")[0]


def _key(subject: Subject, at: datetime) -> str:
    return f"{subject[0]}{ENDS_ACCOUNT}{subject[1]} {_instant(at)}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
