"""How the timers of renewals are named: an account and a moment at which it is to be looked at, or an import."""

from datetime import UTC, datetime

ACCOUNT_DUE = "account"
"""The kind of timer that has an account looked at."""
IMPORT_DUE = "contract-import"
"""The kind of timer that has a file of contracts worked on; its key is the import's id."""


def timer_key(account_id: str, at: datetime) -> str:
    """The key of an account's timer; begins with the account, so that sorting by key sorts by account."""
    return f"{account_id}@{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def account_of(key: str) -> str:
    """The account that a timer's key names."""
    return key.rpartition("@")[0]
