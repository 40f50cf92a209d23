"""The questions about metrics: an account's values with its place among its peers, and which metrics there are."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Protocol

from health_score.application.customs import MetricUnknown
from health_score.application.metric_views import (
    DefinedView,
    FeatureView,
    MetricDetailView,
    MetricsView,
    PeersView,
    PlaceView,
)
from health_score.application.queries import AsOfInFuture
from health_score.application.rules import Rulebooks, RuleDocuments
from health_score.domain.account import Account, AccountUnknown, zone_named
from health_score.domain.circumstances import Circumstances
from health_score.domain.evidence import Evidence
from health_score.domain.history import Seats
from health_score.domain.metrics.catalogue import BUILT_IN, METRICS, measure, needs_of
from health_score.domain.metrics.custom import InForce, as_metrics
from health_score.domain.metrics.reading import AsOf, Metric, Value
from health_score.domain.metrics.windows import Windows
from health_score.domain.rulebook import Rulebook
from mainstay.kernel.clock import Clock, day_of

FEWEST_PEERS = 5
"""With fewer than so many peers a place among them says nothing, and might tell who they are."""

MOST_FEATURES = 100

MONTH = 28


@dataclass(frozen=True, slots=True)
class Measured:
    """What an account's metrics need besides its activity, and what its peers have in common with it."""

    account_no: int
    zone: str | None
    seats: Seats
    industry: str | None
    segment: str | None
    first_day: date | None


@dataclass(frozen=True, slots=True)
class Place:
    """Among `peers` others with a value, so many have a lower one, and so many the same."""

    peers: int
    lower: int
    equal: int


class MetricReads(Protocol):
    """One look at the store."""

    @property
    def documents(self) -> RuleDocuments:
        """The operator's documents."""

    async def account(self, account_id: str) -> Measured | None:
        """What an account's metrics need, or None for an unknown account."""

    async def in_force(self) -> Sequence[InForce]:
        """The custom metrics that can be read."""

    async def evidence(self, account: Measured, since: date, series: Collection[int]) -> Evidence:
        """What an account's metrics are computed from; its activity (with its life) and series from a day on."""

    async def users_of_features(self, account_no: int, first: date, last: date) -> Mapping[int, int]:
        """The users (a bit set) of each feature by its number, from one day to another."""

    async def places(self, account_no: int, by: str, of: str, values: Mapping[str, float]) -> Mapping[str, Place]:
        """The place of each value among the other accounts of an industry or segment, at their last closes."""

    async def customs(self, name: str | None = None) -> Sequence[DefinedView]:
        """The custom metrics that are not retired (or one of them), by name."""


class MetricReading(Protocol):
    """Opens looks at the store."""

    def __call__(self) -> AbstractAsyncContextManager[MetricReads]:
        """One look: everything in it is read on one connection."""


class MetricQueries:
    """Answers questions about metrics."""

    def __init__(self, reading: MetricReading, rulebooks: Rulebooks, clock: Clock) -> None:
        self._reading = reading
        self._rulebooks = rulebooks
        self._clock = clock

    async def of_account(self, account_id: str, day: date | None) -> MetricsView:
        """An account's metrics as of a day; without one as of today in its zone, and among its peers.

        Raises `AccountUnknown`, `AsOfInFuture`.
        """
        async with self._reading() as reads:
            account = await reads.account(account_id)
            if account is None:
                raise AccountUnknown(account_id)
            now = self._clock.now()
            today = day_of(now, zone_named(account.zone))
            on = day or today
            if on > today:
                raise AsOfInFuture(f"{on} has not begun in the account's zone: there it is {today}")
            metrics = {**METRICS, **as_metrics(await reads.in_force(), METRICS)}
            rules = await self._rulebooks.in_force(reads.documents, BUILT_IN)
            reading = await self._read(reads, account, on, metrics, rules, now=now if on == today else None)
            values = measure(reading, metrics)
            nearest = {name: _nearest(value) for name, value in sorted(values.items())}
            peers = _peers_of(account) if day is None else None
            places: Mapping[str, Place] = {}
            if peers is not None:
                known = {name: float(value) for name, value in nearest.items() if value is not None}
                places = await reads.places(account.account_no, peers.by, peers.of, known)
            users_of = await reads.users_of_features(account.account_no, _back(on, MONTH - 1), on)
        return MetricsView(
            account_id,
            on,
            nearest,
            {
                name: MetricDetailView(
                    metrics[name].unit.value,
                    metrics[name].seen_on(reading),
                    None if peers is None else _place(places.get(name)),
                )
                for name in nearest
            },
            peers,
            _adoption(users_of, reading),
        )

    async def all(self) -> Sequence[DefinedView]:
        """Every metric, by name: those of the product, and the operator's."""
        async with self._reading() as reads:
            customs = await reads.customs()
        return sorted([*map(_built_in, METRICS.values()), *customs], key=lambda view: view.name)

    async def one(self, name: str) -> DefinedView:
        """One metric. Raises `MetricUnknown`."""
        if name in METRICS:
            return _built_in(METRICS[name])
        async with self._reading() as reads:
            found = await reads.customs(name)
        if not found:
            raise MetricUnknown(name)
        return found[0]

    @staticmethod
    async def _read(
        reads: MetricReads,
        account: Measured,
        day: date,
        metrics: Mapping[str, Metric],
        rules: Rulebook,
        *,
        now: datetime | None,
    ) -> AsOf:
        needs = needs_of(metrics.values())
        evidence = await reads.evidence(account, _back(day, needs.reach.days), needs.series)
        reading = evidence.reading(
            Windows(evidence.activity, day, day, needs.reach),
            day,
            seats=account.seats.on(day),
            born=account.first_day,
            now=now,
        )
        of = Circumstances(Account("", account.account_no), evidence, rules)
        service = of.until(reading.known.before or reading.ends, reading.known).service
        reading.promises = service.promises if service else {}
        return reading


def _back(day: date, days: int) -> date:
    """So many days before, or the first of the calendar."""
    return max(day, date.min + timedelta(days=days)) - timedelta(days=days)


def _peers_of(account: Measured) -> PeersView | None:
    if account.industry is not None:
        return PeersView("industry", account.industry)
    return None if account.segment is None else PeersView("segment", account.segment)


def _place(found: Place | None) -> PlaceView:
    if found is None or found.peers < FEWEST_PEERS:
        return PlaceView(None, found.peers if found else 0)
    return PlaceView(float(Fraction(100 * (2 * found.lower + found.equal), 2 * found.peers)), found.peers)


def _adoption(users_of: Mapping[int, int], reading: AsOf) -> tuple[FeatureView, ...]:
    names = {number: name for name, number in reading.windows.life.feature_numbers.items()}
    active = reading.windows.users(reading.at, MONTH)
    counted = sorted((-users.bit_count(), names.get(number, "")) for number, users in users_of.items())
    return tuple(
        FeatureView(
            name,
            -users,
            float(Fraction(-users, active)),
            float(Fraction(-users, reading.seats)) if reading.seats else None,
        )
        for users, name in counted[:MOST_FEATURES]
    )


def _built_in(metric: Metric) -> DefinedView:
    return DefinedView(metric.name, "built_in", metric.unit.value, metric.means)


def _nearest(value: Value) -> int | float | None:
    return float(value) if isinstance(value, Fraction) else value
