"""How the timers of renewals are named: mostly an account and a moment at which it is to be looked at."""

from datetime import UTC, datetime, time, timedelta

ACCOUNT_DUE = "account"
"""The kind of timer that has an account looked at."""
FORECAST_DUE = "forecast"
"""The kind of timer that has the calls of an account's renewals made anew; keyed as those."""
PAST_DUE = "count_past"
"""The kind of timer, with one key, that has the past counted; by its name done before forecasts that are due too."""
PAST = "past"
FORGETTING_DUE = "forget_entries"
"""The kind of timer, with one key, that has forgotten what calendars do not show any more."""
ENTRIES = "entries"
IMPORT_DUE = "contract-import"
"""The kind of timer that has a file of contracts worked on; its key is the import's id."""


def timer_key(account_id: str, at: datetime) -> str:
    """The key of an account's timer; begins with the account, so that sorting by key sorts by account."""
    return f"{account_id}@{instant_of_key(at)}"


def instant_of_key(at: datetime) -> str:
    """How a key writes its moment, to the microsecond.

    One that is armed while another is in hand, for what came in since, must not be taken for that.
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def forecast_key(account_id: str, at: datetime) -> str:
    """The key of a timer for an account's calls, to the microsecond.

    One armed while an earlier one is in hand must not be taken for that: it is about what came in since.
    """
    return f"{account_id}@{at.astimezone(UTC).isoformat()}"


def account_of(key: str) -> str:
    """The account that a timer's key names."""
    return key.rpartition("@")[0]


def next_day(now: datetime) -> datetime:
    """The beginning of the next day (UTC)."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time.min, tzinfo=UTC)
