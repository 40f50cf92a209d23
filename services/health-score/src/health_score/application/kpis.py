"""Key figures by period and group: accounts are read some at a time, and counted in a thread of their own."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from health_score.application.cards import Cards
from health_score.application.load import USUAL_DAYS, PeriodReversed, PeriodTooLong
from health_score.application.ports import OpenWork
from health_score.domain.facts.known import ACCOUNT, NOW, VALUE
from health_score.domain.kpis.adoption import Adoption, count_adoption
from health_score.domain.kpis.answers import Csat, Nps, count_csat, count_nps
from health_score.domain.kpis.attribution import Axis
from health_score.domain.kpis.ledger import Books, Group, Ledger
from health_score.domain.kpis.outcomes import Outcomes, count_outcomes
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.periods import DAY, Every, Period, periods
from health_score.domain.kpis.tickets import Support, count_support
from health_score.domain.kpis.trainings import Training, count_training
from health_score.domain.kpis.use import MONTH, ActiveUsers, count_active_users
from health_score.domain.rulebook import NO_RULES
from mainstay.kernel.clock import Clock

C = TypeVar("C")

LONGEST = timedelta(days=3 * 366)
FARTHEST_AHEAD = timedelta(hours=14)
"""UTC+14 is the first zone in which a day begins."""


SPOKEN_OF_EARLIER = timedelta(days=3)
"""What happened on a day was spoken of at most so long before it began in UTC: zones, and clocks that run ahead."""


class Use(StrEnum):
    """What is read of the days of use: users only, or the features with the users of each too."""

    USERS = "users"
    FEATURES = "features"


@dataclass(frozen=True, slots=True)
class Wants:
    """What is read of accounts: kinds of facts stated before an instant, and days of use.

    Of things of `passing` kinds, which count only where they are spoken of, nothing is read of those that were not
    spoken of since an instant; tickets that are not resolved stay. `accounts` are the ids of those that are read; None:
    all. `has_life`: when each user and feature first came, too. `has_record`: what was stated, also without a fact;
    `has_journal`: what stage rules did.
    """

    kinds: tuple[str, ...]
    passing: tuple[str, ...]
    since: datetime
    before: datetime
    accounts: Collection[str] | None = None
    use: Use | None = None
    days: tuple[date, ...] = ()
    has_life: bool = False
    has_record: bool = False
    has_journal: bool = False


class Page(Protocol):
    """The pasts of some accounts, not decoded yet; `last` is the number of the last one."""

    @property
    def last(self) -> int:
        """The number of the last account."""

    def pasts(self) -> Iterable[Past]:
        """Decode them."""


class KpiReading(Protocol):
    """The store's view of what key figures are computed from."""

    async def after(self, number: int, wants: Wants) -> Page | None:
        """The next accounts by number; None when there are none."""


@dataclass(frozen=True)
class Kpi(Generic[C]):
    """A key figure: its cells, how they are counted, and what that reads.

    `passing` kinds of facts count only where they are spoken of. `all_days`: every day of the periods, not just the
    windows that end with them. `of_promises`: it is measured against the service promised.
    """

    name: str
    new: Callable[[], C]
    count: Callable[[Past, Ledger[C]], None]
    kinds: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    use: Use | None = None
    all_days: bool = False
    has_life: bool = False
    of_promises: bool = False


NPS = Kpi("nps", Nps, count_nps, passing=("survey_response",))
CSAT = Kpi("csat", Csat, count_csat, passing=("ticket", "survey_response"))
SUPPORT = Kpi("support", Support, count_support, ("account",), ("ticket",), of_promises=True)
TRAINING = Kpi("training", Training, count_training, ("training", "contact"), use=Use.USERS)
ADOPTION = Kpi(
    "adoption", Adoption, count_adoption, ("account", "contract", "entitlement"), use=Use.FEATURES, has_life=True
)
ACTIVE_USERS = Kpi("active-users", ActiveUsers, count_active_users, use=Use.USERS, all_days=True)
OUTCOMES = Kpi("outcomes", Outcomes, count_outcomes, ("objective",), ("advocacy", "feedback"))


@dataclass(frozen=True, slots=True)
class KpiQuery:
    """What is asked: civil days, both included and each in its account's zone; `wanted` values by axis (None: none)."""

    first: date | None = None
    last: date | None = None
    every: Every = Every.MONTH
    axes: tuple[Axis, ...] = ()
    wanted: Mapping[Axis, frozenset[str | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row(Generic[C]):
    """What was counted in one period and group; `complete_days` of the period are over everywhere."""

    period: Period
    group: Group
    cell: C
    complete_days: int


@dataclass(frozen=True, slots=True)
class Counted(Generic[C]):
    """An answer: by period, then by group, what is not stated last."""

    first: date
    last: date
    rows: Sequence[Row[C]]


class Kpis:
    """Answers key figures, one question at a time in a process: each reads the whole portfolio."""

    def __init__(self, open_work: OpenWork, cards: Cards, reading: KpiReading, clock: Clock) -> None:
        self._work = open_work
        self._cards = cards
        self._reading = reading
        self._clock = clock
        self._turn = asyncio.Semaphore(1)

    async def __call__(self, kpi: Kpi[C], asked: KpiQuery) -> Counted[C]:
        """A key figure; by default of the 90 days up to today (UTC).

        Raises `PeriodReversed`, `PeriodTooLong`, `TooManyGroups`.
        """
        now = self._clock.now()
        last = asked.last or now.date()
        first = asked.first or max(last, date.min + USUAL_DAYS) - USUAL_DAYS + DAY
        if last < first:
            raise PeriodReversed(f"to={last} lies before from={first}")
        if last - first > LONGEST:
            raise PeriodTooLong(f"{first} to {last} is more than {LONGEST.days} days")
        rules = NO_RULES
        if kpi.of_promises or Axis.TIER in (*asked.axes, *asked.wanted):
            async with self._work() as work:
                rules = await self._cards.rules(work)
        books = Books(periods(first, last, asked.every), asked.axes, asked.wanted, now, kpi.new, rules)
        wants = _wants(kpi, books)
        async with self._turn:
            number = 0
            while (page := await self._reading.after(number, wants)) is not None:
                await asyncio.to_thread(_count, kpi, books, page)
                number = page.last
        if not asked.axes:
            _fill(books)
        return Counted(first, last, _rows(books))


def _wants(kpi: Kpi[C], books: Books[C]) -> Wants:
    kinds = dict.fromkeys(kpi.kinds)
    if set(books.looked_at) - {Axis.ACCOUNT}:
        kinds[ACCOUNT] = None
    # Without rules nothing follows from them: then there is nothing more to read.
    rules = books.rules
    is_ruled = kpi.of_promises or (Axis.TIER in books.looked_at and rules.has_tiers)
    if is_ruled and rules.reads_arr:
        kinds[VALUE] = None
    days: set[date] = set()
    if kpi.use is not None:
        ahead = (books.now + FARTHEST_AHEAD).date()
        for first, last in books.periods:
            # The running day of an account is one of these three: yesterday, today or tomorrow in UTC.
            for end in {min(last, ahead - back * DAY) for back in range(3)}:
                days |= {end - back * DAY for back in range(MONTH)}
            if kpi.all_days:
                days |= {first + back * DAY for back in range((min(last, ahead) - first).days + 1)}
    accounts = books.wanted.get(Axis.ACCOUNT)
    return Wants(
        kinds=tuple(kinds),
        passing=kpi.passing,
        since=datetime.combine(books.periods[0].first, time.min, UTC) - SPOKEN_OF_EARLIER,
        before=books.now + NOW,
        accounts=None if accounts is None else [account for account in accounts if account is not None],
        use=kpi.use,
        days=tuple(sorted(days)),
        has_life=kpi.has_life,
        has_record=is_ruled,
        has_journal=kpi.of_promises and rules.promises_by_stage,
    )


def _count(kpi: Kpi[C], books: Books[C], page: Page) -> None:
    for past in page.pasts():
        kpi.count(past, books.of(past))


def _fill(books: Books[C]) -> None:
    """Without groups there is a row for every period that has begun, also where nothing happened."""
    for place, period in enumerate(books.periods):
        if period.first <= (books.now + FARTHEST_AHEAD).date():
            books.cells.setdefault((place, ()), books.new())


def _rows(books: Books[C]) -> Sequence[Row[C]]:
    def rank(key: tuple[int, Group]) -> tuple[int, tuple[tuple[bool, str], ...]]:
        return key[0], tuple((value is None, value or "") for value in key[1])

    found = []
    for place, group in sorted(books.cells, key=rank):
        period = books.periods[place]
        complete = (min(period.last, books.last_complete_day) - period.first).days + 1
        found.append(Row(period, group, books.cells[place, group], max(0, complete)))
    return found
