"""The journal's entries about an account's life: moves of stage rules, and what was said to be overdue."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Final

import msgspec

from health_score.application.document_ports import StoredDecision
from health_score.domain.rules import Known
from health_score.domain.stages import (
    NOTHING_MOVED,
    Journal,
    MilestoneMissed,
    Move,
    SaidMissed,
    SaidOverdue,
    StageOverdue,
)

STAGE_MOVED: Final = "stage.moved"
STAGE_OVERDUE: Final = "stage.overdue"
MILESTONE_MISSED: Final = "milestone.missed"

SYSTEM: Final = "mainstay"
"""Whose decisions these are."""


class MoveEntry(msgspec.Struct, frozen=True):
    """A rule's move; `values` are those that made it so, numbers as the nearest floats."""

    previous: str | None
    stage: str
    rule: str
    version: int
    reason: str
    values: Mapping[str, int | float | str | None] = {}


class OverdueEntry(msgspec.Struct, frozen=True):
    """A stay that was said to be longer than its target."""

    stage: str
    entered_at: datetime
    target_dwell_days: int
    due_on: date


class MissedEntry(msgspec.Struct, frozen=True):
    """A milestone that was said not to be reached on its day."""

    milestone: str
    planned_on: date


LifeEntry = MoveEntry | OverdueEntry | MissedEntry

_move = msgspec.json.Decoder(MoveEntry)
_overdue = msgspec.json.Decoder(OverdueEntry)
_missed = msgspec.json.Decoder(MissedEntry)


class NewEntry(msgspec.Struct, frozen=True):
    """An entry to be written about an account."""

    account_no: int
    kind: str
    body: LifeEntry


def entry_of(account_no: int, said: Move | StageOverdue | MilestoneMissed) -> NewEntry:
    """What the journal keeps of a move, or of what was said."""
    match said:
        case Move():
            values = {name: told(value) for name, value in said.values.items()}
            body = MoveEntry(said.previous, said.stage, said.rule, said.version, said.reason, values)
            return NewEntry(account_no, STAGE_MOVED, body)
        case StageOverdue():
            overdue = OverdueEntry(said.stage, said.entered_at, said.target_dwell_days, said.due_on)
            return NewEntry(account_no, STAGE_OVERDUE, overdue)
        case MilestoneMissed():
            return NewEntry(account_no, MILESTONE_MISSED, MissedEntry(said.milestone, said.planned_on))


def told(value: Known) -> int | float | str | None:
    """A value as JSON has it."""
    return float(value) if isinstance(value, Fraction) else value


def journal_of(stored: Sequence[StoredDecision]) -> Journal:
    """What the journal has of one account's life, oldest first; other kinds of decisions are left out."""
    moves: list[Move] = []
    overdue: set[SaidOverdue] = set()
    missed: set[SaidMissed] = set()
    for each in stored:
        if each.kind == STAGE_MOVED:
            move = _move.decode(each.body)
            values = dict(move.values)
            moves.append(Move(each.at, move.previous, move.stage, move.rule, move.version, move.reason, values))
        elif each.kind == STAGE_OVERDUE:
            said = _overdue.decode(each.body)
            overdue.add(SaidOverdue(said.stage, said.entered_at))
        elif each.kind == MILESTONE_MISSED:
            missing = _missed.decode(each.body)
            missed.add(SaidMissed(missing.milestone, missing.planned_on))
    if not (moves or overdue or missed):
        return NOTHING_MOVED
    return Journal(tuple(moves), frozenset(overdue), frozenset(missed))
