"""What health-score says: scores and bands that changed, deviations, silence, and the account's current record."""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from mainstay.contracts.common import MoneyData, PhraseData
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


class MeasureValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """The value of a metric that a scorecard measures by (null: it has none); `unit` as metrics have it.

    Of a `share` 1 is the whole, of a `trend` the size of what is compared with.
    """

    metric: str
    value: float | None
    unit: str | None = None


class MeasuresChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """Values of the account's measures are others than those told last: only these are named.

    Said together with a change of the score, and at the end of the account's day; at the end of a month all are named.
    A value that left the scorecard, or is not known any more, is null.
    """

    TYPE: ClassVar[str] = "mainstay.health.measures_changed.v1"
    TOPIC: ClassVar[Topic] = HEALTH_EVENTS

    account_id: str
    occurred_at: datetime
    measures: tuple[MeasureValue, ...]
    scorecard: ScorecardRef


class BandChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account entered a band (`red`, `yellow`, `green`, `unknown`).

    `occurred_at` is when it did, which lies in the past when history is filled in. `reason` is the explanation's
    sentence in English; `phrases` are its parts as keys and parameters, for readers of other languages.
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
    phrases: tuple[PhraseData, ...] = ()


class MetricDeviated(msgspec.Struct, frozen=True, omit_defaults=True):
    """A figure of a complete day lies far from the account's own baseline: said once, however many days it lasts.

    `metric` is `events_1d` or `active_users_1d`. `expected` is the median of the same weekday in the 8 weeks before,
    `spread` the usual distance from it, and `deviation` how many spreads `value` lies above (or, negative, below).
    `occurred_at` is the end of `day` in the account's zone.
    """

    TYPE: ClassVar[str] = "mainstay.health.metric_deviated.v1"
    TOPIC: ClassVar[Topic] = HEALTH_EVENTS

    account_id: str
    occurred_at: datetime
    metric: str
    day: date
    value: int
    expected: float
    spread: float
    deviation: float


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


class MeasureStale(msgspec.Struct, frozen=True, omit_defaults=True):
    """The latest evidence of a measure is too old to score: the measure is NA from now on. Said once each time.

    `occurred_at` is the beginning of the first day beyond the measure's time to live, in the account's zone.
    """

    TYPE: ClassVar[str] = "mainstay.health.measure_stale.v1"
    TOPIC: ClassVar[Topic] = HEALTH_EVENTS

    account_id: str
    occurred_at: datetime
    measure: str
    metric: str
    last_seen_on: date
    fresh_for_days: int
    scorecard: ScorecardRef


class RuleRef(msgspec.Struct, frozen=True):
    """Which rule of which version of the operator's stage rules; version 0 comes with Mainstay."""

    name: str
    version: int


class StageChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account entered another stage of its life (null: its stage was withdrawn).

    `stage` is one of `onboarding`, `growth`, `nurture`, `renewal`, `will_churn`, `churned`. `how` is `hand` (`person`
    stated it, where that is known) or `rule`; `reason` is for people. `entered_at` lies in the past where history is
    filled in.
    """

    TYPE: ClassVar[str] = "mainstay.health.stage_changed.v1"
    TOPIC: ClassVar[Topic] = HEALTH_EVENTS

    account_id: str
    occurred_at: datetime
    stage: str | None
    previous_stage: str | None
    entered_at: datetime
    how: str
    rule: RuleRef | None = None
    reason: str | None = None
    person: str | None = None
    caused_by: tuple[str, ...] = ()


class StageOverdue(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account is longer in a stage than its target, or (with `milestone`) a planned day passed without its event.

    Said once for each entry, and once for each planned day. `due_on` is the last day in time, `occurred_at` the
    beginning of the day after it in the account's zone. `is_late`: said more than an hour after that, as after downtime
    or when history is filled in. The milestone is `go_live`; with one, there is neither entry nor target.
    """

    TYPE: ClassVar[str] = "mainstay.health.stage_overdue.v1"
    TOPIC: ClassVar[Topic] = HEALTH_EVENTS

    account_id: str
    occurred_at: datetime
    stage: str | None
    due_on: date
    entered_at: datetime | None = None
    target_dwell_days: int | None = None
    milestone: str | None = None
    is_late: bool = False


class AccountValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an account is worth: ARR by currency, seats bought, the next date on which a term ends (exclusive)."""

    arr: tuple[MoneyData, ...] = ()
    seats: int | None = None
    next_renewal_on: date | None = None


class TeamMember(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of our people has a role at an account, from `since` to `until`, its last day (null: no end is known)."""

    role: str
    person: str
    since: date
    until: date | None = None


class ServicePromises(msgspec.Struct, frozen=True, omit_defaults=True):
    """What service an account is promised: days between touches, and hours to answer a ticket in.

    The hours go by the ticket's priority (one without any is a `normal` one); those under `any` hold for the others.
    """

    touch_every_days: int | None = None
    response_within_hours: dict[str, int] = {}


class AccountChanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole current record of an account. A snapshot with a lower `sequence` than one already seen is old.

    `team` has everybody who ever had a role, by role and day; `external_ids` is by system, `locale` BCP 47. `tier`,
    `stage` and `promises` are those stated, or those that the operator's rules make of the rest.
    """

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
    stage: str | None = None
    locale: str | None = None
    currency: str | None = None
    parent_account_id: str | None = None
    external_ids: dict[str, str] = {}
    team: tuple[TeamMember, ...] = ()
    promises: ServicePromises = ServicePromises()


EVENTS = (
    ScoreChanged,
    MeasuresChanged,
    BandChanged,
    MetricDeviated,
    AccountSilent,
    AccountActiveAgain,
    MeasureStale,
    StageChanged,
    StageOverdue,
    AccountChanged,
)
