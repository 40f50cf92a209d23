"""How what was bought of a metric in a term is burnt down day by day, and when it will be gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from renewals.domain.consumption import Level, daily_use
from renewals.domain.projection import Projection, project
from renewals.domain.terms import Term


class ChargeKind(StrEnum):
    """What is paid for beside the committed amount, and is not ARR."""

    TOP_UP = "top_up"
    """More of a metric, bought during a term."""
    OVERAGE = "overage"
    """What was used beyond what was bought, as it was billed."""


class NothingBought(ValueError):
    """The contract says of no metric how much was bought, or not of this one."""

    def __init__(self, contract_id: str, metric: str | None, known: Sequence[str]) -> None:
        which = f"no {metric}" if metric else "nothing that burns down"
        super().__init__(f"contract {contract_id} entitles to {which}; it entitles to {', '.join(known) or 'nothing'}")


class MetricNeeded(ValueError):
    """The contract entitles to several metrics."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(f"say of which metric: {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class Charge:
    """More of a metric, or what was used beyond: a quantity, and its price. Below zero it corrects an earlier one."""

    kind: ChargeKind
    metric: str
    quantity: Decimal
    amount: Decimal
    charged_on: date


@dataclass(frozen=True, slots=True)
class BurnDay:
    """A day: what was used on it, and what was left of all bought by its end; below zero is overage."""

    day: date
    used: Fraction
    balance: Fraction


@dataclass(frozen=True, slots=True)
class BurnDown:
    """A metric in a term: what was bought and used by the last day that is measured, and what is ahead.

    `exhausted_on` is the day on which the balance was used up, or is projected to be; `falls_due_on` that day or the
    first day after the term, whichever is sooner.
    """

    bought: Fraction
    topped_up: Fraction
    used: Fraction
    days: tuple[BurnDay, ...]
    projection: Projection | None
    exhausted_on: date | None
    falls_due_on: date

    @property
    def measured_until(self) -> date | None:
        """The last day whose use is known."""
        return self.days[-1].day if self.days else None

    @property
    def balance(self) -> Fraction:
        """What is left; none is less than nothing."""
        return max(self.bought + self.topped_up - self.used, Fraction(0))

    @property
    def overage(self) -> Fraction:
        """What was used beyond everything that was bought."""
        return max(self.used - self.bought - self.topped_up, Fraction(0))

    def runs_out_before(self, day: date) -> bool:
        """Whether it is, or is projected to be, used up before a day."""
        return self.exhausted_on is not None and self.exhausted_on < day


def burn_down(
    term: Term,
    metric: str,
    stated: Sequence[Level],
    charges: Sequence[Charge],
    *,
    today: date,
    bought: Decimal | None = None,
    share: Fraction = Fraction(1),
) -> BurnDown:
    """The burn-down of a term up to a day.

    `stated` is the account's use, of which `share` is this contract's; `bought` counts where the term says nothing of
    the metric. Today is not over: the pace is that of the days before. Of a term that is over nothing is projected.
    """
    topped_up = [each for each in charges if each.kind is ChargeKind.TOP_UP and each.metric == metric]
    use = {day: used * share for day, used in daily_use(stated, term.start).items() if day < term.served_before}
    days, used = [], Fraction(0)
    for day in (each for each in use if each <= today):
        used += use[day]
        all_bought = _bought(term, metric, day, bought) + _until(topped_up, day)
        days.append(BurnDay(day, use[day], all_bought - used))
    total, more = _bought(term, metric, min(today, term.last_day), bought), _until(topped_up, today)
    whole = [each for each in days if each.day < today]
    at_end = total + more - sum((each.used for each in whole), Fraction(0))
    projection = None
    if whole and today < term.served_before:
        projection = project([float(each.used) for each in whole], float(at_end), whole[-1].day)
    gone_on = next((each.day for each in days if each.balance <= 0), None) if total + more <= used else None
    exhausted_on = gone_on or (projection.exhausted_on if projection else None)
    return BurnDown(
        bought=total,
        topped_up=more,
        used=used,
        days=tuple(days),
        projection=projection,
        exhausted_on=exhausted_on,
        falls_due_on=min(exhausted_on or term.end_exclusive, term.end_exclusive),
    )


def _bought(term: Term, metric: str, day: date, bought: Decimal | None) -> Fraction:
    entitled = dict(term.shown(day).entitlements).get(metric)
    return Fraction(entitled if entitled is not None else bought or 0)


def _until(charges: Sequence[Charge], day: date) -> Fraction:
    return sum((Fraction(each.quantity) for each in charges if each.charged_on <= day), Fraction(0))
