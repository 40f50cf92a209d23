"""What happened to accounts afterwards: they fell silent, left, paid less, or are on a list that somebody supplied."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Protocol

from health_score.domain.backtest.past import Past
from health_score.domain.history import DAY


class Outcome(Protocol):
    """Something that happens to an account on a day, or does not within the horizon."""

    def horizon(self) -> timedelta:
        """The days after a day within which it is looked for."""

    def is_asked(self, past: Past, day: date) -> bool:
        """Whether an account is a case at the end of a day: what is to be predicted is still open."""

    def happens(self, past: Past, day: date) -> bool:
        """Whether it happens within the horizon after a day."""

    def days(self, past: Past, known_through: date) -> Sequence[date]:
        """The days on which it happens, by what is recorded through a day."""


@dataclass(frozen=True, slots=True)
class Silent:
    """No activity in the next `for_days` days, of accounts that were active in the `active_within` days up to then.

    It happens on the day after the last activity: a warning is early only before that.
    """

    for_days: int = 90
    active_within: int = 90

    def horizon(self) -> timedelta:
        """The days that have to be without activity."""
        return timedelta(days=self.for_days)

    def is_asked(self, past: Past, day: date) -> bool:
        """Whether there was activity lately."""
        return _active_between(past, day - DAY * (self.active_within - 1), day)

    def happens(self, past: Past, day: date) -> bool:
        """Whether there is none soon."""
        return not _active_between(past, day + DAY, day + self.horizon())

    def days(self, past: Past, known_through: date) -> Sequence[date]:
        """The first days of such silences."""
        active = sorted(past.activity.days)
        return [
            before + DAY
            for before, after in pairwise([*active, known_through + DAY])
            if after - before > self.horizon()
        ]


@dataclass(frozen=True, slots=True)
class Churned:
    """The account's ARR falls to nothing within the horizon. Asked of accounts with ARR."""

    within_days: int

    def horizon(self) -> timedelta:
        """The days within which it is looked for."""
        return timedelta(days=self.within_days)

    def is_asked(self, past: Past, day: date) -> bool:
        """Whether there is something to lose."""
        return _is_worth(past.value_on(day))

    def happens(self, past: Past, day: date) -> bool:
        """Whether it is lost."""
        return any(day < lost <= day + self.horizon() for lost in self.days(past, date.max))

    def days(self, past: Past, known_through: date) -> Sequence[date]:
        """The days from which the account was worth nothing any more."""
        return [
            after.day
            for before, after in pairwise(past.values)
            if _is_worth(before.arr) and not _is_worth(after.arr) and after.day <= known_through
        ]


@dataclass(frozen=True, slots=True)
class Contracted:
    """The account's ARR falls within the horizon, but not to nothing. Asked of accounts with ARR.

    With several currencies: it falls in one and rises in none.
    """

    within_days: int

    def horizon(self) -> timedelta:
        """The days within which it is looked for."""
        return timedelta(days=self.within_days)

    def is_asked(self, past: Past, day: date) -> bool:
        """Whether there is something to lose."""
        return _is_worth(past.value_on(day))

    def happens(self, past: Past, day: date) -> bool:
        """Whether some of it is lost."""
        return any(day < lost <= day + self.horizon() for lost in self.days(past, date.max))

    def days(self, past: Past, known_through: date) -> Sequence[date]:
        """The days from which the account was worth less."""
        return [
            after.day
            for before, after in pairwise(past.values)
            if _is_worth(after.arr) and _is_less(after.arr, before.arr) and after.day <= known_through
        ]


@dataclass(frozen=True)
class Listed:
    """What a supplied list says, days by account, rising. Asked until an account's last day on the list has come."""

    within_days: int
    by_account: Mapping[str, Sequence[date]]

    def horizon(self) -> timedelta:
        """The days within which it is looked for."""
        return timedelta(days=self.within_days)

    def is_asked(self, past: Past, day: date) -> bool:
        """Whether it may still happen."""
        listed = self.by_account.get(past.account_id)
        return not listed or day < listed[-1]

    def happens(self, past: Past, day: date) -> bool:
        """Whether it does."""
        listed = self.by_account.get(past.account_id, ())
        return bisect_right(listed, day + self.horizon()) > bisect_right(listed, day)

    def days(self, past: Past, known_through: date) -> Sequence[date]:
        """The account's days on the list."""
        return [day for day in self.by_account.get(past.account_id, ()) if day <= known_through]


def _active_between(past: Past, first: date, last: date) -> bool:
    days = past.activity.days
    if (last - first).days < len(days):
        return any(first + DAY * number in days for number in range((last - first).days + 1))
    return any(first <= day <= last for day in days)


def _is_worth(arr: Mapping[str, Decimal]) -> bool:
    return any(amount > 0 for amount in arr.values())


def _is_less(now: Mapping[str, Decimal], before: Mapping[str, Decimal]) -> bool:
    moves = [now.get(currency, Decimal()) - before.get(currency, Decimal()) for currency in {*now, *before}]
    return any(move < 0 for move in moves) and all(move <= 0 for move in moves)
