"""An account's health with all its parts: now, or as of the close of any day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import NamedTuple, Protocol

from health_score.application.cards import Cards
from health_score.application.evidence import load_evidence
from health_score.application.health_views import (
    ComputedView,
    HealthView,
    MeasureView,
    OverrideView,
    SelectedCardView,
    TrendView,
    groups_of,
)
from health_score.application.ports import OpenWork, Work
from health_score.application.queries import AsOfInFuture
from health_score.application.views import Reported
from health_score.domain.account import Account, AccountUnknown
from health_score.domain.bands import BandRules, Standing
from health_score.domain.closing import read_at
from health_score.domain.decisions import Override
from health_score.domain.history import DAY, coverage_units
from health_score.domain.metrics.windows import Windows
from health_score.domain.scorecard import COVERAGE_UNITS, CardKey
from health_score.domain.scoring import OVERRIDE, MeasureResult, placed
from health_score.domain.selection import Bases
from mainstay.kernel.clock import Clock, start_of_day

TREND_DAYS = (7, 28, 90)


class NoClose(LookupError):
    """The account has no close of a day."""

    def __init__(self, account_id: str, day: date) -> None:
        super().__init__(f"{account_id} has no close of {day}")


class CurrentHealth(NamedTuple):
    """What is kept of an account's current value; the override is among the measures."""

    score: int | None
    band: str
    band_since: datetime | None
    coverage: int
    as_of: date | None
    computed_at: datetime | None
    card: SelectedCardView | None
    computed: ComputedView | None
    measures: tuple[MeasureView, ...]


class KeptClose(NamedTuple):
    """What is kept of a close."""

    score: int | None
    reported: Reported


class HealthReading(Protocol):
    """The store's side."""

    async def current(self, account_id: str) -> CurrentHealth | None:
        """The current value, or None for an unknown account."""

    async def closes_on(self, account_id: str, days: Sequence[date]) -> Mapping[date, KeptClose]:
        """The closes of these days; days without one are left out."""


class ReadHealth:
    """Answers how an account is, and what that is made of."""

    def __init__(self, open_work: OpenWork, cards: Cards, reading: HealthReading, clock: Clock) -> None:
        self._work = open_work
        self._cards = cards
        self._reading = reading
        self._clock = clock

    async def now(self, account_id: str) -> HealthView:
        """The current value. Raises `AccountUnknown`."""
        current = await self._reading.current(account_id)
        if current is None:
            raise AccountUnknown(account_id)
        return HealthView(
            account_id=account_id,
            score=current.score,
            band=current.band,
            band_since=current.band_since,
            coverage=current.coverage / COVERAGE_UNITS,
            as_of=current.as_of,
            computed_at=current.computed_at,
            scorecard=current.card,
            computed=current.computed or ComputedView(current.score, current.band),
            override=_override_among(current.measures),
            trend=await self._trend(account_id, current.score, current.as_of),
            groups=groups_of(current.measures, OVERRIDE),
            measures=current.measures,
        )

    async def on(self, account_id: str, day: date) -> HealthView:
        """The close of a day, made again with all its parts; the current value for the running day.

        Raises `AccountUnknown`, `AsOfInFuture`, `NoClose`.
        """
        now = self._clock.now()
        async with self._work() as work:
            account = await work.accounts.read(account_id)
            if account is None:
                raise AccountUnknown(account_id)
            today = account.today(now)
            if day > today:
                raise AsOfInFuture(f"{day} has not begun in the account's zone: there it is {today}")
            kept = (await self._reading.closes_on(account_id, [day])).get(day)
            if day < today and kept is None:
                raise NoClose(account_id, day)
            if day < today and kept is not None:
                view = await self._closed(work, account, day, now, kept)
        return view if day < today else await self.now(account_id)

    async def bands(self, account_id: str) -> BandRules:
        """The bands of the scorecard that an account's current score is by. Raises `AccountUnknown`."""
        current = await self._reading.current(account_id)
        if current is None:
            raise AccountUnknown(account_id)
        async with self._work() as work:
            deployment = await self._cards.deployment(work, self._clock.now())
        if current.card is None:
            return deployment.scorers[deployment.activations[0].key].card.bands
        return deployment.scorers[CardKey(current.card.id, current.card.version)].card.bands

    async def _closed(self, work: Work, account: Account, day: date, now: datetime, kept: KeptClose) -> HealthView:
        deployment = await self._cards.deployment(work, now)
        needs = deployment.needs
        evidence = (await load_evidence(work, {account.number: (account, day - needs.reach)}, needs))[account.number]
        bases = Bases(account, evidence, deployment)
        windows = Windows(evidence.activity, day, day, needs.reach)
        reading, basis = read_at(windows, bases, day, account.seats.on(day))
        selected = basis.selected
        scored = selected.scorer.scored(reading, basis.attributes, basis.decided)
        standing = await work.closes.standing_before(account, day)
        band, computed_band = placed(selected.scorer.card.bands, scored.outcome, standing, day)
        standing = standing.after(day, band) if standing else Standing(band, day)
        measures = tuple(measure_view(part) for part in scored.measures)
        return HealthView(
            account_id=account.id,
            score=scored.total.score,
            band=band.value,
            band_since=start_of_day(standing.entered_on + DAY, account.zone),
            coverage=coverage_units(scored.total.coverage) / COVERAGE_UNITS,
            as_of=day,
            computed_at=now,
            scorecard=SelectedCardView(*selected.scorer.key, selected.reason),
            computed=ComputedView(scored.outcome.computed.score, computed_band.value),
            override=_override_among(measures),
            trend=await self._trend(account.id, scored.total.score, day),
            groups=groups_of(measures, OVERRIDE),
            measures=measures,
            reported=kept.reported,
        )

    async def _trend(self, account_id: str, score: int | None, as_of: date | None) -> TrendView:
        if score is None or as_of is None:
            return TrendView(None, None, None)
        days = {back: as_of - back * DAY for back in TREND_DAYS if as_of - date.min > back * DAY}
        closes = await self._reading.closes_on(account_id, list(days.values()))
        return TrendView(*(_moved(score, closes.get(days[back])) if back in days else None for back in TREND_DAYS))


def _moved(score: int, then: KeptClose | None) -> int | None:
    return None if then is None or then.score is None else score - then.score


def _override_among(measures: Sequence[MeasureView]) -> OverrideView | None:
    return next((part.override for part in measures if part.measure == OVERRIDE), None)


def measure_view(part: MeasureResult) -> MeasureView:
    """A measure's part as it is shown; shares and scores are the nearest floats."""
    return MeasureView(
        measure=part.measure,
        group=part.group,
        metric=part.metric,
        value=float(part.value) if isinstance(part.value, Fraction) else part.value,
        unit=part.unit and part.unit.value,
        score=None if part.score is None else float(part.score),
        weight=float(part.weight),
        effective_weight=float(part.effective_weight),
        contribution=part.contribution,
        status=part.status.value,
        as_of=part.seen_on,
        computed_score=None if part.computed_score is None else float(part.computed_score),
        override=override_view(part.override),
    )


def override_view(override: Override | None) -> OverrideView | None:
    """A score set by hand as it is shown."""
    if override is None:
        return None
    return OverrideView(override.score, override.reason, override.by, override.at, override.expires_at)
