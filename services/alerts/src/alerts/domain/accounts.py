"""The account as alerts knows it: a projection of health-score's record, enough to route and word a message."""

from dataclasses import dataclass
from datetime import date

from mainstay.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Account:
    """An account's current record. `sequence` 0 means that no record of it has arrived yet.

    `arr` has one amount a currency; `next_renewal_on` is the first day after the next term that ends.
    """

    id: str
    sequence: int = 0
    name: str | None = None
    owner: str | None = None
    tier: str | None = None
    zone: str | None = None
    arr: tuple[Money, ...] = ()
    seats: int | None = None
    next_renewal_on: date | None = None

    @property
    def is_known(self) -> bool:
        """Whether a record of the account has arrived."""
        return self.sequence > 0

    @property
    def label(self) -> str:
        """The name, or the id where no name is known."""
        return self.name or self.id
