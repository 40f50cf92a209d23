"""Lists of accounts: found, sorted and paged in the narrow table `listing`, shown from the accounts themselves."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Numeric,
    Row,
    Select,
    SmallInteger,
    Table,
    Text,
    and_,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from health_score.application.listing import AccountFilter, AccountKey, Between, Order
from health_score.store.tables import account, metadata

listing = Table(
    "listing",
    metadata,
    Column("account_no", Integer, primary_key=True),
    Column("account_id", Text),
    Column("name", Text),
    Column("folded", Text),
    Column("owner", Text),
    Column("left_owner", Text),
    Column("tier", Text),
    Column("segment", Text),
    Column("industry", Text),
    Column("zone", Text),
    Column("created_at", DateTime(timezone=True)),
    Column("first_day", Date),
    Column("last_active", Date),
    Column("is_silent", Boolean),
    Column("seats", Integer),
    Column("next_renewal_on", Date),
    Column("score", SmallInteger),
    Column("band", Text),
    Column("coverage", SmallInteger),
    Column("band_since", DateTime(timezone=True)),
    Column("stage", Text),
    Column("stage_entered_on", Date),
    Column("stage_overdue", Boolean),
)

account_arr = Table(
    "account_arr",
    metadata,
    Column("account_no", Integer, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("amount", Numeric),
    Column("account_id", Text),
)

SHOWN: Final[Sequence[ColumnElement[Any]]] = (
    account.c.account_id,
    account.c.name,
    account.c.owner,
    account.c.tier,
    account.c.zone,
    account.c.industry,
    account.c.segment,
    account.c.created_at,
    account.c.first_day,
    account.c.last_active,
    account.c.silent_after,
    account.c.arr,
    account.c.seats,
    account.c.next_renewal_on,
    account.c.score,
    account.c.band,
    account.c.band_since,
    account.c.coverage,
    account.c.computed_at,
    account.c.stage,
    account.c.stage_entered_on,
    account.c.stage_overdue,
)
"""What is shown of an account: all of it would be 50 times as much to read, most of it measures."""

_WORST_FIRST: Final = literal_column(
    "CASE health_score.listing.band WHEN 'red' THEN 1 WHEN 'yellow' THEN 2 WHEN 'green' THEN 3 END", Integer()
)
"""As the index has it, to the letter."""

_INSTANT: Final = DateTime(timezone=True)

_KEYS: Final[Mapping[str, tuple[ColumnElement[Any], TypeEngine[Any]]]] = {
    "account_id": (listing.c.account_id, Text()),
    "name": (listing.c.folded, Text()),
    "owner": (listing.c.owner, Text()),
    "tier": (listing.c.tier, Text()),
    "segment": (listing.c.segment, Text()),
    "industry": (listing.c.industry, Text()),
    "zone": (listing.c.zone, Text()),
    "created_at": (listing.c.created_at, _INSTANT),
    "first_active_on": (listing.c.first_day, Date()),
    "last_active_on": (listing.c.last_active, Date()),
    "silent": (listing.c.is_silent, Boolean()),
    "score": (listing.c.score, Integer()),
    "band": (_WORST_FIRST, Integer()),
    "band_since": (listing.c.band_since, _INSTANT),
    "coverage": (listing.c.coverage, Integer()),
    "seats": (listing.c.seats, Integer()),
    "next_renewal_on": (listing.c.next_renewal_on, Date()),
    "stage": (listing.c.stage, Text()),
    "stage_entered_on": (listing.c.stage_entered_on, Date()),
    "stage_overdue": (listing.c.stage_overdue, Boolean()),
}

_NEVER_MISSING: Final = frozenset({"account_id", "created_at", "silent", "coverage", "stage_overdue"})

_BEYOND: Final = "\U0010ffff"
"""Behind every character that a name has."""


async def list_accounts(
    connection: AsyncConnection, wanted: AccountFilter, order: Order, after: AccountKey | None, limit: int
) -> Sequence[tuple[AccountKey, Row[Any]]]:
    """Up to `limit` rows of accounts in an order, each with its place, those behind `after`."""
    found: list[tuple[AccountKey, Row[Any]]] = []
    if after is None or after[0] is not None:
        rows = await connection.execute(_shown(_present(wanted, order, after).limit(limit), order))
        found = [((row.sort_key, row.account_id), row) for row in rows]
    if len(found) < limit and order.by not in _NEVER_MISSING:
        behind = after[1] if after is not None and after[0] is None else None
        rows = await connection.execute(_shown(_missing(wanted, order, behind).limit(limit - len(found)), order))
        found += [((None, row.account_id), row) for row in rows]
    return found


def _present(wanted: AccountFilter, order: Order, after: AccountKey | None) -> Select[Any]:
    """Those that have what the order is by."""
    key: ColumnElement[Any]
    kind: TypeEngine[Any]
    identity: ColumnElement[Any]
    if order.by == "arr":
        key, kind, identity = account_arr.c.amount, Numeric(), account_arr.c.account_id
        query = (
            select(listing.c.account_no, key.label("sort_key"), identity.label("id"))
            .join(account_arr, account_arr.c.account_no == listing.c.account_no)
            .where(account_arr.c.currency == order.currency)
        )
    else:
        (key, kind), identity = _KEYS[order.by], listing.c.account_id
        query = select(listing.c.account_no, key.label("sort_key"), identity.label("id")).where(key.is_not(None))
    if after is not None:
        place = tuple_(key, identity)
        mark = tuple_(literal(after[0], kind), literal(after[1], Text))
        query = query.where(place < mark if order.descending else place > mark)
    by = (key.desc(), identity.desc()) if order.descending else (key, identity)
    return query.where(*_conditions(wanted)).order_by(*by)


def _missing(wanted: AccountFilter, order: Order, behind: str | None) -> Select[Any]:
    """Those that do not, by their ids."""
    identity = listing.c.account_id
    if order.by == "arr":
        lacks = ~exists().where(
            account_arr.c.account_no == listing.c.account_no, account_arr.c.currency == order.currency
        )
    else:
        lacks = _KEYS[order.by][0].is_(None)
    query = select(listing.c.account_no, literal(None, Text).label("sort_key"), identity.label("id")).where(lacks)
    if behind is not None:
        query = query.where(identity < behind if order.descending else identity > behind)
    return query.where(*_conditions(wanted)).order_by(identity.desc() if order.descending else identity)


def _shown(page: Select[Any], order: Order) -> Select[Any]:
    """The accounts of a page, in its order."""
    of = page.subquery()
    by = (of.c.sort_key.desc(), of.c.id.desc()) if order.descending else (of.c.sort_key, of.c.id)
    return select(*SHOWN, of.c.sort_key).join(of, of.c.account_no == account.c.account_no).order_by(*by)


def _conditions(wanted: AccountFilter) -> list[ColumnElement[bool]]:
    conditions = [
        _one_of(column, values)
        for column, values in (
            (listing.c.band, tuple(band.value for band in wanted.bands)),
            (listing.c.owner, wanted.owners),
            (listing.c.tier, wanted.tiers),
            (listing.c.segment, wanted.segments),
            (listing.c.industry, wanted.industries),
            (listing.c.zone, wanted.zones),
            (listing.c.stage, wanted.stages),
        )
        if values
    ]
    for column, between in (
        (listing.c.score, wanted.score),
        (listing.c.coverage, wanted.coverage),
        (listing.c.seats, wanted.seats),
        (listing.c.next_renewal_on, wanted.next_renewal_on),
        (listing.c.last_active, wanted.last_active_on),
        (listing.c.stage_entered_on, wanted.stage_entered_on),
    ):
        conditions += _within(column, between)
    if wanted.silent is not None:
        conditions.append(listing.c.is_silent == wanted.silent)
    if wanted.stage_overdue is not None:
        conditions.append(listing.c.stage_overdue.is_(wanted.stage_overdue))
    if wanted.name_begins:
        begin = func.lower(literal(wanted.name_begins, Text))
        conditions += [listing.c.folded >= begin, listing.c.folded < begin.op("||")(_BEYOND)]
    if amounts := _within(account_arr.c.amount, wanted.arr):
        worth = select(account_arr.c.account_no).where(account_arr.c.currency == wanted.currency, *amounts)
        conditions.append(listing.c.account_no.in_(worth))
    return conditions


def _one_of(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    stated = [value for value in values if value]
    known = column == stated[0] if len(stated) == 1 else column.in_(stated)
    if len(stated) == len(values):
        return known
    return or_(known, column.is_(None)) if stated else column.is_(None)


def _within(column: ColumnElement[Any], between: Between) -> list[ColumnElement[bool]]:
    conditions = []
    if between.least is not None:
        conditions.append(and_(column >= between.least))
    if between.most is not None:
        conditions.append(and_(column <= between.most))
    return conditions
