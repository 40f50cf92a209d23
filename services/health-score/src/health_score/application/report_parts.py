"""The parts of a pack that a customer may be handed, from what is known at the end of a period."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from health_score.application.report_views import (
    MOST,
    CourseView,
    FeatureUseView,
    GoalView,
    MeetingView,
    RequestView,
    StepView,
    TicketsView,
    UsePointView,
    UseReportView,
)
from health_score.domain.activity import Activity
from health_score.domain.derived import Service
from health_score.domain.facts.known import Known, Thing
from health_score.domain.metrics.activation import ACTIVATION
from health_score.domain.metrics.counting import hours, hours_for, mean, median
from health_score.domain.metrics.custom import PREFIX
from health_score.domain.metrics.deviation import DEVIATION
from health_score.domain.metrics.engagement import NO_TOUCH
from health_score.domain.metrics.habit import HABIT
from health_score.domain.metrics.people import is_completed
from health_score.domain.metrics.reading import Value
from health_score.domain.metrics.success import state_of
from health_score.domain.metrics.support import SUPPORT, in_time_share, opened_at, was_open
from health_score.domain.metrics.usage import USAGE
from health_score.domain.metrics.voice import VOICE
from health_score.domain.periods import Period
from health_score.domain.success_plan import standing
from mainstay.kernel.clock import day_of

SHARED_STATES: Final = ("active", "achieved", "missed")
"""The states of objectives that were agreed with the customer: neither drafts nor dropped ones."""

_IN_ORDER: Final = {state: place for place, state in enumerate(SHARED_STATES)}

NO_MEETING: Final = frozenset({"message", "other"})
"""Kinds of touchpoints at which nobody met."""

SHARED_METRICS: Final = frozenset(
    {metric.name for metric in (*USAGE, *HABIT, *ACTIVATION, *DEVIATION, *SUPPORT, *VOICE)}
    | {"courses_completed", "contacts_trained_share", "contacts_certified"}
)
"""The metrics of their use, tickets, answers and training: a customer may read these, and the operator's own.

Others say what we think of them, whom we meet, and what they owe.
"""

DAYS_ONE_BY_ONE: Final = 31
"""Up to so many days a chart shows each, else weeks."""


class FeatureUse(NamedTuple):
    """A feature's distinct users in a period, and whether it was ever used before."""

    feature: str
    users: int
    was_used_before: bool


class Facts(NamedTuple):
    """What is known at the end of a period, which ends (now, where it runs) at `end`."""

    known: Known
    period: Period
    begin: datetime
    end: datetime
    zone: ZoneInfo

    def holds(self, instant: datetime | None) -> bool:
        """Whether an instant lies in the period."""
        return instant is not None and self.begin <= instant < self.end


def is_shared(metric: str | None) -> bool:
    """Whether a customer may read the value of a metric."""
    return metric is not None and (metric in SHARED_METRICS or metric.startswith(PREFIX))


def agreed(of: Facts) -> Sequence[Thing]:
    """The objectives that were agreed: those under way first, then by their days."""
    found = [
        each for each in of.known.of("objective") if state_of(each) in _IN_ORDER and each.said("words") is not None
    ]
    return sorted(found, key=lambda each: (_IN_ORDER[state_of(each)], each.said("due_on") or date.max, each.first_at))[
        :MOST
    ]


def goals(of: Facts, values: Mapping[str, float | None]) -> tuple[GoalView, ...]:
    """The objectives that were agreed, by these values of metrics as the period ends."""
    shared = {metric: value for metric, value in values.items() if is_shared(metric)}
    found = ((each, standing(each, shared)) for each in agreed(of))
    return tuple(
        GoalView(
            words=each.said("words"),
            state=state_of(each),
            baseline=each.said("baseline"),
            now=_rounded(stands.value),
            target=each.said("target"),
            progress=_rounded(stands.progress),
            due_on=each.said("due_on"),
            achieved_on=each.said("achieved_on"),
            is_confirmed=each.said("confirmed_by") is not None,
        )
        for each, stands in found
    )


def use(of: Facts, activity: Activity, seats: int | None) -> UseReportView:
    """Use in the period beside the one before."""
    period = of.period
    users, events = _used(activity, period)
    users_before, events_before = _used(activity, period.before)
    stated = of.known.things.get("entitlement", {}).get("seats")
    used = stated.said("used") if stated else None
    bought = seats if seats is not None else stated.said("bought") if stated else None
    by = 1 if period.days <= DAYS_ONE_BY_ONE else 7
    return UseReportView(
        active_users=users,
        active_users_before=users_before,
        active_users_change=_change(users, users_before),
        events=events,
        events_before=events_before,
        events_change=_change(events, events_before),
        seats=None if bought is None else int(bought),
        seats_used=users if used is None else int(used),
        points=tuple(UsePointView(part.first, part.last, _used(activity, part)[0]) for part in period.parts(by)),
    )


def features(used: Iterable[FeatureUse], active_users: int) -> tuple[FeatureUseView, ...]:
    """The features of the period, those with most users first."""
    ranked = sorted(used, key=lambda each: (-each.users, each.feature))[:MOST]
    return tuple(
        FeatureUseView(
            each.feature,
            each.users,
            round(each.users / active_users, 4) if active_users else None,
            not each.was_used_before,
        )
        for each in ranked
    )


def tickets(of: Facts, service: Service | None) -> TicketsView:
    """Support in the period, against the service that is promised as it ends."""
    found = of.known.of("ticket")
    promised = service.promises.get("response_within_hours") if service else None
    opened = [each for each in found if of.holds(opened_at(each))]
    given = [each.said("csat") for each in found if of.holds(each.said_at("csat")) and each.said("csat") is not None]
    return TicketsView(
        opened=len(opened),
        resolved=sum(of.holds(each.said("resolved_at")) for each in found),
        open_now=sum(was_open(each, of.end) for each in found),
        first_response_hours=_tenths(median(_hours(of, found, "first_response_at"))),
        promised_hours=None if isinstance(promised, Mapping) else promised,
        promised_hours_by_priority=promised if isinstance(promised, Mapping) else None,
        in_time_share=_rounded(
            in_time_share(opened, lambda ticket: hours_for(promised, ticket.said("priority")), of.end)
        ),
        resolution_hours=_tenths(median(_hours(of, found, "resolved_at"))),
        csat=_tenths(mean(given)),
        csat_answers=len(given),
    )


def requests(of: Facts) -> tuple[RequestView, ...]:
    """What the customer asked for and what became of it: what moved in the period, and what is still open."""
    shown = [each for each in requests_of(of) if each.said("words") is not None]
    return tuple(
        RequestView(
            words=each.said("words"),
            kind=each.said("kind"),
            state=each.said("state"),
            release=each.said("release"),
            told_on=None if (told := each.said("customer_told_at")) is None else day_of(told, of.zone),
        )
        for each in shown[:MOST]
    )


def requests_of(of: Facts) -> Sequence[Thing]:
    """Feedback that moved in the period or waits for an answer; what was answered first, then the newest."""
    found = [
        each
        for each in of.known.of("feedback")
        if of.holds(each.last_at) or each.said("state") not in {"released", "wont_do"}
    ]
    return sorted(
        found, key=lambda each: (each.said("state") not in {"released", "wont_do"}, -each.last_at.timestamp(), each.id)
    )


def courses(of: Facts) -> tuple[CourseView, ...]:
    """The courses of which anything was heard in the period."""
    by_course: dict[str, list[Thing]] = {}
    for each in of.known.of("training"):
        by_course.setdefault(each.said("course"), []).append(each)
    heard = {course: records for course, records in by_course.items() if any(of.holds(r.last_at) for r in records)}
    return tuple(
        CourseView(
            course=course,
            participants=len(
                {(record.said("contact_id") is None, record.said("contact_id") or record.id) for record in records}
            ),
            completed=sum(is_completed(record) for record in records),
            completed_in_period=sum(is_completed(record) and of.holds(record.last_at) for record in records),
        )
        for course, records in sorted(heard.items())[:MOST]
    )


def meetings(of: Facts) -> tuple[MeetingView, ...]:
    """The meetings held in the period, the newest first."""
    held = [each for each in touches_in(of) if each.said("kind") not in NO_MEETING and reached(each)]
    return tuple(
        MeetingView(day_of(each.last_at, of.zone), each.said("kind"), each.said("channel")) for each in held[:MOST]
    )


def next_steps(of: Facts) -> tuple[StepView, ...]:
    """What was promised to the customer for days from the period's first on, by day."""
    promised = [
        StepView(step["what"], step["due_on"])
        for each in of.known.of("touchpoint")
        if not each.said("is_internal") and (step := each.said("next_step")) and step["due_on"] >= of.period.first
    ]
    return tuple(sorted(promised, key=lambda step: (step.due_on, step.what))[:MOST])


def touches_in(of: Facts) -> Sequence[Thing]:
    """The touchpoints of the period, also those about the customer without them, the newest first."""
    found = [each for each in of.known.of("touchpoint") if of.holds(each.last_at)]
    return sorted(found, key=lambda each: (each.last_at, each.id), reverse=True)


def reached(touch: Thing) -> bool:
    """Whether a touchpoint was one with the customer."""
    return not touch.said("is_internal") and touch.said("result") not in NO_TOUCH


def _used(activity: Activity, period: Period) -> tuple[int, int]:
    """The distinct users and the events of a period."""
    users = events = 0
    for day, used in activity.days.items():
        if day in period:
            users |= used.users
            events += used.events
    return users.bit_count(), events


def _change(now: int, before: int) -> float | None:
    return round((now - before) / before, 4) if before else None


def _hours(of: Facts, found: Iterable[Thing], name: str) -> Iterable[Fraction]:
    for ticket in found:
        instant = ticket.said(name)
        if of.holds(instant):
            yield hours(instant - opened_at(ticket))


def _tenths(value: Value) -> float | None:
    return None if value is None else round(float(value), 1)


def _rounded(value: Value | float) -> float | None:
    return None if value is None else round(float(value), 4)
