"""What tells a person why an account is in its band: phrases, which become a sentence in the reader's language."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from health_score.domain.bands import Band
from health_score.domain.metrics.reading import AsOf, Metric
from health_score.domain.scoring import OVERRIDE, MeasureResult, Scored
from health_score.domain.telling.metrics import tell
from health_score.domain.telling.phrase import Phrase, distinct, percent

TOLD = 2
"""How many measures a sentence names."""


def plain(measure: str) -> str:
    """A measure's name as words."""
    return measure.replace("_", " ")


def explained(
    scored: Scored, of: AsOf, metrics: Mapping[str, Metric], *, band: Band, before: Mapping[str, int]
) -> Sequence[Phrase]:
    """The measures that moved the score most, as in "usage fell 64% …; 3 of 20 seats active".

    `before` holds the contributions before the change; without them the measures that cost most points are told (for
    green: those that bring most). `metrics` are those that the scorecard names.
    """
    by_hand = next((part.override for part in scored.measures if part.measure == OVERRIDE), None)
    if by_hand is not None:
        return [Phrase("override-set", {"by": by_hand.by, "score": by_hand.score, "reason": by_hand.reason})]
    if scored.total.pushed:
        forcing = scored.measures[scored.total.pushed_by]
        forced = Phrase("band-forced", {"measure": plain(forcing.measure), "band": band.value})
        return [forced, *_told([forcing], of, metrics)]
    if band is Band.UNKNOWN:
        return [Phrase("too-little-data", {"share": percent(scored.total.coverage)})]
    ranked = sorted(scored.measures, key=lambda part: _weight_of(part, band, before), reverse=True)
    telling = [part for part in ranked if part.score is not None and _weight_of(part, band, before) > 0][:TOLD]
    return _told(telling, of, metrics) or [score_is(scored)]


def _told(parts: Sequence[MeasureResult], of: AsOf, metrics: Mapping[str, Metric]) -> Sequence[Phrase]:
    return distinct(tell(metrics[part.metric], part.value, of) for part in parts if part.metric in metrics)


def score_is(scored: Scored) -> Phrase:
    """The bare score, where nothing explains it."""
    score = scored.total.score
    return Phrase("score-missing") if score is None else Phrase("score-is", {"score": score})


def _weight_of(part: MeasureResult, band: Band, before: Mapping[str, int]) -> Fraction:
    """How much a measure had to do with the band: points moved in its direction, or points lost (green: brought)."""
    towards = 1 if band is Band.GREEN else -1
    if before:
        return Fraction(towards * (part.contribution - before.get(part.measure, 0)))
    brought = part.effective_weight * (part.score or 0)
    return brought if towards > 0 else part.effective_weight * 100 - brought
