"""Playbooks: what is done, by whom and by when, when something happens to an account.

What a playbook says comes from a versioned document; how a run of one goes on stands in `alerts.domain.runs`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from alerts.domain.alerts import Alert
from alerts.domain.rules import Condition
from alerts.domain.texts import Text
from alerts.domain.words import Category, Severity

ROLES = ("owner", "csm", "sales", "product_expert", "support", "renewal_owner", "delivery_partner", "manager")
"""Who does a step: roles of the account's dated team, and the manager of whoever is its CSM."""

MANAGER = "manager"


class PlaybookInvalid(ValueError):
    """A playbook cannot be used as it is written."""


class RiskReason(StrEnum):
    """Why an account is at risk, or was saved from what, or was lost for."""

    LACK_OF_ADOPTION = "lack-of-adoption"
    PRODUCT_GAP = "product-gap"
    PRODUCT_QUALITY = "product-quality"
    FAILED_IMPLEMENTATION = "failed-implementation"
    POOR_SERVICE = "poor-service"
    OVERSOLD = "oversold"
    PRICE = "price"
    LOST_SPONSOR = "lost-sponsor"
    LOST_BUDGET = "lost-budget"
    CORPORATE_DECISION = "corporate-decision"
    COMPETITOR = "competitor"
    SENTIMENT = "sentiment"
    OTHER = "other"


class Unit(StrEnum):
    """What a due offset counts in. Workdays are Monday to Friday; holidays are not known of an account."""

    DAYS = "days"
    WORKDAYS = "workdays"


@dataclass(frozen=True, slots=True)
class Due:
    """By when a step is to be done: so many days after its start; 0 is the same day."""

    amount: int
    unit: Unit = Unit.DAYS

    def after(self, day: date) -> date:
        """The day that lies so much later."""
        if self.unit is Unit.DAYS:
            return day + timedelta(days=self.amount)
        left, found = self.amount, day
        while left:
            found += timedelta(days=1)
            left -= found.weekday() < 5
        return found


@dataclass(frozen=True, slots=True)
class TellRole:
    """An automatic action: a message to whoever has a role."""

    role: str
    text: Text


@dataclass(frozen=True, slots=True)
class StartPlaybook:
    """An automatic action: another playbook begins."""

    playbook: str


@dataclass(frozen=True, slots=True)
class StateFact:
    """An automatic action: a fact about the account is stated. `fields` are JSON; `TODAY` is the day on which it is.

    `thing` is the member that names what the fact is about, where it is about a thing and the document names none: then
    each run states one of its own.
    """

    kind: str
    fields: Mapping[str, Any]
    thing: str | None = None

    def stated(self, task_id: str, today: date) -> Mapping[str, Any]:
        """The fact's members on a day."""
        said = {name: today.isoformat() if value == TODAY else value for name, value in self.fields.items()}
        return said if self.thing is None else {self.thing: task_id, **said}


TODAY = "$today"

Action = TellRole | StartPlaybook | StateFact


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `after` is the key of the step that comes first; None: the start of the run.

    A step with a condition is looked at when its day has come, and is not needed where the condition is not true then.
    One with an `action` is done by Mainstay on its day, and is nobody's task.
    """

    key: str
    title: Text
    role: str
    due: Due
    guidance: Text | None = None
    after: str | None = None
    condition: Condition | None = None
    action: Action | None = None

    @property
    def waits_for_its_day(self) -> bool:
        """Whether it begins on its day, and not before."""
        return self.condition is not None or self.action is not None


@dataclass(frozen=True, slots=True)
class OnAlert:
    """An alert that people are told of: of these rules or categories (none named: any), from a severity on."""

    rules: frozenset[str] = frozenset()
    categories: frozenset[Category] = frozenset()
    min_severity: Severity = Severity.INFO

    def fits(self, alert: Alert) -> bool:
        """Whether the alert is such a one."""
        named = not (self.rules or self.categories) or alert.rule in self.rules or alert.category in self.categories
        return named and alert.severity.is_at_least(self.min_severity)


@dataclass(frozen=True, slots=True)
class OnStage:
    """The account enters one of these stages."""

    stages: frozenset[str]


class DateOf(StrEnum):
    """A date of an account: the first day after its next term that ends, or the day it went live."""

    RENEWAL = "renewal"
    GO_LIVE = "go_live"


@dataclass(frozen=True, slots=True)
class OnDate:
    """So many days after a date of the account; before it, where the number is negative."""

    of: DateOf
    days: int


@dataclass(frozen=True, slots=True)
class OnWindow:
    """The renewal window of a term opens."""


@dataclass(frozen=True, slots=True)
class OnHandover:
    """The account gets another owner; not the first one."""


Trigger = OnAlert | OnStage | OnDate | OnWindow | OnHandover


@dataclass(frozen=True, slots=True)
class Mutes:
    """Which alerts tell nobody while the playbook runs: of these rules or categories, up to a severity."""

    rules: frozenset[str] = frozenset()
    categories: frozenset[Category] = frozenset()
    up_to: Severity = Severity.WARNING

    def covers(self, alert: Alert) -> bool:
        """Whether an alert is one of them."""
        return (alert.rule in self.rules or alert.category in self.categories) and self.up_to.is_at_least(
            alert.severity
        )


class WhenDone(StrEnum):
    """What it means that every task is settled: it is won, or somebody has to say how it ended."""

    WON = "won"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Playbook:
    """One playbook. `when` must be true of the account where a trigger is to start it; by hand it can always be.

    A task that is overdue reminds whoever has it `remind_after` days after its day, and tells their manager
    `escalate_after` days after it; None: not at all. `in_force_since` is when people saved it: what happened before
    starts nothing.
    """

    id: str
    version: int
    name: Text
    category: Category
    triggers: tuple[Trigger, ...]
    steps: tuple[Step, ...]
    description: Text | None = None
    when: Condition | None = None
    mutes: Mutes | None = None
    remind_after: int | None = 1
    escalate_after: int | None = 3
    when_done: WhenDone = WhenDone.ASK
    enabled: bool = True
    in_force_since: datetime | None = None

    def step(self, key: str) -> Step:
        """One step by its key."""
        return next(step for step in self.steps if step.key == key)


@dataclass(frozen=True)
class Playbooks:
    """The playbooks in force, by id; those that are switched off start nothing by themselves, and run on."""

    all: Mapping[str, Playbook] = field(default_factory=dict)

    @property
    def on(self) -> tuple[Playbook, ...]:
        """Those that are switched on, by id."""
        return tuple(each for _, each in sorted(self.all.items()) if each.enabled)
