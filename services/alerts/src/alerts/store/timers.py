"""The timers about single alerts: their kinds and keys."""

from typing import Final

from alerts.store.looks import ENDS_ACCOUNT

ESCALATION_DUE: Final = "escalate"
"""The kind of the timer. Its key is `<account>\\n<alert>`."""

SNOOZE_DUE: Final = "snoozed"
"""The kind of the timer of a snooze. Its key is `<account>\\n<alert> <instant>`: a snooze that takes the place of
another has a timer of its own, and that of the other looks and finds nothing to do."""


def key_of(account_id: str, alert_id: str) -> str:
    """The key of a timer about an alert."""
    return f"{account_id}{ENDS_ACCOUNT}{alert_id}"


def alert_of(key: str) -> tuple[str, str]:
    """(account, alert) that a timer's key names."""
    account_id, _, alert_id = key.rpartition(ENDS_ACCOUNT)
    return account_id, alert_id.partition(" ")[0]
