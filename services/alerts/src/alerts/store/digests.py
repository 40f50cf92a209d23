"""What digests are made of, and when which was sent."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.conditions.dates import HELD, last_touch
from alerts.domain.digests import DigestKind, Move, NextStep
from alerts.domain.effort import Touch
from alerts.domain.observations import TOUCHES, BandEntered, Observation, Stated
from alerts.store.accounts import to_account
from alerts.store.alerts import to_alert, to_observation
from alerts.store.people_tables import digest_sent
from alerts.store.tables import account, alert, delivery, notification, observation
from mainstay.db.work import Transaction
from mainstay.kernel.money import Money

DIGEST_DUE: Final = "digest"
"""The kind of the timer. Its key is `<person>\\n<daily or weekly>`."""


class DigestStore:
    """Digests, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection: AsyncConnection = transaction.connection
        self._due = transaction.due

    async def arm(self, person_id: str, kind: DigestKind, at: datetime | None) -> None:
        """The next digest is due at an instant, and at no other; None: no more are."""
        key = f"{person_id}\n{kind}"
        if at is None:
            await self._due.cancel(DIGEST_DUE, key)
        else:
            await self._due.set(DIGEST_DUE, key, at)

    async def sent_until(self, person_id: str, kind: DigestKind) -> datetime | None:
        """Until when the last one told."""
        until: datetime | None = await self._connection.scalar(
            select(digest_sent.c.until).where(digest_sent.c.person_id == person_id, digest_sent.c.kind == kind)
        )
        return until

    async def sent(self, person_id: str, kind: DigestKind, until: datetime) -> None:
        """Put on record until when one told."""
        statement = insert(digest_sent).values(person_id=person_id, kind=kind.value, until=until)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[digest_sent.c.person_id, digest_sent.c.kind], set_={"until": until}
            )
        )

    async def accounts_of(self, owners: Collection[str]) -> Sequence[Account]:
        """The accounts of owners, by id."""
        rows = await self._connection.execute(
            select(account).where(account.c.owner == func.any(sorted(owners))).order_by(account.c.account_id)
        )
        return [to_account(row) for row in rows]

    async def alerts(self, account_ids: Collection[str], since: datetime) -> Sequence[Alert]:
        """The alerts of accounts that are open, or were resolved since."""
        rows = await self._connection.execute(
            select(alert).where(
                alert.c.account_id == func.any(sorted(account_ids)),
                or_(alert.c.state != "resolved", alert.c.resolved_at >= since),
            )
        )
        return [to_alert(row) for row in rows]

    async def kept(self, person_id: str, muted_by: str) -> Sequence[Alert]:
        """The alerts whose opening waits for somebody's digest."""
        rows = await self._connection.execute(
            select(alert)
            .join(notification, notification.c.alert_id == alert.c.id)
            .join(delivery, delivery.c.notification_id == notification.c.id)
            .where(
                delivery.c.person_id == person_id,
                delivery.c.state == "pending",
                delivery.c.muted_by == muted_by,
                delivery.c.next_attempt_at.is_(None),
                notification.c.kind == "opened",
            )
        )
        return [to_alert(row) for row in rows]

    async def moves(self, account_ids: Collection[str], since: datetime) -> Sequence[Move]:
        """From which band to which accounts went, the last move of each."""
        found: dict[str, Move] = {}
        for seen in await self._seen(account_ids, "band-entered", since):
            if isinstance(seen.fact, BandEntered) and seen.fact.previous != seen.fact.band:
                before = found.get(seen.account_id)
                previous = before.previous if before else str(seen.fact.previous) if seen.fact.previous else None
                found[seen.account_id] = Move(seen.account_id, previous, str(seen.fact.band))
        return [move for move in found.values() if move.previous not in {None, move.band}]

    async def next_steps(self, account_ids: Collection[str], since: datetime) -> Sequence[NextStep]:
        """What was promised at the last touch of each account, of those since an instant."""
        histories: dict[str, list[Observation]] = defaultdict(list)
        for seen in await self._seen(account_ids, "stated", since, subject=TOUCHES):
            histories[seen.account_id].append(seen)
        last = {account_id: last_touch(history) for account_id, history in histories.items()}
        return [NextStep(account_id, each.next_due_on) for account_id, each in last.items() if each.next_due_on]

    async def touches(self, account_ids: Collection[str], since: datetime) -> Sequence[Touch]:
        """The touches of accounts that took place since, with those among ourselves."""
        stated: dict[tuple[str, str], dict[str, Any]] = {}
        for seen in await self._seen(account_ids, "stated", since, subject=TOUCHES):
            if isinstance(seen.fact, Stated):
                stated.setdefault((seen.account_id, seen.fact.id), {}).update({**seen.fact.fields, "at": seen.at})
        return [
            Touch(account_id, fields["at"], int(fields.get("minutes") or 0), _money(fields.get("cost")))
            for (account_id, _), fields in stated.items()
            if fields.get("result") in HELD
        ]

    async def _seen(
        self, account_ids: Collection[str], kind: str, since: datetime, subject: str | None = None
    ) -> Sequence[Any]:
        statement = select(observation).where(
            observation.c.account_id == func.any(sorted(account_ids)),
            observation.c.kind == kind,
            observation.c.occurred_at >= since,
        )
        if subject is not None:
            statement = statement.where(observation.c.subject == subject)
        rows = await self._connection.execute(
            statement.order_by(observation.c.account_id, observation.c.occurred_at, observation.c.event_id)
        )
        return [to_observation(row) for row in rows]


def digest_of(key: str) -> tuple[str, DigestKind]:
    """(person, kind) that a timer's key names."""
    person_id, _, kind = key.rpartition("\n")
    return person_id, DigestKind(kind)


def _money(written: Any) -> Money | None:
    return Money(Decimal(written["amount"]), written["currency"]) if written else None
