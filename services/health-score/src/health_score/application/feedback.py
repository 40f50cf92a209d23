"""Feedback for product teams: what customers ask for by theme, who and what they are worth, and who is to be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from health_score.application.views import MoneyView
from mainstay.kernel.clock import Clock

FIRST_ACCOUNTS = 5
"""So many accounts are named with a theme; all of them are in the list of its items."""


class FeedbackState(StrEnum):
    """Where a bug or request is."""

    WONT_DO = "wont_do"
    NOT_SOON = "not_within_three_months"
    IN_POOL = "in_pool"
    SCHEDULED = "scheduled"
    IN_DEVELOPMENT = "in_development"
    IN_TEST = "in_test"
    RELEASED = "released"


class FeedbackKind(StrEnum):
    """What it is."""

    BUG = "bug"
    REQUEST = "request"


class FeedbackSeverity(StrEnum):
    """How bad it is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class FeedbackFilter:
    """Which feedback. Of each tuple any value will do, and an empty one means any.

    `theme` "" is feedback without a theme. `since`: spoken of on this day (UTC) or later. `told` False: released or
    declined, and the customer was not told.
    """

    themes: tuple[str, ...] = ()
    states: tuple[FeedbackState, ...] = ()
    kinds: tuple[FeedbackKind, ...] = ()
    severities: tuple[FeedbackSeverity, ...] = ()
    tiers: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    since: date | None = None
    told: bool | None = None


@dataclass(frozen=True, slots=True)
class AskingAccount:
    """An account that asks."""

    account_id: str
    name: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class ThemeView:
    """What customers ask for under a theme (null: none was stated).

    `arr` is that of the accounts that ask, each counted once. `states` and `severities` count what has one.
    `to_be_told` is released or declined and not told to the customer. `first_accounts` are some of `accounts`, by id.
    """

    theme: str | None
    requests: int
    bugs: int
    states: dict[str, int]
    severities: dict[str, int]
    to_be_told: int
    accounts: int
    first_accounts: tuple[AskingAccount, ...]
    arr: tuple[MoneyView, ...]
    oldest_at: datetime
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class FeedbackView:
    """One bug or request of an account, as it is known now.

    `days_since` are the days since its state was stated last: of what is to be told, how long the customer waits.
    """

    account_id: str
    account_name: str | None
    owner: str | None
    feedback_id: str
    kind: str | None
    theme: str | None
    severity: str | None
    state: str | None
    release: str | None
    eta_on: date | None
    words: str | None
    first_at: datetime
    latest_at: datetime
    state_at: datetime | None
    days_since: int | None
    customer_told_at: datetime | None


class ThemePlace(NamedTuple):
    """The place of a theme: those that most accounts ask for stand first."""

    accounts: int
    theme: str | None


class ItemPlace(NamedTuple):
    """The place of an item: by account, then its own id."""

    account_id: str
    feedback_id: str


class FeedbackReading(Protocol):
    """The store's side."""

    async def themes(self, wanted: FeedbackFilter, after: ThemePlace | None, limit: int) -> Sequence[ThemeView]:
        """Up to `limit` themes, those that most accounts ask for first, behind a place."""

    async def items(
        self, wanted: FeedbackFilter, after: ItemPlace | None, limit: int, now: datetime
    ) -> Sequence[FeedbackView]:
        """Up to `limit` items by account and id, behind a place."""


class Feedback:
    """Answers what customers ask for."""

    def __init__(self, reading: FeedbackReading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock

    async def themes(self, wanted: FeedbackFilter, after: ThemePlace | None, limit: int) -> Sequence[ThemeView]:
        """Up to `limit` themes, those that most accounts ask for first, behind a place."""
        return await self._reading.themes(wanted, after, limit)

    async def items(self, wanted: FeedbackFilter, after: ItemPlace | None, limit: int) -> Sequence[FeedbackView]:
        """Up to `limit` items by account and id, behind a place."""
        return await self._reading.items(wanted, after, limit, self._clock.now())
