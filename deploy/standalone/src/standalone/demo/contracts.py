"""The contracts of the demo's accounts, as renewals takes them."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from standalone.demo.cast import Account, Tier, WindowOpens
from standalone.demo.stories import OneTime

PRICE_OF_A_SEAT: dict[Tier, int] = {"strategic": 1_200, "enterprise": 960, "growth": 720, "starter": 480}
"""For a year, in the contract's currency."""

TERM_MONTHS = 12
WINDOW_MONTHS = 3
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract's first term: both dates are its own days, `amount` is for the whole term."""

    account: Account
    kind: str
    start: date
    end: date
    amount: int

    @property
    def external_id(self) -> str:
        """The name under which the demo finds its contract again."""
        return f"demo-{self.account.id}"

    @property
    def body(self) -> dict[str, Any]:
        """The body of POST /v1/contracts."""
        return {
            "account_id": self.account.id,
            "external_id": self.external_id,
            "kind": self.kind,
            "zone": self.account.zone,
            "start": self.start,
            "end": self.end,
            "amount": {"amount": f"{self.amount}.00", "currency": self.account.currency},
            "seats": self.account.seats,
            "at_end": "renew" if self.kind == "recurring" else "cancel",
        }


def contract_of(account: Account, first_day: date) -> Contract:
    """The account's contract; `first_day` is the day of the demo's first run."""
    amount = account.seats * PRICE_OF_A_SEAT[account.tier]
    if isinstance(account.story, OneTime):
        start = first_day + timedelta(days=account.story.begins - 7)
        return Contract(account, "one_time", start, _end(account, first_day), amount)
    if isinstance(account.renewal, WindowOpens):
        # Windows are counted from the contract's first day, as its terms are.
        start = add_months(first_day + timedelta(days=account.renewal.day), WINDOW_MONTHS - TERM_MONTHS)
        return Contract(account, "recurring", start, add_months(start, TERM_MONTHS) - DAY, amount)
    end = _end(account, first_day)
    return Contract(account, "recurring", add_months(end + DAY, -TERM_MONTHS), end, amount)


def add_months(day: date, months: int) -> date:
    """The same day of another month; its last day where the month is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _end(account: Account, first_day: date) -> date:
    if isinstance(account.renewal, WindowOpens):
        raise TypeError(f"{account.id}: a one-time contract has no renewal window")
    return first_day + timedelta(days=account.renewal.days)
