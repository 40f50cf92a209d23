"""What a kind of condition makes of the facts: from which instants on it holds, and how much.

A kind reads facts into moments; `alerts.domain.holding` makes alerts of moments. Moments may lie in the future: an
invoice that nobody pays is overdue from a day that is known today.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from alerts.domain.observations import Observation, Phrase


class Ending(StrEnum):
    """How a condition passed."""

    RECOVERED = "recovered"
    SUPERSEDED = "superseded"
    ACTIVE_AGAIN = "active-again"
    RENEWED = "renewed"
    ENDED = "ended"
    SETTLED = "settled"
    PASSED = "passed"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Passing:
    """How what held before came to its end, and the sentence that says so."""

    how: Ending
    reason: str


PASSED = Passing(Ending.PASSED, "The condition does not hold any more.")
LAPSED = Passing(Ending.LAPSED, "Nothing more was heard of it for the time that the rule sets.")


@dataclass(frozen=True, slots=True)
class Moment:
    """From `at` on the condition holds at `grade`; None: it does not hold.

    An alert that begins here is named by `name`, so `name` is the same however often the facts are read. `passed` says
    how what held before came to its end.
    """

    at: datetime
    name: str
    event_id: str
    grade: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    said: tuple[Phrase, ...] = ()
    passed: Passing = PASSED


@dataclass(frozen=True, slots=True)
class Reach:
    """From `at` on a value has reached `grade`; `name` tells it from the same grade reached at another time."""

    at: datetime
    grade: str
    words: Mapping[str, str]
    name: str = ""


State = Mapping[str, Any]
"""What is known of a thing: the fields stated so far."""


def aged(
    seen: Sequence[Observation],
    states: Iterable[State],
    reached: Callable[[State], Sequence[Reach]],
    *,
    passed: Passing = PASSED,
) -> Iterator[Moment]:
    """The moments of a thing that gets worse by itself as time goes by.

    `states` are what was known after each of the facts `seen`; `reached` says from when on a thing in such a state has
    which grade, oldest first, if no other fact comes.
    """
    ends: list[datetime | None] = [later.at for _, later in pairwise(seen)]
    holds: str | None = None
    for fact, state, until in zip(seen, states, [*ends, None], strict=True):
        ahead = reached(state)
        standing = [reach for reach in ahead if reach.at <= fact.at]
        if standing:
            yield _moment(fact, standing[-1], fact.at)
        elif holds is not None:
            yield Moment(fact.at, fact.event_id, fact.event_id, passed=passed)
        holds = standing[-1].grade if standing else None
        for reach in ahead:
            if reach.at > fact.at and (until is None or reach.at < until):
                yield _moment(fact, reach, reach.at)
                holds = reach.grade


def _moment(fact: Observation, reach: Reach, at: datetime) -> Moment:
    name = f"{fact.subject} {reach.name} {reach.grade}" if reach.name else fact.event_id
    return Moment(at, name, fact.event_id, reach.grade, reach.words)


def states_of(seen: Iterable[Observation]) -> Iterator[State]:
    """What is known of one thing after each fact about it: a field is what was stated of it last."""
    known: dict[str, Any] = {}
    for each in seen:
        known = {**known, **getattr(each.fact, "fields", {})}
        yield known


def lasting(moments: Iterable[Moment], lasts: timedelta | None) -> Iterator[Moment]:
    """Moments of a condition that nobody says the end of: it lapses `lasts` after it was said last; None: never."""
    before: Moment | None = None
    for moment in moments:
        if lasts is not None and before is not None and before.grade and before.at + lasts <= moment.at:
            yield _lapse(before, lasts)
        yield moment
        before = moment
    if lasts is not None and before is not None and before.grade:
        yield _lapse(before, lasts)


def _lapse(moment: Moment, lasts: timedelta) -> Moment:
    return Moment(moment.at + lasts, moment.name, moment.event_id, passed=LAPSED)
