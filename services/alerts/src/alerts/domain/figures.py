"""Figures of alerts and playbooks, by period and group: what was done with them, how fast, how often they were right.

An alert, or a run, belongs to the day on which it began (UTC), and to whoever had the account then. Alerts of the past
that nobody was told of when they were recorded are left out: nobody could act on them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import TypeVar

T = TypeVar("T")


class Every(StrEnum):
    """The length of a period. Weeks begin on Monday; `none` is all days asked for."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from the first to the last, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class AlertFact:
    """What is counted of an alert. `owner` had the account when it opened."""

    opened_at: datetime
    rule: str
    owner: str | None
    acknowledged_at: datetime | None
    resolved_by_hand: bool
    is_resolved: bool
    feedback: str | None


@dataclass(frozen=True, slots=True)
class AlertFigures:
    """Alerts of a group. `actioned`: a person acknowledged or settled it. `ignored`: it passed without anybody.

    The others are open and untouched. `precision` is true / judged, None where nobody judged.
    """

    opened: int
    actioned: int
    ignored: int
    untouched: int
    median_minutes_to_acknowledge: float | None
    true: int
    premature: int
    false: int
    judged: int
    precision: float | None


@dataclass(frozen=True, slots=True)
class RunFact:
    """What is counted of a run. `owner` had the account when it began."""

    started_at: datetime
    playbook: str
    owner: str | None
    state: str
    ended_at: datetime | None
    late_tasks: int
    tasks: int


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Runs of a group by how they stand; `won_share` is won / (won + lost), None where none has ended so."""

    runs: int
    open: int
    won: int
    lost: int
    abandoned: int
    won_share: float | None
    median_days: float | None
    tasks: int
    late_tasks: int


@dataclass(frozen=True, slots=True)
class Row:
    """One period and group, and what was counted."""

    period: Period
    group: tuple[str | None, ...]
    figures: AlertFigures | RunFigures


def alert_figures(facts: Sequence[AlertFact]) -> AlertFigures:
    """The figures of alerts."""
    judged = {word: sum(fact.feedback == word for fact in facts) for word in ("true", "premature", "false")}
    total = sum(judged.values())
    actioned = sum(fact.acknowledged_at is not None or fact.resolved_by_hand for fact in facts)
    ignored = sum(fact.is_resolved and fact.acknowledged_at is None and not fact.resolved_by_hand for fact in facts)
    waits = [(fact.acknowledged_at - fact.opened_at).total_seconds() / 60 for fact in facts if fact.acknowledged_at]
    return AlertFigures(
        opened=len(facts),
        actioned=actioned,
        ignored=ignored,
        untouched=len(facts) - actioned - ignored,
        median_minutes_to_acknowledge=round(median(waits), 1) if waits else None,
        true=judged["true"],
        premature=judged["premature"],
        false=judged["false"],
        judged=total,
        precision=round(judged["true"] / total, 4) if total else None,
    )


def run_figures(facts: Sequence[RunFact]) -> RunFigures:
    """The figures of runs."""
    of = {state: sum(fact.state == state for fact in facts) for state in ("open", "won", "lost", "abandoned")}
    days = [(fact.ended_at - fact.started_at).total_seconds() / 86_400 for fact in facts if fact.ended_at]
    decided = of["won"] + of["lost"]
    return RunFigures(
        runs=len(facts),
        open=of["open"],
        won=of["won"],
        lost=of["lost"],
        abandoned=of["abandoned"],
        won_share=round(of["won"] / decided, 4) if decided else None,
        median_days=round(median(days), 1) if days else None,
        tasks=sum(fact.tasks for fact in facts),
        late_tasks=sum(fact.late_tasks for fact in facts),
    )


def rows(
    facts: Iterable[T],
    *,
    at: Callable[[T], datetime],
    group: Callable[[T], tuple[str | None, ...]],
    figures: Callable[[Sequence[T]], AlertFigures | RunFigures],
    first: date,
    last: date,
    every: Every,
) -> Sequence[Row]:
    """The rows by period, then by group; what has no owner stands last. Groups without anything have no row."""
    found: dict[tuple[Period, tuple[str | None, ...]], list[T]] = defaultdict(list)
    for fact in facts:
        found[period_of(at(fact).date(), every, first, last), group(fact)].append(fact)
    ordered = sorted(found, key=lambda key: (key[0].first, rank(key[1])))
    return [Row(period, names, figures(found[period, names])) for period, names in ordered]


def rank(group: tuple[str | None, ...]) -> list[tuple[bool, str]]:
    """By what groups are ordered."""
    return [(value is None, value or "") for value in group]


def period_of(day: date, every: Every, first: date, last: date) -> Period:
    """The period that a day lies in, cut to the days asked for."""
    match every:
        case Every.NONE:
            return Period(first, last)
        case Every.WEEK:
            begins = day - timedelta(days=day.weekday())
            ends = begins + timedelta(days=6)
        case Every.MONTH | Every.QUARTER | Every.YEAR:
            months = {Every.MONTH: 1, Every.QUARTER: 3, Every.YEAR: 12}[every]
            begins = date(day.year, (day.month - 1) // months * months + 1, 1)
            after = begins.month - 1 + months
            ends = date(begins.year + after // 12, after % 12 + 1, 1) - timedelta(days=1)
    return Period(max(begins, first), min(ends, last))


def owner_at(owners: Sequence[tuple[datetime, str | None]], at: datetime) -> str | None:
    """Whose an account was at an instant: `owners` by the instant from which on, the first one first.

    Before the first that is known, it was theirs: whoever is heard of first had it.
    """
    found = owners[0][1] if owners else None
    for since, owner in owners:
        if since > at:
            break
        found = owner
    return found
