"""Exchange rates and what accounts are, in PostgreSQL; both are added to and never changed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.inputs import AccountGroup, StatedRate
from renewals.domain.ownership import Assignment
from renewals.store.erasure import ErasureStore
from renewals.store.tables import account, account_group, exchange_rate


class InputStore:
    """The inputs of figures, within one transaction."""

    def __init__(self, connection: AsyncConnection, erased: ErasureStore) -> None:
        self._connection = connection
        self._erased = erased

    async def add_rates(self, rates: Sequence[StatedRate]) -> None:
        """Keep rates beside those of before."""
        rows = [
            {
                "valid_from": each.valid_from,
                "currency": each.currency,
                "base": each.base,
                "rate": each.rate,
                "recorded_at": each.recorded_at,
                "recorded_by": each.recorded_by,
            }
            for each in rates
        ]
        if rows:
            await self._connection.execute(exchange_rate.insert(), rows)

    async def rates(
        self, known_at: datetime, *, as_of: date | None, after: tuple[date, str, str] | None, limit: int
    ) -> Sequence[StatedRate]:
        """Up to `limit` rates as they were known, by day, currency and base, after the given ones.

        With `as_of` those that held on a day: of each currency and base the latest that is not withdrawn.
        """
        key = (exchange_rate.c.valid_from, exchange_rate.c.currency, exchange_rate.c.base)
        newest = (
            select(exchange_rate)
            .where(exchange_rate.c.recorded_at <= known_at)
            .ext(distinct_on(*key))
            .order_by(*key, exchange_rate.c.recorded_at.desc(), exchange_rate.c.id.desc())
        )
        if as_of is not None:
            newest = newest.where(exchange_rate.c.valid_from <= as_of)
        known = newest.subquery()
        stated = select(known).where(known.c.rate.is_not(None))
        if as_of is not None:
            pair = (known.c.currency, known.c.base)
            stated = stated.ext(distinct_on(*pair)).order_by(*pair, known.c.valid_from.desc())
        found = stated.subquery().c
        place = (found.valid_from, found.currency, found.base)
        wanted = select(*found).order_by(*place).limit(limit)
        if after is not None:
            wanted = wanted.where(tuple_(*place) > tuple_(*after))
        return [
            StatedRate(row.valid_from, row.currency, row.base, row.rate, row.recorded_at, row.recorded_by)
            for row in await self._connection.execute(wanted)
        ]

    async def add_groups(self, groups: Collection[AccountGroup]) -> Mapping[str, datetime]:
        """Keep what accounts are; what says nothing new, and what is about the erased, is left out.

        Answers the accounts with contracts of which something new was said, and as of when.
        """
        erased = await self._erased.among(sorted({each.account_id for each in groups}))
        said = sorted(
            (each for each in groups if each.account_id not in erased),
            key=lambda each: (each.account_id, each.sequence),
        )
        if not said:
            return {}
        last = (
            select(account_group)
            .where(account_group.c.account_id.in_({each.account_id for each in said}))
            .ext(distinct_on(account_group.c.account_id))
            .order_by(account_group.c.account_id, account_group.c.sequence.desc())
        )
        known = {row.account_id: row for row in await self._connection.execute(last)}
        before = {
            name: (row.sequence, (row.segment, row.tier, row.owner, row.team, row.industry))
            for name, row in known.items()
        }
        rows: list[dict[str, Any]] = []
        for each in said:
            team = [_written(member) for member in each.team]
            is_now = (each.segment, each.tier, each.owner, team, each.industry)
            sequence, was = before.get(each.account_id, (-1, None))
            # An older one that comes late is kept: what is of its time is between its neighbours.
            if each.sequence > sequence and is_now == was:
                continue
            before[each.account_id] = max((sequence, was or is_now), (each.sequence, is_now), key=lambda s: s[0])
            rows.append(
                {
                    "account_id": each.account_id,
                    "sequence": each.sequence,
                    "said_at": each.said_at,
                    "segment": each.segment,
                    "tier": each.tier,
                    "owner": each.owner,
                    "team": team,
                    "industry": each.industry,
                }
            )
        if not rows:
            return {}
        await self._connection.execute(insert(account_group).on_conflict_do_nothing(), rows)
        changed = {row["account_id"]: row["said_at"] for row in rows}
        here = select(account.c.account_id).where(account.c.account_id.in_(changed))
        return {known: changed[known] for known in (await self._connection.execute(here)).scalars()}


def _written(member: Assignment) -> dict[str, str | None]:
    return {
        "role": member.role,
        "person": member.person,
        "since": member.since.isoformat(),
        "until": member.until.isoformat() if member.until else None,
    }
