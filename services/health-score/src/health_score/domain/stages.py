"""The stages of an account's life: who or which rule moved it when, how long it stayed, and what is overdue."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from health_score.domain.conditions import ATTRIBUTES
from health_score.domain.facts.known import ACCOUNT, Facts
from health_score.domain.metrics.catalogue import Needs, needs_of
from health_score.domain.metrics.reading import Metric
from health_score.domain.rules import DEFAULT_VERSION, HAND, RULE, By, Known, Look, Test, fits
from mainstay.kernel.clock import day_of, start_of_day

STAGES: Final = ("onboarding", "growth", "nurture", "renewal", "will_churn", "churned")
APART: Final = frozenset({"will_churn", "churned"})
"""Accounts in these stages leave health reporting."""

DAYS_IN_STAGE: Final = "days_in_stage"
"""A figure that stage rules may look at besides metrics and attributes: days since the entry; none without a stage."""

GO_LIVE: Final = "go_live"
"""The milestone that has a planned day and an actual one."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Move:
    """A rule moved the account from one stage (None: none yet) to another, and the values that made it so."""

    at: datetime
    previous: str | None
    stage: str
    rule: str
    version: int
    reason: str
    values: Mapping[str, Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SaidOverdue:
    """It was said that the account was too long in a stage that it entered then."""

    stage: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class SaidMissed:
    """It was said that a milestone, planned for a day, was not reached."""

    milestone: str
    planned_on: date


@dataclass(frozen=True, slots=True)
class Journal:
    """What rules did with an account, and what was said to be overdue, oldest first."""

    moves: tuple[Move, ...] = ()
    overdue: frozenset[SaidOverdue] = frozenset()
    missed: frozenset[SaidMissed] = frozenset()


NOTHING_MOVED = Journal()


@dataclass(frozen=True, slots=True)
class Entry:
    """The account entered a stage (None: the stage was withdrawn) then. `event_id` is that of the fact, by hand."""

    entered_at: datetime
    stage: str | None
    previous: str | None
    by: By
    event_id: str | None = None
    values: Mapping[str, Known] = field(default_factory=dict)

    def entered_on(self, zone: ZoneInfo) -> date:
        """The day of the entry, which is day 0 of the stay."""
        return day_of(self.entered_at, zone)


@dataclass(frozen=True, slots=True)
class Stages:
    """Every stage that an account entered, oldest first."""

    entries: tuple[Entry, ...] = ()

    def until(self, instant: datetime) -> Entry | None:
        """The entry that held right before an instant; None: there was none yet."""
        place = bisect_left(self.entries, instant, key=lambda entry: entry.entered_at)
        return self.entries[place - 1] if place else None


@dataclass(frozen=True, slots=True)
class Word:
    """Somebody stated the stage; None withdraws it."""

    at: datetime
    event_id: str
    stage: str | None
    person: str | None = None


def words_of(facts: Facts) -> list[Word]:
    """What was stated about the stage, in order of (occurred at, event id)."""
    return [
        Word(each.at, each.by, each.fields["stage"], each.fields.get("by"))
        for each in facts.statements
        if each.kind == ACCOUNT and "stage" in each.fields
    ]


def stages_of(words: Sequence[Word], moves: Sequence[Move]) -> Stages:
    """The stages by what people stated and rules did.

    People's word counts whenever it was said. A rule's move counts only if the account was then, by all that is known
    now, in the stage that it was moved from: so the order in which facts come does not matter.
    """
    steps: list[tuple[datetime, int, Word | Move]] = [
        *((word.at, 0, word) for word in words),
        *((move.at, 1, move) for move in moves),
    ]
    entries: list[Entry] = []
    now: str | None = None
    for at, _, step in sorted(steps, key=lambda step: step[:2]):
        if step.stage == now:
            continue
        if isinstance(step, Word):
            entries.append(Entry(at, step.stage, now, By(HAND, person=step.person), step.event_id))
        elif step.previous == now:
            by = By(RULE, step.rule, step.version, step.reason)
            entries.append(Entry(at, step.stage, now, by, values=step.values))
        else:
            continue
        now = step.stage
    return Stages(tuple(entries))


@dataclass(frozen=True, slots=True)
class Transition:
    """An account in one of the stages `from_` (None: in none yet) goes to `to` when all of `when` holds."""

    name: str
    from_: tuple[str | None, ...]
    to: str
    when: tuple[Test, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class StageRules:
    """Days that an account is to stay in each stage at most, and the transitions in order.

    `metrics` are those that the conditions name. `version` 0: the document comes with Mainstay.
    """

    targets: Mapping[str, int] = field(default_factory=dict)
    transitions: tuple[Transition, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    version: int = DEFAULT_VERSION

    @property
    def needs(self) -> Needs:
        """What is to be loaded for every account, whatever its stage: all but its life."""
        return needs_of(self.metrics.values())._replace(of_life=False)

    def needs_life(self, stages: Collection[str | None]) -> bool:
        """Whether the rules for accounts in these stages look at an account's whole life."""
        return any(
            self.metrics[test.name].of_life
            for transition in self.transitions
            if not set(stages).isdisjoint(transition.from_)
            for test in transition.when
            if test.name in self.metrics
        )

    def next_move(self, stage: str | None, look: Look, at: datetime, moved_today: Collection[str]) -> Move | None:
        """The move by the first rule that fits, of those that did not move the account today."""
        for transition in self.transitions:
            if stage not in transition.from_ or transition.to == stage or transition.name in moved_today:
                continue
            found = fits(transition.when, look, transition.reason)
            if found is not None:
                return Move(at, stage, transition.to, transition.name, self.version, found.reason, found.values)
        return None

    def overdue_from(self, entry: Entry, zone: ZoneInfo) -> date | None:
        """The first day on which the account is longer in a stage than it is to be; None: it may stay."""
        target = None if entry.stage is None else self.targets.get(entry.stage)
        return None if target is None else entry.entered_on(zone) + timedelta(days=target + 1)


NO_STAGE_RULES = StageRules()


@dataclass(frozen=True, slots=True)
class StageEntered:
    """The account is in another stage than it was last said to be."""

    occurred_at: datetime
    entry: Entry


@dataclass(frozen=True, slots=True)
class StageOverdue:
    """The account is longer in a stage than its target; `occurred_at` is the beginning of the first day beyond."""

    occurred_at: datetime
    stage: str
    entered_at: datetime
    target_dwell_days: int
    due_on: date


@dataclass(frozen=True, slots=True)
class MilestoneMissed:
    """A milestone was planned for a day, and not reached by its end."""

    occurred_at: datetime
    milestone: str
    planned_on: date
    stage: str | None


def overdue(entry: Entry, rules: StageRules, zone: ZoneInfo, today: date) -> StageOverdue | None:
    """That a stay is longer than its target, if it is."""
    since = rules.overdue_from(entry, zone)
    if since is None or entry.stage is None or today < since:
        return None
    return StageOverdue(
        start_of_day(since, zone), entry.stage, entry.entered_at, rules.targets[entry.stage], since - DAY
    )


def missed_go_live(
    planned: date | None, actual: date | None, stage: str | None, zone: ZoneInfo, today: date
) -> MilestoneMissed | None:
    """That the planned go-live passed without an actual one, if it did. One that lies ahead is none yet."""
    if planned is None or planned >= today or (actual is not None and actual <= today) or stage in APART:
        return None
    return MilestoneMissed(start_of_day(planned + DAY, zone), GO_LIVE, planned, stage)


def names_known(name: str) -> bool:
    """Whether stage rules may look at something that is no metric."""
    return name in ATTRIBUTES or name == DAYS_IN_STAGE
