"""How the timers of renewals are named: an account and a moment at which it is to be looked at."""

from datetime import UTC, datetime

ACCOUNT_DUE = "account"
"""The kind of timer that has an account looked at."""

TIMER_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
"""How a timer's key writes its moment, in UTC."""


def timer_key(account_id: str, at: datetime) -> str:
    """The key of an account's timer; begins with the account, so that sorting by key sorts by account."""
    return f"{account_id}@{at.astimezone(UTC):{TIMER_INSTANT}}"


def account_of(key: str) -> str:
    """The account that a timer's key names."""
    return key.rpartition("@")[0]
