"""What the demo's accounts did on each day: the same for the same seed, account and day, whenever it is asked.

Every day is drawn on its own, so the history before the first run, the days that pass while the demo is stopped and
the rest of today all come from one function, and an event keeps its id however often it is made.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from standalone.demo.cast import RIYADH, Account
from standalone.demo.product import FEATURES, Feature
from standalone.demo.stories import HISTORY_DAYS

DEFAULT_SEED = 20_260

SATURDAY_AND_SUNDAY = frozenset({5, 6})
FRIDAY_AND_SATURDAY = frozenset({4, 5})
WEEKEND_SHARE = 0.04
HOLIDAY_SHARE = 0.06

HOLIDAYS = {
    "Europe": frozenset({(1, 1), (5, 1), (12, 25), (12, 26)}),
    "America": frozenset({(1, 1), (7, 4), (11, 11), (12, 25)}),
    "Asia": frozenset({(1, 1), (5, 1)}),
    "Australia": frozenset({(1, 1), (1, 26), (4, 25), (12, 25), (12, 26)}),
    "Pacific": frozenset({(1, 1), (2, 6), (4, 25), (12, 25), (12, 26)}),
    "Africa": frozenset({(1, 1), (5, 1), (12, 25), (12, 26)}),
}
"""Month and day of the holidays that fall on the same date every year, by the first part of the zone's name."""

FIRST_NAMES = (
    "ada", "ben", "chloe", "dmitri", "elena", "farid", "grace", "hugo", "ines", "jack", "kofi", "lena", "mateo",
    "nadia", "omar", "priya", "quinn", "rosa", "samir", "tess", "uma", "viktor", "wanda", "xin", "yara", "zoe",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Use:
    """One use of the product; `at` is in whole seconds since 1970 (UTC)."""

    id: str
    account_id: str
    user_id: str
    event: str
    feature: str
    at: int


@dataclass(frozen=True, slots=True)
class Habit:
    """How a kind of person works: the chance to come on a workday, and the uses of such a day (from, to)."""

    comes: float
    uses: tuple[int, int]


DAILY = Habit(0.85, (1, 4))
REGULAR = Habit(0.5, (1, 2))
OCCASIONAL = Habit(0.2, (1, 1))


class History:
    """The uses of the demo's accounts, by day. `first_day` is the date of the first run: day 0 of every story."""

    def __init__(self, first_day: date, seed: int = DEFAULT_SEED, woken: dict[str, date] | None = None) -> None:
        self._first_day = first_day
        self._seed = seed
        self._woken = {} if woken is None else woken  # not a copy: accounts wake while we look
        self._pick = tuple(_Pick(FEATURES[:taken_up]) for taken_up in range(len(FEATURES) + 1))

    @property
    def begins(self) -> datetime:
        """The instant before which there is nothing, in any zone."""
        return datetime.combine(self._first_day - timedelta(days=HISTORY_DAYS + 1), time.min, tzinfo=UTC)

    def between(self, account: Account, after: datetime, until: datetime) -> Iterator[Use]:
        """What the account did after one instant and up to another, in the order of time."""
        zone = ZoneInfo(account.zone)
        day = max(after.astimezone(zone).date(), self._first_day - timedelta(days=HISTORY_DAYS))
        last = until.astimezone(zone).date()
        while day <= last:
            for use in self.on(account, day):
                if after.timestamp() < use.at <= until.timestamp():
                    yield use
            day += timedelta(days=1)

    def on(self, account: Account, day: date) -> list[Use]:
        """What the account did on a civil day of its zone, in the order of time."""
        number = (day - self._first_day).days
        if number < -HISTORY_DAYS:
            return []
        pace = account.story.pace(number, self._first_day)
        woken = self._woken.get(account.id)
        if woken is not None and day > woken:
            pace = account.story.pace(-HISTORY_DAYS, self._first_day)
        dice = random.Random(f"{self._seed}/{account.id}/{day}")  # noqa: S311 - the same dice every time is the point
        mood = dice.uniform(0.85, 1.15) * _share_of_workday(account.zone, day) * pace.effort
        midnight = datetime.combine(day, time.min, tzinfo=ZoneInfo(account.zone)).timestamp()
        pick = self._pick[pace.features]
        uses: list[Use] = []
        for person in range(round(account.people * pace.people)):
            habit = _habit(person, account.people)
            if dice.random() >= habit.comes * mood:
                continue
            user = person_id(account, person)
            for number_of_use in range(dice.randint(*habit.uses)):
                feature = pick.one(dice)
                uses.append(
                    Use(
                        id=f"{account.id}-{day:%y%m%d}-{person}-{number_of_use}",
                        account_id=account.id,
                        user_id=user,
                        event=dice.choice(feature.events),
                        feature=feature.name,
                        at=int(midnight + dice.triangular(7.5, 19.0, 11.0) * 3600),
                    )
                )
        uses.sort(key=lambda use: use.at)
        return uses


def person_id(account: Account, person: int) -> str:
    """The product's id of an account's n-th person."""
    # 7 is coprime to the number of names, so colleagues have different ones until all are used up.
    name = FIRST_NAMES[(len(account.name) + 7 * person) % len(FIRST_NAMES)]
    return f"{name}{person + 1}@{account.id}"


def is_workday(zone: str, day: date) -> bool:
    """Whether people in a zone usually work on a day."""
    return _share_of_workday(zone, day) == 1.0


def _share_of_workday(zone: str, day: date) -> float:
    weekend = FRIDAY_AND_SATURDAY if zone == RIYADH else SATURDAY_AND_SUNDAY
    if day.weekday() in weekend:
        return WEEKEND_SHARE
    if (day.month, day.day) in HOLIDAYS[zone.partition("/")[0]]:
        return HOLIDAY_SHARE
    return 1.0


def _habit(person: int, people: int) -> Habit:
    """The first third of a team lives in the product, the last fifth looks in now and then."""
    if person * 3 < people:
        return DAILY
    return REGULAR if person * 5 < people * 4 else OCCASIONAL


class _Pick:
    """Draws one of some features by their weights."""

    def __init__(self, features: tuple[Feature, ...]) -> None:
        self._features = features
        self._cumulative = list(accumulate(feature.weight for feature in features))

    def one(self, dice: random.Random) -> Feature:
        return dice.choices(self._features, cum_weights=self._cumulative)[0]
