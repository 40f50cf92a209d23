"""What the API answers: plain read models. Scores are whole points 0–100, coverage is 0–1, instants are UTC."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class MoneyView:
    """An exact amount and its ISO 4217 currency."""

    amount: str
    currency: str


@dataclass(frozen=True, slots=True)
class ValueView:
    """What an account is worth: ARR by currency, seats bought, and the first day after its next term to end."""

    arr: tuple[MoneyView, ...]
    seats: int | None
    next_renewal_on: date | None


@dataclass(frozen=True, slots=True)
class HealthSummary:
    """An account's current health in short. `computed_at` is null as long as nothing was computed."""

    score: int | None
    band: str
    band_since: datetime | None
    coverage: float
    computed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account's record, what it is worth, its life and its health in short."""

    account_id: str
    name: str | None
    owner: str | None
    tier: str | None
    zone: str
    industry: str | None
    segment: str | None
    created_at: datetime
    first_active_on: date | None
    last_active_on: date | None
    silent: bool
    stage: str | None
    stage_entered_on: date | None
    stage_overdue: bool
    value: ValueView
    health: HealthSummary


@dataclass(frozen=True, slots=True)
class TeamView:
    """One of our people has a role at an account, from `since` to `until`, its last day (null: no end is known)."""

    role: str
    person: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class ServicePolicyView:
    """What service an account is promised, as stated; `budget` is for a year. `name` chooses a service policy."""

    name: str | None = None
    touch_every_days: int | None = None
    response_within_hours: int | None = None
    mode: str | None = None
    served_by: str | None = None
    training: str | None = None
    budget: MoneyView | None = None


@dataclass(frozen=True, slots=True)
class ByView:
    """Who or what made it so: `hand` (a `person`, where known) or `rule`, of a version of the document; and why.

    Version 0 comes with Mainstay.
    """

    how: str
    rule: str | None = None
    version: int | None = None
    reason: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceView:
    """The service promised: that of the policy (null: only what was stated), with what was stated in front, and why.

    Hours are a number, or by the ticket's priority.
    """

    policy: str | None
    by: ByView
    promises: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordView:
    """What else was stated about an account. `team` has everybody who ever had a role, by role and day.

    `stage` is the one it is in, `tier_by` says where its tier comes from; `service_policy` is what was stated, and
    `service` what holds.
    """

    stage: str | None
    locale: str | None
    currency: str | None
    parent_account_id: str | None
    external_ids: dict[str, str]
    team: tuple[TeamView, ...]
    service_policy: ServicePolicyView | None
    partnership: str | None
    brand_value: str | None
    go_live_planned_on: date | None
    go_live_on: date | None
    delivery_partner: str | None
    coverage_role: str | None
    coverage_assignment: str | None
    tier_by: ByView | None
    stage_by: ByView | None
    stage_target_days: int | None
    service: ServiceView | None


@dataclass(frozen=True, slots=True)
class AccountDetailView(AccountView):
    """One account: what lists show of it, and the rest of its record."""

    record: RecordView


@dataclass(frozen=True, slots=True)
class ScorecardView:
    """Which version of which scorecard."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Reported:
    """A close as it was first reported."""

    score: int | None
    band: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CloseView:
    """A day's close: as known now, and as first reported. `restated_at` is null where late events changed nothing."""

    day: date
    score: int | None
    band: str
    coverage: float
    scorecard: ScorecardView
    reported: Reported
    restated_at: datetime | None


@dataclass(frozen=True, slots=True)
class BandTotals:
    """The accounts in a band and their ARR by currency."""

    band: str
    accounts: int
    arr: tuple[MoneyView, ...]
