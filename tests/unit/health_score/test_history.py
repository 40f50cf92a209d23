"""Closes made at once are those made one by one."""

import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from health_score.domain.account import Account
from health_score.domain.activity import Activity, DayOfUse
from health_score.domain.bands import Standing
from health_score.domain.closing import close_days
from health_score.domain.evidence import Evidence
from health_score.domain.history import DAY, Seats, coverage_units
from health_score.domain.metrics.catalogue import as_of
from health_score.domain.metrics.windows import Windows
from health_score.domain.scoring import Scorer
from health_score.domain.selection import Bases, Deployment
from health_score.scorecards.reading import read_scorecard

BORN = date(2012, 1, 3)
CARD = read_scorecard().card
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _bases(activity: Activity) -> Bases:
    return Bases(Account("acme", 1), Evidence(activity), Deployment.of_one(Scorer(CARD), NOW))


def _life(seed: int, days: int) -> Activity:
    chance = random.Random(seed)
    uses: dict[date, DayOfUse] = {}
    for place in range(days):
        if chance.random() < 0.6:
            use = uses[BORN + timedelta(days=place)] = DayOfUse()
            for _ in range(chance.randint(1, 12)):
                use.count(int(chance.expovariate(0.1)), chance.randint(0, 9))
    return Activity(BORN, uses)


@pytest.mark.parametrize("seed", range(5))
def test_closes_in_one_go_are_those_of_each_day(seed: int) -> None:
    activity = _life(seed, 200)
    last = BORN + timedelta(days=300)
    seats = Seats().from_day(BORN + timedelta(days=90), 30).from_day(BORN + timedelta(days=150), 60)

    at_once, after = close_days(
        Windows(activity, BORN, last), _bases(activity), born=BORN, first=BORN, last=last, seats=seats, standing=None
    )

    standing: Standing | None = None
    for close in at_once:
        reading = as_of(activity, close.day, running=False, seats=seats.on(close.day))
        reading.age_days = (close.day - BORN).days + 1
        total = Scorer(CARD).scored(reading).total
        band = CARD.bands.place(total.score, total.coverage, standing, close.day)
        standing = standing.after(close.day, band) if standing else Standing(band, close.day)
        assert close[1:] == (total.score, band, coverage_units(total.coverage), CARD.key, None)
    assert standing == after


def test_closes_begun_in_the_middle_go_on_the_same() -> None:
    activity = _life(7, 300)
    middle, last = BORN + timedelta(days=200), BORN + timedelta(days=360)
    bases = _bases(activity)

    def close(first: date, last: date, standing: Standing | None) -> tuple[list[object], Standing | None]:
        found, after = close_days(
            Windows(activity, first, last),
            bases,
            born=BORN,
            first=first,
            last=last,
            seats=Seats(),
            standing=standing,
        )
        return list(found), after

    whole, _ = close(BORN, last, None)
    begun, standing = close(BORN, middle, None)
    rest, _ = close(middle + DAY, last, standing)
    assert begun + rest == whole


def test_seats_hold_from_their_day_on() -> None:
    later = BORN + timedelta(days=9)
    seats = Seats().from_day(BORN, 5).from_day(later, None)
    assert [seats.on(BORN - DAY), seats.on(BORN), seats.on(later)] == [None, 5, None]
    assert seats.from_day(later + DAY, None) is seats
    assert seats.from_day(BORN + DAY, 6).steps == ((BORN, 5), (BORN + DAY, 6))
    assert seats.from_day(BORN + DAY, 5).steps == ((BORN, 5),)


def test_a_published_coverage_is_rounded_half_up() -> None:
    assert [coverage_units(Fraction(number, 20_000)) for number in (0, 1, 2, 20_000)] == [0, 1, 1, 10_000]
