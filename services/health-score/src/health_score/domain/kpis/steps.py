"""What held from which instant on, by what facts about an account stated."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from health_score.domain.facts.known import ACCOUNT, Statement

EVER = datetime.min.replace(tzinfo=UTC)
"""What never began holds from here on."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What held from which instant on, rising. Before the first step holds what it says."""

    instants: tuple[datetime, ...]
    values: tuple[Any, ...]

    def at(self, instant: datetime) -> Any:
        """What held at an instant."""
        return self.values[max(0, bisect_right(self.instants, instant) - 1)]

    def changes_between(self, begin: datetime, end: datetime) -> tuple[datetime, ...]:
        """The instants of steps after `begin` and before `end`."""
        return self.instants[bisect_right(self.instants, begin) : bisect_left(self.instants, end)]


def always(value: Any) -> Steps:
    """One value at all times."""
    return Steps((EVER,), (value,))


def stated(statements: Iterable[Statement], field: str, otherwise: Any = None) -> Steps:
    """A field of the account as its facts have it, in order of time; `otherwise` where no fact speaks of it."""
    said = [(each.at, each.fields[field]) for each in statements if each.kind == ACCOUNT and field in each.fields]
    return steps_of(said) if said else always(otherwise)


def steps_of(said: Iterable[tuple[datetime, Any]]) -> Steps:
    """What was said (something was), in order of time."""
    instants, values = zip(*said, strict=True)
    return Steps(instants, values)
