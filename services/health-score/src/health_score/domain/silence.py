"""Silence: no activity for longer than the account's own habit allows. Nothing announces it, so it has to be found."""

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise, zip_longest

LEAST_HABIT_DAYS = 7
"""No account is silent within a week: weekends and a short holiday are not news."""

HABIT_OF_THE_NEW_DAYS = 14
"""The quiet days allowed to an account whose habit is not known yet."""

MEMORY = timedelta(days=180)
"""How far before its last activity an account's habit is read."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence: the last active day, and the days of quiet that the habit allowed after it."""

    last_active: date
    habit_days: int

    @property
    def since(self) -> date:
        """The first day beyond the habit; the account is silent from its beginning."""
        return self.last_active + timedelta(days=self.habit_days + 1)


def habit_days(active_days: Iterable[date]) -> int:
    """The days of quiet an account's habit allows: twice the 95th percentile (nearest rank) of its gaps, 7 at least.

    A gap is the distance in days between neighbouring active days, within `MEMORY` before the last of them.
    """
    known = sorted(active_days)
    if not known:
        return HABIT_OF_THE_NEW_DAYS
    remembered = [day for day in known if day >= known[-1] - MEMORY]
    gaps = sorted((later - earlier).days for earlier, later in pairwise(remembered))
    if not gaps:
        return HABIT_OF_THE_NEW_DAYS
    return max(LEAST_HABIT_DAYS, 2 * gaps[math.ceil(len(gaps) * 95 / 100) - 1])


def silences(active_days: Iterable[date], today: date) -> list[tuple[Silence, date | None]]:
    """Every silence an account was in, oldest first, each with the day on which it was active again (None: not yet)."""
    known = sorted(day for day in active_days if day <= today)
    found = []
    for place, (last, back) in enumerate(zip_longest(known, known[1:])):
        quiet_until = today if back is None else back - timedelta(days=1)
        if (quiet_until - last).days > LEAST_HABIT_DAYS:
            remembered = known[bisect_left(known, last - MEMORY) : place + 1]
            quiet = Silence(last, habit_days(remembered))
            if quiet.since <= quiet_until:
                found.append((quiet, back))
    return found


def silence(active_days: Iterable[date], today: date) -> Silence | None:
    """The silence an account is in on `today`, if it is; activity of days still to come does not count."""
    known = [day for day in active_days if day <= today]
    if not known or (today - max(known)).days <= LEAST_HABIT_DAYS:
        return None
    found = Silence(max(known), habit_days(known))
    return found if found.since <= today else None
