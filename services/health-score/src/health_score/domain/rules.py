"""Rules of the operator: ordered conditions on what is known of an account; the first rule whose all hold decides."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Generic, NamedTuple, Protocol, TypeVar

from health_score.domain.metrics.reading import Value

Known = Value | float | str
"""What a condition looks at: a word or a number (the journal keeps floats); None where nobody said, or undefined."""

Look = Callable[[str], Known]
"""Answers what is known by a name. It is asked only as far as conditions get."""

DEFAULT_VERSION = 0
"""The version of the documents that come with Mainstay: in force until the operator's first."""

HAND, RULE = "hand", "rule"
"""How something came about."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A word is one of `values`, or (`negated`) none of them. What nobody said is none of them."""

    name: str
    values: tuple[str, ...]
    negated: bool = False

    def holds(self, known: Known) -> bool:
        """Whether it is so."""
        return (known in self.values) is not self.negated

    def told(self, known: Known) -> str:
        """Why it holds, for a person."""
        return f"{self.name} is {known}" if known is not None else f"{self.name} is not known"


@dataclass(frozen=True, slots=True)
class Within:
    """A number lies within these bounds. What is undefined lies nowhere."""

    name: str
    at_least: Fraction | None = None
    above: Fraction | None = None
    at_most: Fraction | None = None
    below: Fraction | None = None

    def holds(self, known: Known) -> bool:
        """Whether it is so."""
        if known is None or isinstance(known, str):
            return False
        return (
            (self.at_least is None or known >= self.at_least)
            and (self.above is None or known > self.above)
            and (self.at_most is None or known <= self.at_most)
            and (self.below is None or known < self.below)
        )

    def told(self, known: Known) -> str:
        """Why it holds, for a person."""
        return f"{self.name} is {plain(known)}"


@dataclass(frozen=True, slots=True)
class IsKnown:
    """Something is known, or (`negated`) not: undefined, or never stated."""

    name: str
    negated: bool = False

    def holds(self, known: Known) -> bool:
        """Whether it is so."""
        return (known is None) is self.negated

    def told(self, known: Known) -> str:
        """Why it holds, for a person."""
        return f"{self.name} is {'not known' if self.negated else plain(known)}"


Test = OneOf | Within | IsKnown


class Found(NamedTuple):
    """A rule fits: what it looked at, and why in words."""

    values: Mapping[str, Known]
    reason: str


def fits(when: Sequence[Test], look: Look, reason: str | None = None) -> Found | None:
    """Whether all conditions hold; none at all hold for everybody. `reason` is the operator's own word for it."""
    values: dict[str, Known] = {}
    told = []
    for test in when:
        known = look(test.name)
        if not test.holds(known):
            return None
        values[test.name] = known
        told.append(test.told(known))
    why = "; ".join(told)
    return Found(values, " – ".join(filter(None, [reason, why])) or "it is for every account")


def plain(known: Known) -> str:
    """A value as people write it: at most four digits behind the point."""
    if isinstance(known, Fraction | float):
        return f"{float(known):.4f}".rstrip("0").rstrip(".")
    return str(known)


@dataclass(frozen=True, slots=True)
class By:
    """Who or what made it so: a person (`hand`), or a `rule` of a version of a document, and why."""

    how: str
    rule: str | None = None
    version: int | None = None
    reason: str | None = None
    person: str | None = None


class Versioned(Protocol):
    """A version of a document of rules."""

    @property
    def version(self) -> int:
        """Its number."""


D = TypeVar("D", bound=Versioned)


@dataclass(frozen=True)
class Dated(Generic[D]):
    """The versions of one document, each in force from an instant on, oldest first; the first one from ever on."""

    since: tuple[datetime, ...]
    versions: tuple[D, ...]

    @property
    def latest(self) -> D:
        """The version in force now."""
        return self.versions[-1]

    def until(self, instant: datetime) -> D:
        """The version in force right before an instant."""
        return self.versions[max(0, bisect_left(self.since, instant) - 1)]

    def turns(self) -> Iterable[datetime]:
        """The instants at which another version came in force."""
        return self.since[1:]
