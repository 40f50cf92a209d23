"""In how many messages alerts would come, had they come: grouped, held for working hours, within each day's budget.

It goes by the same words as the gate that messages really pass: people, working hours, leave, budgets. What only holds
messages for a while, as silences and snoozes do, is left out, and so is the pace of chats.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from heapq import heapify, heappop, heappush

from alerts.domain.calendars import PublicHolidays, instant, works_next
from alerts.domain.people import MINUTES_OF_A_DAY, Person, Via, Why, standing_in
from alerts.domain.routing import QuietHours
from alerts.domain.words import Severity

WayTo = Callable[[Person], str | None]
"""The id of the channel that reaches somebody; None: nothing does."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way that an opening goes: a channel, for whom, how long it waits for company, and what working hours mean."""

    channel_id: str
    person_id: str | None
    group_minutes: int
    quiet_hours: QuietHours


@dataclass(frozen=True, slots=True)
class Opening:
    """An alert that would have opened. `ended_at` is when it was over, None: it is not."""

    account_id: str
    severity: Severity
    opened_at: datetime
    ended_at: datetime | None
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A message: how many openings it tells of, and whether a digest carries it because the day's budget was spent."""

    account_id: str
    channel_id: str
    person_id: str | None
    at: datetime
    openings: int
    in_digest: bool = False


@dataclass(slots=True)
class _Waiting:
    """A message before it goes: what it tells of, and when it is to go."""

    account_id: str
    way: Way
    goes_at: datetime
    openings: list[Opening]

    @property
    def severity(self) -> Severity:
        return max((each.severity for each in self.openings), key=lambda severity: severity.rank)

    def is_over_at(self, at: datetime) -> bool:
        """Whether nothing that it tells of goes on any more; what is over is left out of it."""
        self.openings = [each for each in self.openings if each.ended_at is None or each.ended_at > at]
        return not self.openings


def rehearse(
    openings: Iterable[Opening],
    people: Mapping[str, Person],
    way_to: WayTo,
    holidays: PublicHolidays,
    spent: Mapping[tuple[str, date], int],
) -> Sequence[Sent]:
    """The messages that openings would have made. `spent` is how many people got of other rules, on days of theirs."""
    going = [each for waiting in _grouped(openings) for each in _to_whom(waiting, people, way_to, holidays)]
    return _within_budgets(_come_together(going), people, holidays, spent)


def _grouped(openings: Iterable[Opening]) -> Iterable[_Waiting]:
    """What comes while something waits for the same account and reader joins it."""
    waiting: dict[tuple[str, str, str | None], _Waiting] = {}
    made: list[_Waiting] = []
    for opening in sorted(openings, key=lambda each: each.opened_at):
        for way in opening.ways:
            key = (opening.account_id, way.channel_id, way.person_id)
            there = waiting.get(key)
            if way.group_minutes and there is not None and opening.opened_at < there.goes_at:
                there.openings.append(opening)
                continue
            goes_at = opening.opened_at + timedelta(minutes=way.group_minutes)
            waiting[key] = _Waiting(opening.account_id, way, goes_at, [opening])
            made.append(waiting[key])
    return made


def _to_whom(
    waiting: _Waiting, people: Mapping[str, Person], way_to: WayTo, holidays: PublicHolidays
) -> Iterable[_Waiting]:
    """The message as it goes: to whoever stands in, when they work, unless it is over by then."""
    if waiting.is_over_at(waiting.goes_at):
        return
    person = people.get(waiting.way.person_id or "")
    if waiting.way.person_id is None:
        yield waiting
        return
    if person is None:
        return  # not in the directory any more
    if person.leave_at(waiting.goes_at) is not None:
        found = standing_in(Via(person.id, Why.PERSON), people, waiting.goes_at)
        deputy = people.get(found.person_id or "")
        channel_id = way_to(deputy) if deputy is not None else None
        if deputy is not None and channel_id is not None:
            person, waiting.way = deputy, replace(waiting.way, person_id=deputy.id, channel_id=channel_id)
    if waiting.way.quiet_hours.holds(waiting.severity):
        waiting.goes_at = works_next(person, waiting.goes_at, holidays) or waiting.goes_at
    if not waiting.is_over_at(waiting.goes_at):
        yield waiting


def _come_together(going: Sequence[_Waiting]) -> Sequence[_Waiting]:
    """What waited for company and is due at the same instant for the same account and reader is one message."""
    found: dict[tuple[object, ...], _Waiting] = {}
    for number, each in enumerate(going):
        way = each.way
        alone = () if way.group_minutes else (number,)
        key = (each.account_id, way.channel_id, way.person_id, each.goes_at, *alone)
        if key in found:
            found[key].openings += each.openings
        else:
            found[key] = each
    return list(found.values())


def _within_budgets(
    going: Sequence[_Waiting],
    people: Mapping[str, Person],
    holidays: PublicHolidays,
    spent: Mapping[tuple[str, date], int],
) -> Sequence[Sent]:
    """The worst first, as long as the day's budget lasts; the rest in the digest, or on the next day without one."""
    told: dict[tuple[str, date], int] = defaultdict(int, spent)
    sent: list[Sent] = []
    due = [(each.goes_at, -each.severity.rank, number, each) for number, each in enumerate(going)]
    heapify(due)
    while due:
        _, _, number, each = heappop(due)
        person = people.get(each.way.person_id or "")
        if person is None or person.daily_budget is None:
            sent.append(_sent(each))
            continue
        day = (person.id, person.day_of(each.goes_at))
        if told[day] < person.daily_budget or not each.way.quiet_hours.holds(each.severity):
            told[day] += 1
            sent.append(_sent(each))
        elif person.digests.daily_at is not None or not person.daily_budget:
            sent.append(replace(_sent(each), in_digest=True))
        else:
            tomorrow = instant(person, day[1], MINUTES_OF_A_DAY)
            each.goes_at = works_next(person, tomorrow, holidays) or tomorrow
            if not each.is_over_at(each.goes_at):
                heappush(due, (each.goes_at, -each.severity.rank, number, each))
    return sent


def _sent(each: _Waiting) -> Sent:
    return Sent(each.account_id, each.way.channel_id, each.way.person_id, each.goes_at, len(each.openings))
