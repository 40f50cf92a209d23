"""Fair shares of partitions, computed without a database."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mainstay.messaging.postgres.catalogue import StoredTopic
from mainstay.messaging.postgres.membership import Lease, plan_share

TOPICS = [StoredTopic(1, "usage", 12), StoredTopic(2, "facts", 6), StoredTopic(3, "letters", 1)]
NAMES = frozenset(topic.name for topic in TOPICS)


def member(number: int) -> UUID:
    return UUID(int=number)


def settle(members: list[UUID], owners: dict[Lease, UUID]) -> dict[Lease, UUID]:
    """Let every member act on its plan, in turn, until nothing moves."""
    everybody = dict.fromkeys(members, NAMES)
    for _ in range(3):
        for me in members:
            plan = plan_share(me, everybody, TOPICS, owners)
            owners = {lease: owner for lease, owner in owners.items() if lease not in plan.surplus}
            owners |= dict.fromkeys(plan.take, me)
    return owners


@given(st.integers(1, 15), st.integers(1, 15))
def test_every_partition_has_one_owner_and_shares_differ_by_one_at_most(before: int, after: int) -> None:
    owners = settle([member(number) for number in range(before)], {})
    survivors = {lease: owner for lease, owner in owners.items() if owner.int < after}
    owners = settle([member(number) for number in range(after)], survivors)

    assert set(owners) == {(topic.id, partition) for topic in TOPICS for partition in range(topic.partitions)}
    for topic in TOPICS:
        shares = [sum(owners[topic.id, p] == member(n) for p in range(topic.partitions)) for n in range(after)]
        assert max(shares) - min(shares) <= 1


def test_a_member_that_comes_takes_only_its_share_from_the_others() -> None:
    two = settle([member(0), member(1)], {})
    three = settle([member(0), member(1), member(2)], dict(two))

    moved = [lease for lease, owner in three.items() if two[lease] != owner]
    assert {three[lease] for lease in moved if lease[0] != 3} == {member(2)}
    assert len([lease for lease in moved if lease[0] == 1]) == 4


def test_a_member_reads_only_the_topics_it_asked_for() -> None:
    members = {member(0): frozenset({"usage"}), member(1): NAMES}
    plan = plan_share(member(0), members, TOPICS[:1], {})
    assert {topic for topic, _ in plan.take} == {1}
    assert len(plan.take) == 6
