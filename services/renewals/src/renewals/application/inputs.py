"""Inputs of figures: exchange rates that the operator states, and what accounts are, as health-score says."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from mainstay.kernel.clock import Clock
from mainstay.messaging.consuming import Batch
from renewals.application.ports import OpensWork
from renewals.domain.currencies import minor_unit
from renewals.domain.ownership import Assignment


@dataclass(frozen=True, slots=True)
class StatedRate:
    """From a day on, one unit of `currency` is worth `rate` units of `base`; None: that rate is withdrawn."""

    valid_from: date
    currency: str
    base: str
    rate: Decimal | None
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class AccountGroup:
    """What an account is, as a snapshot of its record says; a lower `sequence` is older."""

    account_id: str
    sequence: int
    said_at: datetime
    segment: str | None
    tier: str | None
    owner: str | None
    source: str
    event_id: str
    team: tuple[Assignment, ...] = ()
    industry: str | None = None


class Inputs(Protocol):
    """Rates and groups, within one transaction."""

    async def add_rates(self, rates: Sequence[StatedRate]) -> None:
        """Keep rates beside those of before."""

    async def rates(
        self, known_at: datetime, *, as_of: date | None, after: tuple[date, str, str] | None, limit: int
    ) -> Sequence[StatedRate]:
        """Up to `limit` rates as they were known, by day, currency and base, after the given ones.

        With `as_of` those that held on a day: of each currency and base the latest that is not withdrawn.
        """

    async def add_groups(self, groups: Collection[AccountGroup]) -> Mapping[str, datetime]:
        """Keep what accounts are; what says nothing new, and what is about the erased, is left out.

        Answers the accounts with contracts of which something new was said, and as of when.
        """


class StateRates:
    """Keep the rates of a day. Stating them again corrects them from now on; reports of before stay reproducible."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def __call__(self, day: date, base: str, rates: Mapping[str, Decimal | None], *, by: str) -> int:
        """How many were kept. Raises `CurrencyUnknown`."""
        now = self._clock.now()
        for currency in (base, *rates):
            minor_unit(currency)
        stated = [StatedRate(day, currency, base, rate, now, by) for currency, rate in sorted(rates.items())]
        async with self._work() as work:
            await work.inputs.add_rates(stated)
        return len(stated)


class RecordGroups:
    """Keep what each account is from when on. Repeats and stragglers change nothing."""

    def __init__(self, work: OpensWork) -> None:
        self._work = work

    async def __call__(self, batch: Batch[AccountGroup]) -> None:
        """Take in a batch, in one transaction with its positions. Raises `PositionTaken`."""
        async with self._work(batch) as work:
            fresh = await work.first_times([(each.source, each.event_id) for each in batch.messages])
            said = [each for each in batch.messages if (each.source, each.event_id) in fresh]
            # Windows and owners go by what an account is: it is looked at again.
            await work.timers.arm((await work.inputs.add_groups(said)).items())
            await work.profiles.report(said)
