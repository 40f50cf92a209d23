"""An alert's life: what its condition, time and people do to it, and what people are told."""

from datetime import date, timedelta
from typing import Any

import pytest

from alerts.domain.alerts import (
    Alert,
    AlertResolvedAlready,
    Change,
    Notice,
    State,
    Step,
    acknowledge,
    follow,
    resolve,
    withdraw,
)
from alerts.domain.observations import Observation
from alerts.domain.rules import Rulebook
from tests.unit.alerts.facts import active, at, band, silent
from tests.unit.alerts.looks import episodes

QUIET_AFTER = timedelta(hours=168)


def arrive(rulebook: Rulebook, history: list[Observation], stored: Alert | None = None, *, hours: float) -> Change:
    """What becomes of the first alert when this is what is known so many hours after the start."""
    return follow(episodes(rulebook, history)[0], stored, now=at(hours), quiet_after=QUIET_AFTER)


def steps(change: Change) -> list[tuple[Step, bool]]:
    return [(one.step, one.quiet) for one in change.transitions]


def test_a_fresh_fall_opens_and_is_told(rulebook: Rulebook) -> None:
    change = arrive(rulebook, [band("green", "red", hours=0)], hours=1)

    assert (change.alert.state, change.alert.told, change.alert.quiet) == (State.OPEN, True, False)
    assert steps(change) == [(Step.OPENED, False)]
    assert change.notices == (Notice.OPENED,)


@pytest.mark.parametrize(("age_hours", "quiet"), [(0, False), (168, False), (168.001, True), (5_000, True)])
def test_age_decides_what_is_quiet(age_hours: float, quiet: Any, rulebook: Rulebook) -> None:
    change = arrive(rulebook, [band("green", "red", hours=0)], hours=age_hours)

    assert steps(change) == [(Step.OPENED, quiet)]
    assert change.notices == (() if quiet else (Notice.OPENED,))


def test_the_same_again_changes_nothing(rulebook: Rulebook) -> None:
    once = arrive(rulebook, [band("green", "red", hours=0)], hours=1)

    again = arrive(rulebook, [band("green", "red", hours=0), band("green", "red", hours=2)], once.alert, hours=3)

    assert again == Change(once.alert)


def test_nobody_was_told_so_the_same_again_is_told_when_it_is_fresh(rulebook: Rulebook) -> None:
    old = [band("green", "red", hours=0), band("red", "unknown", hours=1)]
    quiet = arrive(rulebook, old, hours=1_000)

    fresh = arrive(rulebook, [*old, band("unknown", "red", hours=1_001)], quiet.alert, hours=1_001)

    assert quiet.notices == ()
    assert steps(fresh) == [(Step.SEEN_AGAIN, False)]
    assert fresh.notices == (Notice.OPENED,)


def test_nobody_hears_the_end_of_what_nobody_was_told(rulebook: Rulebook) -> None:
    quiet = arrive(rulebook, [band("green", "red", hours=0)], hours=1_000)

    over = arrive(rulebook, [band("green", "red", hours=0), band("red", "green", hours=999)], quiet.alert, hours=1_001)

    assert over.alert.state is State.RESOLVED
    assert steps(over) == [(Step.RESOLVED, True)]
    assert over.notices == ()


def test_a_recovery_resolves_and_is_told(rulebook: Rulebook) -> None:
    opened = arrive(rulebook, [silent(date(2026, 2, 1), hours=0)], hours=1)

    history = [silent(date(2026, 2, 1), hours=0), active(date(2026, 3, 3), hours=50)]
    over = arrive(rulebook, history, opened.alert, hours=51)

    assert (over.alert.state, over.alert.resolution, over.alert.resolved_by) == (State.RESOLVED, "active-again", None)
    assert over.alert.resolved_at == at(50)
    assert over.notices == (Notice.RESOLVED,)


def test_opening_and_ending_at_once_makes_both_notices(rulebook: Rulebook) -> None:
    change = arrive(rulebook, [band("green", "red", hours=0), band("red", "green", hours=1)], hours=2)

    assert steps(change) == [(Step.OPENED, False), (Step.RESOLVED, False)]
    assert change.notices == (Notice.OPENED, Notice.RESOLVED)


def test_a_late_record_corrects_how_it_ended_and_tells_nobody_again(rulebook: Rulebook) -> None:
    fall, rise = band("green", "yellow", hours=0), band("red", "green", hours=9)
    over = arrive(rulebook, [fall, rise], arrive(rulebook, [fall], hours=1).alert, hours=10)

    late = arrive(rulebook, [fall, band("yellow", "red", hours=4), rise], over.alert, hours=11)

    assert (late.alert.resolved_at, late.alert.resolution) == (at(4), "superseded")
    assert (late.transitions, late.notices) == ((), ())


def test_acknowledging_twice_is_doing_it_once(rulebook: Rulebook) -> None:
    opened = arrive(rulebook, [band("green", "red", hours=0)], hours=1).alert

    first = acknowledge(opened, by="ann", comment="on it", now=at(2))
    second = acknowledge(first.alert, by="bob", comment=None, now=at(3))

    assert (first.alert.state, first.alert.acknowledged_by, first.alert.acknowledged_at) == (
        State.ACKNOWLEDGED,
        "ann",
        at(2),
    )
    assert second == Change(first.alert)


def test_an_acknowledged_alert_still_ends_by_itself(rulebook: Rulebook) -> None:
    opened = arrive(rulebook, [band("green", "red", hours=0)], hours=1).alert
    taken = acknowledge(opened, by="ann", comment=None, now=at(2)).alert

    over = arrive(rulebook, [band("green", "red", hours=0), band("red", "green", hours=9)], taken, hours=9)

    assert (over.alert.state, over.alert.acknowledged_by) == (State.RESOLVED, "ann")
    assert over.notices == (Notice.RESOLVED,)


def test_what_a_person_resolved_stays_as_it_was_resolved(rulebook: Rulebook) -> None:
    opened = arrive(rulebook, [band("green", "red", hours=0)], hours=1).alert
    settled = resolve(opened, by="ann", reason="agreed on a plan", now=at(2))

    later = arrive(rulebook, [band("green", "red", hours=0), band("red", "green", hours=9)], settled.alert, hours=9)

    assert settled.notices == (Notice.RESOLVED,)
    assert later == Change(settled.alert)
    assert (later.alert.resolution, later.alert.resolved_by, later.alert.reason) == (
        "by-hand",
        "ann",
        "agreed on a plan",
    )
    assert resolve(settled.alert, by="bob", reason=None, now=at(3)) == Change(settled.alert)
    with pytest.raises(AlertResolvedAlready):
        acknowledge(settled.alert, by="bob", comment=None, now=at(3))


def test_a_withdrawn_alert_can_come_back_and_is_told_once(rulebook: Rulebook) -> None:
    opened = arrive(rulebook, [band("green", "red", hours=0)], hours=1)

    gone = withdraw(opened.alert, now=at(2))
    back = arrive(rulebook, [band("green", "red", hours=0)], gone.alert, hours=3)

    assert (gone.alert.state, gone.notices) == (State.RESOLVED, ())
    assert (back.alert.state, back.notices) == (State.OPEN, ())
