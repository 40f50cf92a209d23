"""The sliding windows of an account's use, for one day or for years of them."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate

from health_score.domain.activity import Activity, Life

REACH = timedelta(days=57)
"""How far before a day most metrics look: two windows of 28 days, which end a day earlier while the day is running."""

FEATURE_DAYS = 28
"""Features are counted over so many days."""

MANY = 4
"""From so many days on, computing a figure for all of them at once is cheaper. Measured: 800 against 300 µs for one."""


class BeyondReach(LookupError):
    """A metric looked further back than its declared reach: it would read what was not loaded as nothing."""


class LifeNotLoaded(LookupError):
    """A metric of the account's whole life was read, and only windows were loaded."""


class Windows:
    """The windows of every day from `first` to `last`.

    Places are counted from `reach` before `first`; `index` gives a day's place. Where many days will be read, a figure
    is computed for all of them when it is read first, at O(1) a day, whatever the window's length; where few are, each
    window is computed by itself.
    """

    def __init__(self, activity: Activity, first: date, last: date, reach: timedelta = REACH) -> None:
        self.start = first.toordinal() - reach.days
        self.length = length = last.toordinal() - self.start + 1
        self._life = activity.life
        self._reads_many = last.toordinal() - first.toordinal() >= MANY
        self._events, self._users, self._features = [0] * length, [0] * length, [0] * length
        active: list[int | None] = [None] * length
        before = activity.active_before
        for day, use in activity.days.items():
            at = day.toordinal() - self.start
            if 0 <= at < length:
                self._events[at], self._users[at], self._features[at] = use.events, use.users, use.features
                active[at] = at
            elif at < 0 and (before is None or day > before):
                before = day
        self._events_until = [0, *accumulate(self._events)]
        self.last_active = _last_known(active, None if before is None else before.toordinal() - self.start)
        self._active_users: dict[int, list[int]] = {}

    @property
    def life(self) -> Life:
        """The account's whole life. Raises `LifeNotLoaded`."""
        if self._life is None:
            raise LifeNotLoaded
        return self._life

    def users(self, last: int, days: int) -> int:
        """The distinct users of the `days` days that end with the place `last`."""
        if last + 1 < days:
            self.must_reach(last + 1 - days)
        if self._reads_many:
            column = self._active_users.get(days)
            if column is None:
                column = self._active_users[days] = [bits.bit_count() for bits in unions(self._users, days)]
            return column[last]
        return _union(self._users[last + 1 - days : last + 1]).bit_count()

    def users_on(self, place: int) -> int:
        """The users of the day of a place, as a bit set."""
        self.must_reach(place)
        return self._users[place]

    def daily_users(self, last: int, days: int) -> int:
        """The sum of each day's users over the `days` days that end with the place `last`."""
        if last + 1 < days:
            self.must_reach(last + 1 - days)
        if self._reads_many:
            return self._daily_users_until[last + 1] - self._daily_users_until[last + 1 - days]
        return sum(bits.bit_count() for bits in self._users[last + 1 - days : last + 1])

    def features(self, last: int) -> int:
        """The features used in the 28 days that end with the place `last`, as a bit set."""
        if last + 1 < FEATURE_DAYS:
            self.must_reach(last + 1 - FEATURE_DAYS)
        if self._reads_many:
            return self._features_in[last]
        return _union(self._features[last + 1 - FEATURE_DAYS : last + 1])

    @cached_property
    def _daily_users_until(self) -> list[int]:
        return [0, *accumulate(bits.bit_count() for bits in self._users)]

    @cached_property
    def _features_in(self) -> list[int]:
        return unions(self._features, FEATURE_DAYS)

    def index(self, day: date) -> int:
        """The place of a day."""
        return day.toordinal() - self.start

    def day(self, index: int) -> date:
        """The day of a place."""
        return date.fromordinal(self.start + index)

    def events(self, last: int, days: int) -> int:
        """The events of the `days` days that end with the place `last`."""
        if last + 1 < days:
            self.must_reach(last + 1 - days)
        return self._events_until[last + 1] - self._events_until[last + 1 - days]

    def must_reach(self, place: int) -> None:
        """Raise `BeyondReach` for a place before the first: Python would count it from the end."""
        if place < 0:
            raise BeyondReach(f"{-place} days before the first that was loaded")


def _union(sets: Iterable[int]) -> int:
    union = 0
    for bits in sets:
        union |= bits
    return union


def unions(sets: Sequence[int], length: int) -> list[int]:
    """The union of each `length` consecutive bit sets, ending at every place (fewer at the beginning).

    Van Herk and Gil–Werman: the union of a window is a suffix of one block and a prefix of the next, so each place
    costs three unions, not `length`.
    """
    if length == 1:
        return list(sets)
    prefixes: list[int] = []
    running = 0
    for place, bits in enumerate(sets):
        running = bits if place % length == 0 else running | bits
        prefixes.append(running)
    suffixes = [0] * len(sets)
    running = 0
    for place in range(len(sets) - 1, -1, -1):
        running = sets[place] if (place + 1) % length == 0 else running | sets[place]
        suffixes[place] = running
    first_full = min(length - 1, len(sets))
    return prefixes[:first_full] + [
        suffixes[place - length + 1] | prefixes[place] for place in range(first_full, len(sets))
    ]


def _last_known(places: Sequence[int | None], before: int | None) -> list[int | None]:
    known: list[int | None] = []
    for place in places:
        before = before if place is None else place
        known.append(before)
    return known
