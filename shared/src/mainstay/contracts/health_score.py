"""What health-score says: scores and bands that changed, silence, and the account's current record."""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from mainstay.contracts.common import MoneyData
from mainstay.contracts.topics import ACCOUNT_EVENTS, HEALTH_EVENTS
from mainstay.messaging.port import Topic


class ScorecardRef(msgspec.Struct, frozen=True):
    """Which version of which scorecard a score comes from."""

    id: str
    version: int


class MeasureChange(msgspec.Struct, frozen=True):
    """One measure's part in a change: its contribution to the score before and after, in points of the score."""

    measure: str
    before: int | None
    after: int | None


class ScoreChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account's published score moved. Scores are whole points 0–100 (null: too little data); coverage is 0–1.

    `caused_by` names the events behind the change (at most 50); it is empty for a change that time alone made.
    """

    TYPE: ClassVar[str] = "mainstay.health.score_changed.v1"
    TOPIC: ClassVar[Topic] = HEALTH_EVENTS

    account_id: str
    occurred_at: datetime
    score: int | None
    previous_score: int | None
    band: str
    coverage: float
    scorecard: ScorecardRef
    changes: tuple[MeasureChange, ...] = ()
    caused_by: tuple[str, ...] = ()


class BandChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account entered a band (`red`, `yellow`, `green`, `unknown`).

    `occurred_at` is when it did, which lies in the past when history is filled in. `reason` is the explanation's
    sentence, for a person.
    """

    TYPE: ClassVar[str] = "mainstay.health.band_changed.v1"
    TOPIC: ClassVar[Topic] = HEALTH_EVENTS

    account_id: str
    occurred_at: datetime
    band: str
    previous_band: str | None
    score: int | None
    previous_score: int | None
    coverage: float
    scorecard: ScorecardRef
    reason: str
    caused_by: tuple[str, ...] = ()


class AccountSilent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account has shown no activity for longer than its own habit allows. Said once a silence.

    `occurred_at` is the instant the habit was exceeded, `habit_days` the days of quiet it allows.
    """

    TYPE: ClassVar[str] = "mainstay.health.account_silent.v1"
    TOPIC: ClassVar[Topic] = HEALTH_EVENTS

    account_id: str
    occurred_at: datetime
    last_activity_on: date
    habit_days: int


class AccountActiveAgain(msgspec.Struct, frozen=True, omit_defaults=True):
    """A silent account shows activity again."""

    TYPE: ClassVar[str] = "mainstay.health.account_active_again.v1"
    TOPIC: ClassVar[Topic] = HEALTH_EVENTS

    account_id: str
    occurred_at: datetime
    last_activity_on: date
    caused_by: tuple[str, ...] = ()


class AccountValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an account is worth: ARR by currency, seats bought, the next date on which a term ends (exclusive)."""

    arr: tuple[MoneyData, ...] = ()
    seats: int | None = None
    next_renewal_on: date | None = None


class AccountChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole current record of an account. A snapshot with a lower `sequence` than one already seen is old."""

    TYPE: ClassVar[str] = "mainstay.account.changed.v1"
    TOPIC: ClassVar[Topic] = ACCOUNT_EVENTS

    account_id: str
    sequence: int
    occurred_at: datetime
    name: str | None = None
    owner: str | None = None
    tier: str | None = None
    zone: str | None = None
    industry: str | None = None
    segment: str | None = None
    value: AccountValue = AccountValue()


EVENTS = (ScoreChanged, BandChanged, AccountSilent, AccountActiveAgain, AccountChanged)
