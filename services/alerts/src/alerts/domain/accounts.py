"""The account as alerts knows it: a projection of health-score's record, enough to route and word a message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from alerts.domain.words import Category
from mainstay.kernel.money import Money

SOURCE = "source:"
"""Begins the account id under which alerts about a source of data stand."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One of our people has a role at an account, from `since` to `until`, its last day (None: no end is known)."""

    role: str
    person: str
    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether they have it on a day."""
        return self.since <= day and (self.until is None or day <= self.until)


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
    stage: str | None = None
    segment: str | None = None
    industry: str | None = None
    touch_every_days: int | None = None
    response_within_hours: Mapping[str, int] = field(default_factory=dict)
    """What its service policy promises, by priority of the ticket (none is `normal`); `any` for the others."""
    team: tuple[Assignment, ...] = ()
    """Everybody who ever had a role, by role and day."""

    @property
    def is_known(self) -> bool:
        """Whether a record of the account has arrived."""
        return self.sequence > 0

    @property
    def label(self) -> str:
        """The name, or the id where no name is known."""
        return self.name or self.id

    @property
    def is_source(self) -> bool:
        """Whether it stands for a source of data, which feeds many accounts."""
        return self.id.startswith(SOURCE)

    @property
    def is_leaving(self) -> bool:
        """Whether it left, or is known to leave."""
        return self.stage in {"will_churn", "churned"}

    def leaves_unsaid(self, category: Category) -> bool:
        """Whether alerts of a category are no work any more: whoever accepted a churn needs no warning of it."""
        return self.is_leaving and category is Category.RISK

    def response_hours(self, priority: str | None) -> int | None:
        """Within how many hours a ticket of a priority is to be answered; None where nothing is promised."""
        return self.response_within_hours.get(priority or "normal", self.response_within_hours.get("any"))
