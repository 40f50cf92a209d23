"""Erasure in alerts' tables: everything about an account, deliveries that wait included."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.domain.observations import CONTACT
from alerts.store.looks import ENDS_ACCOUNT, LOOK_DUE
from alerts.store.people_tables import assignment, escalation, escalation_step, mute, reassignment, silence
from alerts.store.playbook_tables import (
    account_health,
    account_owner,
    account_touch,
    risk_case,
    risk_case_step,
    run,
    run_cause,
    task,
)
from alerts.store.playbook_timers import PLAYBOOK_DUE
from alerts.store.tables import (
    HISTORY,
    account,
    alert,
    attempt,
    delivery,
    horizon,
    kit,
    notification,
    observation,
    replay,
    transition,
)
from alerts.store.timers import ESCALATION_DUE, SNOOZE_DUE
from mainstay.service.erased import ErasedSubjects
from mainstay.service.subjects import ACCOUNT, USER, Subjects

_NOTIFICATIONS: Final = f"SELECT id FROM {notification} WHERE account_id = :account"
_DELIVERIES: Final = f"SELECT id FROM {delivery} WHERE notification_id IN ({_NOTIFICATIONS})"
_ALERTS: Final = f"SELECT id FROM {alert} WHERE account_id = :account"
_ALERTS_ABOUT: Final = f"SELECT id FROM {alert} WHERE subject = :contact"
_NOTIFICATIONS_ABOUT: Final = f"SELECT id FROM {notification} WHERE alert_id IN ({_ALERTS_ABOUT})"
_DELIVERIES_ABOUT: Final = f"SELECT id FROM {delivery} WHERE notification_id IN ({_NOTIFICATIONS_ABOUT})"
_DIGESTS: Final = f"SELECT id FROM {notification} WHERE about -> 'accounts' ? :account"
_DIGESTS_ABOUT: Final = f"SELECT id FROM {notification} WHERE about -> 'alerts' ?| ARRAY({_ALERTS_ABOUT})"
_OF_DIGESTS_ABOUT: Final = f"SELECT id FROM {delivery} WHERE notification_id IN ({_DIGESTS_ABOUT})"
# The deliveries first, in their order: a mark locks them too, and then their attempts.
_LOCK: Final = (
    f"SELECT FROM {delivery} WHERE notification_id IN ({_NOTIFICATIONS} UNION ALL {_DIGESTS}) ORDER BY id FOR UPDATE"
)
_LOCK_ABOUT: Final = (
    f"SELECT FROM {delivery} WHERE notification_id IN ({_NOTIFICATIONS_ABOUT} UNION ALL {_DIGESTS_ABOUT})"
    " ORDER BY id FOR UPDATE"
)
# In the order of their references. A delivery on its way is deleted too: whoever sends it finds nothing to settle.
_DELETE: Final = (
    # a digest tells of many accounts: what it said is forgotten as a whole
    f"DELETE FROM {attempt} WHERE delivery_id IN (SELECT id FROM {delivery} WHERE notification_id IN ({_DIGESTS}))",
    f"DELETE FROM {delivery} WHERE notification_id IN ({_DIGESTS})",
    f"DELETE FROM {notification} WHERE about -> 'accounts' ? :account",
    f"DELETE FROM {mute} WHERE notification_id IN ({_NOTIFICATIONS})",
    # its place stays empty: how far a reassignment is, is a number of places
    (
        f"UPDATE {reassignment} SET moves = (SELECT jsonb_agg(CASE WHEN m ->> 'account_id' = :account"
        " THEN jsonb_build_object('account_id', '', 'to', m -> 'to', 'previous', NULL) ELSE m END ORDER BY n)"
        " FROM jsonb_array_elements(moves) WITH ORDINALITY AS e (m, n))"
        " WHERE moves @> jsonb_build_array(jsonb_build_object('account_id', CAST(:account AS text)))"
    ),
    f"DELETE FROM {assignment} WHERE account_id = :account",
    f"DELETE FROM {escalation_step} WHERE account_id = :account",
    f"DELETE FROM {escalation} WHERE account_id = :account",
    f"DELETE FROM {silence} WHERE matchers -> 'accounts' = jsonb_build_array(CAST(:account AS text))",
    f"DELETE FROM {attempt} WHERE delivery_id IN ({_DELIVERIES})",
    f"DELETE FROM {delivery} WHERE notification_id IN ({_NOTIFICATIONS})",
    f"DELETE FROM {notification} WHERE account_id = :account",
    f"DELETE FROM {transition} WHERE alert_id IN ({_ALERTS})",
    f"DELETE FROM {alert} WHERE account_id = :account",
    f"DELETE FROM {risk_case_step} WHERE case_id IN (SELECT id FROM {risk_case} WHERE account_id = :account)",
    f"DELETE FROM {risk_case} WHERE account_id = :account",
    f"DELETE FROM {task} WHERE account_id = :account",
    f"DELETE FROM {run_cause} WHERE account_id = :account",
    f"DELETE FROM {run} WHERE account_id = :account",
    f"DELETE FROM {account_touch} WHERE account_id = :account",
    f"DELETE FROM {account_health} WHERE account_id = :account",
    f"DELETE FROM {account_owner} WHERE account_id = :account",
    f"DELETE FROM {horizon} WHERE account_id = :account",
    f"DELETE FROM {observation} WHERE account_id = :account",
    f"DELETE FROM {replay} WHERE wanted ->> 'account_id' = :account",
    f"DELETE FROM {account} WHERE account_id = :account",
)


_DELETE_CONTACT: Final = (
    f"DELETE FROM {attempt} WHERE delivery_id IN ({_OF_DIGESTS_ABOUT})",
    f"DELETE FROM {delivery} WHERE notification_id IN ({_DIGESTS_ABOUT})",
    f"DELETE FROM {notification} WHERE id IN ({_DIGESTS_ABOUT})",
    f"DELETE FROM {mute} WHERE notification_id IN ({_NOTIFICATIONS_ABOUT})",
    f"DELETE FROM {assignment} WHERE alert_id IN ({_ALERTS_ABOUT})",
    f"DELETE FROM {escalation_step} WHERE alert_id IN ({_ALERTS_ABOUT})",
    f"DELETE FROM {escalation} WHERE alert_id IN ({_ALERTS_ABOUT})",
    f"DELETE FROM {attempt} WHERE delivery_id IN ({_DELIVERIES_ABOUT})",
    f"DELETE FROM {delivery} WHERE notification_id IN ({_NOTIFICATIONS_ABOUT})",
    f"DELETE FROM {notification} WHERE alert_id IN ({_ALERTS_ABOUT})",
    f"DELETE FROM {transition} WHERE alert_id IN ({_ALERTS_ABOUT})",
    f"DELETE FROM {alert} WHERE subject = :contact",
    f"DELETE FROM {observation} WHERE subject = :contact",
)
_CONTACTS: Final = (
    f"(SELECT substr(subject, length('{CONTACT}:') + 1) AS person FROM {observation}"
    f" WHERE subject LIKE '{CONTACT}:%') AS contacts"
)


class ErasureStore:
    """The erased, and the erasing, within one transaction."""

    def __init__(self, connection: AsyncConnection, subjects: Subjects) -> None:
        self._connection = connection
        self._erased = ErasedSubjects(connection, HISTORY.schema, subjects)
        self.remember = self._erased.remember
        self.lift = self._erased.lift
        self.among = self._erased.among

    async def erase_account(self, subject: str) -> int:
        """Delete the account, its observations, alerts, notifications and deliveries; answers how many rows."""
        rows = 0
        for account_id in await self._erased.find(ACCOUNT, subject, f"{account}", "account_id"):
            locked = text(f"SELECT FROM {account} WHERE account_id = :account FOR UPDATE")
            await self._connection.execute(locked, {"account": account_id})
            await self._connection.execute(text(_LOCK), {"account": account_id})
            for statement in _DELETE:
                rows += (await self._connection.execute(text(statement), {"account": account_id})).rowcount
            rows += await self._erased.forget_refused(kit.outbox, account_id)
            await self._erased.cancel_timers(
                kit.due, [LOOK_DUE, PLAYBOOK_DUE, ESCALATION_DUE, SNOOZE_DUE], account_id, mark=ENDS_ACCOUNT
            )
        return rows

    async def erase_contact(self, subject: str) -> int:
        """Delete what was observed of a person at a customer, and the alerts about it; answers how many rows."""
        rows = 0
        for person in await self._erased.find(USER, subject, _CONTACTS, "person"):
            names = {"contact": f"{CONTACT}:{person}"}
            locked = text(
                f"SELECT FROM {account} WHERE account_id IN (SELECT account_id FROM {observation}"
                " WHERE subject = :contact) ORDER BY account_id FOR UPDATE"
            )
            await self._connection.execute(locked, names)
            await self._connection.execute(text(_LOCK_ABOUT), names)
            for statement in _DELETE_CONTACT:
                rows += (await self._connection.execute(text(statement), names)).rowcount
            gone = text(
                f"DELETE FROM {kit.due} WHERE (kind, key) IN (SELECT kind, key FROM {kit.due} WHERE kind = :kind"
                " AND position(:part IN key) > 0 FOR UPDATE SKIP LOCKED)"
            )
            await self._connection.execute(gone, {"kind": LOOK_DUE, "part": f"{ENDS_ACCOUNT}{names['contact']} "})
            rows += await self._erased.forget_refused(kit.outbox, person)
        return rows
