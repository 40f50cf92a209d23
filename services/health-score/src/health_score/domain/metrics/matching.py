"""What a custom metric counts: events that match a filter, and the property that is summed; a series is one of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from health_score.domain.metrics.series import amount_of

Properties = Callable[[], Mapping[str, Any]]
"""Reads an event's properties: numbers as int or Decimal. Called only for events whose names match."""


def number_of(value: object) -> Decimal | None:
    """A JSON number, exact; None for anything else (true is no number)."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return Decimal(value)


def same(value: object, other: object) -> bool:
    """Whether two JSON values are equal: 1 is 1.0, but true is not 1, and "1" is not 1."""
    mine, others = number_of(value), number_of(other)
    if mine is not None and others is not None:
        return mine == others
    return type(value) is type(other) and value == other


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of one property; what is not said (None) is not asked.

    `exists` false: the property is absent or null. The four comparisons hold of numbers only.
    """

    property: str
    exists: bool | None = None
    one_of: tuple[Any, ...] | None = None
    at_least: Decimal | None = None
    above: Decimal | None = None
    at_most: Decimal | None = None
    below: Decimal | None = None

    def holds(self, properties: Mapping[str, Any]) -> bool:
        """Whether it holds of an event's properties."""
        value = find(properties, self.property)
        if self.exists is not None and (value is not None) is not self.exists:
            return False
        if self.one_of is not None and not any(same(value, other) for other in self.one_of):
            return False
        if self.at_least is self.above is self.at_most is self.below is None:
            return True
        number = number_of(value)
        return number is not None and not (
            (self.at_least is not None and number < self.at_least)
            or (self.above is not None and number <= self.above)
            or (self.at_most is not None and number > self.at_most)
            or (self.below is not None and number >= self.below)
        )


def find(properties: Mapping[str, Any], name: str) -> Any:
    """A property by its name, or by a JSON pointer such as `/export/rows`; None where there is none."""
    if not name.startswith("/"):
        return properties.get(name)
    value: Any = properties
    for part in name[1:].split("/"):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part.replace("~1", "/").replace("~0", "~"))
    return value


class Match(NamedTuple):
    """An event matched; `amount` is what its property adds, None for no number."""

    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Counting:
    """A filter (no names: any), and the property whose sum is kept, if one is."""

    events: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    summed: str | None = None

    @property
    def reads_properties(self) -> bool:
        """Whether it looks into the properties at all."""
        return bool(self.conditions) or self.summed is not None

    def match(self, event: str, feature: str, properties: Properties) -> Match | None:
        """What an event adds; None for one that does not match."""
        if self.events and event not in self.events:
            return None
        if self.features and feature not in self.features:
            return None
        if not self.reads_properties:
            return Match(None)
        found = properties()
        if not all(condition.holds(found) for condition in self.conditions):
            return None
        return Match(None if self.summed is None else amount_of(find(found, self.summed)))


@dataclass(frozen=True, slots=True)
class Series:
    """A counting that is kept up, by its number. `ready`: the raw past is counted too."""

    number: int
    counting: Counting
    ready: bool


class Counters:
    """The series that are kept up, found by the name of an event: most events match none."""

    def __init__(self, series: Sequence[Series]) -> None:
        self.series = series
        self._any = [each for each in series if not each.counting.events]
        self._by_event: dict[str, list[Series]] = {}
        for each in series:
            for event in each.counting.events:
                self._by_event.setdefault(event, []).append(each)

    def of(self, event: str) -> Sequence[Series]:
        """The series that an event of this name may match."""
        named = self._by_event.get(event)
        return [*named, *self._any] if named else self._any
