"""Lifetime value and break-even by period and group; and the costs and margins that the operator states for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from mainstay.kernel.clock import Clock
from mainstay.kernel.money import Money
from renewals.application.figures import Asked, Axis, Figures, Group, Retention
from renewals.application.ports import OpensWork
from renewals.domain.civil import months_between
from renewals.domain.economics import Cohort, EconomicsInvalid, Part, cohort_of
from renewals.domain.entering import exact
from renewals.domain.errors import AmountInvalid
from renewals.domain.rates import Quote, rate_on
from renewals.domain.retention import Movements, periods

MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class StatedEconomics:
    """From a day on, what a customer of a segment costs to acquire, and which share of its ARR is gross margin (0–1).

    A `segment` of None is everybody whose own says nothing on that day or before; None for a figure: it is not known.
    """

    valid_from: date
    segment: str | None
    acquisition_cost: Money | None
    gross_margin: Decimal | None
    recorded_at: datetime
    recorded_by: str


class EconomicsBook(Protocol):
    """What the operator stated about costs and margins, within one transaction; added to and never changed."""

    async def add(self, stated: Sequence[StatedEconomics]) -> None:
        """Keep statements beside those of before."""

    async def known(
        self,
        known_at: datetime,
        *,
        as_of: date | None = None,
        after: tuple[date, str | None] | None = None,
        limit: int,
    ) -> Sequence[StatedEconomics]:
        """Up to `limit` statements as they were known, by day and segment (nobody's own first), after the given one.

        With `as_of` those that held on a day: of each segment the latest.
        """


MOST_STATED = 20_000
"""Days and segments that figures look at."""


class StateEconomics:
    """Keep costs and margins of a day. Stating them again corrects them from now on; reports of before stay."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(
        self, day: date, inputs: Sequence[tuple[str | None, Money | None, Decimal | None]], *, by: str
    ) -> int:
        """How many segments were kept; each comes with its acquisition cost and gross margin.

        Raises `EconomicsInvalid` and `CurrencyUnknown`.
        """
        now = self._clock.now()
        if len({segment for segment, _, _ in inputs}) < len(inputs):
            raise EconomicsInvalid("a segment is stated twice")
        stated = [
            StatedEconomics(day, segment, _checked(cost) if cost else None, margin, now, by)
            for segment, cost, margin in inputs
        ]
        async with self._work() as work:
            await work.economics.add(stated)
        return len(stated)


@dataclass(frozen=True, slots=True)
class EconomicsRow:
    """One period and group; `missing` are its segments whose costs or margin nobody stated."""

    t0: date
    t1: date
    group: Group
    currency: str
    cohort: Cohort
    missing: tuple[str, ...]


class UnitEconomics:
    """Answers what a customer is worth and when it has paid for its acquisition."""

    def __init__(self, retention: Retention, work: OpensWork) -> None:
        self._retention = retention
        self._work = work

    async def __call__(self, asked: Asked) -> Figures[EconomicsRow]:
        """The figures by period and group, at the costs, margins and rates that held on each t0.

        Raises what `Retention` raises.
        """
        axes = asked.axes if Axis.SEGMENT in asked.axes else (*asked.axes, Axis.SEGMENT)
        found = await self._retention(replace(asked, axes=axes))
        async with self._work() as work:
            stated = await work.economics.known(found.known_at, limit=MOST_STATED)
            quotes = await work.figures.quotes(found.known_at) if stated else ()
        rows = []
        for t0, t1 in periods(found.t0, found.t1, asked.every):
            inputs = _Inputs(stated, quotes, t0, found.currency)
            groups: dict[Group, list[tuple[str | None, Part]]] = {} if asked.axes else {(): []}
            for row in (each for each in found.rows if (each.t0, each.t1) == (t0, t1)):
                values = dict(zip(axes, row.group, strict=True))
                segment = values[Axis.SEGMENT]
                group = tuple(values[axis] for axis in asked.axes)
                groups.setdefault(group, []).append((segment, inputs.part(segment, row.moved)))
            years = months_between(t0, t0, t1) / MONTHS_A_YEAR
            rows += [
                EconomicsRow(
                    t0, t1, group, found.currency, cohort_of((part for _, part in parts), years), _missing(parts)
                )
                for group, parts in groups.items()
            ]
        return Figures(found.t0, found.t1, found.known_at, found.currency, rows)


class _Inputs:
    """The costs and margins that hold on a day, in the reporting currency."""

    def __init__(self, stated: Sequence[StatedEconomics], quotes: Sequence[Quote], day: date, currency: str) -> None:
        self._quotes, self._day, self._currency = quotes, day, currency
        # In the order of their days, so the latest of each segment is left.
        self._of = {each.segment: each for each in stated if each.valid_from <= day}

    def part(self, segment: str | None, moved: Movements) -> Part:
        """Customers of a segment with what they cost and bring."""
        said = self._of.get(segment) or self._of.get(None)
        margin, cost = (said.gross_margin, said.acquisition_cost) if said else (None, None)
        return Part(
            moved.opening_customers,
            moved.churned_customers,
            Fraction(moved.opening),
            None if margin is None else Fraction(margin),
            None if cost is None else self._converted(cost),
        )

    def _converted(self, cost: Money) -> Fraction:
        return Fraction(cost.amount) * rate_on(self._day, cost.currency, self._currency, self._quotes)


def _missing(parts: Sequence[tuple[str | None, Part]]) -> tuple[str, ...]:
    return tuple(
        sorted(
            segment or ""
            for segment, part in parts
            if part.customers and None in {part.gross_margin, part.acquisition_cost}
        )
    )


def _checked(cost: Money) -> Money:
    try:
        return Money(exact(cost.amount, cost.currency), cost.currency)
    except AmountInvalid as error:
        raise EconomicsInvalid(str(error)) from error
