"""Usage events on their way through a batch: as they come, as they are stored, and as countings look at them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import NamedTuple

import msgspec

from mainstay.contracts.ingest import UsageRecorded
from mainstay.kernel.clock import at_micros, micros_of


class UsageEvent(msgspec.Struct, frozen=True, gc=False):
    """A usage event in a batch. Flat and without a needless object: ten thousand of them have to be gone through.

    `occurred_us` and `received_us` are microseconds since 1970 in UTC; `user_id` None: nobody known.
    """

    id: str
    source: str
    account_id: str
    user_id: str | None
    feature: str
    event: str
    occurred_us: int
    received_us: int
    properties: msgspec.Raw

    @classmethod
    def of(cls, id_: str, source: str, data: UsageRecorded) -> "UsageEvent":
        """The event of that id and source. Names that come again and again are the same object each time."""
        return cls(
            id_,
            intern(source),
            intern(data.account_id),
            None if data.user_id is None else intern(data.user_id),
            intern(data.feature),
            intern(data.event),
            micros_of(data.occurred_at),
            micros_of(data.received_at),
            data.properties,
        )


class Use(msgspec.Struct, frozen=True, gc=False):
    """A usage event as it is stored: account, user (None: nobody known) and feature by their numbers.

    `properties` is the sender's JSON, empty for an erased user.
    """

    event_id: str
    source: str
    account_no: int
    user: int | None
    feature: int
    event: str
    occurred_us: int
    received_us: int
    properties: bytes | msgspec.Raw


class RawUse(NamedTuple):
    """A stored usage event as countings look at it; the user by its number, properties as JSON."""

    account_no: int
    user: int | None
    event: str
    feature: str
    occurred_at: datetime
    properties: str | bytes


@dataclass(frozen=True, slots=True)
class FreshUses:
    """Uses that were not counted before, and the numbers of accounts' features by their names."""

    uses: Iterable[Use]
    features: Mapping[int, Mapping[str, int]]

    def named(self) -> Iterator[RawUse]:
        """The uses as countings look at them."""
        names = {(account, number): name for account, of in self.features.items() for name, number in of.items()}
        for use in self.uses:
            feature = names[use.account_no, use.feature]
            occurred_at = at_micros(use.occurred_us)
            yield RawUse(use.account_no, use.user, use.event, feature, occurred_at, bytes(use.properties))
