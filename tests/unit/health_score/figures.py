"""Scoring plain figures: a catalogue whose metrics are whatever a test says, read as of one day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from health_score.domain.activity import Activity
from health_score.domain.conditions import NOTHING_STATED, Attributes
from health_score.domain.decisions import NOTHING_DECIDED, Decided
from health_score.domain.metrics.catalogue import Catalogue, as_of
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from health_score.domain.scorecard import Scorecard
from health_score.domain.scoring import Outcome, Scored, Scorer

DAY = date(2026, 3, 1)


@dataclass(frozen=True, slots=True)
class Figures(Catalogue):
    """Metrics by name with these values, and the day of their evidence (default: the day itself)."""

    values: Mapping[str, Value] = field(default_factory=dict)
    seen: Mapping[str, date | None] = field(default_factory=dict)

    def get(self, name: str) -> Metric:
        return Metric(name, Unit.POINTS, lambda _: self.values.get(name), lambda _: self.seen.get(name, DAY))


def reading(age_days: int = 1_000) -> AsOf:
    read = as_of(Activity(DAY), DAY, running=False, seats=None)
    read.age_days = age_days
    return read


def score(
    card: Scorecard,
    values: Mapping[str, Value],
    *,
    age_days: int = 1_000,
    attributes: Attributes = NOTHING_STATED,
    decided: Decided = NOTHING_DECIDED,
    seen: Mapping[str, date | None] | None = None,
) -> Scored:
    """The score of these figures; the short way and the long way say the same."""
    scorer = Scorer(card, Figures(values=values, seen=seen or {}))
    scored = scorer.scored(reading(age_days), attributes, decided)
    outcome: Outcome = scorer.outcome(reading(age_days), attributes, decided)
    assert outcome == scored.outcome
    return scored
