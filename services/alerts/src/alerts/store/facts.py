"""Observed facts as rows: a kind, and the fact's members as JSON."""

from typing import Any

import msgspec

from alerts.domain.observations import (
    BandEntered,
    BecameActive,
    Fact,
    MeasuresRead,
    MeasureWentStale,
    MetricDeviated,
    MilestoneMissed,
    MilestoneReached,
    RenewalRisk,
    ScoreMoved,
    SourceQuiet,
    StageEntered,
    StageOverdue,
    Stated,
    TermClosed,
    TermMilestone,
    WentSilent,
    WindowOpened,
)

KINDS: dict[str, type[Fact]] = {
    "band-entered": BandEntered,
    "went-silent": WentSilent,
    "became-active": BecameActive,
    "window-opened": WindowOpened,
    "term-closed": TermClosed,
    "term-milestone": TermMilestone,
    "renewal-risk": RenewalRisk,
    "score-moved": ScoreMoved,
    "measures-read": MeasuresRead,
    "metric-deviated": MetricDeviated,
    "measure-went-stale": MeasureWentStale,
    "stage-entered": StageEntered,
    "stage-overdue": StageOverdue,
    "milestone-missed": MilestoneMissed,
    "milestone-reached": MilestoneReached,
    "stated": Stated,
    "source-quiet": SourceQuiet,
}
NAMES = {fact: name for name, fact in KINDS.items()}


def to_row(fact: Fact) -> tuple[str, Any]:
    """The kind and the JSON of a fact."""
    return NAMES[type(fact)], msgspec.to_builtins(fact)


def from_row(kind: str, written: Any) -> Fact:
    """The fact again."""
    return msgspec.convert(written, KINDS[kind])
