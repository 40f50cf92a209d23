"""How figures are made of the things that facts speak of.

A figure of things of which none was ever stated is undefined: nobody knows whether there are none, or nobody says. A
window of n days as of a day ends with it, in the account's zone.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from health_score.domain.facts.known import Known, Thing
from health_score.domain.metrics.reading import AsOf, Value
from mainstay.kernel.clock import day_of

_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_OF_AN_HOUR = 3_600_000_000


def counted(kind: str, counts: Callable[[AsOf, Thing], bool]) -> Callable[[AsOf], Value]:
    """How many things of a kind count as of a day."""

    def read(of: AsOf) -> Value:
        things = of.known.of(kind)
        return sum(counts(of, thing) for thing in things) if things else None

    return read


def last_said(*kinds: str) -> Callable[[AsOf], date | None]:
    """The day of the latest statement about anything of these kinds."""

    def seen(of: AsOf) -> date | None:
        instants = [of.known.last_at[kind] for kind in kinds if kind in of.known.last_at]
        return day_of(max(instants), of.known.zone) if instants else None

    return seen


def within(of: AsOf, instant: datetime | None, days: int) -> bool:
    """Whether an instant lies in the window of so many days."""
    if instant is None:
        return False
    begin, end = of.window(days)
    return begin <= instant < end


def hours(duration: timedelta) -> Fraction:
    """A duration in hours, exactly; none is shorter than 0."""
    return Fraction(max(0, duration // _MICROSECOND), _MICROSECONDS_OF_AN_HOUR)


def mean(values: Iterable[int]) -> Value:
    """The mean; undefined for none."""
    known = list(values)
    return Fraction(sum(known), len(known)) if known else None


def median(values: Iterable[Fraction]) -> Value:
    """The middle value, or the mean of the two in the middle; undefined for none."""
    known = sorted(values)
    if not known:
        return None
    middle = len(known) // 2
    return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2


def share(part: int, whole: int) -> Value:
    """A part of a whole; undefined for a part of nothing."""
    return Fraction(part, whole) if whole else None


def promised(of: AsOf, name: str) -> Any:
    """What the account is promised as of the day: hours to answer in, days between touches.

    As stated for the account by then, else by the service policy in force. Hours may go by a ticket's priority.
    """
    value = promised_in(of.known, name)
    return of.promises.get(name) if value is None else value


def promised_in(known: Known, name: str) -> Any:
    """The same, as far as it was stated for the account."""
    account = known.one("account")
    policy = account.said("service_policy") if account else None
    return policy.get(name) if policy else None


def promised_hours(of: AsOf, name: str, ticket: Thing) -> int | None:
    """The hours promised for a ticket."""
    return hours_for(promised(of, name), ticket.said("priority"))


def hours_for(promise: int | Mapping[str, int] | None, priority: str | None) -> int | None:
    """The hours of a promise for a ticket; where they go by priority, one without any is a normal one."""
    return promise.get(priority or "normal") if isinstance(promise, Mapping) else promise
