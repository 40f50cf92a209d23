"""Exchange rates as dated inputs of the operator: the rate of a day is the latest one stated for it or a day before."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Quote:
    """From a day on, one unit of `currency` is worth `rate` units of `base`."""

    valid_from: date
    currency: str
    base: str
    rate: Fraction


class RateMissing(LookupError):
    """Nobody stated how much a currency was worth in another on a day."""

    def __init__(self, currency: str, into: str, day: date) -> None:
        super().__init__(
            f"no rate says what {currency} was worth in {into} on {day}: state it with PUT /v1/exchange-rates"
        )
        self.currency = currency


def rate_on(day: date, currency: str, into: str, quotes: Collection[Quote]) -> Fraction:
    """What one unit of a currency is worth in another on a day: as stated, or the other way round, or over a third.

    Raises `RateMissing`.
    """
    if currency == into:
        return Fraction(1)
    known = [quote for quote in quotes if quote.valid_from <= day]
    direct = _latest(currency, into, known)
    if direct is not None:
        return direct[1]
    thirds = sorted({quote.base for quote in known} | {quote.currency for quote in known})
    ways = [
        (min(first[0], second[0]), third, first[1] * second[1])
        for third in thirds
        if (first := _latest(currency, third, known)) and (second := _latest(third, into, known))
    ]
    if not ways:
        raise RateMissing(currency, into, day)
    newest = max(stated for stated, _, _ in ways)
    # Several third currencies as new as each other: the first by its code, so that the order of quotes is no matter.
    return min((third, rate) for stated, third, rate in ways if stated == newest)[1]


def _latest(currency: str, into: str, quotes: Collection[Quote]) -> tuple[date, Fraction] | None:
    """The newest quote between two currencies, either way round; one as stated, where both are as new."""
    found = list(_between(currency, into, quotes))
    if not found:
        return None
    stated, _, rate = max(found, key=lambda each: each[:2])
    return stated, rate


def _between(currency: str, into: str, quotes: Collection[Quote]) -> Iterator[tuple[date, bool, Fraction]]:
    for quote in quotes:
        if (quote.currency, quote.base) == (currency, into):
            yield quote.valid_from, True, quote.rate
        elif (quote.base, quote.currency) == (currency, into):
            yield quote.valid_from, False, 1 / quote.rate
