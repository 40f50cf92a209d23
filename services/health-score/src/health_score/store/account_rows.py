"""An account's row, mapped by hand: the JSON in it, its measures, and the account that it means."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
from sqlalchemy import Row

from health_score.domain.account import FIELDS, Account, Health, Stated, Worth
from health_score.domain.assessment import Assessment
from health_score.domain.bands import Band, Standing
from health_score.domain.decisions import Override
from health_score.domain.derived import NOTHING_DERIVED, Derived
from health_score.domain.history import Seats
from health_score.domain.scoring import MeasureResult, Status
from health_score.domain.silence import Silence
from health_score.domain.team import Assignment
from mainstay.contracts.common import MoneyData
from mainstay.kernel.money import Money


class OverrideRow(msgspec.Struct, frozen=True):
    """A score set by hand, by whom, when, why and until when."""

    score: int
    reason: str
    by: str
    at: datetime
    expires_at: datetime


class MeasureRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One measure of the current value as it is kept: numbers are those nearest to the exact ones.

    `weight` and `effective_weight` are shares of the scorecard, 0–1; `status` is that of the domain. `as_of` is the
    day of the latest evidence, `computed_score` what an `override` stands in the place of.
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
    unit: str | None = None
    as_of: date | None = None
    computed_score: float | None = None
    override: OverrideRow | None = None
    told: float | msgspec.UnsetType | None = msgspec.UNSET
    """The value that others were told last, where they were."""


class PublishedRow(msgspec.Struct, frozen=True):
    """What is looked at of the measures that were published last; the rest of a `MeasureRow` is not even read."""

    measure: str
    metric: str
    score: float | None
    contribution: int
    status: str
    told: float | msgspec.UnsetType | None = msgspec.UNSET


class StatedRow(msgspec.Struct, frozen=True):
    """The latest statement of one field."""

    value: Any
    at: datetime
    by: str


_published = msgspec.json.Decoder(tuple[PublishedRow, ...])
_stated = msgspec.json.Decoder(dict[str, StatedRow])
_team = msgspec.json.Decoder(tuple[Assignment, ...])
_seats = msgspec.json.Decoder(tuple[tuple[date, int | None], ...])
_arr = msgspec.json.Decoder(tuple[MoneyData, ...])
_ids = msgspec.json.Decoder(tuple[str, ...])
_derived = msgspec.json.Decoder(Derived)
_json = msgspec.json.Encoder()

COLUMNS = """
    account_id, account_no, sequence, stated::text, team::text, arr::text, seats, next_renewal_on, value_sequence,
    seats_by_day::text, first_day, last_active, dirty_from, dirty_by::text, regroup, closed_through,
    standing_band, standing_on, standing_previous, computed_score, computed_band,
    score, band, coverage, band_entered_on, band_since, measures::text, silent_after, habit_days, derived::text
"""


def nearest(value: int | Fraction | None) -> int | float | None:
    """A metric's value as JSON has it: whole numbers exact, fractions as the nearest float."""
    return value if value is None or isinstance(value, int) else _float(value)


def _float(fraction: Fraction) -> float:
    """The nearest float. Fraction's own way takes twice the time, and there are forty in an account's measures."""
    return fraction.numerator / fraction.denominator


def measures_json(assessment: Assessment, told: Mapping[str, float | None]) -> str:
    """The measures of the current value, as they are kept; `told` is what others were told of them, by metric."""
    rows = [measure_row(part, told.get(part.metric, msgspec.UNSET)) for part in assessment.scored.measures]
    return _json.encode(rows).decode()


def measure_row(part: MeasureResult, told: float | msgspec.UnsetType | None = msgspec.UNSET) -> MeasureRow:
    """A measure's part as it is kept and shown."""
    return MeasureRow(
        measure=part.measure,
        group=part.group,
        metric=part.metric,
        value=nearest(part.value),
        score=None if part.score is None else _float(part.score),
        weight=_float(part.weight),
        effective_weight=_float(part.effective_weight),
        contribution=part.contribution,
        status=part.status.value,
        unit=part.unit and part.unit.value,
        as_of=part.seen_on,
        computed_score=None if part.computed_score is None else _float(part.computed_score),
        override=_override_row(part.override),
        told=told,
    )


def _override_row(override: Override | None) -> OverrideRow | None:
    if override is None:
        return None
    return OverrideRow(override.score, override.reason, override.by, override.at, override.expires_at)


def stated_of(stated: str) -> dict[str, Stated]:
    """What was stated of an account, from its JSON."""
    return {name: Stated(said.value, said.at, said.by) for name, said in _stated.decode(stated).items()}


def account_of(row: Row[Any]) -> Account:
    """The account of a row with `COLUMNS`."""
    measures = _published.decode(row.measures)
    return Account(
        id=row.account_id,
        number=row.account_no,
        stated=stated_of(row.stated),
        team=_team.decode(row.team),
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
            contributions={part.measure: part.contribution for part in measures if part.score is not None},
            computed=(row.computed_score, Band(row.computed_band)) if row.computed_band else None,
            stale=[part.measure for part in measures if part.status == Status.STALE],
            told={part.metric: part.told for part in measures if part.told is not msgspec.UNSET},
        ),
        silence=Silence(row.silent_after, row.habit_days) if row.silent_after else None,
        derived=NOTHING_DERIVED if row.derived == "{}" else _derived.decode(row.derived),
    )


def _standing(row: Row[Any]) -> Standing | None:
    if row.standing_band is None:
        return None
    previous = Band(row.standing_previous) if row.standing_previous else None
    return Standing(Band(row.standing_band), row.standing_on, previous)


def record_of(account: Account) -> dict[str, Any]:
    """What is written of an account's record and worth, by column."""
    worth = account.worth
    return {
        "account_no": account.number,
        "sequence": account.sequence,
        "stated": _json.encode(
            {name: StatedRow(said.value, said.at, said.by) for name, said in account.stated.items()}
        ).decode(),
        "team": _json.encode(account.team).decode(),
        **{name: account.said(name) for name in FIELDS},
        "tier": account.tier,
        "arr": _json.encode([MoneyData(money.amount, money.currency) for money in worth.arr]).decode(),
        "seats": worth.seats,
        "next_renewal_on": worth.next_renewal_on,
        "value_sequence": worth.sequence,
        "seats_by_day": _json.encode(account.seats.steps).decode(),
    }
