"""Account rows: locked in sorted order, mapped by hand, written many at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from health_score.domain.account import FIELDS, Account, Health, Stated, Worth
from health_score.domain.assessment import Assessment
from health_score.domain.bands import Band, Standing
from health_score.domain.history import Seats
from health_score.domain.scorecard import MeasureResult, Scorecard
from health_score.domain.silence import Silence
from health_score.store.closes import Closes
from health_score.store.scorecards import Scorecards
from mainstay.contracts.common import MoneyData
from mainstay.kernel.money import Money


class MeasureRow(msgspec.Struct, frozen=True):
    """One measure of the current value as it is kept: numbers are those nearest to the exact ones.

    `weight` and `effective_weight` are shares of the scorecard, 0–1; `status` is `ok` or `na`.
    """

    measure: str
    group: str
    metric: str
    value: int | float | None
    score: float | None
    weight: float
    effective_weight: float
    contribution: int
    status: str


class StatedRow(msgspec.Struct, frozen=True):
    """The latest statement of one field."""

    value: str | None
    at: datetime
    by: str


_measures = msgspec.json.Decoder(tuple[MeasureRow, ...])
_stated = msgspec.json.Decoder(dict[str, StatedRow])
_seats = msgspec.json.Decoder(tuple[tuple[date, int | None], ...])
_arr = msgspec.json.Decoder(tuple[MoneyData, ...])
_ids = msgspec.json.Decoder(tuple[str, ...])
_json = msgspec.json.Encoder()

_COLUMNS = """
    account_id, account_no, sequence, stated::text, arr::text, seats, next_renewal_on, value_sequence,
    seats_by_day::text, first_day, last_active, dirty_from, dirty_by::text, regroup, closed_through,
    standing_band, standing_on, standing_previous,
    score, band, coverage, band_entered_on, band_since, measures::text, silent_after, habit_days
"""

_LOCK = text(f"SELECT {_COLUMNS} FROM health_score.account WHERE account_id = ANY(:ids) ORDER BY account_id FOR UPDATE")

_CREATE = text(
    "INSERT INTO health_score.account (account_id, created_at)"
    " SELECT id, CAST(:at AS timestamptz) FROM unnest(CAST(:ids AS text[])) AS id ON CONFLICT DO NOTHING"
)

_SAVE_RECORD = text(
    "UPDATE health_score.account SET sequence = :sequence, stated = CAST(:stated AS jsonb), name = :name,"
    " owner = :owner, tier = :tier, zone = :zone, industry = :industry, segment = :segment,"
    " arr = CAST(:arr AS jsonb), seats = :seats, next_renewal_on = :next_renewal_on, value_sequence = :value_sequence,"
    " seats_by_day = CAST(:seats_by_day AS jsonb) WHERE account_no = :account_no"
)

_SAVE_LIFE = text(
    "UPDATE health_score.account a SET first_day = t.first_day, last_active = t.last_active,"
    " dirty_from = t.dirty_from, dirty_by = CAST(t.dirty_by AS jsonb), regroup = t.regroup"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:first_days AS date[]), CAST(:last_active AS date[]),"
    " CAST(:dirty_from AS date[]), CAST(:dirty_by AS text[]), CAST(:regroup AS boolean[]))"
    " AS t (account_no, first_day, last_active, dirty_from, dirty_by, regroup) WHERE a.account_no = t.account_no"
)

_SAVE_HEALTH = text(
    "UPDATE health_score.account a SET dirty_from = NULL, dirty_by = '[]', closed_through = t.closed_through,"
    " standing_band = t.standing_band, standing_on = t.standing_on, standing_previous = t.standing_previous,"
    " score = t.score, band = t.band, coverage = t.coverage, band_entered_on = t.band_entered_on,"
    " band_since = t.band_since, measures = CAST(t.measures AS jsonb), as_of = t.as_of, computed_at = :at,"
    " scorecard_no = :scorecard_no, silent_after = t.silent_after, habit_days = t.habit_days"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:closed_through AS date[]), CAST(:standing_bands AS text[]),"
    " CAST(:standing_on AS date[]), CAST(:standing_previous AS text[]), CAST(:scores AS smallint[]),"
    " CAST(:bands AS text[]), CAST(:coverages AS smallint[]), CAST(:entered_on AS date[]),"
    " CAST(:since AS timestamptz[]), CAST(:measures AS text[]), CAST(:as_of AS date[]),"
    " CAST(:silent_after AS date[]), CAST(:habit_days AS int[]))"
    " AS t (account_no, closed_through, standing_band, standing_on, standing_previous, score, band, coverage,"
    " band_entered_on, band_since, measures, as_of, silent_after, habit_days) WHERE a.account_no = t.account_no"
)


class KnownAccounts:
    """The ids of accounts that are known to exist; they never cease to. Shared by a process's transactions."""

    MOST = 1_000_000

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def unknown(self, account_ids: Collection[str]) -> list[str]:
        """Those of the ids that are not known to exist, sorted."""
        return sorted(account_id for account_id in account_ids if account_id not in self._ids)

    def add(self, account_ids: Iterable[str]) -> None:
        """Remember ids of committed rows."""
        if len(self._ids) > self.MOST:
            self._ids.clear()
        self._ids.update(account_ids)


class Accounts:
    """The accounts of one transaction."""

    def __init__(
        self, connection: AsyncConnection, closes: Closes, scorecards: Scorecards, known: KnownAccounts
    ) -> None:
        self._connection = connection
        self._closes = closes
        self._scorecards = scorecards
        self._known = known

    async def lock(self, account_ids: Collection[str], *, create_at: datetime | None = None) -> Mapping[str, Account]:
        """Lock accounts in sorted order; with `create_at`, those never heard of are created then, else left out.

        Rows are created, sorted, before any is locked: whoever waits for a row being created holds no lock.
        """
        if not account_ids:
            return {}
        if create_at is not None and (unknown := self._known.unknown(account_ids)):
            await self._connection.execute(_CREATE, {"ids": unknown, "at": create_at})
        rows = await self._connection.execute(_LOCK, {"ids": sorted(account_ids)})
        accounts = {row.account_id: _account(row) for row in rows}
        self._known.add(account.id for account in accounts.values() if account.sequence > 0)
        return accounts

    async def save(self, accounts: Iterable[Account]) -> None:
        """Write what the accounts' days say, and, of those whose sequence moved, the record and worth."""
        accounts = sorted(accounts, key=lambda account: account.id)
        if not accounts:
            return
        await self._connection.execute(
            _SAVE_LIFE,
            {
                "numbers": [account.number for account in accounts],
                "first_days": [account.first_day for account in accounts],
                "last_active": [account.last_active for account in accounts],
                "dirty_from": [account.dirty_from for account in accounts],
                "dirty_by": [_json.encode(account.dirty_by).decode() for account in accounts],
                "regroup": [account.regroup for account in accounts],
            },
        )
        records = [_record(account) for account in accounts if account.record_changed]
        if records:
            await self._connection.execute(_SAVE_RECORD, records)

    async def save_health(self, assessed: Sequence[tuple[Account, Assessment]], card: Scorecard, at: datetime) -> None:
        """Write the accounts' health with its measures, and the closes that are new or other than before."""
        number = await self._scorecards.number(card, at)
        for account, assessment in assessed:
            await self._closes.write(account, assessment.closes, number, at)
        accounts = [account for account, _ in assessed]
        standings = [account.standing for account in accounts]
        await self._connection.execute(
            _SAVE_HEALTH,
            {
                "at": at,
                "scorecard_no": number,
                "numbers": [account.number for account in accounts],
                "closed_through": [account.closed_through for account in accounts],
                "standing_bands": [standing and standing.band.value for standing in standings],
                "standing_on": [standing and standing.entered_on for standing in standings],
                "standing_previous": [
                    standing.previous.value if standing and standing.previous else None for standing in standings
                ],
                "scores": [account.health.score for account in accounts],
                "bands": [account.health.band.value for account in accounts],
                "coverages": [account.health.coverage for account in accounts],
                "entered_on": [account.health.band_entered_on for account in accounts],
                "since": [account.health.band_since for account in accounts],
                "measures": [_measures_json(assessment) for _, assessment in assessed],
                "as_of": [assessment.as_of for _, assessment in assessed],
                "silent_after": [account.silence and account.silence.last_active for account in accounts],
                "habit_days": [account.silence and account.silence.habit_days for account in accounts],
            },
        )


def nearest(value: int | Fraction | None) -> int | float | None:
    """A metric's value as JSON has it: whole numbers exact, fractions as the nearest float."""
    return float(value) if isinstance(value, Fraction) else value


def _measures_json(assessment: Assessment) -> str:
    return _json.encode([_measure_row(part) for part in assessment.scored.measures]).decode()


def _measure_row(part: MeasureResult) -> MeasureRow:
    return MeasureRow(
        measure=part.measure,
        group=part.group,
        metric=part.metric,
        value=nearest(part.value),
        score=None if part.score is None else float(part.score),
        weight=float(part.weight),
        effective_weight=float(part.effective_weight),
        contribution=part.contribution,
        status="na" if part.score is None else "ok",
    )


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.account_id,
        number=row.account_no,
        stated={name: Stated(said.value, said.at, said.by) for name, said in _stated.decode(row.stated).items()},
        worth=Worth(
            tuple(Money(Decimal(money.amount), money.currency) for money in _arr.decode(row.arr)),
            row.seats,
            row.next_renewal_on,
            row.value_sequence,
        ),
        seats=Seats(_seats.decode(row.seats_by_day)),
        sequence=row.sequence,
        first_day=row.first_day,
        last_active=row.last_active,
        dirty_from=row.dirty_from,
        dirty_by=_ids.decode(row.dirty_by),
        regroup=row.regroup,
        closed_through=row.closed_through,
        standing=_standing(row),
        health=Health(
            score=row.score,
            band=Band(row.band),
            coverage=row.coverage,
            band_entered_on=row.band_entered_on,
            band_since=row.band_since,
            contributions={
                part.measure: part.contribution for part in _measures.decode(row.measures) if part.status == "ok"
            },
        ),
        silence=Silence(row.silent_after, row.habit_days) if row.silent_after else None,
    )


def _standing(row: Row[Any]) -> Standing | None:
    if row.standing_band is None:
        return None
    previous = Band(row.standing_previous) if row.standing_previous else None
    return Standing(Band(row.standing_band), row.standing_on, previous)


def _record(account: Account) -> dict[str, Any]:
    worth = account.worth
    return {
        "account_no": account.number,
        "sequence": account.sequence,
        "stated": _json.encode(
            {name: StatedRow(said.value, said.at, said.by) for name, said in account.stated.items()}
        ).decode(),
        **{name: account.said(name) for name in FIELDS},
        "arr": _json.encode([MoneyData(money.amount, money.currency) for money in worth.arr]).decode(),
        "seats": worth.seats,
        "next_renewal_on": worth.next_renewal_on,
        "value_sequence": worth.sequence,
        "seats_by_day": _json.encode(account.seats.steps).decode(),
    }
