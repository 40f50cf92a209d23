"""The operator's renewal policy in PostgreSQL: a row a version, never changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.renewal_ports import SHIPPED, SavedPolicy
from renewals.application.timers import ACCOUNT_DUE, instant_of_key
from renewals.domain.policy import Cadence, OwnerRole, PolicyRule, RenewalPolicy
from renewals.domain.schedule import USUAL_WINDOW, Window
from renewals.store.tables import account, kit, renewal_policy

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('renewals.renewal_policy'))")
_LOOK = text(
    f"INSERT INTO {kit.due} (kind, key, due_at)"
    " SELECT CAST(:kind AS text), account_id || '@' || CAST(:written AS text), CAST(:at AS timestamptz)"
    f" FROM {account} WHERE erased_at IS NULL ORDER BY account_id ON CONFLICT DO NOTHING"
)


class PolicyStore:
    """The policy, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def in_force(self, at: datetime | None = None) -> RenewalPolicy:
        """The rules of the newest version, or of the one that was in force at an instant."""
        return policy_of(await self.latest(at))

    async def lock(self) -> None:
        """Be the only one to save a version, until the transaction ends."""
        await self._connection.execute(_LOCK)

    async def latest(self, at: datetime | None = None) -> SavedPolicy:
        """The newest version, or the one that was in force at an instant."""
        return next(iter(await self.before(None, 1, at)), SHIPPED)

    async def version(self, number: int) -> SavedPolicy | None:
        """One version."""
        if number == SHIPPED.version:
            return SHIPPED
        wanted = select(renewal_policy).where(renewal_policy.c.version == number)
        row = (await self._connection.execute(wanted)).one_or_none()
        return _saved(row) if row else None

    async def before(self, number: int | None, limit: int, at: datetime | None = None) -> Sequence[SavedPolicy]:
        """Up to `limit` versions below a number, newest first, of those saved by an instant; not the shipped one."""
        wanted = select(renewal_policy).order_by(renewal_policy.c.version.desc()).limit(limit)
        if number is not None:
            wanted = wanted.where(renewal_policy.c.version < number)
        if at is not None:
            wanted = wanted.where(renewal_policy.c.saved_at <= at)
        return [_saved(row) for row in await self._connection.execute(wanted)]

    async def save(self, policy: SavedPolicy) -> None:
        """Keep the next version."""
        row = {
            "version": policy.version,
            "body": policy.body,
            "saved_at": policy.saved_at,
            "saved_by": policy.saved_by,
        }
        await self._connection.execute(renewal_policy.insert(), row)

    async def look_at_everybody(self, at: datetime) -> int:
        """Have every account that has contracts looked at from an instant on; answers how many."""
        names = {"kind": ACCOUNT_DUE, "written": instant_of_key(at), "at": at}
        return (await self._connection.execute(_LOOK, names)).rowcount


def policy_of(saved: SavedPolicy) -> RenewalPolicy:
    """The rules in a version, which was checked as it was saved."""
    return RenewalPolicy(tuple(_rule(rule) for rule in saved.body["rules"]), saved.version)


def _rule(written: Mapping[str, Any]) -> PolicyRule:
    window = USUAL_WINDOW
    if written["window_days"] is not None:
        window = Window(days=written["window_days"])
    elif written["window_months"] is not None:
        window = Window(months=written["window_months"])
    cadence = Cadence(window, tuple(written["milestone_days"]), OwnerRole(written["owner"]), written["team"])
    return PolicyRule(written["name"], cadence, frozenset(written["tiers"]), frozenset(written["segments"]))


def _saved(row: Row[Any]) -> SavedPolicy:
    return SavedPolicy(row.version, row.body, row.saved_at, row.saved_by)
