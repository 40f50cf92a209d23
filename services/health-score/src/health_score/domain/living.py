"""Bringing an account's life up to date: what stage rules do with it now, and what is overdue."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from health_score.domain.conditions import ATTRIBUTES
from health_score.domain.derived import Derived
from health_score.domain.evidence import NOW
from health_score.domain.metrics.reading import AsOf
from health_score.domain.metrics.windows import LifeNotLoaded
from health_score.domain.rules import Known, Look
from health_score.domain.selection import Bases, Basis
from health_score.domain.stages import (
    DAYS_IN_STAGE,
    Entry,
    MilestoneMissed,
    Move,
    SaidMissed,
    SaidOverdue,
    StageEntered,
    StageOverdue,
    StageRules,
    missed_go_live,
    overdue,
)
from health_score.domain.tiers import Record
from mainstay.kernel.clock import day_of

LifeChange = StageEntered | StageOverdue | MilestoneMissed


@dataclass(frozen=True, slots=True)
class Lived:
    """The moves that rules made just now, what follows from the record, and what there is to say.

    `bases` have the moves in them.
    """

    bases: Bases
    moves: tuple[Move, ...]
    derived: Derived
    changes: tuple[LifeChange, ...]


def live(bases: Bases, reading: AsOf, basis: Basis, at: datetime) -> Lived:
    """Look at an account by the rules in force now. `reading` is that of the running day, `basis` that of now.

    Each rule moves an account once a day at most, so that two rules that contradict each other cannot chase it.
    """
    account, zone = bases.account, bases.account.zone
    rules, today = bases.deployment.rules.stages.latest, account.today(at)
    until = max(at + NOW, reading.known.before or at)
    entry = bases.circumstances.stages.until(until)
    kept = account.derived
    said: list[LifeChange] = []
    if (entry.stage if entry else None) != kept.stage and entry is not None:
        said.append(StageEntered(entry.entered_at, entry))
    moves: list[Move] = []
    if _may_move(rules, entry):
        moved_today = {move.rule for move in bases.evidence.journal.moves if day_of(move.at, zone) == today}
        while (move := _next(bases, reading, basis, entry, at, moved_today)) is not None:
            moves.append(move)
            moved_today.add(move.rule)
            journal = bases.evidence.journal
            journal = replace(journal, moves=(*journal.moves, move))
            bases = replace(bases, evidence=replace(bases.evidence, journal=journal))
            entry = bases.circumstances.stages.until(until)
            if entry is None or entry.stage != move.stage:  # the clock went back before the last entry
                break
            said.append(StageEntered(entry.entered_at, entry))
            basis = bases.until(at + NOW, reading.known)
    late = overdue(entry, rules, zone, today) if entry else None
    if late is not None and SaidOverdue(late.stage, late.entered_at) not in bases.evidence.journal.overdue:
        said.append(late)
    record = Record(account, reading.known, until)
    planned, actual = record.day("go_live_planned_on"), record.day("go_live_on")
    missed = missed_go_live(planned, actual, entry.stage if entry else None, zone, today)
    if missed is not None and SaidMissed(missed.milestone, missed.planned_on) not in bases.evidence.journal.missed:
        said.append(missed)
    derived = _derived(
        basis, entry, rules, is_overdue=late is not None, entered_on=entry.entered_on(zone) if entry else None
    )
    return Lived(bases, tuple(moves), derived, tuple(said))


def _may_move(rules: StageRules, entry: Entry | None) -> bool:
    stage = entry.stage if entry else None
    return any(stage in transition.from_ for transition in rules.transitions)


def _next(
    bases: Bases, reading: AsOf, basis: Basis, entry: Entry | None, at: datetime, moved_today: set[str]
) -> Move | None:
    rules = bases.deployment.rules.stages.latest
    look = looking(rules, reading, basis, entry)
    try:
        return rules.next_move(entry.stage if entry else None, look, at, moved_today)
    except LifeNotLoaded:  # the account was thought to be in another stage: its next look has what it needs
        return None


def looking(rules: StageRules, reading: AsOf, basis: Basis, entry: Entry | None) -> Look:
    """What stage rules see of an account by name: attributes, days in the stage, metrics."""

    def look(name: str) -> Known:
        if name in ATTRIBUTES:
            word: str | None = getattr(basis.attributes, name)
            return word
        if name == DAYS_IN_STAGE:
            if entry is None or entry.stage is None:
                return None
            return (reading.day - entry.entered_on(reading.known.zone)).days
        return rules.metrics[name].read(reading)

    return look


def _derived(
    basis: Basis, entry: Entry | None, rules: StageRules, *, is_overdue: bool, entered_on: date | None
) -> Derived:
    stage = entry.stage if entry else None
    return Derived(
        tier=basis.attributes.tier,
        tier_by=basis.tier_by,
        stage=stage,
        stage_entered_at=entry.entered_at if entry and stage else None,
        stage_entered_on=entered_on if stage else None,
        stage_by=entry.by if entry and stage else None,
        stage_target_days=rules.targets.get(stage) if stage else None,
        stage_overdue=is_overdue,
        service=basis.service,
    )
