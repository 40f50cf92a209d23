"""How the timers of renewals are named: an account and a moment at which it is to be looked at."""

from datetime import UTC, datetime

ACCOUNT_DUE = "account"
"""The kind of timer that has an account looked at."""


def timer_key(account_id: str, at: datetime) -> str:
    """The key of an account's timer; begins with the account, so that sorting by key sorts by account."""
    return f"{account_id}@{instant_of_key(at)}"


def instant_of_key(at: datetime) -> str:
    """How a key writes its moment, to the microsecond.

    One that is armed while another is in hand, for what came in since, must not be taken for that.
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def account_of(key: str) -> str:
    """The account that a timer's key names."""
    return key.rpartition("@")[0]
