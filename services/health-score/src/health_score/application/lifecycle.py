"""An account's life as it is shown: the stage, how it came there, what was before, and the way to the first value."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from health_score.application.cards import Cards
from health_score.application.evidence import load_evidence
from health_score.application.life_journal import told
from health_score.application.ports import OpenWork
from health_score.application.views import ByView
from health_score.domain.account import Account, AccountUnknown
from health_score.domain.closing import read_at
from health_score.domain.metrics.activation import began_on
from health_score.domain.metrics.catalogue import METRICS
from health_score.domain.metrics.reading import AsOf
from health_score.domain.metrics.windows import Windows
from health_score.domain.rules import By
from health_score.domain.selection import Bases
from health_score.domain.stages import Entry, StageRules, missed_go_live
from health_score.domain.tiers import Record
from mainstay.kernel.clock import Clock, day_of

MOST_STAYS = 200
"""Earlier stays that are shown, the latest ones; an account seldom has ten."""


@dataclass(frozen=True, slots=True)
class StayView:
    """A stay in a stage (null: in none): from when, how it came there (and what rules saw), to when, how many days."""

    stage: str | None
    entered_at: datetime
    entered_on: date
    by: ByView
    values: dict[str, Any]
    left_at: datetime | None
    dwell_days: int
    target_dwell_days: int | None
    overdue_since: date | None


@dataclass(frozen=True, slots=True)
class GoLiveView:
    """The go-live: planned, actual, with whom. `days_late` are those after the plan, also while it is still to come."""

    planned_on: date | None
    on: date | None
    delivery_partner: str | None
    days_late: int | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class FirstValueView:
    """Days from the beginning to the first use, and to use by half of the seats; null: not yet, or not known.

    The beginning is the go-live, else the first contract's start, else the first word of the account.
    """

    began_on: date | None
    days_to_first_use: int | None
    days_to_activation: int | None
    activation: float | None


@dataclass(frozen=True, slots=True)
class LifecycleView:
    """The stay of now (null: no stage was ever stated), the earlier ones, newest first, the go-live and first value.

    `overdue`: longer in the stage than its target. Targets are those in force now, of earlier stays too.
    """

    account_id: str
    stage: str | None
    overdue: bool
    now: StayView | None
    before: tuple[StayView, ...]
    go_live: GoLiveView
    first_value: FirstValueView


class Lifecycles:
    """Answers how an account's life has been."""

    def __init__(self, open_work: OpenWork, cards: Cards, clock: Clock) -> None:
        self._work = open_work
        self._cards = cards
        self._clock = clock

    async def of_account(self, account_id: str) -> LifecycleView:
        """An account's life as of now. Raises `AccountUnknown`."""
        now = self._clock.now()
        async with self._work() as work:
            account = await work.accounts.read(account_id)
            if account is None:
                raise AccountUnknown(account_id)
            deployment = await self._cards.deployment(work, now)
            needs = deployment.needs._replace(of_life=True)
            today = account.today(now)
            wanted = {account.number: (account, today - needs.reach)}
            evidence = (await load_evidence(work, wanted, needs))[account.number]
        bases = Bases(account, evidence, deployment)
        windows = Windows(evidence.activity, today, today, needs.reach)
        reading, _ = read_at(windows, bases, today, account.seats.on(today), now=now)
        until = reading.known.before or now
        entries = [entry for entry in bases.circumstances.stages.entries if entry.entered_at < until]
        stays = _stays(account, entries, deployment.rules.stages.latest, today)
        current = stays[-1] if stays else None
        return LifecycleView(
            account_id=account.id,
            stage=current.stage if current else None,
            overdue=current is not None and current.overdue_since is not None,
            now=current,
            before=tuple(reversed(stays[-MOST_STAYS - 1 : -1])),
            go_live=_go_live(Record(account, reading.known, until), current.stage if current else None, today),
            first_value=_first_value(reading),
        )


def by_view(by: By) -> ByView:
    """Who or what made it so, as it is shown."""
    return ByView(by.how, by.rule, by.version, by.reason, by.person)


def _stays(account: Account, entries: list[Entry], rules: StageRules, today: date) -> list[StayView]:
    views = []
    for place, entry in enumerate(entries):
        after = entries[place + 1] if place + 1 < len(entries) else None
        first = entry.entered_on(account.zone)
        last = day_of(after.entered_at, account.zone) if after else today
        since = rules.overdue_from(entry, account.zone)
        views.append(
            StayView(
                stage=entry.stage,
                entered_at=entry.entered_at,
                entered_on=first,
                by=by_view(entry.by),
                values={name: told(value) for name, value in entry.values.items()},
                left_at=after.entered_at if after else None,
                dwell_days=(last - first).days,
                target_dwell_days=rules.targets.get(entry.stage) if entry.stage else None,
                overdue_since=since if since is not None and since <= last else None,
            )
        )
    return views


def _go_live(record: Record, stage: str | None, today: date) -> GoLiveView:
    planned, actual = record.day("go_live_planned_on"), record.day("go_live_on")
    has_come = actual is not None and actual <= today
    days_late: int | None = None
    if planned is not None and (has_come or planned < today):
        days_late = max(0, ((actual if has_come and actual else today) - planned).days)
    missed = missed_go_live(planned, actual, stage, record.account.zone, today)
    return GoLiveView(planned, actual, record.said("delivery_partner"), days_late, missed is not None)


def _first_value(reading: AsOf) -> FirstValueView:
    def days(name: str) -> int | None:
        value = METRICS[name].read(reading)
        return None if value is None else int(value)

    share = METRICS["activation"].read(reading)
    return FirstValueView(
        began_on(reading.known, reading.day),
        days("time_to_first_value"),
        days("days_to_activation"),
        None if share is None else float(share),
    )
