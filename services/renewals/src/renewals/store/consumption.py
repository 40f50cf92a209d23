"""What is used and bought of metrics, a row a day with what it said before, and charges, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Select, Table, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.kernel.money import Money
from renewals.application.consumption import Charged, KeptCharge, Metric
from renewals.application.moments import When
from renewals.domain.burn_down import Charge, ChargeKind
from renewals.domain.consumption import Reading, Said
from renewals.store.erasure import ErasureStore
from renewals.store.growth_tables import charge, consumption, consumption_past
from renewals.store.tables import contract

BEFORE: Final = timedelta(days=366)
"""So long before a term a level can lie that its use is counted from."""


class ConsumptionStore:
    """Readings and charges, within one transaction."""

    def __init__(self, connection: AsyncConnection, erased: ErasureStore) -> None:
        self._connection = connection
        self._erased = erased

    async def record(self, readings: Sequence[tuple[Metric, Reading]], at: datetime) -> frozenset[Metric]:
        """Take in what was stated, field by field in whatever order; of which metrics. The erased are left out.

        Values of before stay on record, as known until `at`.
        """
        erased = await self._erased.among(sorted({account_id for (account_id, _), _ in readings}))
        merged: dict[tuple[str, str, date], Reading] = {}
        for (account_id, metric), reading in readings:
            if account_id not in erased:
                key = (account_id, metric, reading.day)
                merged[key] = merged[key].merged(reading) if key in merged else reading
        if not merged:
            return frozenset()
        of = tuple_(consumption.c.account_id, consumption.c.metric, consumption.c.day)
        known = select(consumption).where(of.in_(list(merged))).order_by(*consumption.primary_key).with_for_update()
        since, past = dict[tuple[str, str, date], datetime](), list[dict[str, Any]]()
        for row in await self._connection.execute(known):
            key = (row.account_id, row.metric, row.day)
            was = _reading(row.day, row.said)
            merged[key] = was.merged(merged[key])
            # The same stated again is nothing new. Two that state at once may come in another order than they began.
            since[key] = row.recorded_at if merged[key].says_what(was) else max(at, row.recorded_at)
            if since[key] > row.recorded_at:
                of_day = {"account_id": row.account_id, "metric": row.metric, "day": row.day}
                past.append({**of_day, "recorded_at": row.recorded_at, "replaced_at": since[key], "said": row.said})
        if past:
            await self._connection.execute(consumption_past.insert(), past)
        statement = insert(consumption)
        statement = statement.on_conflict_do_update(
            index_elements=list(consumption.primary_key),
            set_={"said": statement.excluded.said, "recorded_at": statement.excluded.recorded_at},
        )
        rows = [
            {
                "account_id": key[0],
                "metric": key[1],
                "day": key[2],
                "said": _said(merged[key]),
                "recorded_at": since.get(key, at),
            }
            for key in sorted(merged)
        ]
        await self._connection.execute(statement, rows)
        return frozenset((account_id, metric) for account_id, metric, _ in merged)

    async def metrics(self, account_ids: Collection[str]) -> Sequence[Metric]:
        """What is known of the use of accounts, in order."""
        key = (consumption.c.account_id, consumption.c.metric)
        wanted = select(*key).where(consumption.c.account_id.in_(account_ids)).distinct().order_by(*key)
        return [(row.account_id, row.metric) for row in await self._connection.execute(wanted)]

    async def readings(
        self, metrics: Collection[Metric], since: date, known_at: datetime | None = None
    ) -> Mapping[Metric, Sequence[Reading]]:
        """What was stated of each metric, by day, from a year before `since` on; as it was known at an instant."""

        def of(table: Table) -> Select[Any]:
            columns = (table.c.account_id, table.c.metric, table.c.day)
            among = tuple_(table.c.account_id, table.c.metric).in_(list(metrics))
            found = select(*columns, table.c.said).where(among, table.c.day >= since - BEFORE)
            return found if known_at is None else found.where(table.c.recorded_at <= known_at)

        now = of(consumption)
        before = of(consumption_past).where(consumption_past.c.replaced_at > known_at) if known_at else None
        wanted = (now if before is None else now.union_all(before)).order_by("account_id", "metric", "day")
        found = defaultdict[Metric, list[Reading]](list)
        for row in await self._connection.execute(wanted):
            found[row.account_id, row.metric].append(_reading(row.day, row.said))
        return found

    async def add_charge(self, kept: KeptCharge) -> None:
        """Keep a charge beside those of before."""
        row = {
            "id": kept.id,
            "contract_id": kept.contract_id,
            "kind": kept.charge.kind.value,
            "metric": kept.charge.metric,
            "quantity": kept.charge.quantity,
            "amount": kept.charge.amount,
            "charged_on": kept.charge.charged_on,
            "snapshot": {"reason": kept.reason},
            "recorded_at": kept.recorded_at,
            "recorded_by": kept.recorded_by,
        }
        await self._connection.execute(charge.insert(), row)

    async def charges(self, contract_id: str, known_at: datetime | None = None) -> Sequence[Charge]:
        """Every charge of a contract, as it was known at an instant."""
        wanted = select(charge).where(charge.c.contract_id == contract_id).order_by(charge.c.id)
        if known_at is not None:
            wanted = wanted.where(charge.c.recorded_at <= known_at)
        return [_charge(row) for row in await self._connection.execute(wanted)]

    async def charged(
        self,
        first: date,
        last: date,
        known_at: datetime,
        *,
        after: tuple[str, str, str] | None,
        limit: int,
    ) -> Sequence[Charged]:
        """Up to `limit` sums of charges of days of `[first, last)`, by kind, metric and currency, after the given."""
        key = (charge.c.kind, charge.c.metric, contract.c.currency)
        wanted = (
            select(
                *key,
                func.sum(charge.c.quantity).label("quantity"),
                func.sum(charge.c.amount).label("amount"),
                func.count(charge.c.contract_id.distinct()).label("contracts"),
            )
            .select_from(charge.join(contract))
            .where(charge.c.charged_on >= first, charge.c.charged_on < last, charge.c.recorded_at <= known_at)
            .group_by(*key)
            .order_by(*key)
            .limit(limit)
        )
        if after is not None:
            wanted = wanted.where(tuple_(*key) > tuple_(*after))
        return [
            Charged(ChargeKind(row.kind), row.metric, row.quantity, Money(row.amount, row.currency), row.contracts)
            for row in await self._connection.execute(wanted)
        ]

    async def charges_page(
        self, contract_id: str, when: When, *, after: str | None, limit: int
    ) -> Sequence[KeptCharge]:
        """Up to `limit` charges of a contract, in the order in which they were recorded, after the given one.

        Those of days up to the one asked for, as they were known.
        """
        wanted = select(charge).where(charge.c.contract_id == contract_id).order_by(charge.c.id).limit(limit)
        if after is not None:
            wanted = wanted.where(charge.c.id > after)
        if when.as_of is not None:
            wanted = wanted.where(charge.c.charged_on <= when.as_of)
        if when.known_at is not None:
            wanted = wanted.where(charge.c.recorded_at <= when.known_at)
        return [
            KeptCharge(row.id, row.contract_id, _charge(row), row.snapshot["reason"], row.recorded_at, row.recorded_by)
            for row in await self._connection.execute(wanted)
        ]


def _charge(row: Any) -> Charge:
    return Charge(ChargeKind(row.kind), row.metric, row.quantity, row.amount, row.charged_on)


def _said(reading: Reading) -> dict[str, Any]:
    fields = {"used": reading.used, "bought": reading.bought, "starts_on": reading.starts_on}
    return {
        name: {"value": _plain(said.value), "at": said.at.isoformat(), "event_id": said.event_id}
        for name, said in fields.items()
        if said is not None
    }


def _plain(value: Decimal | date | None) -> str | None:
    if value is None:
        return None
    return f"{value:f}" if isinstance(value, Decimal) else value.isoformat()


def _reading(day: date, said: Mapping[str, Any]) -> Reading:
    def quantity(name: str) -> Said[Decimal] | None:
        stated = said.get(name)
        if stated is None:
            return None
        value = Decimal(stated["value"]) if stated["value"] is not None else None
        return Said(value, datetime.fromisoformat(stated["at"]), stated["event_id"])

    begins = said.get("starts_on")
    return Reading(
        day=day,
        used=quantity("used"),
        bought=quantity("bought"),
        starts_on=begins
        and Said(
            date.fromisoformat(begins["value"]) if begins["value"] else None,
            datetime.fromisoformat(begins["at"]),
            begins["event_id"],
        ),
    )
