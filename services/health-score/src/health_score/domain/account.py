"""An account: what is known about it, what it is worth, and where its health stands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from health_score.domain import silence
from health_score.domain.bands import Band, Standing
from health_score.domain.derived import NOTHING_DERIVED, Derived
from health_score.domain.history import DAY, Seats
from health_score.domain.metrics.windows import REACH
from health_score.domain.rules import RULE
from health_score.domain.silence import Silence
from health_score.domain.team import Assignment
from mainstay.kernel.clock import day_of, start_of_day
from mainstay.kernel.money import Money

FIELDS = ("name", "owner", "tier", "zone", "industry", "segment")
"""What facts state about an account, and lists are made by."""

FURTHER_FIELDS = (
    "parent_account_id",
    "currency",
    "locale",
    "stage",
    "service_policy",
    "partnership",
    "brand_value",
    "go_live_planned_on",
    "go_live_on",
    "delivery_partner",
    "coverage_role",
    "coverage_assignment",
)
"""What else they state; its ids elsewhere are fields too, as `external_ids.<system>`."""

EXTERNAL_IDS = "external_ids"


MOST_CAUSES = 50
"""How many ids of events a change names, at most, as its causes."""


class AccountUnknown(LookupError):
    """Nothing was ever heard of this account."""

    def __init__(self, account_id: str) -> None:
        super().__init__(f"no account has the id {account_id}")
        self.account_id = account_id


class ZoneUnknown(ValueError):
    """A fact names a zone that the IANA database does not have."""


@lru_cache(maxsize=1_024)
def zone_named(name: str | None) -> ZoneInfo:
    """The zone of that IANA name, UTC for none. Raises `ZoneUnknown`."""
    if name is None:
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise ZoneUnknown(f"there is no zone named {name!r}") from error


def external_ids(stated: Mapping[str, Any]) -> dict[str, str]:
    """The ids in other systems among what was stated, by system; not those withdrawn."""
    prefix = f"{EXTERNAL_IDS}."
    return {
        name.removeprefix(prefix): value
        for name, value in sorted(stated.items())
        if value is not None and name.startswith(prefix)
    }


class Stated(NamedTuple):
    """What the latest fact says about one field, as JSON has it, and its rank among facts: (occurred at, event id)."""

    value: Any
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Worth:
    """What an account's contracts are worth, as renewals last said; a lower `sequence` is older."""

    arr: tuple[Money, ...] = ()
    seats: int | None = None
    next_renewal_on: date | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """The health that was last published. `coverage` is in ten-thousandths, `contributions` in points by measure.

    `band_entered_on` is the day of the first close (or the running day) in the band, `band_since` the instant said.
    `computed` has the score and band without what people set by hand (None: they set nothing); `stale` names the
    measures whose evidence was too old.
    """

    score: int | None = None
    band: Band = Band.UNKNOWN
    coverage: int = 0
    band_entered_on: date | None = None
    band_since: datetime | None = None
    contributions: Mapping[str, int] = field(default_factory=dict)
    computed: tuple[int | None, Band] | None = None
    stale: Collection[str] = ()
    told: Mapping[str, float | None] = field(default_factory=dict)
    """The values of measures that others were told last, by metric; None: that it has none."""


@dataclass(slots=True)
class Account:
    """One account. `number` is its own in this database; `sequence` counts the changes of its record.

    `dirty_from` is the earliest day whose close may be wrong (None: none is) and `dirty_by` has the ids of the events
    that made it so (the first `MOST_CAUSES`); `regroup` says that its days have to be
    formed anew from the raw events. `standing` is that of the close of `closed_through`,
    `record_changed` says that what was stated, or the worth, is another than the one stored. `derived` is what follows
    from it by the operator's rules, as last computed.
    """

    id: str
    number: int
    stated: dict[str, Stated] = field(default_factory=dict)
    team: tuple[Assignment, ...] = ()
    worth: Worth = field(default_factory=Worth)
    seats: Seats = field(default_factory=Seats)
    sequence: int = 0
    first_day: date | None = None
    last_active: date | None = None
    dirty_from: date | None = None
    dirty_by: tuple[str, ...] = ()
    regroup: bool = False
    closed_through: date | None = None
    standing: Standing | None = None
    health: Health = field(default_factory=Health)
    silence: Silence | None = None
    record_changed: bool = False
    derived: Derived = NOTHING_DERIVED

    @property
    def tier(self) -> str | None:
        """The tier: the one stated beats the one by rules."""
        by = self.derived.tier_by
        stated: str | None = self.said("tier")
        return self.derived.tier if stated is None and by is not None and by.how == RULE else stated

    @property
    def zone(self) -> ZoneInfo:
        """The account's zone; UTC as long as nobody stated one."""
        return zone_named(self.said("zone"))

    def said(self, name: str) -> Any:
        """The value of a stated field."""
        known = self.stated.get(name)
        return known.value if known else None

    @property
    def external_ids(self) -> dict[str, str]:
        """The account's ids in other systems, by system."""
        return external_ids({name: known.value for name, known in self.stated.items()})

    def today(self, at: datetime) -> date:
        """The civil date of an instant in the account's zone."""
        return day_of(at, self.zone)

    def learn(self, fields: Mapping[str, Any], *, at: datetime, by: str) -> bool:
        """Take in what a fact states; the latest (occurred at, event id) wins. Says whether anything changed.

        Raises `ZoneUnknown` before anything is taken in.
        """
        zone_named(fields.get("zone"))
        zone_before = self.zone.key
        changed = False
        for name, value in fields.items():
            known = self.stated.get(name)
            if known is None or (known.at, known.by) < (at, by):
                self.stated[name] = Stated(value, at, by)
                self.record_changed = True
                changed |= value != (known.value if known else None)
        if self.zone.key != zone_before and self.first_day is not None:
            self.regroup = True
            self.mark_dirty(self.first_day, [by])
        return changed

    def has_team(self, team: tuple[Assignment, ...]) -> bool:
        """Take in the team, as all facts have it. Says whether it changed."""
        if team == self.team:
            return False
        self.team, self.record_changed = team, True
        return True

    def appraise(self, worth: Worth, *, at: datetime, by: str, now: datetime) -> bool:
        """Take in what the account's contracts are worth from `at` on, by an event's id. Says whether that changed."""
        if worth.sequence <= self.worth.sequence:
            return False
        before, self.worth, self.record_changed = self.worth, worth, True
        day = self.today(min(at, now))
        seats = self.seats.from_day(day, worth.seats)
        if seats != self.seats:
            self.seats = seats
            if self.first_day is not None and day < self.today(now):
                self.mark_dirty(max(day, self.first_day), [by])
        return (before.arr, before.seats, before.next_renewal_on) != (worth.arr, worth.seats, worth.next_renewal_on)

    def next_sequence(self) -> int:
        """The number of the next snapshot of the record."""
        self.sequence += 1
        self.record_changed = True
        return self.sequence

    def was_active_on(self, day: date, *, today: date, by: Sequence[str]) -> None:
        """Take in that events (`by` their ids) fell on a day; before `today`, its close and all after become dirty."""
        self.first_day = min(self.first_day or day, day)
        self.last_active = max(self.last_active or day, day)
        if day < today:
            self.mark_dirty(day, by)

    def was_told_of(self, instant: datetime, *, today: date, by: str) -> None:
        """Take in that a fact (`by` its event's id) speaks of an instant; before `today`, closes become dirty."""
        day = day_of(instant, self.zone)
        if day < today and self.first_day is not None and self.first_day < today:
            self.mark_dirty(max(day, self.first_day), [by])

    def mark_dirty(self, day: date, by: Sequence[str]) -> None:
        """Have the closes from `day` on made again, because of the events with these ids."""
        self.dirty_from = min(self.dirty_from or day, day)
        self.dirty_by = tuple(dict.fromkeys((*self.dirty_by, *by)))[:MOST_CAUSES]

    def clean(self) -> None:
        """Take in that no close is dirty any more."""
        self.dirty_from, self.dirty_by = None, ()

    def live_through(self, days: Collection[date]) -> None:
        """Take in the account's active days, formed anew in another zone: every close is dirty."""
        self.regroup = False
        self.first_day, self.last_active = min(days, default=None), max(days, default=None)
        self.dirty_from, self.closed_through, self.standing = self.first_day, None, None

    def first_open_day(self) -> date | None:
        """The first day whose close is missing or dirty; None for an account that was never active."""
        if self.first_day is None:
            return None
        missing = self.closed_through + DAY if self.closed_through else self.first_day
        return max(self.first_day, min(missing, self.dirty_from or missing))

    def days_needed_from(self, today: date, reach: timedelta = REACH, *, listens: bool = True) -> date:
        """The first day of the activity that an assessment on `today` looks at; more where it listens for silence.

        Metrics look back by `reach`.
        """
        needed = [today, *filter(None, [self.first_open_day()])]
        if listens and self.last_active is not None and self.last_active != today:
            needed.append(min(self.last_active, today) - silence.MEMORY)
        return min(needed) - reach

    def next_close(self, at: datetime) -> datetime:
        """The next midnight of the account's zone after `at`, in UTC."""
        tomorrow = self.today(at) + DAY
        return start_of_day(tomorrow, self.zone)
