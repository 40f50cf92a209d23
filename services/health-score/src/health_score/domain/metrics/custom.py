"""Custom metrics: the operator's own, each a document, computed from the days of a series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from health_score.domain.metrics.entitlements import bought
from health_score.domain.metrics.matching import Condition, Counting
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from health_score.domain.metrics.usage import last_active

PREFIX = "custom."
"""What the name of every custom metric begins with; built-in ones never do."""


class MetricInvalid(ValueError):
    """A metric's document makes no sense; `pointer` is the place in it (RFC 6901)."""

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(reason)
        self.pointer = pointer


class Figure(StrEnum):
    """What is computed over the window: matching events, the sum of a property, or distinct users."""

    COUNT = "count"
    SUM = "sum"
    USERS = "users"


class Over(StrEnum):
    """What a figure is divided by: the seats bought, what was bought of an entitlement, or another metric."""

    SEATS = "seats"
    ENTITLEMENT = "entitlement"
    METRIC = "metric"


@dataclass(frozen=True, slots=True)
class Divisor:
    """What a figure is divided by; `name` is that of the entitlement or metric."""

    over: Over
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CustomMetric:
    """A figure of matching events in a window of days, perhaps divided."""

    name: str
    title: str
    figure: Figure
    counting: Counting
    window_days: int
    divisor: Divisor | None = None

    @property
    def needs(self) -> str | None:
        """The metric it is divided by."""
        return self.divisor.name if self.divisor and self.divisor.over is Over.METRIC else None

    @property
    def unit(self) -> Unit:
        """The unit of its values; a quotient by a metric or entitlement is a share of it."""
        if self.divisor is not None:
            return Unit.SHARE
        return {Figure.COUNT: Unit.EVENTS, Figure.SUM: Unit.AMOUNT, Figure.USERS: Unit.USERS}[self.figure]

    @property
    def means(self) -> str:
        """Its definition in words."""
        counting = self.counting
        of = {
            Figure.COUNT: "Events",
            Figure.SUM: f"Sum of {counting.summed} over events",
            Figure.USERS: "Distinct users of events",
        }
        told = [of[self.figure]]
        if counting.events:
            told.append(f"named {_either(counting.events)}")
        if counting.features:
            told.append(f"of the feature {_either(counting.features)}")
        told += [f"{'with' if place == 0 else 'and'} {_told(each)}" for place, each in enumerate(counting.conditions)]
        told.append("on the day" if self.window_days == 1 else f"in {self.window_days} days")
        match self.divisor:
            case Divisor(Over.SEATS):
                told.append("÷ seats bought")
            case Divisor(Over.ENTITLEMENT, name):
                told.append(f"÷ {name} bought")
            case Divisor(Over.METRIC, name):
                told.append(f"÷ {name}")
        return " ".join(told)


def define(name: str, document: Mapping[str, Any]) -> CustomMetric:
    """The metric of a document whose shape is right. Raises `MetricInvalid` where it makes no sense."""
    figure, filters = Figure(document["figure"]), document.get("filter") or {}
    summed = document.get("property")
    if figure is Figure.SUM and summed is None:
        raise MetricInvalid("/property", "a sum needs the name of a property")
    if figure is not Figure.SUM and summed is not None:
        raise MetricInvalid("/property", f"belongs to a sum, and this is {figure.value}")
    divisor = document.get("divided_by")
    return CustomMetric(
        name=name,
        title=document.get("title") or name.removeprefix(PREFIX),
        figure=figure,
        counting=Counting(
            events=frozenset(filters.get("events") or ()),
            features=frozenset(filters.get("features") or ()),
            conditions=tuple(
                _condition(each, f"/filter/properties/{place}")
                for place, each in enumerate(filters.get("properties") or ())
            ),
            summed=summed,
        ),
        window_days=document["window_days"],
        divisor=_divisor(divisor) if divisor else None,
    )


def check_uses(metric: CustomMetric, others: Mapping[str, CustomMetric], built_in: Mapping[str, Metric]) -> None:
    """Raise `MetricInvalid` where the metric it is divided by does not exist, or is in the end itself."""
    needed, path = metric.needs, [metric.name]
    while needed is not None:
        if needed in path:
            raise MetricInvalid("/divided_by/name", f"goes round in a circle: {' ÷ '.join([*path, needed])}")
        if needed in built_in:
            return
        if needed not in others:
            raise MetricInvalid("/divided_by/name", f"no metric is named {needed!r}")
        path.append(needed)
        needed = others[needed].needs


@dataclass(frozen=True, slots=True)
class InForce:
    """A custom metric that can be read: its definition, the version of it, and the series it is computed from."""

    metric: CustomMetric
    version: int
    series: int


def as_metrics(in_force: Sequence[InForce], built_in: Mapping[str, Metric]) -> dict[str, Metric]:
    """Custom metrics as every reader of metrics knows them, by name.

    One that is divided by a metric that is not in force is undefined.
    """
    by_name = {each.metric.name: each for each in in_force}
    made: dict[str, Metric] = {}

    def make(name: str) -> Metric | None:
        if name in built_in:
            return built_in[name]
        if name in made or name not in by_name:
            return made.get(name)
        each = by_name[name]
        other = make(each.metric.needs) if each.metric.needs else None
        made[name] = _metric(each, other)
        return made[name]

    for name in sorted(by_name):
        make(name)
    return made


def _metric(of: InForce, other: Metric | None) -> Metric:
    custom, series = of.metric, of.series
    days, figure, divisor = custom.window_days, custom.figure, custom.divisor

    def value(reading: AsOf) -> Value:
        counted = reading.customs[series]
        match figure:
            case Figure.COUNT:
                return counted.events(reading.at, days)
            case Figure.SUM:
                amount = counted.amount(reading.at, days)
                return amount.numerator if amount.denominator == 1 else amount
            case Figure.USERS:
                return counted.users(reading.at, days)

    def below(reading: AsOf) -> Value:
        match divisor:
            case Divisor(Over.SEATS):
                return reading.seats
            case Divisor(Over.ENTITLEMENT, str(name)):
                return bought(reading, name)
        return other.read(reading) if other else None

    def quotient(reading: AsOf) -> Value:
        divided_by = below(reading)
        above = value(reading)
        return Fraction(above) / divided_by if divided_by and above is not None else None

    return Metric(
        custom.name,
        custom.unit,
        quotient if divisor else value,
        last_active,
        reach=max(timedelta(days=days - 1), other.reach if other else timedelta()),
        of_life=other.of_life if other else False,
        means=custom.means,
        title=custom.title,
        series=frozenset((series,)) | (other.series if other else frozenset()),
    )


def _divisor(document: Mapping[str, Any]) -> Divisor:
    over, name = Over(document["over"]), document.get("name")
    if over is Over.SEATS and name is not None:
        raise MetricInvalid("/divided_by/name", "belongs to an entitlement or a metric")
    if over is not Over.SEATS and name is None:
        raise MetricInvalid("/divided_by/name", f"the name of the {over.value} is missing")
    return Divisor(over, name)


def _condition(document: Mapping[str, Any], pointer: str) -> Condition:
    asked = {name: value for name, value in document.items() if name != "property" and value is not None}
    if not asked:
        raise MetricInvalid(pointer, "asks nothing of the property")
    if "equals" in asked and "in" in asked:
        raise MetricInvalid(f"{pointer}/in", "stands beside equals: one of them is enough")
    if asked.get("exists") is False and len(asked) > 1:
        raise MetricInvalid(f"{pointer}/exists", "what is absent cannot be compared")
    bounds = {name: _decimal(asked[name]) for name in ("at_least", "above", "at_most", "below") if name in asked}
    lower = max((bounds[name] for name in ("at_least", "above") if name in bounds), default=None)
    upper = min((bounds[name] for name in ("at_most", "below") if name in bounds), default=None)
    if lower is not None and upper is not None and upper < lower:
        raise MetricInvalid(pointer, "no number is that large and that small")
    one_of = (asked["equals"],) if "equals" in asked else tuple(asked["in"]) if "in" in asked else None
    return Condition(
        property=document["property"],
        exists=asked.get("exists"),
        one_of=None if one_of is None else tuple(_exactly(each) for each in one_of),
        **bounds,
    )


def _exactly(value: Any) -> Any:
    return _decimal(value) if isinstance(value, float) else value


def _decimal(value: float | Decimal) -> Decimal:
    """The number as it is written, not the nearest binary one."""
    return Decimal(str(value))


def _either(names: frozenset[str]) -> str:
    *others, last = sorted(names)
    return f"{', '.join(others)} or {last}" if others else last


def _told(condition: Condition) -> str:
    told = []
    if condition.exists is not None:
        told.append("present" if condition.exists else "absent")
    if condition.one_of is not None:
        told.append(f"= {' or '.join(map(_json, condition.one_of))}")
    for sign, bound in (
        ("≥", condition.at_least),
        (">", condition.above),
        ("≤", condition.at_most),
        ("<", condition.below),
    ):
        if bound is not None:
            told.append(f"{sign} {bound}")
    return f"{condition.property} {' and '.join(told)}"


def _json(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
