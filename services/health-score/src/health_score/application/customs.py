"""Custom metrics: defining and retiring them, counting for them as events come, and counting the raw past."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from health_score.application.cards import Cards
from health_score.application.metric_documents import KIND, RETIRED, properties_from
from health_score.application.ports import Building, OpenWork, SeriesKey, Work
from health_score.application.rescoring import begin_rescoring
from health_score.application.uses import FreshUses, RawUse
from health_score.domain.account import Account
from health_score.domain.metrics.catalogue import METRICS
from health_score.domain.metrics.custom import PREFIX, check_uses, define
from health_score.domain.metrics.matching import Counters, Counting, Match
from health_score.domain.metrics.series import SeriesDay
from health_score.domain.selection import Deployment, in_order
from mainstay.kernel.clock import Clock, day_of

BUILD = "custom-series"
"""The timer of a series whose past is being counted, or that is being forgotten; its key is the series's number."""

EVENTS_AT_ONCE = 20_000
"""About so many raw events are counted in one transaction, which holds their accounts meanwhile."""

ACCOUNTS_AT_ONCE = 200

ROWS_AT_ONCE = 20_000

FOR_THE_OTHERS = timedelta(seconds=1)
"""How long a new series waits before it looks again whether older transactions are over."""

_log = structlog.get_logger(__name__)


class MetricUnknown(LookupError):
    """There is no metric of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no metric is named {name}")


class MetricBuiltIn(ValueError):
    """A metric that the product brings was to be changed or retired."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} comes with the product; the names of custom metrics begin with {PREFIX}")


class MetricInUse(ValueError):
    """A metric that another one is divided by, or that a scorecard in force measures, was to be retired."""


class DefineMetrics:
    """Saves and retires the operator's metrics. A new filter is counted over the raw past by a timer."""

    def __init__(self, open_work: OpenWork, cards: Cards, clock: Clock) -> None:
        self._work = open_work
        self._cards = cards
        self._clock = clock

    async def save(self, name: str, document: Mapping[str, Any], *, by: str) -> None:
        """Save a metric's next version; it holds once its past is counted, and until then the version before.

        Accounts are scored anew where a scorecard measures it.

        Raises `MetricBuiltIn`, `MetricInvalid`.
        """
        _must_be_custom(name)
        metric, now = define(name, document), self._clock.now()
        async with self._work() as work:
            saved = await work.documents.save(KIND, name, document, by=by, at=now)  # one writer at a time
            check_uses(metric, await work.customs.definitions(), METRICS)
            before = await work.customs.versions()
            series, is_new = await work.customs.want(name, saved.version, metric.counting)
            if is_new:
                await work.due.arm_many(BUILD, [(str(series), now)])
            if await work.customs.versions() != before:
                await _score_anew(work, self._cards, series, now)
            await _forget(work, await work.customs.let_go(), now)

    async def retire(self, name: str, *, by: str) -> None:
        """End a metric: it is not counted any more, and what was counted for it alone is deleted.

        Raises `MetricBuiltIn`, `MetricUnknown`, `MetricInUse`.
        """
        _must_be_custom(name)
        now = self._clock.now()
        async with self._work() as work:
            await work.documents.lock()
            known = await work.customs.definitions()
            if name not in known:
                raise MetricUnknown(name)
            users = sorted(other.name for other in known.values() if other.needs == name)
            if users:
                raise MetricInUse(f"{name} is what {', '.join(users)} is divided by")
            cards = _measured_by(name, await self._cards.deployment(work, now))
            if cards:
                raise MetricInUse(f"{name} is measured by {', '.join(cards)}, in force")
            await work.documents.save(KIND, name, RETIRED, by=by, at=now)
            await _forget(work, await work.customs.retire(name), now)


class BuildSeries:
    """Counts the raw past of a new series, some accounts at a time; forgets the days of one that nobody needs.

    How nothing is missed or counted twice: whoever counts events locks their accounts, and only then asks which series
    there are. A new series waits until every transaction that may not have seen it is over. From then on, an event is
    either counted as it comes by somebody who knows the series, or it is committed and among the raw events. An
    account's days are put in the place of what is there, under its lock, so either way each event is counted once.
    """

    def __init__(self, cards: Cards, clock: Clock) -> None:
        self._cards = cards
        self._clock = clock

    async def __call__(self, work: Work, keys: Sequence[str]) -> Mapping[str, datetime]:
        """Do the next part of each series; answers when those that go on are due next."""
        again = {}
        for key in keys:
            later = await self._go_on(work, int(key))
            if later is not None:
                again[key] = later
        return again

    async def _go_on(self, work: Work, series: int) -> datetime | None:
        now = self._clock.now()
        building = await work.customs.building(series)
        if building is None or building.state == "ready":
            return None
        if not await work.customs.others_have_ended(series):
            return now + FOR_THE_OTHERS
        if building.state == "leaving":
            return None if await work.customs.forget_some(series, ROWS_AT_ONCE) else now
        accounts = await work.customs.next_accounts(building, EVENTS_AT_ONCE, ACCOUNTS_AT_ONCE)
        if not accounts:
            await _forget(work, await work.customs.is_ready(series), now)
            await _score_anew(work, self._cards, series, now)
            _log.info("a series is counted", series=series)
            return None
        await self._count(work, building, [account_id for account_id, _ in accounts])
        await work.customs.built(series, max(number for _, number in accounts), len(accounts))
        return now

    @staticmethod
    async def _count(work: Work, building: Building, account_ids: Sequence[str]) -> None:
        accounts = {account.number: account for account in (await work.accounts.lock(account_ids)).values()}
        days = await count_raw(work, accounts, building.number, building.counting)
        await work.customs.replace(accounts, building.number, days)


async def count_raw(
    work: Work, accounts: Mapping[int, Account], series: int, counting: Counting
) -> Mapping[SeriesKey, SeriesDay]:
    """The days of a series of locked accounts (by number), from their raw events."""
    zones = {number: account.zone for number, account in accounts.items()}
    days: dict[SeriesKey, SeriesDay] = {}
    async for use in work.events.matching(accounts, counting):
        match = counting.match(use.event, use.feature, partial(properties_from, use.properties))
        _count(use, series, match, zones, days)
    return days


async def count_anew(work: Work, account: Account) -> None:
    """After a change of zone: the account's days of every series, from its raw events."""
    for series in (await work.customs.counters()).series:
        days = await count_raw(work, {account.number: account}, series.number, series.counting)
        await work.customs.replace([account.number], series.number, days)


def count(fresh: FreshUses, accounts: Iterable[Account], counters: Counters) -> Mapping[SeriesKey, SeriesDay]:
    """What uses that are new add to the series. Those of an erased user have no properties."""
    days: dict[SeriesKey, SeriesDay] = {}
    if not counters.series:
        return days
    zones = {account.number: account.zone for account in accounts}
    for use in fresh.named():
        properties = _Properties(use)
        for series in counters.of(use.event):
            _count(use, series.number, series.counting.match(use.event, use.feature, properties), zones, days)
    return days


def _count(
    use: RawUse,
    series: int,
    match: Match | None,
    zones: Mapping[int, ZoneInfo],
    days: dict[SeriesKey, SeriesDay],
) -> None:
    if match is not None:
        key = (use.account_no, series, day_of(use.occurred_at, zones[use.account_no]))
        days.setdefault(key, SeriesDay()).count(use.user, match.amount)


class _Properties:
    """Reads the properties of a use when they are asked for first, and once."""

    def __init__(self, use: RawUse) -> None:
        self._use = use
        self._known: Mapping[str, Any] | None = None

    def __call__(self) -> Mapping[str, Any]:
        if self._known is None:
            self._known = properties_from(self._use.properties)
        return self._known


async def _score_anew(work: Work, cards: Cards, series: int, now: datetime) -> None:
    """Have the portfolio scored anew where a scorecard measures anything that is computed from a series."""
    deployment = await cards.deployment(work, now)
    if series in deployment.needs.series:
        await begin_rescoring(work, now)


def _measured_by(name: str, deployment: Deployment) -> Sequence[str]:
    """The scorecards in force that name a metric."""
    active = in_order(deployment.activations)
    return sorted(each.card_id for each in active if name in deployment.scorers[each.key].metrics)


async def _forget(work: Work, series: Iterable[int], now: datetime) -> None:
    await work.due.arm_many(BUILD, [(str(each), now) for each in series])


def _must_be_custom(name: str) -> None:
    if not name.startswith(PREFIX):
        raise MetricBuiltIn(name)
