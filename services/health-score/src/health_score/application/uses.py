"""Usage events on their way through a batch: as they come, as they are stored, and as countings look at them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from mainstay.contracts.ingest import UsageRecorded

NO_PROPERTIES = b"{}"


class UsageEvent(UsageRecorded, frozen=True, gc=False):
    """A usage event in a batch: what it says, and whose id it has, which its reader fills in.

    One object an event, as ten thousand of them have to be gone through.
    """

    id: str = ""
    source: str = ""


class Use(msgspec.Struct, frozen=True, gc=False):
    """A usage event with its account, user (None: nobody known) and feature by their numbers."""

    event: UsageEvent
    account_no: int
    user: int | None
    feature: int

    @property
    def properties(self) -> bytes | msgspec.Raw:
        """The sender's JSON, empty for an erased user."""
        is_erased = self.user is None and self.event.user_id is not None
        return NO_PROPERTIES if is_erased else self.event.properties


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
            feature, event = names[use.account_no, use.feature], use.event
            yield RawUse(use.account_no, use.user, event.event, feature, event.occurred_at, bytes(use.properties))
