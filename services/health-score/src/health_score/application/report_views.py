"""What a pack for a review with a customer holds. `SharedPack` may be handed to the customer; nothing else may.

Two models on purpose: what the customer gets is built of named fields, one by one, and never by taking away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from health_score.application.views import MoneyView

MOST = 100
"""So many rows a section has at most, the newest."""


@dataclass(frozen=True, slots=True)
class PeriodView:
    """The days of a review, both included, in the account's zone."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class GoalView:
    """What the customer wants to reach, in their words. `now` is the metric as the period ends, else as last stated.

    `progress` is the way from the baseline to the target, 0–1; null: one of the three is not known.
    `state` is `active`, `achieved` or `missed`; `is_confirmed`: somebody said that it was reached.
    """

    words: str
    state: str
    baseline: float | None
    now: float | None
    target: float | None
    progress: float | None
    due_on: date | None
    achieved_on: date | None
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class UsePointView:
    """The distinct users of some days, both included."""

    first: date
    last: date
    users: int


@dataclass(frozen=True, slots=True)
class UseReportView:
    """Use in the period beside the equally long one before. Changes are shares of what was before; null: from zero.

    `seats_used` is what was last stated, else the period's active users.
    """

    active_users: int
    active_users_before: int
    active_users_change: float | None
    events: int
    events_before: int
    events_change: float | None
    seats: int | None
    seats_used: int | None
    points: tuple[UsePointView, ...]


@dataclass(frozen=True, slots=True)
class FeatureUseView:
    """A feature used in the period; `share` is of all active users, `is_new`: it was never used before."""

    feature: str
    users: int
    share: float | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class TicketsView:
    """Support in the period. Hours are medians from opening; `in_time_share` is of what was promised. Null: unknown.

    What is promised as the period ends: the same hours for every ticket, or hours by a ticket's priority.
    """

    opened: int
    resolved: int
    open_now: int
    first_response_hours: float | None
    promised_hours: int | None
    promised_hours_by_priority: Mapping[str, int] | None
    in_time_share: float | None
    resolution_hours: float | None
    csat: float | None
    csat_answers: int


@dataclass(frozen=True, slots=True)
class RequestView:
    """What the customer asked for, where it stands, in which release it is, and when they were told."""

    words: str
    kind: str | None
    state: str | None
    release: str | None
    told_on: date | None


@dataclass(frozen=True, slots=True)
class CourseView:
    """A course: who took part, and how many completed it, in the period and in all."""

    course: str
    participants: int
    completed: int
    completed_in_period: int


@dataclass(frozen=True, slots=True)
class MeetingView:
    """A meeting that was held."""

    day: date
    kind: str
    channel: str | None


@dataclass(frozen=True, slots=True)
class StepView:
    """What was promised at a meeting, and by when."""

    what: str
    due_on: date


@dataclass(frozen=True, slots=True)
class SharedPack:
    """What a customer may be handed. No score, band, risk, sentiment, note, cost or ARR, and no name of ours."""

    customer: str
    language: str
    period: PeriodView
    before: PeriodView
    goals: tuple[GoalView, ...]
    use: UseReportView
    features: tuple[FeatureUseView, ...]
    tickets: TicketsView
    requests: tuple[RequestView, ...]
    courses: tuple[CourseView, ...]
    meetings: tuple[MeetingView, ...]
    next_steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class CustomerReport:
    """The pack for the customer."""

    audience: str
    pack: SharedPack


@dataclass(frozen=True, slots=True)
class HealthReportView:
    """The score and band at the end and before the period, and what changed, in the reader's language."""

    score: int | None
    band: str
    score_before: int | None
    band_before: str
    sentence: str
    measures: tuple["MeasureReportView", ...]


@dataclass(frozen=True, slots=True)
class MeasureReportView:
    """A measure that moved in the period, and what it says."""

    measure: str
    difference: int
    text: str | None


@dataclass(frozen=True, slots=True)
class NoteView:
    """What one of us wrote, or a customer said when asked."""

    at: datetime
    kind: str
    text: str
    by: str | None


@dataclass(frozen=True, slots=True)
class InternalGoalView:
    """An objective with what the customer does not see: drafts and dropped ones too."""

    words: str
    state: str
    metric: str | None
    confirmed_by: str | None


@dataclass(frozen=True, slots=True)
class InternalRequestView:
    """Feedback with what the customer does not see."""

    words: str
    state: str | None
    theme: str | None
    severity: str | None
    eta_on: date | None
    effect: str | None


@dataclass(frozen=True, slots=True)
class InternalStepView:
    """A next step, also of meetings about the customer without them, and whose it is."""

    what: str
    due_on: date
    owner: str | None
    is_internal: bool


@dataclass(frozen=True, slots=True)
class EffortReportView:
    """What the customer took in the period: touches, minutes and cost."""

    touches: int
    internal_touches: int
    minutes: int
    cost: tuple[MoneyView, ...]


@dataclass(frozen=True, slots=True)
class InternalPart:
    """What only we see."""

    account_id: str
    owner: str | None
    tier: str | None
    stage: str | None
    arr: tuple[MoneyView, ...]
    next_renewal_on: date | None
    health: HealthReportView
    risks: tuple[str, ...]
    goals: tuple[InternalGoalView, ...]
    requests: tuple[InternalRequestView, ...]
    next_steps: tuple[InternalStepView, ...]
    effort: EffortReportView
    notes: tuple[NoteView, ...]


@dataclass(frozen=True, slots=True)
class InternalReport:
    """The pack with what only we see."""

    audience: str
    pack: SharedPack
    internal: InternalPart
