"""The pack for a review with a customer: the whole for us, and what may be handed over."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from health_score.application import report_parts as parts
from health_score.application.cards import Cards
from health_score.application.explaining import Comparison
from health_score.application.life_journal import journal_of
from health_score.application.load import PeriodReversed, PeriodTooLong
from health_score.application.metric_queries import MetricQueries
from health_score.application.ports import OpenWork, Work
from health_score.application.queries import AsOfInFuture
from health_score.application.report_internal import internal
from health_score.application.report_parts import Facts, FeatureUse
from health_score.application.report_views import CustomerReport, InternalReport, PeriodView, SharedPack
from health_score.application.states import FIRST_DAY, compare
from health_score.domain.account import Account, AccountUnknown
from health_score.domain.activity import Activity
from health_score.domain.circumstances import Circumstances
from health_score.domain.derived import Service
from health_score.domain.evidence import Evidence
from health_score.domain.facts.known import NOW, Known
from health_score.domain.facts.known import Facts as AllFacts
from health_score.domain.history import DAY
from health_score.domain.periods import Period, quarter_of
from mainstay.kernel.clock import Clock
from mainstay.language.negotiation import Language

LONGEST: Final = timedelta(days=366)


class PeriodTooEarly(ValueError):
    """A period was asked for of which nothing can be known."""


class FeaturesRead(Protocol):
    """The store's side: features by their use."""

    async def features(self, account_no: int, period: Period) -> Sequence[FeatureUse]:
        """The features that somebody known used in a period."""


class Reports:
    """Answers packs for reviews."""

    def __init__(
        self, open_work: OpenWork, cards: Cards, read: FeaturesRead, metrics: MetricQueries, clock: Clock
    ) -> None:
        self._work = open_work
        self._cards = cards
        self._read = read
        self._metrics = metrics
        self._clock = clock

    async def for_customer(
        self, account_id: str, first: date | None, last: date | None, language: Language
    ) -> CustomerReport:
        """What may be handed over. Raises what `internal` raises."""
        now = self._clock.now()
        async with self._work() as work:
            account, period = await self._asked(work, account_id, first, last, now)
            facts = (await work.facts.of([account.number]))[account.number].in_zone(account.zone)
            of = _facts(account, period, facts.as_of(period.last, now), now)
            pack = await self._pack(work, account, facts, of, language)
        return CustomerReport("customer", await self._with_metrics(pack, account, of))

    async def internal(
        self, account_id: str, first: date | None, last: date | None, language: Language
    ) -> InternalReport:
        """The same and what only we see.

        Raises `AccountUnknown`, `AsOfInFuture`, `PeriodReversed`, `PeriodTooLong`, `PeriodTooEarly`.
        """
        now = self._clock.now()
        async with self._work() as work:
            account, period = await self._asked(work, account_id, first, last, now)
            compared = await compare(work, self._cards, account_id, period.first - DAY, period.last, now)
            of = _facts(account, period, compared.evidence.facts.as_of(period.last, now), now)
            explained = await Comparison(work, compared, language).view()
            pack = await self._pack(work, account, compared.evidence.facts, of, language)
            ours = internal(compared, explained, of, language)
        return InternalReport("internal", await self._with_metrics(pack, account, of), ours)

    async def _asked(
        self, work: Work, account_id: str, first: date | None, last: date | None, now: datetime
    ) -> tuple[Account, Period]:
        account = await work.accounts.read(account_id)
        if account is None:
            raise AccountUnknown(account_id)
        return account, period_of(first, last, account.today(now))

    async def _pack(self, work: Work, account: Account, facts: AllFacts, of: Facts, language: Language) -> SharedPack:
        """The pack as far as one transaction goes: goals are still without the values of metrics."""
        period = of.period
        days = (await work.activity.since({account.number: period.before.first}))[account.number]
        used = parts.use(of, days, account.seats.on(period.last))
        return SharedPack(
            customer=account.said("name") or account.id,
            language=language.value,
            period=PeriodView(period.first, period.last),
            before=PeriodView(period.before.first, period.before.last),
            goals=parts.goals(of, {}),
            use=used,
            features=parts.features(await self._read.features(account.number, period), used.active_users),
            tickets=parts.tickets(of, await self._service(work, account, facts, of)),
            requests=parts.requests(of),
            courses=parts.courses(of),
            meetings=parts.meetings(of),
            next_steps=parts.next_steps(of),
        )

    async def _service(self, work: Work, account: Account, facts: AllFacts, of: Facts) -> Service | None:
        """The service that is promised as the period ends, by the rules in force then."""
        decided = await work.decisions.of_accounts([account.number])
        journal = journal_of(decided.get(account.number, ()))
        evidence = Evidence(Activity(of.period.first), facts, journal=journal)
        return Circumstances(account, evidence, await self._cards.rules(work)).until(of.end, of.known).service

    async def _with_metrics(self, pack: SharedPack, account: Account, of: Facts) -> SharedPack:
        """The pack with goals by Mainstay's own metrics as the period ends, read on a connection of their own."""
        if not any(parts.is_shared(each.said("metric")) for each in parts.agreed(of)):
            return pack
        measured = await self._metrics.of_account(account.id, of.period.last)
        return replace(pack, goals=parts.goals(of, measured.metrics))


def period_of(first: date | None, last: date | None, today: date) -> Period:
    """The days asked for; by default the last full quarter.

    Without `last`: to the end of the quarter of `first`, or to today in it. Without `first`: from the beginning of the
    quarter of `last`. Raises `AsOfInFuture`, `PeriodReversed`, `PeriodTooLong`, `PeriodTooEarly`.
    """
    if first is None and last is None:
        return quarter_of(quarter_of(today).first - DAY)
    if (first is not None and first < FIRST_DAY) or (last is not None and last < FIRST_DAY):
        raise PeriodTooEarly(f"nothing is kept of days before {FIRST_DAY}")
    latest = max(filter(None, (first, last)))
    if latest > today:
        raise AsOfInFuture(f"{latest} has not begun in the account's zone: there it is {today}")
    first = first or quarter_of(latest).first
    last = last or min(quarter_of(first).last, today)
    if last < first:
        raise PeriodReversed(f"to={last} lies before from={first}")
    if last - first >= LONGEST:
        raise PeriodTooLong(f"from={first} to={last} is longer than {LONGEST.days} days")
    return Period(first, last)


def _facts(account: Account, period: Period, known: Known, now: datetime) -> Facts:
    """What is known at the period's end; senders' clocks may run some minutes ahead of now."""
    zone = account.zone
    return Facts(known, period, period.begins(zone), min(period.ends(zone), now + NOW), zone)
