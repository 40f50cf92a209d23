"""What people do with an alert beside taking it on: give it to somebody, say something about it, judge it."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from alerts.domain.alerts import Alert, AlertResolvedAlready, Change, Step, Transition


class Feedback(StrEnum):
    """What a CSM makes of an alert: it was right, right but too early, or wrong."""

    TRUE = "true"
    PREMATURE = "premature"
    FALSE = "false"


class Outcome(StrEnum):
    """What came of an alert that a person settled."""

    ACTION_TAKEN = "action-taken"
    NO_ACTION_NEEDED = "no-action-needed"
    CUSTOMER_LOST = "customer-lost"
    NOT_RIGHT = "not-right"


class NothingSaid(ValueError):
    """A comment without words."""

    def __init__(self) -> None:
        super().__init__("a comment has words")


def assign(alert: Alert, *, to: str | None, by: str, comment: str | None, now: datetime) -> Change:
    """Somebody has the alert from now on; None: whoever has the account. The same again changes nothing.

    Raises `AlertResolvedAlready`.
    """
    if alert.is_resolved:
        raise AlertResolvedAlready(alert.id)
    if alert.assignee == to:
        return Change(alert)
    note = f"to {to}" if to is not None else "to whoever has the account"
    said = note if comment is None else f"{note}: {comment}"
    return Change(replace(alert, assignee=to), (_step(alert, Step.ASSIGNED, by, said, now),))


def comment_on(alert: Alert, *, by: str, comment: str, now: datetime) -> Change:
    """Somebody says something about the alert, over or not. Raises `NothingSaid`."""
    if not comment.strip():
        raise NothingSaid
    return Change(alert, (_step(alert, Step.COMMENTED, by, comment, now),))


def judge(alert: Alert, *, feedback: Feedback, by: str, comment: str | None, now: datetime) -> Change:
    """Somebody says whether the alert was right; who says so last is believed. The same again changes nothing."""
    if alert.feedback == feedback and comment is None:
        return Change(alert)
    said = feedback.value if comment is None else f"{feedback.value}: {comment}"
    judged = replace(alert, feedback=feedback.value, feedback_by=by, feedback_at=now)
    return Change(judged, (_step(alert, Step.JUDGED, by, said, now),))


def _step(alert: Alert, step: Step, by: str, comment: str | None, now: datetime) -> Transition:
    return Transition(alert.id, step, now, now, quiet=True, by=by, comment=comment)
