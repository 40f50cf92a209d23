"""An account's timeline: everything known about it in order of time, newest first."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import nlargest
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from health_score.application.announcing import SOURCE
from health_score.domain.account import AccountUnknown, zone_named
from health_score.domain.silence import silences
from mainstay.kernel.clock import Clock, day_of, start_of_day

BAND = "band"
SILENCE = "silence"
DAY = timedelta(days=1)


class Place(NamedTuple):
    """Where a row stands: by its instant, then its source and a key that is its own there."""

    at: datetime
    section: str
    key: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One thing that happened or was said. `kind` is that of the fact or the decision, `band` or `silence`.

    `title` is a line for people, `data` what was stated, `source` who sent it, `by` who said it.
    """

    kind: str
    at: datetime
    title: str
    data: dict[str, Any]
    source: str
    by: str | None


class Placed(NamedTuple):
    """A row with its place."""

    place: Place
    row: TimelineRow


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which rows: those from `begin` on and before `end`, of these kinds (none: all), behind the place `after`."""

    begin: datetime
    end: datetime
    kinds: Collection[str] = ()
    after: Place | None = None

    def takes(self, placed: Placed) -> bool:
        """Whether a row is one of them."""
        return (
            self.begin <= placed.place.at < self.end
            and (not self.kinds or placed.row.kind in self.kinds)
            and (self.after is None or placed.place < self.after)
        )


class BandOn(NamedTuple):
    """The band and score at the close of a day; `previous` are those of the day before."""

    day: date
    band: str
    score: int | None
    previous_band: str | None
    previous_score: int | None


@dataclass(frozen=True, slots=True)
class Life:
    """What a timeline needs of the account's row, its closes at which the band changed, and its active days."""

    number: int
    zone: str | None
    band: str
    score: int | None
    band_since: datetime | None
    last_closed: BandOn | None
    bands: Sequence[BandOn]
    active_days: Sequence[date]


class TimelineStore(Protocol):
    """The store's side of timelines."""

    async def life(self, account_id: str) -> Life | None:
        """What a timeline needs of an account besides facts and decisions, or None for an unknown one."""

    async def facts(self, number: int, wanted: Stretch, limit: int) -> Sequence[Placed]:
        """The newest facts of a stretch."""

    async def decisions(self, number: int, wanted: Stretch, limit: int) -> Sequence[Placed]:
        """The newest decisions of a stretch."""


class Timelines:
    """Answers what is known about an account, in order of time."""

    def __init__(self, store: TimelineStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def __call__(
        self, account_id: str, first: date, last: date, kinds: Collection[str], after: Place | None, limit: int
    ) -> Sequence[Placed]:
        """Up to `limit` rows of the days from `first` to `last`, newest first. Raises `AccountUnknown`."""
        life = await self._store.life(account_id)
        if life is None:
            raise AccountUnknown(account_id)
        zone = zone_named(life.zone)
        begin = start_of_day(max(first, date.min + DAY), zone)
        end = start_of_day(min(last, date.max - DAY) + DAY, zone)
        wanted = Stretch(begin, end, kinds, after)
        rows = [
            *await self._store.facts(life.number, wanted, limit),
            *await self._store.decisions(life.number, wanted, limit),
            *(placed for placed in self._found(life) if wanted.takes(placed)),
        ]
        return nlargest(limit, rows, key=attrgetter("place"))

    def _found(self, life: Life) -> Iterable[Placed]:
        """What health-score found out by itself: bands entered and silences."""
        zone = zone_named(life.zone)
        for each in life.bands:
            yield _band(each, start_of_day(each.day + DAY, zone))
        closed, today = life.last_closed, day_of(self._clock.now(), zone)
        if life.band_since is not None and life.band != (closed.band if closed else None):
            running = BandOn(today, life.band, life.score, closed and closed.band, closed and closed.score)
            yield _band(running, life.band_since)
        for quiet, back in silences(life.active_days, today):
            told = {"last_active_on": quiet.last_active, "habit_days": quiet.habit_days, "active_again_on": back}
            place = Place(start_of_day(quiet.since, zone), SILENCE, str(quiet.last_active))
            title = f"Silent: no activity since {quiet.last_active}"
            yield Placed(place, TimelineRow(SILENCE, place.at, title, told, SOURCE, None))


def _band(entered: BandOn, at: datetime) -> Placed:
    before = f" from {entered.previous_band}" if entered.previous_band else ""
    data = {
        "band": entered.band,
        "score": entered.score,
        "previous_band": entered.previous_band,
        "previous_score": entered.previous_score,
    }
    row = TimelineRow(BAND, at, f"Health {entered.band}{before}", data, SOURCE, None)
    return Placed(Place(at, BAND, str(entered.day)), row)
