"""What is known as of an instant: each thing with its fields, folded from every statement about it.

Statements resolve field by field by (occurred at, event id), so the order in which they arrive does not matter.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from mainstay.kernel.clock import day_of, start_of_day

ACCOUNT = "account"
"""The kind of what is stated about the account itself, and the id of that one thing."""

VALUE = "value"
"""The same of what its contracts are worth, as renewals says."""

UTC = ZoneInfo("UTC")

NOW = timedelta(minutes=5)
"""What is known now is what was said of instants before the next five minutes: senders' clocks run ahead."""


class Statement(NamedTuple):
    """What one fact says about one thing of an account.

    `kind` is that of `mainstay.customer.<kind>.v1` (ticket, contact, account, …), `thing_id` names the thing within the
    account, `at` is when it held or happened, `by` the event's id. `fields` has what was stated: Python's own types
    (date, datetime, str, int, Decimal, bool, tuples and dicts of them); None withdraws a field. `known_at` is when it
    was received, or its own time for imported history.
    """

    at: datetime
    by: str
    kind: str
    thing_id: str
    fields: Mapping[str, Any]
    known_at: datetime


@dataclass(slots=True)
class Thing:
    """One thing and what is known of it. `first_at` and `last_at` are when statements about it began and last held."""

    id: str
    first_at: datetime
    last_at: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    ranks: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def said(self, name: str) -> Any:
        """The value of a field; None where nobody stated it, or it was withdrawn."""
        return self.fields.get(name)

    def said_at(self, name: str) -> datetime | None:
        """Since when a field is as it is: the instant of its latest statement."""
        rank = self.ranks.get(name)
        return rank[0] if rank else None

    def each(self, name: str) -> Mapping[str, Any]:
        """The items of a list that facts speak of one by one (`team`, `steps`), by their keys; not those withdrawn."""
        prefix = f"{name}."
        return {
            field[len(prefix) :]: value
            for field, value in self.fields.items()
            if value is not None and field.startswith(prefix)
        }

    def take(self, statement: Statement) -> None:
        """Take in a statement: of each field the latest by (occurred at, event id) holds."""
        self.first_at, self.last_at = min(self.first_at, statement.at), max(self.last_at, statement.at)
        rank = (statement.at, statement.by)
        for name, value in statement.fields.items():
            if name not in self.ranks or self.ranks[name] < rank:
                self.fields[name], self.ranks[name] = value, rank


@dataclass(slots=True)
class Known:
    """The things of an account, by kind and id, as stated before the instant `before`. `zone` is the account's."""

    things: dict[str, dict[str, Thing]] = field(default_factory=dict)
    last_at: dict[str, datetime] = field(default_factory=dict)
    before: datetime | None = None
    zone: ZoneInfo = UTC

    def of(self, kind: str) -> Sequence[Thing]:
        """The things of one kind, in the order in which they were first heard of."""
        return tuple(self.things.get(kind, {}).values())

    def one(self, kind: str) -> Thing | None:
        """The one thing of a kind that there is one of, such as the account; None: nothing was said of it."""
        return next(iter(self.things.get(kind, {}).values()), None)

    def take(self, statement: Statement) -> None:
        """Take in a statement."""
        of_kind = self.things.setdefault(statement.kind, {})
        self.last_at[statement.kind] = max(self.last_at.get(statement.kind, statement.at), statement.at)
        thing = of_kind.get(statement.thing_id)
        if thing is None:
            thing = of_kind[statement.thing_id] = Thing(statement.thing_id, statement.at, statement.at)
        thing.take(statement)


@dataclass(frozen=True)
class Facts:
    """Every statement about an account, in order of (occurred at, event id). `zone` is the account's."""

    statements: tuple[Statement, ...] = ()
    zone: ZoneInfo = UTC
    _same: "Facts | None" = field(default=None, compare=False, repr=False)
    """The same statements, of an account in another zone: they are folded once."""

    @classmethod
    def of(cls, statements: Sequence[Statement]) -> "Facts":
        """Facts from statements in any order."""
        return cls(tuple(sorted(statements, key=lambda statement: statement[:4])))

    def in_zone(self, zone: ZoneInfo) -> "Facts":
        """The same facts, of an account in this zone."""
        return self if zone == self.zone else Facts(self.statements, zone, self._same or self)

    def any_on(self, day: date, now: datetime) -> bool:
        """Whether anything was stated of a day, up to now."""
        if not self.statements:
            return False
        place = bisect_left(self.statements, start_of_day(day, self.zone), key=lambda statement: statement.at)
        return place < len(self.statements) and (
            self.statements[place].at < now + NOW and day_of(self.statements[place].at, self.zone) == day
        )

    def as_of(self, day: date, now: datetime) -> Known:
        """What is known as of a day: what was said by its end, and by now."""
        return self.until(min(start_of_day(day + timedelta(days=1), self.zone), now + NOW))

    def until(self, instant: datetime) -> Known:
        """What held before an instant: the end of a day is the beginning of the next."""
        if not self.statements or self.statements[-1].at < instant:
            return replace(self.folded, before=instant, zone=self.zone)
        known = Known(before=instant, zone=self.zone)
        for statement in self.statements:
            if statement.at >= instant:
                break
            known.take(statement)
        return known

    @cached_property
    def folded(self) -> Known:
        """What all statements say together: most often nothing was said since, and an account is scored often."""
        if self._same is not None:
            return self._same.folded
        known = Known()
        for statement in self.statements:
            known.take(statement)
        return known

    def replay(self) -> "Replay":
        """The same for rising instants, each statement taken in once."""
        return Replay(iter(self.statements), self.zone)


class Replay:
    """What is known at rising instants. The `Known` it answers is the same object each time, and moves on."""

    def __init__(self, statements: Iterator[Statement], zone: ZoneInfo) -> None:
        self._statements = statements
        self._next = next(statements, None)
        self.known = Known(zone=zone)

    def until(self, instant: datetime) -> Known:
        """What held before an instant that is not earlier than the one asked for last."""
        self.known.before = instant
        while self._next is not None and self._next.at < instant:
            self.known.take(self._next)
            self._next = next(self._statements, None)
        return self.known
