"""An account's recorded past, and what of it was known at the end of any day.

A live event is known from its receipt on. One that was received more than `LATE` after it happened is imported history
and counts as known at its own time: else an import of ten years could never be tested. So the only difference between
what is known now and what was known on a day are late events and facts of the days right before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from health_score.domain.account import Stated
from health_score.domain.activity import Activity, DayOfUse, Life
from health_score.domain.decisions import Decisions
from health_score.domain.facts.known import Facts
from health_score.domain.history import DAY, Seats
from health_score.domain.metrics.series import SeriesDay
from health_score.domain.rulebook import NO_RULES, Rulebook
from health_score.domain.stages import NOTHING_MOVED, Journal
from mainstay.kernel.clock import day_of, start_of_day

LATE = timedelta(days=7)
"""How late a live event may come. Received later than that, it is imported history."""


class Arrival(NamedTuple):
    """One event of a day: the day it became known, its user and its feature by number."""

    known_on: date
    user: int | None
    feature: int


def known_at(occurred_at: datetime, received_at: datetime) -> datetime:
    """When an event became known: its receipt, or its own time for imported history."""
    return occurred_at if received_at - occurred_at > LATE else max(occurred_at, received_at)


class Value(NamedTuple):
    """What an account was worth from a day on, as renewals said: ARR by currency; nothing is worth nothing."""

    day: date
    arr: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Past:
    """Everything recorded about an account.

    `activity` is the whole of it. `arrivals` has every event of the days of which some event came after the day was
    over. `facts` say when they were known themselves. `values` rise by day. Days are those of `zone`.
    `customs` has the days of series, by number, which do not say when they were known: each counts on its own day.
    `journal` has what rules did with its stage, `rules` those of the operator, each dated.
    """

    account_id: str
    activity: Activity
    seats: Seats = field(default_factory=Seats)
    arrivals: Mapping[date, Sequence[Arrival]] = field(default_factory=dict)
    values: Sequence[Value] = ()
    facts: Facts = field(default_factory=Facts)
    stated: Mapping[str, Stated] = field(default_factory=dict)
    decisions: Decisions = field(default_factory=Decisions)
    customs: Mapping[int, Mapping[date, SeriesDay]] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    journal: Journal = NOTHING_MOVED
    rules: Rulebook = NO_RULES

    @property
    def first_day(self) -> date | None:
        """The first active day."""
        return min(self.activity.days, default=None)

    def incomplete_days(self) -> set[date]:
        """The days at whose end something that had happened by then was not known."""
        found: set[date] = set()
        for day, arrivals in self.arrivals.items():
            latest = max(arrival.known_on for arrival in arrivals)
            found.update(day + DAY * number for number in range((latest - day).days))
        for statement in self.facts.statements:
            if statement.known_at > statement.at:
                day = day_of(statement.at, self.zone)
                found.update(day + DAY * number for number in range((day_of(statement.known_at, self.zone) - day).days))
        return found

    def known_on(self, day: date) -> Activity:
        """The activity as it was known at the end of a day; nothing of later days."""
        days: dict[date, DayOfUse] = {}
        for active, use in self.activity.days.items():
            if active > day:
                continue
            if active not in self.arrivals:
                days[active] = use
                continue
            known = DayOfUse()
            for arrival in self.arrivals[active]:
                if arrival.known_on <= day:
                    known.count(arrival.user, arrival.feature)
            if known.events:
                days[active] = known
        life = self.activity.life
        return Activity(
            self.activity.since,
            days,
            self.activity.active_before,
            life and replace(_life(days), feature_numbers=life.feature_numbers),
        )

    def facts_known_on(self, day: date) -> Facts:
        """The facts that were known at the end of a day, also those about later days."""
        ends = start_of_day(day + DAY, self.zone)
        return Facts(tuple(statement for statement in self.facts.statements if statement.known_at < ends))

    def value_on(self, day: date) -> Mapping[str, Decimal]:
        """What the account was worth on a day; nothing where that is not known."""
        arr: Mapping[str, Decimal] = {}
        for value in self.values:
            if value.day > day:
                break
            arr = value.arr
        return arr


def _life(days: Mapping[date, DayOfUse]) -> Life:
    """What these days say of a life, if they are all there are."""
    seen, newcomers = 0, []
    for day in sorted(days):
        if new := days[day].users & ~seen:
            newcomers.append((day, new.bit_count()))
            seen |= new
    return Life(min(days, default=None), newcomers)
