"""The portfolio as the services tell it: read over their HTTP APIs, as any CSM tool would."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from standalone.demo.services import Services
from standalone.demo.settings import DemoSettings
from standalone.demo.team import SHOWN

WORST = 8
WORK_SHOWN = 6
ABSENT_DAYS = 15

S = TypeVar("S")


class Money(msgspec.Struct, frozen=True):
    """An exact amount, as text, and its currency."""

    amount: str
    currency: str


class BandTotals(msgspec.Struct, frozen=True):
    """How many accounts are in a band, and their ARR by currency."""

    band: str
    accounts: int
    arr: tuple[Money, ...]


class Portfolio(msgspec.Struct, frozen=True):
    """All accounts, by band."""

    accounts: int
    silent: int
    arr: tuple[Money, ...]
    bands: tuple[BandTotals, ...]


class HealthInShort(msgspec.Struct, frozen=True):
    """An account's score (None: too little data) and band."""

    score: int | None
    band: str


class Account(msgspec.Struct, frozen=True):
    """An account with its health in short."""

    account_id: str
    name: str | None
    owner: str | None
    health: HealthInShort

    @property
    def label(self) -> str:
        """The name, or the id where no name is known."""
        return self.name or self.account_id


class Measure(msgspec.Struct, frozen=True):
    """One measure's part in a score. `effective_weight` is 0–1, `contribution` whole points of the score."""

    measure: str
    metric: str
    value: float | None
    score: float | None
    effective_weight: float
    contribution: int

    @property
    def points_lost(self) -> float:
        """By how much this measure keeps the score below 100."""
        return self.effective_weight * 100 - self.contribution if self.score is not None else 0.0

    @property
    def is_absence(self) -> bool:
        """Whether it says that nobody has come for two weeks, which explains all the rest."""
        return self.metric == "days_since_last_activity" and (self.value or 0) >= ABSENT_DAYS


class Health(msgspec.Struct, frozen=True):
    """An account's health, explained."""

    account_id: str
    measures: tuple[Measure, ...]


class AlertAccount(msgspec.Struct, frozen=True):
    """Whose alert it is."""

    id: str
    name: str | None
    owner: str | None


class Alert(msgspec.Struct, frozen=True):
    """An alert that is not resolved. `quiet`: it lay too far in the past to tell anybody."""

    account: AlertAccount
    rule: str
    severity: str
    title: str
    reason: str
    opened_at: datetime
    quiet: bool


class Part(msgspec.Struct, frozen=True):
    """One part of a priority, and why it is so."""

    name: str
    value: float
    why: str


class Work(msgspec.Struct, frozen=True):
    """A row of somebody's worklist. `priority` is urgency (0-100) x value (from 1 on)."""

    kind: str
    account: AlertAccount
    title: str
    due_on: date | None
    priority: float
    urgency: float
    value: float
    parts: tuple[Part, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What makes it urgent most."""
        urgent = [part for part in self.parts if part.name not in {"arr", "tier"} and part.value > 0]
        return tuple(part.why for part in sorted(urgent, key=lambda part: -part.value)[:2])


class Task(msgspec.Struct, frozen=True):
    """A step of a playbook that runs, and who has it now."""

    title: str
    state: str
    assignee: str | None
    due_on: date | None


class Run(msgspec.Struct, frozen=True):
    """A playbook that runs for an account."""

    account_id: str
    name: str
    started_at: datetime
    tasks: tuple[Task, ...]

    @property
    def next_task(self) -> Task | None:
        """What is to be done now."""
        return next((task for task in self.tasks if task.state == "open"), None)


class Renewal(msgspec.Struct, frozen=True):
    """A term that comes to its end; `end` is its last day."""

    account_id: str
    end: date
    days_left: int
    amount: Money
    state: str
    health: HealthInShort


@dataclass(frozen=True, slots=True)
class Concern:
    """An account that needs somebody, and what its score lost most points by."""

    account: Account
    worst_measures: tuple[Measure, ...]

    @property
    def explains(self) -> bool:
        """Whether its explanation is worth reading: there is more to say than that nobody comes."""
        return not any(measure.is_absence for measure in self.worst_measures)


@dataclass(frozen=True, slots=True)
class Picture:
    """What a newcomer sees: the portfolio, who needs somebody, what is done about it, which renewals are ahead.

    `worklist` is the beginning of the day of `team.SHOWN`.
    """

    portfolio: Portfolio
    accounts: Sequence[Account]
    concerns: Sequence[Concern]
    alerts: Sequence[Alert]
    runs: Sequence[Run]
    worklist: Sequence[Work]
    renewals: Sequence[Renewal]

    def name_of(self, account_id: str) -> str:
        """The account's name, or its id."""
        return next((account.label for account in self.accounts if account.account_id == account_id), account_id)


async def read_portfolio(services: Services, settings: DemoSettings) -> Portfolio:
    """The portfolio by band."""
    return _as(await services.get(f"{settings.health_score_url}/v1/portfolio/summary"), Portfolio)


async def read_accounts(services: Services, settings: DemoSettings) -> list[Account]:
    """Every account; those with the lowest score first, those without one last."""
    items = await services.all_pages(f"{settings.health_score_url}/v1/accounts?sort=score&limit=500")
    return _as(items, list[Account])


async def read_picture(services: Services, settings: DemoSettings) -> Picture:
    """The whole picture, as of now."""
    mine = f"{settings.alerts_url}/v1/worklist?owner={quote(SHOWN, safe='')}&limit={WORK_SHOWN}"
    portfolio, accounts, alerts, runs, worklist, renewals = await asyncio.gather(
        read_portfolio(services, settings),
        read_accounts(services, settings),
        services.all_pages(f"{settings.alerts_url}/v1/alerts?state=open&state=acknowledged&limit=500"),
        services.all_pages(f"{settings.alerts_url}/v1/playbook-runs?state=open&limit=500"),
        services.get(mine),
        services.all_pages(f"{settings.renewals_url}/v1/renewals?limit=500"),
    )
    worst = [account for account in accounts if account.health.score is not None][:WORST]
    concerns = await asyncio.gather(*(_concern(services, settings, account) for account in worst))
    return Picture(
        portfolio,
        accounts,
        concerns,
        _as(alerts, list[Alert]),
        _as(runs, list[Run]),
        _as(worklist["data"], list[Work]),
        _as(renewals, list[Renewal]),
    )


async def _concern(services: Services, settings: DemoSettings, account: Account) -> Concern:
    account_id = quote(account.account_id, safe="")
    health = _as(await services.get(f"{settings.health_score_url}/v1/accounts/{account_id}/health"), Health)
    by_loss = sorted(health.measures, key=lambda measure: (not measure.is_absence, -measure.points_lost))
    return Concern(account, tuple(measure for measure in by_loss if measure.points_lost >= 1)[:2])


def _as(data: Any, shape: type[S]) -> S:
    return msgspec.convert(data, shape)
