"""Key figures of alerts and playbooks: the question, and what is counted for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol

from alerts.domain.figures import AlertFact, Every, Row, RunFact, alert_figures, rows, run_figures
from mainstay.kernel.clock import Clock

USUAL = timedelta(days=89)


class Axis(StrEnum):
    """By what figures are grouped: the rule or the playbook, and whoever had the account then."""

    RULE = "rule"
    PLAYBOOK = "playbook"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class FigureQuery:
    """Which days, in which periods and groups, and of which rules, playbooks and owners (none: all)."""

    first: date | None = None
    last: date | None = None
    every: Every = Every.MONTH
    axes: tuple[Axis, ...] = ()
    of: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows of an answer, and the days that it is about."""

    first: date
    last: date
    rows: Sequence[Row]


class DaysBackwards(ValueError):
    """The last day lies before the first."""

    def __init__(self) -> None:
        super().__init__("`to` is not before `from`")


class FigureReading(Protocol):
    """Reads what is counted, of what began from an instant on and before another."""

    async def alerts(self, since: datetime, until: datetime) -> Sequence[AlertFact]:
        """Alerts, with whoever had the account when each opened."""

    async def runs(self, since: datetime, until: datetime) -> Sequence[RunFact]:
        """Runs of playbooks."""


class Figures:
    """Counts."""

    def __init__(self, reading: FigureReading, clock: Clock) -> None:
        self._reading = reading
        self._clock = clock

    async def alerts(self, query: FigureQuery) -> Counted:
        """Alerts by rule and owner. Raises `DaysBackwards`."""
        first, last = self._days(query)
        facts = [
            fact
            for fact in await self._reading.alerts(*_instants(first, last))
            if _wanted(query, fact.rule, fact.owner)
        ]
        by = {Axis.RULE: lambda fact: fact.rule, Axis.OWNER: lambda fact: fact.owner}
        found = rows(
            facts,
            at=lambda fact: fact.opened_at,
            group=lambda fact: tuple(by[axis](fact) for axis in query.axes),
            figures=alert_figures,
            first=first,
            last=last,
            every=query.every,
        )
        return Counted(first, last, found)

    async def playbooks(self, query: FigureQuery) -> Counted:
        """Runs by playbook and owner. Raises `DaysBackwards`."""
        first, last = self._days(query)
        facts = [
            fact
            for fact in await self._reading.runs(*_instants(first, last))
            if _wanted(query, fact.playbook, fact.owner)
        ]
        by = {Axis.PLAYBOOK: lambda fact: fact.playbook, Axis.OWNER: lambda fact: fact.owner}
        found = rows(
            facts,
            at=lambda fact: fact.started_at,
            group=lambda fact: tuple(by[axis](fact) for axis in query.axes),
            figures=run_figures,
            first=first,
            last=last,
            every=query.every,
        )
        return Counted(first, last, found)

    def _days(self, query: FigureQuery) -> tuple[date, date]:
        last = query.last or self._clock.now().date()
        first = query.first or last - USUAL
        if last < first:
            raise DaysBackwards
        return first, last


def _wanted(query: FigureQuery, name: str, owner: str | None) -> bool:
    return (not query.of or name in query.of) and (not query.owners or (owner or "") in query.owners)


def _instants(first: date, last: date) -> tuple[datetime, datetime]:
    return (
        datetime.combine(first, time.min, tzinfo=UTC),
        datetime.combine(last + timedelta(days=1), time.min, tzinfo=UTC),
    )
