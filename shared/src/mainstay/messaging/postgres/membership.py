"""Consumer groups of the embedded log: who is there, and who reads which partition, by leases on the database's clock.

A lease says who should read. It is no fence: a member that was asleep may still believe in its lease. The fence is the
compare-and-set on the stored offset, in the consumer's own transaction.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from mainstay.messaging.postgres.catalogue import StoredTopic

Lease = tuple[int, int]
"""Topic id and partition."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a member holds after a beat: `leaving` are among `held`, to be given up when nothing of them is in hand."""

    held: frozenset[Lease]
    leaving: frozenset[Lease]
    changed: bool
    """Members or leases have changed, so the other members should look at once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one member is to keep, take and let go so that shares are fair."""

    keep: frozenset[Lease]
    take: frozenset[Lease]
    surplus: frozenset[Lease]


def plan_share(
    me: UUID, members: Mapping[UUID, AbstractSet[str]], topics: Sequence[StoredTopic], owners: Mapping[Lease, UUID]
) -> Plan:
    """Fair shares that move as little as possible: of each topic everybody gets an equal number, give or take one.

    The odd ones go to members in turn, beginning at another one for each topic. `owners` are the leases in force.
    """
    keep: set[Lease] = set()
    take: set[Lease] = set()
    surplus: set[Lease] = set()
    for topic in topics:
        readers = sorted(member for member, names in members.items() if topic.name in names)
        rank = (readers.index(me) + topic.id) % len(readers)
        quota = topic.partitions // len(readers) + (rank < topic.partitions % len(readers))
        every = [(topic.id, partition) for partition in range(topic.partitions)]
        mine = [lease for lease in every if owners.get(lease) == me]
        free = [lease for lease in every if lease not in owners]
        keep.update(mine[:quota])
        surplus.update(mine[quota:])
        take.update(free[: max(0, quota - len(mine))])
    return Plan(frozenset(keep), frozenset(take), frozenset(surplus))


class Membership:
    """One member of a group."""

    def __init__(self, group: str, topics: Sequence[str], lease: timedelta) -> None:
        self.id = uuid4()
        self._group = group
        self._topics = list(topics)
        self._lease = lease

    async def beat(self, connection: Any, topics: Sequence[StoredTopic], in_hand: AbstractSet[Lease]) -> Share:
        """Renew membership and leases, take what is due to this member, give up its surplus except what is in hand.

        Inside the caller's transaction. One member of a group does this at a time.
        """
        await self._lock_group(connection)
        gone = await connection.fetch(
            "DELETE FROM event_log.member WHERE group_name = $1 AND expires_at < statement_timestamp() RETURNING id",
            self._group,
        )
        await connection.execute(
            "DELETE FROM event_log.lease WHERE group_name = $1 AND expires_at < statement_timestamp()", self._group
        )
        came = await connection.fetchval(
            """
            INSERT INTO event_log.member (group_name, id, topics, expires_at)
            VALUES ($1, $2, $3, statement_timestamp() + $4)
            ON CONFLICT (group_name, id) DO UPDATE SET expires_at = excluded.expires_at
            RETURNING xmax = 0
            """,
            self._group,
            self.id,
            self._topics,
            self._lease,
        )
        members = await connection.fetch("SELECT id, topics FROM event_log.member WHERE group_name = $1", self._group)
        leases = await connection.fetch(
            "SELECT topic_id, partition, owner FROM event_log.lease WHERE group_name = $1", self._group
        )
        plan = plan_share(
            self.id,
            {row["id"]: frozenset(row["topics"]) for row in members},
            topics,
            {(row["topic_id"], row["partition"]): row["owner"] for row in leases},
        )
        leaving = plan.surplus & in_hand
        given_up = plan.surplus - leaving
        held = plan.keep | plan.take | leaving
        await self._give_up(connection, given_up)
        await connection.execute(
            """
            INSERT INTO event_log.lease (group_name, topic_id, partition, owner, expires_at)
            SELECT $1, topic_id, partition, $2, statement_timestamp() + $3
            FROM unnest($4::integer[], $5::integer[]) AS mine (topic_id, partition)
            ON CONFLICT (group_name, topic_id, partition) DO UPDATE SET expires_at = excluded.expires_at
            """,
            self._group,
            self.id,
            self._lease,
            [topic for topic, _ in held],
            [partition for _, partition in held],
        )
        return Share(held, leaving, changed=bool(came or gone or given_up))

    async def leave(self, connection: Any) -> None:
        """Give up everything at once. Inside the caller's transaction."""
        await self._lock_group(connection)
        await connection.execute(
            "DELETE FROM event_log.lease WHERE group_name = $1 AND owner = $2", self._group, self.id
        )
        await connection.execute("DELETE FROM event_log.member WHERE group_name = $1 AND id = $2", self._group, self.id)

    async def _lock_group(self, connection: Any) -> None:
        locked = "SELECT true FROM event_log.consumer_group WHERE name = $1 FOR UPDATE"
        if await connection.fetchval(locked, self._group) is None:
            await connection.execute(
                "INSERT INTO event_log.consumer_group (name) VALUES ($1) ON CONFLICT DO NOTHING", self._group
            )
            await connection.fetchval(locked, self._group)

    async def _give_up(self, connection: Any, leases: AbstractSet[Lease]) -> None:
        if leases:
            await connection.execute(
                """
                DELETE FROM event_log.lease USING unnest($3::integer[], $4::integer[]) AS given_up (topic_id, partition)
                WHERE lease.group_name = $1 AND lease.owner = $2
                  AND lease.topic_id = given_up.topic_id AND lease.partition = given_up.partition
                """,
                self._group,
                self.id,
                [topic for topic, _ in leases],
                [partition for _, partition in leases],
            )
