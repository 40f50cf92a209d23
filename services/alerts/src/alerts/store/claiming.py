"""The claim: shares what is due among processes, at the pace that each channel's destination allows.

First the channels that have something due and that no other process is claiming from (their pace is locked), then how
much waits there, then the deliveries themselves. Nothing in it waits for a lock, so it takes part in no deadlock.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerts.application.delivery_ports import Call, Claim, Claimed, Hand, Notification
from alerts.domain.channels import Channel
from alerts.domain.destinations import ChannelKind, Email
from alerts.domain.pacing import QUOTAS, Pace, Plan
from alerts.sealing import Seal
from alerts.store.accounts import to_account
from alerts.store.alerts import to_alert
from alerts.store.channels import to_channel
from alerts.store.rows import to_delivery
from alerts.store.tables import account, alert, attempt, channel, delivery, notification, pace, refused_address
from mainstay.kernel.ids import new_id

MOST_SEEN = 100
"""How many waiting deliveries of a channel are counted: more than fit into a hand or into digests change nothing."""

SWITCHED_OFF_AT_ONCE = Plan(singles=50)
"""A channel that takes nothing any more is not called: what waits for it only has to be told so."""

_IS_DUE = "state IN ('pending', 'delivering') AND coalesce(next_attempt_at, lease_until) <= :now"

OPEN = f"""
SELECT p.* FROM {pace} p
WHERE EXISTS (SELECT FROM {delivery} d WHERE d.channel_id = p.channel_id AND {_IS_DUE})
FOR UPDATE OF p SKIP LOCKED
"""

WAITING = f"""
SELECT c.id,
    (SELECT count(*) FROM (
        SELECT FROM {delivery} WHERE channel_id = c.id AND NOT trial AND {_IS_DUE} LIMIT :most_seen
    ) w) AS waiting,
    (SELECT count(*) FROM (
        SELECT FROM {delivery} WHERE channel_id = c.id AND trial AND {_IS_DUE} LIMIT :most_seen
    ) t) AS trials,
    (SELECT count(DISTINCT coalesce(digest_id, id)) FROM {delivery}
        WHERE channel_id = c.id AND state = 'delivering' AND lease_until > :now
        AND id <> ALL (CAST(:held AS text[]))) AS under_way
FROM {channel} c WHERE c.id = ANY (CAST(:channels AS text[]))
"""

# FOR UPDATE inside LATERAL: each channel gives up to its room of rows that no other process has in hand.
CLAIM = f"""
WITH plan AS (
    SELECT * FROM unnest(CAST(:channels AS text[]), CAST(:trials AS int[]), CAST(:others AS int[]))
        AS p (channel_id, trials, others)
), trial AS MATERIALIZED (
    SELECT d.id, d.due_at FROM plan p CROSS JOIN LATERAL (
        SELECT id, coalesce(next_attempt_at, lease_until) AS due_at FROM {delivery}
        WHERE channel_id = p.channel_id AND trial AND {_IS_DUE}
        ORDER BY coalesce(next_attempt_at, lease_until) LIMIT p.trials FOR UPDATE SKIP LOCKED
    ) d
), other AS MATERIALIZED (
    SELECT d.id, d.due_at FROM plan p CROSS JOIN LATERAL (
        SELECT id, coalesce(next_attempt_at, lease_until) AS due_at FROM {delivery}
        WHERE channel_id = p.channel_id AND NOT trial AND {_IS_DUE}
        ORDER BY coalesce(next_attempt_at, lease_until) LIMIT p.others FOR UPDATE SKIP LOCKED
    ) d
), due AS (SELECT * FROM trial UNION ALL SELECT * FROM other)
UPDATE {delivery} d
SET state = 'delivering', attempts = attempts + 1, next_attempt_at = NULL, lease_until = :lease_until,
    unclear = unclear OR state = 'delivering', digest_id = NULL
FROM due WHERE d.id = due.id
RETURNING d.id, d.channel_id, d.trial, due.due_at, d.person_id, d.grouped,
    (SELECT account_id FROM {notification} n WHERE n.id = d.notification_id) AS account_id
"""

BEGIN = f"""
INSERT INTO {attempt} (delivery_id, number, digest_id, started_at)
SELECT id, attempts, digest_id, :now FROM {delivery} WHERE id = ANY (CAST(:ids AS text[]))
ON CONFLICT DO NOTHING
"""


class Claiming:
    """Claims, within one transaction."""

    def __init__(self, connection: AsyncConnection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def claim(
        self, now: datetime, lease_until: datetime, at_once: Mapping[ChannelKind, int], hands: Mapping[str, Hand]
    ) -> Claimed:
        """Take what is due and has room, and begin an attempt of each."""
        paces = {row.channel_id: to_pace(row) for row in await self._connection.execute(text(OPEN), {"now": now})}
        if not paces:
            return Claimed()
        channels = await self._channels(sorted(paces))
        seen = await self._seen(channels, hands, now)
        plans = {}
        for channel_id, due in seen.items():
            hand = hands.get(channel_id, Hand())
            plan = due.plan(channels[channel_id], paces[channel_id], at_once, hand, now)
            if plan != Plan():
                plans[channel_id] = plan
        claimed = await self._take(plans, now, lease_until) if plans else {}
        more = frozenset(one for one, due in seen.items() if due.waiting + due.trials > len(claimed.get(one, ())))
        groups = [group for channel_id, rows in claimed.items() for group in _groups(plans[channel_id], rows, now)]
        if not groups:
            return Claimed(more=more)
        await self._begin(groups, now)
        for channel_id in sorted(claimed):
            quota = QUOTAS.get(channels[channel_id].kind)
            calls = sum(group.channel_id == channel_id for group in groups)
            if quota is not None:
                after = paces[channel_id].called(quota, now, calls)
                await self._connection.execute(
                    update(pace).where(pace.c.channel_id == channel_id).values(full_at=after.full_at)
                )
        due_at = {row.id: row.due_at for rows in claimed.values() for row in rows}
        claims = await self._claims(due_at, channels, now)
        return Claimed(
            [
                Call(
                    channels[group.channel_id],
                    tuple(claims[one] for one in group.ids),
                    group.digest_id,
                    group.of_one_account,
                    seen[group.channel_id].places(channels[group.channel_id], at_once),
                )
                for group in groups
            ],
            more,
        )

    async def _channels(self, ids: Sequence[str]) -> Mapping[str, Channel]:
        rows = await self._connection.execute(select(channel).where(channel.c.id == func.any(ids)))
        return {row.id: to_channel(row, self._seal) for row in rows}

    async def _seen(
        self, channels: Mapping[str, Channel], hands: Mapping[str, Hand], now: datetime
    ) -> Mapping[str, "_Due"]:
        held = sorted(one for hand in hands.values() for one in hand.deliveries)
        rows = await self._connection.execute(
            text(WAITING), {"now": now, "channels": sorted(channels), "most_seen": MOST_SEEN, "held": held}
        )
        return {row.id: _Due(row.waiting, row.trials, row.under_way) for row in rows}

    async def _take(
        self, plans: Mapping[str, Plan], now: datetime, lease_until: datetime
    ) -> Mapping[str, Sequence[Row[Any]]]:
        rows = await self._connection.execute(
            text(CLAIM),
            {
                "now": now,
                "lease_until": lease_until,
                "channels": list(plans),
                "trials": [plan.trials for plan in plans.values()],
                "others": [plan.singles + plan.digested for plan in plans.values()],
            },
        )
        found: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in rows:
            found[row.channel_id].append(row)
        return {
            channel_id: sorted(taken, key=lambda row: (not row.trial, row.due_at, row.id))
            for channel_id, taken in found.items()
        }

    async def _begin(self, groups: Sequence["_Group"], now: datetime) -> None:
        digests = [
            {"this_id": one, "digest": group.digest_id} for group in groups if group.digest_id for one in group.ids
        ]
        if digests:
            await self._connection.execute(
                update(delivery).where(delivery.c.id == bindparam("this_id")).values(digest_id=bindparam("digest")),
                digests,
            )
        ids = sorted(one for group in groups for one in group.ids)
        await self._connection.execute(text(BEGIN), {"now": now, "ids": ids})

    async def _claims(
        self, due_at: Mapping[str, datetime], channels: Mapping[str, Channel], now: datetime
    ) -> Mapping[str, Claim]:
        async def by_id(statement: Any) -> dict[str, Row[Any]]:
            return {row[0]: row for row in await self._connection.execute(statement)}

        deliveries = await by_id(select(delivery).where(delivery.c.id == func.any(list(due_at))))
        told = {row.notification_id for row in deliveries.values()}
        notifications = await by_id(select(notification).where(notification.c.id.in_(told)))
        alerts = await by_id(select(alert).where(alert.c.id.in_([row.alert_id for row in notifications.values()])))
        of = await by_id(
            select(account).where(account.c.account_id.in_([row.account_id for row in notifications.values()]))
        )
        refused = await self._refused(now, [row.owner for row in of.values()], channels.values())
        claims = {}
        for row in deliveries.values():
            what = notifications[row.notification_id]
            claims[row.id] = Claim(
                delivery=to_delivery(row),
                notification=Notification(
                    what.id, what.kind, what.created_at, what.alert_id, what.account_id, what.about
                ),
                channel=channels[row.channel_id],
                alert=to_alert(alerts[what.alert_id]) if what.alert_id else None,
                account=to_account(of[what.account_id]) if what.account_id else None,
                due_at=due_at[row.id],
                refused=refused,
            )
        return claims

    async def _refused(
        self, now: datetime, owners: Sequence[str | None], channels: Iterable[Channel]
    ) -> frozenset[str]:
        mailboxes = [one.destination for one in channels if isinstance(one.destination, Email)]
        if not mailboxes:
            return frozenset()
        concerned = {address for address in (*owners, *(mailbox.to for mailbox in mailboxes)) if address}
        rows = await self._connection.execute(
            select(refused_address.c.address).where(
                refused_address.c.address == func.any(sorted(concerned)), refused_address.c.until > now
            )
        )
        return frozenset(rows.scalars())


class _Due(NamedTuple):
    """What is due for a channel, up to `MOST_SEEN` of each, and how many calls other processes hold."""

    waiting: int
    trials: int
    under_way: int

    def places(self, one: Channel, at_once: Mapping[ChannelKind, int]) -> int:
        """How many calls to the channel this process may make at once."""
        return max(at_once.get(one.kind, 1) - self.under_way, 1)

    def plan(self, one: Channel, paced: Pace, at_once: Mapping[ChannelKind, int], hand: Hand, now: datetime) -> Plan:
        """What may be taken of it."""
        if not one.is_active:
            return Plan(trials=self.trials, singles=SWITCHED_OFF_AT_ONCE.singles)
        return paced.plan(
            QUOTAS.get(one.kind),
            now,
            waiting=self.waiting,
            trials=self.trials,
            under_way=self.under_way,
            at_once=at_once.get(one.kind, 1),
            held=hand.calls,
            ahead=hand.ahead,
        )


class _Group(NamedTuple):
    """The deliveries of one call: by themselves, as what came together for one account, or as a digest of the rest."""

    channel_id: str
    digest_id: str | None
    ids: tuple[str, ...]
    of_one_account: bool = False


def to_pace(row: Row[Any]) -> Pace:
    """The pace in a row, whose columns bear the names of its fields."""
    return Pace(**{name: getattr(row, name) for name in asdict(Pace())})


def _groups(plan: Plan, rows: Sequence[Row[Any]], now: datetime) -> list[_Group]:
    """What goes in which call: trials and singles by themselves, or with what waited for their company; the rest."""
    alone = sum(row.trial for row in rows) + plan.singles
    together: dict[tuple[str, ...], list[Row[Any]]] = defaultdict(list)
    for row in rows[:alone]:
        key = (row.account_id or "", row.person_id or "") if row.grouped else (row.id,)
        together[key].append(row)
    groups = [
        _Group(
            each[0].channel_id,
            new_id(now) if len(each) > 1 else None,
            tuple(row.id for row in each),
            of_one_account=len(each) > 1,
        )
        for each in together.values()
    ]
    rest = rows[alone:]
    if rest:
        digest_id = new_id(now) if len(rest) > 1 else None
        groups.append(_Group(rest[0].channel_id, digest_id, tuple(row.id for row in rest)))
    return groups
