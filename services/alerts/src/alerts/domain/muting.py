"""Why somebody is not told, or not yet: every notification that is held has one of these reasons on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerts.domain.alerts import Alert, Notice
from alerts.domain.calendars import PublicHolidays, works_next
from alerts.domain.people import Person
from alerts.domain.playbooks import Mutes
from alerts.domain.routing import About, QuietHours, Routing
from alerts.domain.silences import Silence, muting


class Mute(StrEnum):
    """A reason."""

    SNOOZE = "snooze"
    SILENCE = "silence"
    PLAYBOOK = "playbook"
    INHIBITION = "inhibition"
    QUIET_HOURS = "quiet-hours"
    BUDGET = "budget"
    DELEGATED = "delegated"
    ACKNOWLEDGED = "acknowledged"
    NO_RECEIVER = "no-receiver"


@dataclass(frozen=True, slots=True)
class Held:
    """A message waits until an instant, or (None) until what mutes it says so. It is looked at again before it goes."""

    why: Mute
    detail: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Muted:
    """A message is not sent to somebody, and why."""

    why: Mute
    detail: str


@dataclass(frozen=True, slots=True)
class Telling:
    """One message about an alert to somebody: what a verdict goes by."""

    notice: Notice
    alert: Alert
    about: About
    quiet_hours: QuietHours
    person: Person | None = None
    told_today: int = 0
    """Openings that the person got by themselves today, on their own clock."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """A playbook that runs for an account, since when, which alerts it mutes, and what started it."""

    run_id: str
    name: str
    cause: str
    started_at: datetime
    mutes: Mutes

    def holds(self, alert: Alert) -> bool:
        """Whether an alert waits for its end: one that began since, and is not the one that started it."""
        is_later = alert.opened_at > self.started_at and self.cause != f"alert:{alert.id}"
        return is_later and self.mutes.covers(alert)


def of_the_alert(
    telling: Telling,
    silences: Sequence[Silence],
    routing: Routing,
    now: datetime,
    interventions: Sequence[Intervention] = (),
) -> Held | None:
    """What holds a message whoever it is for. A resolution is held by nothing: whoever heard the beginning hears it."""
    alert = telling.alert
    if telling.notice is Notice.RESOLVED:
        return None
    if alert.snoozed_until is not None and now < alert.snoozed_until:
        return Held(Mute.SNOOZE, f"snoozed by {alert.snoozed_by}", alert.snoozed_until)
    silence = muting(silences, telling.about, now)
    if silence is not None:
        return Held(Mute.SILENCE, f"silence {silence.id} by {silence.created_by}: {silence.reason}", silence.ends_at)
    for running in interventions:
        if running.holds(alert):
            return Held(Mute.PLAYBOOK, f"the playbook {running.name} is running ({running.run_id})", None)
    inhibition = routing.inhibits(telling.about)
    if inhibition is not None:
        return Held(Mute.INHIBITION, inhibition.name, None)
    return None


def of_the_person(telling: Telling, holidays: PublicHolidays, now: datetime) -> Held | Muted | None:
    """What holds a message for this person: working hours, and for openings the budget of the day."""
    person, alert = telling.person, telling.alert
    if person is None:
        return None
    is_end = telling.notice is Notice.RESOLVED
    if not is_end and alert.acknowledged_by is not None:
        return Muted(Mute.ACKNOWLEDGED, f"{alert.acknowledged_by} has it already")
    if telling.quiet_hours.holds(alert.severity):
        # a resolution does not wait for the end of a leave: whoever is back needs no news that is weeks old
        held = off_work(_without_leave(person) if is_end else person, holidays, now)
        if held is not None:
            return held
    if (
        telling.notice is Notice.OPENED
        and person.daily_budget is not None
        and telling.told_today >= person.daily_budget
        and telling.quiet_hours.holds(alert.severity)
    ):
        return Held(Mute.BUDGET, f"{telling.told_today} of {person.daily_budget} for today were sent", None)
    return None


def off_work(person: Person, holidays: PublicHolidays, now: datetime) -> Held | None:
    """What holds a message for somebody who does not work now."""
    hours = works_next(person, now, holidays)
    if hours is None or hours <= now:
        return None
    return Held(Mute.QUIET_HOURS, f"{person.name} works again from then on", hours)


def _without_leave(person: Person) -> Person:
    return Person(
        id=person.id,
        name=person.name,
        zone=person.zone,
        workdays=person.workdays,
        hours=person.hours,
        country=person.country,
        subdivision=person.subdivision,
        days_off=person.days_off,
    )
