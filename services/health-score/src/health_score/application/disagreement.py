"""How often people disagree with a scorecard: the days on which they set a score by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, Protocol

from mainstay.kernel.clock import Clock

LONGEST = timedelta(days=92)
"""Closes are counted when somebody asks, so a period has an end."""


class PeriodTooLong(ValueError):
    """More days than are counted at once."""


class CardDays(NamedTuple):
    """The closes of one scorecard in a period: all, those set by hand, and in which direction."""

    id: str
    version: int
    days: int
    by_hand: int
    higher: int
    lower: int
    other_band: int


@dataclass(frozen=True, slots=True)
class CardDisagreement:
    """Of the account-days scored by a version: how many people set by hand, higher or lower, or into another band.

    `share` is by hand ÷ all; null where there are none.
    """

    id: str
    version: int
    account_days: int
    set_by_hand: int
    set_higher: int
    set_lower: int
    set_to_other_band: int
    share: float | None


class DisagreementReading(Protocol):
    """The store's side."""

    async def by_card(self, first: date, last: date) -> Sequence[CardDays]:
        """The closes of a period by scorecard, and how many of them people set by hand."""


class ReadDisagreement:
    """Answers how often people disagree, by scorecard."""

    def __init__(self, reading: DisagreementReading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock

    async def __call__(self, first: date | None, last: date | None) -> Sequence[CardDisagreement]:
        """The days from `first` to `last`: the 28 up to yesterday by default. Raises `PeriodTooLong`."""
        last = last or self._clock.now().date() - timedelta(days=1)
        first = first or last - min(timedelta(days=27), last - date.min)
        if last - first >= LONGEST:
            raise PeriodTooLong(f"a period has {LONGEST.days} days at most, not {(last - first).days + 1}")
        return [
            CardDisagreement(*found, share=found.by_hand / found.days if found.days else None)
            for found in await self._reading.by_card(first, last)
        ]
