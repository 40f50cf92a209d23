"""What worklists are made of, and what reads it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.cases import Case
from alerts.domain.runs import Run
from alerts.domain.words import Band
from alerts.domain.worklist import Kind, Weights


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose accounts are looked at: those that one of `people` owns, has a role at, or has something of.

    `reports` are the people whose manager asks: steps of playbooks can be for the manager of an account's CSM.
    """

    people: frozenset[str]
    reports: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Touches:
    """When an account was touched last, and by when the next step is promised."""

    touched_at: datetime | None
    next_due_on: date | None


@dataclass(frozen=True, slots=True)
class Seen:
    """An account, and its health now and before."""

    account: Account
    band: Band
    score: int | None
    score_before: int | None


@dataclass(frozen=True, slots=True)
class Material:
    """What there may be to do. `pooled` says who of a pool has an alert; `runs` are those that go on, with tasks."""

    alerts: Sequence[Alert] = ()
    pooled: Mapping[str, str] = field(default_factory=dict)
    runs: Sequence[Run] = ()
    touches: Mapping[str, Touches] = field(default_factory=dict)
    cases: Sequence[Case] = ()
    seen: Mapping[str, Seen] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ranked:
    """An account, and what no priority of its rows exceeds."""

    account_id: str
    bound: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Some accounts; `rest`: what no priority exceeds at those that are not among them, None: there are no others."""

    first: Sequence[Ranked]
    rest: float | None


class WorklistReading(Protocol):
    """Reads what worklists are made of, in a few queries."""

    async def material(self, whose: Whose, now: datetime, *, cadence_days: int | None) -> Material:
        """What there may be to do for people."""

    async def material_of(self, account_ids: Collection[str], now: datetime, *, cadence_days: int | None) -> Material:
        """What there may be to do at accounts."""

    async def ranked(
        self, now: datetime, weights: Weights, kinds: Collection[Kind], *, cadence_days: int | None, most: int
    ) -> Ranking:
        """The accounts at which there may be something of the kinds to do, that of the highest bound first."""
