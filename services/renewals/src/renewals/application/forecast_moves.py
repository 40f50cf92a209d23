"""Why a renewal's forecast moved between two instants: what differs in it, from what, to what."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from renewals.application.forecast_book import Outstanding, RenewalRow, Said


class What(StrEnum):
    """What differs."""

    FORECAST = "forecast"
    """It is one of the span's renewals now and was none, or the other way round: entered, cancelled, or moved."""
    STATUS = "status"
    LAST_DAY = "last_day"
    WHOSE = "whose"
    """Another kind of call prevails."""
    BAND = "band"
    TREND = "trend"
    TENURE = "tenure"
    PAST = "past"
    """The account stands as it did; what became of accounts that stood alike is known better."""
    CANCELLATION = "cancellation"
    CALL = "call"
    """A person says otherwise; the note says why."""
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs."""

    what: What
    before: str | date | Decimal | None
    now: str | date | Decimal | None


def differences(row: RenewalRow) -> tuple[Difference, ...]:
    """Everything that differs, what weighs most first."""
    if row.was is None or row.now is None:
        here = ("none", "there") if row.was is None else ("there", "none")
        return (Difference(What.FORECAST, *here),)
    return tuple(_between(row.was, row.now))


def _between(was: Outstanding, now: Outstanding) -> Iterator[Difference]:
    if was.status != now.status:
        yield Difference(What.STATUS, was.status, now.status)
    if was.last_day != now.last_day:
        yield Difference(What.LAST_DAY, was.last_day, now.last_day)
    before, after = was.prevailing, now.prevailing
    if before is None or after is None:
        if before is not after:
            yield Difference(What.WHOSE, before.kind if before else None, after.kind if after else None)
        return
    if before.kind is not after.kind:
        yield Difference(What.WHOSE, before.kind, after.kind)
    elif before.is_by_hand:
        if before.said_at != after.said_at:
            yield Difference(What.CALL, before.category, after.category)
    else:
        yield from _of_automated(before, after)
    if before.amount != after.amount:
        yield Difference(What.AMOUNT, before.amount, after.amount)


def _of_automated(before: Said, after: Said) -> Iterator[Difference]:
    if before.is_cancelled != after.is_cancelled:
        told = {True: "cancelled", False: "none"}
        yield Difference(What.CANCELLATION, told[before.is_cancelled], told[after.is_cancelled])
    stood, stands = before.standing, after.standing
    levels = (
        (What.BAND, stood.band, stands.band),
        (What.TREND, stood.trend, stands.trend),
        (What.TENURE, stood.tenure, stands.tenure),
    )
    moved = [Difference(what, earlier, later) for what, earlier, later in levels if earlier != later]
    yield from moved
    if not moved and before.is_cancelled == after.is_cancelled and before.probability != after.probability:
        yield Difference(What.PAST, before.probability, after.probability)
