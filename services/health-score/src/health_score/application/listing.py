"""How a list of accounts is asked for: which accounts, in which order, from which place on."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Final

import msgspec

from health_score.domain.bands import Band

SORTABLE: Final = (
    "account_id",
    "name",
    "owner",
    "tier",
    "segment",
    "industry",
    "zone",
    "created_at",
    "first_active_on",
    "last_active_on",
    "silent",
    "score",
    "band",
    "band_since",
    "coverage",
    "arr",
    "seats",
    "next_renewal_on",
    "stage",
    "stage_entered_on",
    "stage_overdue",
)
"""What a list can be sorted by: everything it shows, but the instant of the last computation."""

KeyValue = str | int | bool | date | datetime | Decimal | None

AccountKey = tuple[KeyValue, str]
"""The place of an account in an order: what it is sorted by (None: missing, and so last), and its id."""


class CurrencyMissing(ValueError):
    """Amounts were to be compared without a word about their currency."""


@dataclass(frozen=True, slots=True)
class Between:
    """A range of values, both ends included; None is open. What is missing lies in no range but the open one."""

    least: int | Decimal | date | None = None
    most: int | Decimal | date | None = None


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts. Of each tuple any value will do, "" means that none is stated, and an empty one means any.

    `coverage` is in ten-thousandths, `arr` in `currency`; days are civil dates.
    """

    bands: tuple[Band, ...] = ()
    owners: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    name_begins: str | None = None
    silent: bool | None = None
    currency: str | None = None
    arr: Between = field(default_factory=Between)
    score: Between = field(default_factory=Between)
    coverage: Between = field(default_factory=Between)
    seats: Between = field(default_factory=Between)
    next_renewal_on: Between = field(default_factory=Between)
    last_active_on: Between = field(default_factory=Between)
    stages: tuple[str, ...] = ()
    stage_overdue: bool | None = None
    stage_entered_on: Between = field(default_factory=Between)


@dataclass(frozen=True, slots=True)
class Order:
    """An order of accounts: by one of `SORTABLE`, turned round or not; what is missing stands last either way.

    `arr` is that in `currency`. Raises `CurrencyMissing`.
    """

    by: str = "account_id"
    descending: bool = False
    currency: str | None = None

    def __post_init__(self) -> None:
        if self.by == "arr" and self.currency is None:
            raise CurrencyMissing("sorting by arr needs a currency, such as currency=EUR")


def list_of(wanted: AccountFilter, order: Order) -> str:
    """A short name of the list that a filter and an order make: a cursor leads on in that list alone."""
    return blake2b(msgspec.json.encode([wanted, order]), digest_size=9).hexdigest()
