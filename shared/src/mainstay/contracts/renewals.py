"""What renewals says: windows that opened, terms that ended, and what an account is worth."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from mainstay.contracts.common import MoneyData
from mainstay.contracts.topics import RENEWAL_EVENTS
from mainstay.messaging.port import Topic


class HealthAtOpening(msgspec.Struct, frozen=True):
    """An account's health as renewals knew it when the window opened."""

    score: int | None
    band: str
    coverage: float
    as_of: datetime


class RenewalWindowOpened(msgspec.Struct, frozen=True, omit_defaults=True):
    """A term's renewal window opened: once per term, however long the software was down.

    `window_opens_on` is the civil date in the contract's zone, `occurred_at` the instant it begins there;
    `late_by_seconds` says how much later the event was made. `ends_before` is the first day after the term. Where a
    later milestone was reached in the same moment, people are to hear of that one, and the window is `superseded`.
    """

    TYPE: ClassVar[str] = "mainstay.renewal.window_opened.v1"
    TOPIC: ClassVar[Topic] = RENEWAL_EVENTS

    account_id: str
    contract_id: str
    term_id: str
    occurred_at: datetime
    window_opens_on: date
    ends_before: date
    amount: MoneyData
    seats: int | None
    late_by_seconds: int = 0
    health: HealthAtOpening | None = None
    superseded: bool = False


class MilestoneReached(msgspec.Struct, frozen=True, omit_defaults=True):
    """A renewal reached a milestone: once per term, however long the software was down.

    `milestone` is `window`, `days_60` (or another number of days before `ends_before`), `notice_deadline` or `due`.
    `on` is its civil day in the contract's zone, `occurred_at` the instant at which that begins there, and
    `late_by_seconds` how much later it was recorded. Of several that are recorded at once people are to hear of the
    latest only: the others are `superseded`. `owner` is whoever answers for the renewal.
    """

    TYPE: ClassVar[str] = "mainstay.renewal.milestone_reached.v1"
    TOPIC: ClassVar[Topic] = RENEWAL_EVENTS

    account_id: str
    contract_id: str
    term_id: str
    milestone: str
    on: date
    occurred_at: datetime
    ends_before: date
    amount: MoneyData
    late_by_seconds: int = 0
    superseded: bool = False
    external_id: str | None = None
    owner: str | None = None
    health: HealthAtOpening | None = None


class RenewalRiskChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """A renewal whose window is open is at risk (`at_risk`: health is red), `unknown`, or neither (`none`).

    Said when the window opens, except for `none`, and when it changes before the term is renewed or over. `state` is
    where the renewal stands: `window_open`, `notice_passed`, `due` or `grace`.
    """

    TYPE: ClassVar[str] = "mainstay.renewal.risk_changed.v1"
    TOPIC: ClassVar[Topic] = RENEWAL_EVENTS

    account_id: str
    contract_id: str
    term_id: str
    occurred_at: datetime
    risk: str
    previous_risk: str | None
    state: str
    ends_before: date
    amount: MoneyData
    owner: str | None = None
    health: HealthAtOpening | None = None


class TermRenewed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A term was followed by another."""

    TYPE: ClassVar[str] = "mainstay.renewal.term_renewed.v1"
    TOPIC: ClassVar[Topic] = RENEWAL_EVENTS

    account_id: str
    contract_id: str
    term_id: str
    next_term_id: str
    occurred_at: datetime


class TermEnded(msgspec.Struct, frozen=True, omit_defaults=True):
    """A term came to its end, or was cancelled, without a successor."""

    TYPE: ClassVar[str] = "mainstay.renewal.term_ended.v1"
    TOPIC: ClassVar[Topic] = RENEWAL_EVENTS

    account_id: str
    contract_id: str
    term_id: str
    occurred_at: datetime
    reason: str


class AccountValueChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an account's contracts are worth now. A value with a lower `sequence` than one already seen is old.

    `arr` has one amount a currency; `seats` is null where no contract states any; `next_renewal_on` is the first day
    after the earliest recurring term that has no successor.
    """

    TYPE: ClassVar[str] = "mainstay.account.value_changed.v1"
    TOPIC: ClassVar[Topic] = RENEWAL_EVENTS

    account_id: str
    sequence: int
    occurred_at: datetime
    arr: tuple[MoneyData, ...] = ()
    seats: int | None = None
    next_renewal_on: date | None = None


class OneTimeHandedOver(msgspec.Struct, frozen=True, omit_defaults=True):
    """A customer bought once, and has no recurring contract: the support desk serves it, from the contract's first day.

    `ends_before` is the first day after the last one that it is served. Said when the contract is entered.
    """

    TYPE: ClassVar[str] = "mainstay.renewal.one_time_handed_over.v1"
    TOPIC: ClassVar[Topic] = RENEWAL_EVENTS

    account_id: str
    contract_id: str
    occurred_at: datetime
    starts_on: date
    ends_before: date
    amount: MoneyData
    served_by: Literal["support_desk"] = "support_desk"


class ExpansionSignalled(msgspec.Struct, frozen=True, omit_defaults=True):
    """A customer needs more than it bought: said once a signal and term, with the opportunity that was made of it.

    `signal` is `seats_nearly_used`, `over_plan`, `prepaid_runs_out`, `product_in_use` or `team_in_use`; `kind` is what
    could be sold. `subject` is the metric, or the account that is part of this one. `projected_on` is the day on which
    a prepaid balance will be used up, between `earliest` and `latest` with 80 %; null: not within three years.
    """

    TYPE: ClassVar[str] = "mainstay.renewal.expansion_signalled.v1"
    TOPIC: ClassVar[Topic] = RENEWAL_EVENTS

    account_id: str
    contract_id: str
    term_id: str
    opportunity_id: str
    occurred_at: datetime
    signal: str
    kind: str
    subject: str
    used: Decimal | None = None
    bought: Decimal | None = None
    projected_on: date | None = None
    earliest: date | None = None
    latest: date | None = None


EVENTS = (
    RenewalWindowOpened,
    MilestoneReached,
    RenewalRiskChanged,
    TermRenewed,
    TermEnded,
    AccountValueChanged,
    OneTimeHandedOver,
    ExpansionSignalled,
)
