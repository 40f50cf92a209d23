"""What holds a message, and in which order the reasons are asked."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Notice
from alerts.domain.calendars import no_holidays
from alerts.domain.muting import Mute, Telling, of_the_alert, of_the_person
from alerts.domain.people import Leave, Person
from alerts.domain.routing import About, Match, QuietHours, Routing
from alerts.domain.silences import Silence
from alerts.domain.words import Category, Severity

NOW = datetime(2026, 3, 2, 22, tzinfo=UTC)  # a Monday night
LATER = NOW + timedelta(hours=1)
ALERT = Alert(
    id="a1",
    identity="band-worsened/acme/red",
    account_id="acme",
    subject="band",
    rule="band-worsened",
    rule_version=1,
    category=Category.RISK,
    grade="red",
    severity=Severity.WARNING,
    words={},
    opened_at=NOW,
    opened_by="e1",
    recorded_at=NOW,
)
SNOOZED = replace(ALERT, snoozed_until=LATER, snoozed_by="ann")
SILENCE = Silence("s1", Match(accounts=frozenset({"acme"})), NOW, LATER, "known", NOW, "max")
ANN = Person("ann", "Ann", daily_budget=2)
NIGHT_OWL = replace(ANN, hours=replace(ANN.hours, since=0, until=24 * 60))


def telling(alert: Alert = ALERT, *, stage: str = "growth", notice: Notice = Notice.OPENED, **more: Any) -> Telling:
    about = About.of(alert, Account("acme", sequence=1, stage=stage))
    return Telling(notice, alert, about, more.pop("quiet_hours", QuietHours.HOLD), **more)


@pytest.mark.parametrize(
    ("told", "silences", "why", "until"),
    [
        (telling(), (), None, None),
        (telling(SNOOZED), (SILENCE,), Mute.SNOOZE, LATER),
        (telling(), (SILENCE,), Mute.SILENCE, LATER),
        (telling(stage="churned"), (), Mute.INHIBITION, None),
        (telling(SNOOZED, notice=Notice.ESCALATED), (), Mute.SNOOZE, LATER),
        (telling(SNOOZED, notice=Notice.RESOLVED, stage="churned"), (SILENCE,), None, None),
    ],
)
def test_an_alert_is_muted_for_everybody_but_its_end_is_not(
    told: Telling, silences: tuple[Silence, ...], why: Mute | None, until: datetime | None
) -> None:
    held = of_the_alert(told, silences, Routing(), NOW)

    assert (held.why if held else None, held.until if held else None) == (why, until)


MORNING = datetime(2026, 3, 3, 8, tzinfo=UTC)
CRITICAL = replace(ALERT, severity=Severity.CRITICAL)
AWAY = replace(ANN, leaves=(Leave(date(2026, 3, 1), date(2026, 3, 20)),))


@pytest.mark.parametrize(
    ("told", "why", "until"),
    [
        (telling(), None, None),  # for a place, which has no hours
        (telling(person=ANN), Mute.QUIET_HOURS, MORNING),
        (telling(person=NIGHT_OWL), None, None),
        (telling(person=NIGHT_OWL, told_today=2), Mute.BUDGET, None),
        (telling(person=NIGHT_OWL, told_today=2, notice=Notice.ESCALATED), None, None),
        (telling(person=ANN, quiet_hours=QuietHours.IGNORE, told_today=9), None, None),
        (telling(person=ANN, quiet_hours=QuietHours.CRITICAL_THROUGH), Mute.QUIET_HOURS, MORNING),
        (telling(CRITICAL, person=ANN, quiet_hours=QuietHours.CRITICAL_THROUGH, told_today=9), None, None),
        (telling(person=AWAY), Mute.QUIET_HOURS, datetime(2026, 3, 23, 8, tzinfo=UTC)),
        (telling(person=AWAY, notice=Notice.RESOLVED), Mute.QUIET_HOURS, MORNING),
        (telling(replace(ALERT, acknowledged_by="bob"), person=NIGHT_OWL), Mute.ACKNOWLEDGED, None),
        (telling(replace(ALERT, acknowledged_by="bob"), person=NIGHT_OWL, notice=Notice.RESOLVED), None, None),
    ],
)
def test_a_person_has_hours_and_a_budget(told: Telling, why: Mute | None, until: datetime | None) -> None:
    held = of_the_person(told, no_holidays, NOW)

    assert (held.why if held else None, getattr(held, "until", None)) == (why, until)
