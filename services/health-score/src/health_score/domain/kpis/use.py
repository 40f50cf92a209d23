"""Active users by period, exact: users belong to accounts, so a group's are the sum of its accounts'."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from health_score.domain.activity import DayOfUse
from health_score.domain.kpis.ledger import Ledger
from health_score.domain.kpis.past import Past

WEEK, MONTH = 7, 28
"""Days of the windows that active users are counted in."""


class UserDays:
    """The users of each active day of an account, in order of the days."""

    def __init__(self, days: Mapping[date, DayOfUse]) -> None:
        self._days = sorted(days)
        self._users = [days[day].users for day in self._days]

    def distinct(self, last: date, length: int) -> int:
        """Distinct users in so many days that end with `last`."""
        found = 0
        for users in self._of(last, length):
            found |= users
        return found.bit_count()

    def added(self, last: date, length: int) -> int:
        """The users of each of so many days, added up."""
        return sum(users.bit_count() for users in self._of(last, length))

    def _of(self, last: date, length: int) -> Sequence[int]:
        first = last - timedelta(days=length - 1)
        return self._users[bisect_left(self._days, first) : bisect_right(self._days, last)]


@dataclass(slots=True)
class ActiveUsers:
    """Users at the period's end in windows of 1, 7 and 28 days, and the users of each day of the period, added up."""

    accounts: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    user_days_28d: int = 0
    user_days: int = 0

    @property
    def stickiness(self) -> Fraction | None:
        """Mean daily users over 28 days ÷ distinct users in them; None where nobody came."""
        return Fraction(self.user_days_28d, MONTH * self.monthly) if self.monthly else None

    def daily_mean(self, complete_days: int) -> Fraction | None:
        """Mean users of a day, over so many complete days of the period; None while there is none."""
        return Fraction(self.user_days, complete_days) if complete_days else None


def count_active_users(past: Past, ledger: Ledger[ActiveUsers]) -> None:
    """Count users at each period's end, and the users of each complete day under who had the account that day."""
    if not past.activity.days:
        return
    use = UserDays(past.activity.days)
    for end in ledger.ends():
        monthly = use.distinct(end.day, MONTH)
        if monthly and (cell := ledger.at_end(end)) is not None:
            cell.accounts += 1
            cell.daily += use.distinct(end.day, 1)
            cell.weekly += use.distinct(end.day, WEEK)
            cell.monthly += monthly
            cell.user_days_28d += use.added(end.day, MONTH)
    for first, last, period, values in ledger.spans():
        found = use.added(last, (last - first).days + 1)
        if found and (cell := ledger.books.cell(period, values)) is not None:
            cell.user_days += found
