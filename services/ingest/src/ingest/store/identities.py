"""Who belongs to which account, and which ids are one person."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ingest.application.identities import ANSWER_WITHIN, MOST_USERS, REPLAY_PEOPLE, USERS
from ingest.application.ports import NotKept
from ingest.application.stated import Alias, Membership
from ingest.store.tables import HISTORY
from mainstay.db.due import Due
from mainstay.db.engine import Database
from mainstay.db.errors import is_transient
from mainstay.db.tables import KitTables
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id

FURTHEST = 3
"""Aliases are followed over so many steps …"""
MOST_STEPS = 16
"""… and so many from one id, the newest first: a junk id that half of the world was once called leads nowhere far."""
REMEMBERED = 100_000
"""Statements held in memory, about 30 MB at most."""
REMEMBERED_FOR = timedelta(seconds=60)
"""Another process may have stored the opposite meanwhile."""
SAME_WITHIN = timedelta(hours=1)
"""A statement repeated with a time no later than this after the stored one is not stored again."""

_Pair: TypeAlias = tuple[str, str]
_Held: TypeAlias = tuple[datetime, bool, float]

_MEMBERSHIP, _ALIAS = f"{HISTORY.schema}.membership", f"{HISTORY.schema}.alias"

_PEOPLE = f"""
    WITH RECURSIVE person (asked, id, steps) AS (
        SELECT asked, asked, 0 FROM unnest(CAST(:users AS text[])) AS asked
        UNION
        SELECT p.asked, other.id, p.steps + 1 FROM person p CROSS JOIN LATERAL (
            SELECT id FROM (
                SELECT user_id AS id, stated_at FROM {_ALIAS} WHERE previous_id = p.id
                UNION ALL
                SELECT previous_id, stated_at FROM {_ALIAS} WHERE user_id = p.id
            ) AS either ORDER BY stated_at DESC, id LIMIT {MOST_STEPS}
        ) AS other WHERE p.steps < {FURTHEST}
    )
"""

_ACCOUNTS = text(
    _PEOPLE + f" SELECT DISTINCT p.asked, m.account_id FROM person p JOIN {_MEMBERSHIP} m ON m.user_id = p.id"
    " WHERE m.is_member ORDER BY p.asked, m.account_id"
)

_SAME_PEOPLE = text(_PEOPLE + " SELECT DISTINCT id FROM person")

# Both parts see the rows as they were before the statement, so the join tells what has changed.
_LEARN_MEMBERSHIPS = text(
    f"""
    WITH given AS (
        SELECT * FROM unnest(CAST(:users AS text[]), CAST(:accounts AS text[]), CAST(:instants AS timestamptz[]),
            CAST(:members AS boolean[])) AS g (user_id, account_id, stated_at, is_member)
    ), before AS (
        SELECT m.user_id, m.account_id, m.is_member FROM {_MEMBERSHIP} m JOIN given USING (user_id, account_id)
    ), stored AS (
        INSERT INTO {_MEMBERSHIP} AS m (user_id, account_id, stated_at, is_member) SELECT * FROM given
        ON CONFLICT (user_id, account_id) DO UPDATE
            SET stated_at = excluded.stated_at, is_member = excluded.is_member
            WHERE excluded.stated_at > m.stated_at
        RETURNING m.user_id, m.account_id, m.is_member
    )
    SELECT s.user_id, s.account_id, s.is_member IS DISTINCT FROM coalesce(b.is_member, false) AS is_change
    FROM stored s LEFT JOIN before b USING (user_id, account_id)
    """
)

_LEARN_ALIASES = text(
    f"""
    WITH stored AS (
        INSERT INTO {_ALIAS} AS a (previous_id, user_id, stated_at)
        SELECT * FROM unnest(CAST(:previous AS text[]), CAST(:users AS text[]), CAST(:instants AS timestamptz[]))
        ON CONFLICT DO NOTHING
        RETURNING previous_id, user_id
    )
    SELECT user_id FROM stored UNION SELECT previous_id FROM stored
    """
)


class IdentityStore:
    """Memberships and aliases; the newest statement about a user and an account wins.

    What is learned anew arms a timer, in the same transaction, that replays what waits for these people. Statements
    already stored are remembered, so that an SDK which repeats itself costs no database.
    """

    def __init__(
        self,
        database: Database,
        kit: KitTables,
        clock: Clock,
        *,
        within: timedelta = ANSWER_WITHIN,
        remembered: int = REMEMBERED,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` answers seconds that never go back."""
        self._database, self._kit, self._clock, self._within = database, kit, clock, within
        self._most, self._now = remembered, now
        self._memberships: OrderedDict[_Pair, _Held] = OrderedDict()
        self._aliases: OrderedDict[_Pair, _Held] = OrderedDict()

    async def learn(self, memberships: Sequence[Membership], aliases: Sequence[Alias]) -> None:
        """Remember, durably, in one transaction. Raises `NotKept`."""
        said = self._new(memberships)
        same = self._new_aliases(aliases)
        if not said and not same:
            return
        async with answering(self._within), self._database.engine.begin() as connection:
            stored = await _learn_memberships(connection, said)
            concerned = {user_id for (user_id, _), is_change in stored.items() if is_change}
            concerned |= await _learn_aliases(connection, same)
            await arm_replay(Due(connection, self._kit), concerned, self._clock)
        now = self._now()
        for each in said:
            pair = (each.user_id, each.account_id)
            if pair in stored:  # else something newer stands there
                self._remember(self._memberships, pair, (each.stated_at, each.is_member, now))
        for alias in same:
            self._remember(self._aliases, (alias.previous_id, alias.user_id), (alias.stated_at, True, now))

    async def accounts_of(self, user_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        """The accounts of each user and of the ids that are the same person; nobody unknown. Raises `NotKept`."""
        if not user_ids:
            return {}
        found: dict[str, list[str]] = {}
        async with answering(self._within), self._database.engine.connect() as connection:
            for row in await connection.execute(_ACCOUNTS, {"users": sorted(user_ids)}):
                found.setdefault(row.asked, []).append(row.account_id)
        return found

    async def same_people(self, user_ids: Collection[str]) -> frozenset[str]:
        """These users' ids and all others of the same people. Raises `NotKept`."""
        if not user_ids:
            return frozenset()
        async with answering(self._within), self._database.engine.connect() as connection:
            return frozenset((await connection.execute(_SAME_PEOPLE, {"users": sorted(user_ids)})).scalars())

    async def forget(self, connection: AsyncConnection, *, user_id: str | None, account_id: str | None) -> int:
        """Delete all that is known of a user or of an account, in the caller's transaction; answers how many rows."""
        gone = await connection.execute(
            text(f"DELETE FROM {_MEMBERSHIP} WHERE user_id = :user OR account_id = :account"),
            {"user": user_id, "account": account_id},
        )
        renamed = await connection.execute(
            text(f"DELETE FROM {_ALIAS} WHERE user_id = :user OR previous_id = :user"), {"user": user_id}
        )
        self._memberships.clear()
        self._aliases.clear()
        return gone.rowcount + renamed.rowcount

    def _new(self, memberships: Iterable[Membership]) -> list[Membership]:
        """The newest of each pair that is not known to be stored, in the order in which rows are locked."""
        newest: dict[_Pair, Membership] = {}
        for each in memberships:
            pair = (each.user_id, each.account_id)
            if self._is_known(self._memberships, pair, each.stated_at, is_member=each.is_member):
                continue
            known = newest.get(pair)
            if known is None or each.stated_at >= known.stated_at:
                newest[pair] = each
        return [newest[pair] for pair in sorted(newest)]

    def _new_aliases(self, aliases: Iterable[Alias]) -> list[Alias]:
        new: dict[_Pair, Alias] = {}
        for each in aliases:
            pair = (each.previous_id, each.user_id)
            if each.previous_id != each.user_id and not self._is_known(
                self._aliases, pair, each.stated_at, is_member=True
            ):
                new[pair] = each
        return [new[pair] for pair in sorted(new)]

    def _is_known(self, held: OrderedDict[_Pair, _Held], pair: _Pair, stated_at: datetime, *, is_member: bool) -> bool:
        known = held.get(pair)
        if known is None:
            return False
        at, was_member, since = known
        if self._now() - since > REMEMBERED_FOR.total_seconds():
            del held[pair]
            return False
        if is_member != was_member or stated_at > at + SAME_WITHIN:
            return False
        held.move_to_end(pair)
        return True

    def _remember(self, held: OrderedDict[_Pair, _Held], pair: _Pair, what: _Held) -> None:
        held[pair] = what
        held.move_to_end(pair)
        while len(held) > self._most:
            held.popitem(last=False)


async def arm_replay(due: Due, user_ids: Iterable[str], clock: Clock) -> None:
    """Have what waits for these users read again.

    Each call arms timers of its own: one that is in a runner's hands may have looked already.
    """
    users, now = sorted(user_ids), clock.now()
    for start in range(0, len(users), MOST_USERS):
        await due.arm(REPLAY_PEOPLE, new_id(now), now, {USERS: users[start : start + MOST_USERS]})


@asynccontextmanager
async def answering(within: timedelta) -> AsyncIterator[None]:
    """Work for which a sender waits: raises `NotKept` where the database is away, or slower than that."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            yield
    except Exception as error:
        if not is_transient(error):
            raise
        raise NotKept(f"the database did not answer: {type(error).__name__}") from error


async def _learn_memberships(connection: AsyncConnection, said: Sequence[Membership]) -> Mapping[_Pair, bool]:
    """The pairs of which the statement was the newest, and whether it changed anything."""
    if not said:
        return {}
    stored = await connection.execute(
        _LEARN_MEMBERSHIPS,
        {
            "users": [each.user_id for each in said],
            "accounts": [each.account_id for each in said],
            "instants": [each.stated_at for each in said],
            "members": [each.is_member for each in said],
        },
    )
    return {(row.user_id, row.account_id): row.is_change for row in stored}


async def _learn_aliases(connection: AsyncConnection, said: Sequence[Alias]) -> set[str]:
    if not said:
        return set()
    stored = await connection.execute(
        _LEARN_ALIASES,
        {
            "previous": [each.previous_id for each in said],
            "users": [each.user_id for each in said],
            "instants": [each.stated_at for each in said],
        },
    )
    return set(stored.scalars())
