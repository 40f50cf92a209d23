"""Two states of an account's health, measure by measure: what each gave to the difference, and why it moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from health_score.domain.bands import Band
from health_score.domain.explanation import plain
from health_score.domain.metrics.reading import AsOf
from health_score.domain.scoring import OVERRIDE, MeasureResult, Scored, Status
from health_score.domain.selection import Basis
from health_score.domain.telling.metrics import tell
from health_score.domain.telling.phrase import Phrase, distinct

TOLD = 3
"""How many measures a sentence names."""


class MovedBy(StrEnum):
    """Why a measure gives other points than before.

    `events`: something was stated or done; `decision`: people set it by hand, or took that back; `scorecard`: another
    card or version; `weights`: it is as it was, and others came or went; `time`: nothing new, its windows slid.
    """

    EVENTS = "events"
    DECISION = "decision"
    SCORECARD = "scorecard"
    WEIGHTS = "weights"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class State:
    """An account's health as of a day: `at` is the end of the day, or now in its course."""

    day: date
    at: datetime
    reading: AsOf
    basis: Basis
    scored: Scored
    band: Band

    @property
    def score(self) -> int | None:
        """The published score."""
        return self.scored.total.score


class Line(NamedTuple):
    """A measure before and after (None: the scorecard of then has none of the name), and the points between."""

    measure: str
    before: MeasureResult | None
    after: MeasureResult | None

    @property
    def difference(self) -> int:
        """Points of the score that it gives more than before, or (negative) fewer."""
        return (self.after.contribution if self.after else 0) - (self.before.contribution if self.before else 0)

    @property
    def part(self) -> MeasureResult:
        """The measure as it is now; as it was where it is none any more."""
        part = self.after or self.before
        if part is None:
            raise ValueError(f"{self.measure} is in neither state")
        return part

    @property
    def moved(self) -> bool:
        """Whether it gives other points, or is another in itself."""
        if self.difference or self.before is None or self.after is None:
            return True
        return (self.before.value, self.before.score, self.before.status) != (
            self.after.value,
            self.after.score,
            self.after.status,
        )


def lines(before: Scored, after: Scored) -> Sequence[Line]:
    """Every measure of both states, those that gave most to the difference first.

    Their differences add up to the score after less the score before exactly (no score counts 0), because the
    contributions of either state add up to its score: also under another scorecard, where data came or went, and where
    a rule or a person set the score.
    """
    old = {part.measure: part for part in before.measures}
    new = {part.measure: part for part in after.measures}
    found = [Line(name, old.get(name), new.get(name)) for name in [*new, *(name for name in old if name not in new)]]
    return sorted(found, key=lambda line: (-abs(line.difference), not line.moved))


def moved_by(line: Line, *, same_card: bool, had_events: bool) -> MovedBy | None:
    """Why a measure moved; None where it did not. `had_events`: something happened that its metric reads."""
    if not line.moved:
        return None
    if line.measure == OVERRIDE or _override_of(line.before) != _override_of(line.after):
        return MovedBy.DECISION
    if line.before is None or line.after is None:
        return MovedBy.SCORECARD
    is_as_before = (line.before.value, line.before.score) == (line.after.value, line.after.score)
    if is_as_before:
        return MovedBy.WEIGHTS if same_card else MovedBy.SCORECARD
    if had_events:
        return MovedBy.EVENTS
    if line.before.value == line.after.value and line.before.status is line.after.status:
        return MovedBy.SCORECARD  # the same value is scored otherwise
    return MovedBy.TIME


def _override_of(part: MeasureResult | None) -> object:
    return part.override if part else None


def said_of(line: Line, after: State, cause: MovedBy | None) -> Phrase | None:
    """What there is to say of a measure as it is now."""
    part, name = line.after, plain(line.measure)
    if line.measure == OVERRIDE:
        if part is None or part.override is None:
            return Phrase("override-lifted")
        by_hand = part.override
        return Phrase("override-set", {"by": by_hand.by, "score": by_hand.score, "reason": by_hand.reason})
    if part is None:
        return Phrase("measure-gone", {"measure": name})
    if part.override is not None:
        by_hand = part.override
        return Phrase(
            "measure-by-hand", {"measure": name, "by": by_hand.by, "score": by_hand.score, "reason": by_hand.reason}
        )
    if part.status is Status.STALE:
        return Phrase("measure-stale", {"measure": name})
    if part.status is Status.GRACE:
        return Phrase("measure-grace", {"measure": name})
    if part.status is Status.NA:
        return Phrase("measure-na" if part.value is None else "measure-not-asked", {"measure": name})
    if cause is MovedBy.WEIGHTS:
        return Phrase("measure-weighed", {"measure": name})
    metric = after.basis.selected.scorer.metrics.get(part.metric)
    return tell(metric, part.value, after.reading) if metric else None


def headline(before: State, after: State) -> Phrase:
    """What the change is about."""
    since: Mapping[str, str] = {"since": before.day.isoformat()}
    if before.score is None:
        return Phrase("health-unknown", since) if after.score is None else _known(after.score, since)
    if after.score is None:
        return Phrase("health-lost", {"before": before.score, **since})
    moved = after.score - before.score
    return Phrase(
        "health-moved",
        {
            "direction": "fell" if moved < 0 else "rose" if moved else "same",
            "before": before.score,
            "score": after.score,
            "moved": "score" if before.band is after.band else "band",
            "band_before": before.band.value,
            "band": after.band.value,
            **since,
        },
    )


def _known(score: int, since: Mapping[str, str]) -> Phrase:
    return Phrase("health-known", {"score": score, **since})


def because(before: State, after: State, said: Sequence[tuple[Line, Phrase | None]]) -> Sequence[Phrase]:
    """The phrases of the measures that moved the score the way it went, the strongest first.

    Where the score stayed, those that moved most, whichever way. Nothing is said of what did not move. What only weighs
    otherwise comes last: it is no news about the customer.
    """
    moved = (after.score or 0) - (before.score or 0)
    told = [phrase for line, phrase in said if line.difference and line.difference * moved >= 0]
    return distinct(sorted(told, key=lambda phrase: phrase is not None and phrase.key == "measure-weighed"))[:TOLD]
