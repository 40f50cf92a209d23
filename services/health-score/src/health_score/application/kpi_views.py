"""What key figures look like. Shares are 0–1; a ratio of nothing is null, and every one has its `n` beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from health_score.application.kpis import Row
from health_score.domain.kpis.adoption import Adoption
from health_score.domain.kpis.answers import Csat, Marks, Nps
from health_score.domain.kpis.outcomes import ADVOCACIES, Outcomes
from health_score.domain.kpis.spread import Durations
from health_score.domain.kpis.tickets import PRIORITIES, Kept, Support
from health_score.domain.kpis.trainings import Training
from health_score.domain.kpis.use import ActiveUsers

MOST_FEATURES = 20


def _shown(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


@dataclass(frozen=True, slots=True)
class NpsView:
    """`nps` in points −100–100, of the last answer of `n` people; `answers` are all that came."""

    nps: float | None
    n: int
    promoters: int
    passives: int
    detractors: int
    answers: int


@dataclass(frozen=True, slots=True)
class MarksView:
    """The mean of `n` marks of 1–5, and the share of those of 4 and 5."""

    mean: float | None
    satisfied_share: float | None
    satisfied: int
    n: int


@dataclass(frozen=True, slots=True)
class CsatView:
    """What was given for tickets, and what was answered to surveys."""

    tickets: MarksView
    surveys: MarksView


@dataclass(frozen=True, slots=True)
class TimesView:
    """How `n` durations are spread, in hours: the median, and what nine of ten do not exceed."""

    median_hours: float | None
    p90_hours: float | None
    n: int


@dataclass(frozen=True, slots=True)
class InTimeView:
    """Tickets answered or resolved within the hours promised ÷ `n` with such a promise that are so, or overdue."""

    share: float | None
    in_time: int
    n: int


@dataclass(frozen=True, slots=True)
class TicketsView:
    """Tickets opened, resolved and opened again in the period, and open at its end."""

    opened: int
    resolved: int
    reopened: int
    open_at_end: int


@dataclass(frozen=True, slots=True)
class PrioritiesView:
    """The same by the tickets' priority; `unstated`: nobody said."""

    urgent: TicketsView
    high: TicketsView
    normal: TicketsView
    low: TicketsView
    unstated: TicketsView


@dataclass(frozen=True, slots=True)
class SupportView:
    """Tickets, how fast they were answered and resolved, and whether in time; `in_time` is of first responses."""

    tickets: TicketsView
    first_response: TimesView
    resolution: TimesView
    in_time: InTimeView
    resolved_in_time: InTimeView
    by_priority: PrioritiesView


@dataclass(frozen=True, slots=True)
class ExamsView:
    """Exams passed ÷ `n` taken."""

    pass_rate: float | None
    passed: int
    n: int


@dataclass(frozen=True, slots=True)
class TrainedView:
    """People with a completed course ÷ active users in 28 days, both at the period's end."""

    per_active_user: float | None
    people: int
    active_users: int


@dataclass(frozen=True, slots=True)
class TrainingView:
    """Training records, by what became of them in the period."""

    enrolled: int
    completed: int
    dropped: int
    certified: int
    exams: ExamsView
    trained: TrainedView


@dataclass(frozen=True, slots=True)
class ActiveUsersView:
    """Distinct users in 1, 7 and 28 days at the period's end, of `accounts` with any in 28 days.

    `stickiness` is `user_days_28d` ÷ 28 ÷ `monthly`; `daily_mean` is `user_days` ÷ `complete_days` of the period.
    """

    daily: int
    weekly: int
    monthly: int
    accounts: int
    stickiness: float | None
    user_days_28d: int
    daily_mean: float | None
    user_days: int
    complete_days: int


@dataclass(frozen=True, slots=True)
class SeatsView:
    """Seats in use ÷ bought at the period's end, of `n` accounts whose seats are known."""

    utilisation: float | None
    used: float
    bought: int
    n: int


@dataclass(frozen=True, slots=True)
class FirstValueView:
    """Median days from the beginning to the first use, of `n` accounts whose first use lies in the period."""

    median_days: float | None
    n: int


@dataclass(frozen=True, slots=True)
class FeatureAdoptionView:
    """Users of a feature ÷ active users who could use it, in the 28 days to the period's end."""

    feature: str
    adoption: float | None
    users: int
    eligible: int


@dataclass(frozen=True, slots=True)
class AdoptionView:
    """`features_used` ÷ `accounts` in use in the 28 days to the period's end, and what began in the period."""

    features_per_account: float | None
    features_used: int
    accounts: int
    seats: SeatsView
    activated: int
    time_to_first_value: FirstValueView
    features: tuple[FeatureAdoptionView, ...]


@dataclass(frozen=True, slots=True)
class DueView:
    """Objectives due in the period (`n`), by what became of them; the share is of those achieved, late ones too."""

    achieved_share: float | None
    achieved_on_time: int
    achieved_late: int
    missed: int
    still_running: int
    n: int


@dataclass(frozen=True, slots=True)
class AchievedView:
    """Objectives achieved in the period (`n`), and those of them that the customer confirmed."""

    confirmed_share: float | None
    confirmed: int
    n: int


@dataclass(frozen=True, slots=True)
class CustomersView:
    """Customers that reached at least one goal in the period ÷ `n` that had one to reach."""

    reached_share: float | None
    reached: int
    n: int


@dataclass(frozen=True, slots=True)
class AdvocaciesView:
    """Acts of advocacy given in the period."""

    referral: int
    reference: int
    case_study: int
    testimonial: int
    n: int


@dataclass(frozen=True, slots=True)
class FeedbackView:
    """Feedback released or declined in the period (`n`), and whether and after how long the customer was told."""

    told_share: float | None
    told: int
    released: int
    declined: int
    n: int
    median_days_to_tell: float | None


@dataclass(frozen=True, slots=True)
class OutcomesView:
    """What customers reached, what they did for us, and whether they heard back."""

    due: DueView
    achieved: AchievedView
    customers: CustomersView
    advocacies: AdvocaciesView
    feedback: FeedbackView


def nps_view(row: Row[Nps]) -> NpsView:
    """The NPS of a row."""
    cell = row.cell
    return NpsView(_shown(cell.score), cell.people, cell.promoters, cell.passives, cell.detractors, cell.answers)


def csat_view(row: Row[Csat]) -> CsatView:
    """The satisfaction of a row."""
    return CsatView(_marks(row.cell.tickets), _marks(row.cell.surveys))


def support_view(row: Row[Support]) -> SupportView:
    """The support of a row."""
    cell = row.cell
    by_priority = {name: _tickets(cell, (name,)) for name in PRIORITIES}
    return SupportView(
        _tickets(cell, PRIORITIES),
        _times(cell.first_responses),
        _times(cell.resolutions),
        _kept(cell.answered_in_time),
        _kept(cell.resolved_in_time),
        PrioritiesView(**by_priority),
    )


def training_view(row: Row[Training]) -> TrainingView:
    """The training of a row."""
    cell = row.cell
    return TrainingView(
        cell.enrolled,
        cell.completed,
        cell.dropped,
        cell.certified,
        ExamsView(_shown(cell.pass_rate), cell.exams_passed, cell.exams),
        TrainedView(_shown(cell.trained_per_active_user), cell.people_trained, cell.active_users),
    )


def active_users_view(row: Row[ActiveUsers]) -> ActiveUsersView:
    """The active users of a row."""
    cell = row.cell
    return ActiveUsersView(
        cell.daily,
        cell.weekly,
        cell.monthly,
        cell.accounts,
        _shown(cell.stickiness),
        cell.user_days_28d,
        _shown(cell.daily_mean(row.complete_days)),
        cell.user_days,
        row.complete_days,
    )


def commonest_features(rows: Sequence[Row[Adoption]]) -> tuple[str, ...]:
    """The features with most users in all rows together; of equals the first by name."""
    users: dict[str, int] = {}
    for row in rows:
        for feature, count in row.cell.users_of.items():
            users[feature] = users.get(feature, 0) + count
    return tuple(sorted(users, key=lambda feature: (-users[feature], feature))[:MOST_FEATURES])


def adoption_view(row: Row[Adoption], features: Sequence[str]) -> AdoptionView:
    """The adoption of a row, with some features."""
    cell = row.cell
    return AdoptionView(
        _shown(cell.features_per_account),
        cell.features_used,
        cell.accounts,
        SeatsView(_shown(cell.seat_utilisation), float(cell.seats_used), cell.seats_bought, cell.accounts_with_seats),
        cell.activated,
        FirstValueView(_shown(cell.first_values.median_days()), len(cell.first_values)),
        tuple(
            FeatureAdoptionView(name, _shown(cell.adoption_of(name)), cell.users_of[name], cell.eligible(name))
            for name in features
        ),
    )


def outcomes_view(row: Row[Outcomes]) -> OutcomesView:
    """The outcomes of a row."""
    cell = row.cell
    advocacies = {kind: cell.advocacies[kind] for kind in ADVOCACIES}
    return OutcomesView(
        DueView(_shown(cell.achieved_share), cell.on_time, cell.late, cell.missed, cell.still_running, cell.due),
        AchievedView(_shown(cell.confirmed_share), cell.confirmed, cell.achieved),
        CustomersView(_shown(cell.customers_share), cell.customers_who_reached, cell.customers),
        AdvocaciesView(**advocacies, n=sum(advocacies.values())),
        FeedbackView(
            _shown(cell.told_share),
            cell.told,
            cell.released,
            cell.declined,
            cell.released + cell.declined,
            _shown(cell.until_told.median_days()),
        ),
    )


def _marks(marks: Marks) -> MarksView:
    if not marks.given:
        return MarksView(None, None, 0, 0)
    return MarksView(marks.total / marks.given, marks.satisfied / marks.given, marks.satisfied, marks.given)


def _times(durations: Durations) -> TimesView:
    return TimesView(_shown(durations.median_hours()), _shown(durations.p90_hours()), len(durations))


def _kept(kept: Kept) -> InTimeView:
    return InTimeView(kept.in_time / kept.judged if kept.judged else None, kept.in_time, kept.judged)


def _tickets(cell: Support, priorities: Sequence[str]) -> TicketsView:
    return TicketsView(
        *(
            sum(counted[priority] for priority in priorities)
            for counted in (cell.opened, cell.resolved, cell.reopened, cell.open_at_end)
        )
    )
