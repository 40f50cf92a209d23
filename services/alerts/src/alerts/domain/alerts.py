"""An alert: an episode that somebody should know of, and what people did about it.

Time and the conditions open and resolve alerts; people acknowledge and resolve them. What a person did stays done: a
condition that passes later does not resolve an alert again, and one that is merely said again does not reopen it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.domain.episodes import Episode
from alerts.domain.moments import Ending
from alerts.domain.observations import Phrase
from alerts.domain.words import Category, Severity

BY_HAND = "by-hand"
WITHDRAWN = "withdrawn"
RULE_OFF = "rule-off"
RULE_CHANGED = "rule-changed"


class AlertUnknown(Exception):
    """There is no alert with that id."""

    def __init__(self, alert_id: str) -> None:
        super().__init__(f"no alert has the id {alert_id}")
        self.alert_id = alert_id


class AlertResolvedAlready(Exception):
    """The alert is resolved; it cannot be acknowledged any more."""

    def __init__(self, alert_id: str) -> None:
        super().__init__(f"the alert {alert_id} is resolved already")
        self.alert_id = alert_id


class SnoozeOver(ValueError):
    """A snooze has to end later than now."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"{until:%Y-%m-%d %H:%M} UTC has passed: an alert is snoozed until later than now")


class State(StrEnum):
    """Where an alert stands in its life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Step(StrEnum):
    """What a transition did to its alert."""

    OPENED = "opened"
    SEEN_AGAIN = "seen-again"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    SNOOZED = "snoozed"
    RETURNED = "returned"
    ESCALATED = "escalated"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    JUDGED = "judged"


class Notice(StrEnum):
    """What people are told about an alert: at most once each; escalated once a step, returned once a snooze."""

    OPENED = "opened"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `told` says that its opening was worth a notification, `quiet` that it lay too far in the past.

    `resolution` is an `Ending`, `by-hand`, `withdrawn`, `rule-off` or `rule-changed`; `resolved_by` is null where time
    or the condition did it.
    """

    id: str
    identity: str
    account_id: str
    subject: str
    rule: str
    rule_version: int
    category: Category
    grade: str
    severity: Severity
    words: Mapping[str, str]
    opened_at: datetime
    opened_by: str
    recorded_at: datetime
    state: State = State.OPEN
    quiet: bool = False
    told: bool = False
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: str | None = None
    reason: str | None = None
    said: tuple[Phrase, ...] = ()
    """Why it opened, for other languages than English."""
    snoozed_until: datetime | None = None
    """Until then nobody is told of it; whoever snoozed it hears again if it is open then."""
    snoozed_by: str | None = None
    assignee: str | None = None
    """Who has it, where it was given to somebody; None: whoever has the account."""
    outcome: str | None = None
    """What came of it, an `Outcome`, where a person settled it and said so."""
    feedback: str | None = None
    """Whether it was right, a `Feedback`, as somebody judged it."""
    feedback_by: str | None = None
    feedback_at: datetime | None = None

    @property
    def is_resolved(self) -> bool:
        """Whether the alert is over."""
        return self.state is State.RESOLVED


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of an alert's life: when it happened, when it was recorded, by whom (null: by its condition)."""

    alert_id: str
    step: Step
    occurred_at: datetime
    recorded_at: datetime
    quiet: bool
    by: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an alert: how it is now, the steps it took, and what people are to be told."""

    alert: Alert
    transitions: tuple[Transition, ...] = ()
    notices: tuple[Notice, ...] = ()


def follow(episode: Episode, stored: Alert | None, *, now: datetime, quiet_after: timedelta) -> Change:
    """Bring an alert to what its episode says.

    A step that lies further back than `quiet_after`, or before its rule was put in force, is recorded and told to
    nobody. An alert nobody was told of is told when its condition is seen again recently enough. A resolution is told
    where the opening was.
    """

    def is_quiet(at: datetime) -> bool:
        since = episode.rule.in_force_since
        return now - at > quiet_after or (since is not None and at < since)

    transitions: list[Transition] = []
    notices: list[Notice] = []
    if stored is None:
        quiet = is_quiet(episode.opened_at)
        alert = _opened(episode, now, quiet=quiet)
        transitions.append(Transition(alert.id, Step.OPENED, episode.opened_at, now, quiet))
    else:
        alert = stored
        if alert.resolution == WITHDRAWN:
            alert = replace(alert, state=State.OPEN, resolved_at=None, resolution=None, reason=None)
            transitions.append(Transition(alert.id, Step.OPENED, episode.opened_at, now, is_quiet(episode.opened_at)))
    if not alert.told and alert.state is State.OPEN and not is_quiet(episode.seen_at):
        if alert.quiet:
            transitions.append(Transition(alert.id, Step.SEEN_AGAIN, episode.seen_at, now, quiet=False))
        alert = replace(alert, told=True)
        notices.append(Notice.OPENED)
    if episode.end is not None and not alert.is_resolved:
        alert = replace(
            alert,
            state=State.RESOLVED,
            resolved_at=episode.end.at,
            resolution=episode.end.how.value,
            reason=episode.end.reason,
        )
        transitions.append(Transition(alert.id, Step.RESOLVED, episode.end.at, now, quiet=not alert.told))
        if alert.told:
            notices.append(Notice.RESOLVED)
    elif episode.end is not None and alert.resolution in set(Ending):
        # a record that arrived late may show that it ended earlier, or otherwise, than was thought
        alert = replace(alert, resolved_at=episode.end.at, resolution=episode.end.how.value, reason=episode.end.reason)
    return Change(alert, tuple(transitions), tuple(notices))


def withdraw(alert: Alert, *, now: datetime) -> Change:
    """Take back an alert that is no episode any more: a record that arrived late shows that it had begun before.

    Nobody is told: the alert that had begun before says the same.
    """
    if alert.is_resolved:
        return Change(alert)
    reason = "Withdrawn: an event that arrived later shows that this had begun before."
    alert = replace(alert, state=State.RESOLVED, resolved_at=now, resolution=WITHDRAWN, reason=reason)
    return Change(alert, (Transition(alert.id, Step.WITHDRAWN, now, now, quiet=True),))


def retire(alert: Alert, *, is_off: bool, now: datetime) -> Change:
    """End an alert that its rule makes no more: it was switched off, or changed. Whoever was told hears so."""
    if alert.is_resolved:
        return Change(alert)
    how, reason = (
        (RULE_OFF, "Its rule was switched off.")
        if is_off
        else (RULE_CHANGED, "Its rule was changed, and does not say this any more.")
    )
    alert = replace(alert, state=State.RESOLVED, resolved_at=now, resolution=how, reason=reason)
    step = Transition(alert.id, Step.RESOLVED, now, now, quiet=not alert.told)
    return Change(alert, (step,), (Notice.RESOLVED,) if alert.told else ())


def acknowledge(alert: Alert, *, by: str, comment: str | None, now: datetime) -> Change:
    """Somebody takes the alert on. Doing it again changes nothing. Raises `AlertResolvedAlready`."""
    if alert.is_resolved:
        raise AlertResolvedAlready(alert.id)
    if alert.state is State.ACKNOWLEDGED:
        return Change(alert)
    alert = replace(alert, state=State.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=by)
    return Change(alert, (Transition(alert.id, Step.ACKNOWLEDGED, now, now, quiet=True, by=by, comment=comment),))


def snooze(alert: Alert, *, until: datetime, by: str, comment: str | None, now: datetime) -> Change:
    """Nobody is told of the alert until an instant; it returns then. Another snooze takes the place of the first.

    Raises `AlertResolvedAlready`, and `SnoozeOver` for an instant that has passed.
    """
    if alert.is_resolved:
        raise AlertResolvedAlready(alert.id)
    if until <= now:
        raise SnoozeOver(until)
    if alert.snoozed_until == until:
        return Change(alert)
    alert = replace(alert, snoozed_until=until, snoozed_by=by)
    return Change(alert, (Transition(alert.id, Step.SNOOZED, now, now, quiet=True, by=by, comment=comment),))


def returns(alert: Alert, *, now: datetime) -> Change:
    """The end of a snooze: the alert is back where it is still open; whoever was told before hears so again."""
    if alert.is_resolved or alert.snoozed_until is None or now < alert.snoozed_until:
        return Change(alert)
    step = Transition(alert.id, Step.RETURNED, alert.snoozed_until, now, quiet=False, by=alert.snoozed_by)
    return Change(replace(alert, snoozed_until=None, snoozed_by=None), (step,))


def resolve(alert: Alert, *, by: str, reason: str | None, now: datetime, outcome: str | None = None) -> Change:
    """Somebody says that the alert is settled, and what came of it. Resolving a resolved alert changes nothing."""
    if alert.is_resolved:
        return Change(alert)
    alert = replace(
        alert,
        state=State.RESOLVED,
        resolved_at=now,
        resolved_by=by,
        resolution=BY_HAND,
        reason=reason or f"Resolved by {by}.",
        outcome=outcome,
    )
    step = Transition(alert.id, Step.RESOLVED, now, now, quiet=not alert.told, by=by, comment=reason)
    return Change(alert, (step,), (Notice.RESOLVED,) if alert.told else ())


def _opened(episode: Episode, now: datetime, *, quiet: bool) -> Alert:
    return Alert(
        id=episode.alert_id,
        identity=episode.identity,
        account_id=episode.account_id,
        subject=episode.subject,
        rule=episode.rule.id,
        rule_version=episode.rule.version,
        category=episode.rule.category,
        grade=episode.grade,
        severity=episode.severity,
        words=episode.words,
        opened_at=episode.opened_at,
        opened_by=episode.opened_by,
        recorded_at=now,
        quiet=quiet,
        said=episode.said,
    )
