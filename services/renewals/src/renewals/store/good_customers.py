"""The versions of the good-customer criteria, and what accounts are now, in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from renewals.application.good_customers import Profile, SavedCriteria
from renewals.application.inputs import AccountGroup
from renewals.application.moments import NOW, When, day_ends
from renewals.domain.good_customers import Criteria, Criterion, Fact
from renewals.store.erasure import ErasureStore
from renewals.store.growth_tables import account_profile, good_customer_criteria

# As a day ended, if one is asked for; before the first word about an account, what that says.
_PROFILES: Final = text(
    "SELECT DISTINCT ON (account_id) account_id, segment, tier, industry, owner FROM renewals.account_group"
    " WHERE account_id = ANY(CAST(:accounts AS text[]))"
    " AND said_at <= coalesce(CAST(:known_at AS timestamptz), 'infinity')"
    " ORDER BY account_id, (said_at <= coalesce(CAST(:ended AS timestamptz), 'infinity')) DESC,"
    " CASE WHEN said_at <= coalesce(CAST(:ended AS timestamptz), 'infinity') THEN -sequence ELSE sequence END"
)


class CriteriaStore:
    """The versions, within one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self) -> None:
        """Keep others from saving until the commit."""
        await self._connection.execute(text(f"LOCK TABLE {good_customer_criteria} IN SHARE ROW EXCLUSIVE MODE"))

    async def one(self, version: int | None, on_record_at: datetime | None = None) -> SavedCriteria | None:
        """A version; the latest, if None; of those that had been saved by an instant."""
        wanted = select(good_customer_criteria).order_by(good_customer_criteria.c.version.desc()).limit(1)
        if version is not None:
            wanted = wanted.where(good_customer_criteria.c.version == version)
        if on_record_at is not None:
            wanted = wanted.where(good_customer_criteria.c.saved_at <= on_record_at)
        row = (await self._connection.execute(wanted)).first()
        return _saved(row) if row else None

    async def page(self, *, before: int | None, on_record_at: datetime | None, limit: int) -> Sequence[SavedCriteria]:
        """Up to `limit` versions that had been saved by an instant, newest first, before the given one."""
        wanted = select(good_customer_criteria).order_by(good_customer_criteria.c.version.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(good_customer_criteria.c.version < before)
        if on_record_at is not None:
            wanted = wanted.where(good_customer_criteria.c.saved_at <= on_record_at)
        return [_saved(row) for row in await self._connection.execute(wanted)]

    async def add(self, saved: SavedCriteria) -> None:
        """Keep a new version."""
        row = {
            "version": saved.criteria.version,
            "document": dict(saved.document),
            "saved_at": saved.saved_at,
            "saved_by": saved.saved_by,
        }
        await self._connection.execute(good_customer_criteria.insert(), row)


class ProfileStore:
    """What accounts are, within one transaction."""

    def __init__(self, connection: AsyncConnection, erased: ErasureStore) -> None:
        self._connection = connection
        self._erased = erased

    async def of_accounts(self, account_ids: Collection[str], when: When = NOW) -> Mapping[str, Profile]:
        """Those of the accounts that anything was said of: as they are now, or were as a day ended (UTC)."""
        if not when.is_now:
            asked = {
                "accounts": list(account_ids),
                "ended": None if when.as_of is None else day_ends(when.as_of),
                "known_at": when.known_at,
            }
            return {row.account_id: _profile(row) for row in await self._connection.execute(_PROFILES, asked)}
        wanted = select(account_profile).where(account_profile.c.account_id.in_(account_ids))
        return {row.account_id: _profile(row) for row in await self._connection.execute(wanted)}

    async def report(self, said: Collection[AccountGroup]) -> None:
        """Keep the latest of what was said; what is about the erased is left out."""
        latest = {each.account_id: each for each in sorted(said, key=lambda each: (each.account_id, each.sequence))}
        for account_id in await self._erased.among(list(latest)):
            del latest[account_id]
        if not latest:
            return
        statement = insert(account_profile)
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=[account_profile.c.account_id],
            set_={column.name: new[column.name] for column in account_profile.c if not column.primary_key},
            where=tuple_(new.sequence) > tuple_(account_profile.c.sequence),
        )
        rows = [
            {
                "account_id": each.account_id,
                "sequence": each.sequence,
                "segment": each.segment,
                "tier": each.tier,
                "industry": each.industry,
                "owner": each.owner,
            }
            for each in latest.values()
        ]
        await self._connection.execute(statement, rows)


def _profile(row: Any) -> Profile:
    return Profile(row.account_id, row.segment, row.tier, row.industry, row.owner)


def _saved(row: Any) -> SavedCriteria:
    document = row.document
    criteria = tuple(_criterion(each) for each in document["criteria"])
    needed = document["needed"] if document.get("needed") is not None else len(criteria)
    return SavedCriteria(Criteria(row.version, criteria, needed), document, row.saved_at, row.saved_by)


def _criterion(stated: Mapping[str, Any]) -> Criterion:
    return Criterion(
        name=stated["name"],
        fact=Fact(stated["fact"]),
        among=tuple(stated.get("among") or ()),
        none_of=tuple(stated.get("none_of") or ()),
        at_least=_number(stated.get("at_least")),
        at_most=_number(stated.get("at_most")),
        currency=stated.get("currency"),
        is_required=stated.get("is_required", False),
    )


def _number(stated: str | None) -> Decimal | None:
    return None if stated is None else Decimal(stated)
