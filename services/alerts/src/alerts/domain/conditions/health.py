"""Conditions on an account's health: its band, score, metrics and activity, and the data behind them."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from alerts.domain.accounts import Account
from alerts.domain.moments import Ending, Moment, Passing
from alerts.domain.observations import (
    BandEntered,
    BecameActive,
    MeasuresRead,
    MeasureWentStale,
    MetricDeviated,
    Observation,
    ScoreMoved,
    SourceQuiet,
    WentSilent,
)
from alerts.domain.rules import HEALTH_SCORE, Rule
from alerts.domain.words import Band


def band_worsened(_: Rule, ordered: Sequence[Observation], __: Account) -> Iterator[Moment]:
    """Green to yellow or red, or yellow to red.

    A band event that names the band before it (`previous`) speaks for itself: it is a worsening or it is not, whatever
    else has arrived. Only after `unknown` is the last known band looked up in the history.
    """
    standing: Band | None = None
    current: Band | None = None
    for seen in ordered:
        fact = seen.fact
        if not isinstance(fact, BandEntered):
            continue
        before = fact.previous if fact.previous is not None and fact.previous.is_known else current
        if fact.band is standing:
            yield Moment(seen.at, seen.event_id, seen.event_id, standing.value)  # the same thing again
            continue
        if standing is not None and before not in {None, standing}:
            # the event knows of a band in between that has not arrived (yet): the condition passed all the same
            yield Moment(seen.at, seen.event_id, seen.event_id, passed=_band_passed(standing, before or standing))
            standing = None
        if before is not None and fact.band.is_worse_than(before):
            yield _band_entered(seen, fact, before)
            standing = fact.band
        elif standing is not None and fact.band.is_known:
            yield Moment(seen.at, seen.event_id, seen.event_id, passed=_band_passed(standing, fact.band))
            standing = None
        current = fact.band if fact.band.is_known else before


def _band_entered(seen: Observation, fact: BandEntered, before: Band) -> Moment:
    words = {
        "band": fact.band.value,
        "previous": before.value,
        "score": "no score" if fact.score is None else str(fact.score),
        "why": fact.reason,
        "since": seen.at.date().isoformat(),
    }
    return Moment(
        seen.at, seen.event_id, seen.event_id, fact.band.value, words, fact.said, _band_passed(before, fact.band)
    )


def _band_passed(from_: Band, to: Band) -> Passing:
    if to.is_worse_than(from_):
        return Passing(Ending.SUPERSEDED, f"It got worse: the account fell on to {to.value}.")
    return Passing(Ending.RECOVERED, f"The account recovered from {from_.value} to {to.value}.")


def silent(_: Rule, ordered: Sequence[Observation], __: Account) -> Iterator[Moment]:
    """No activity for longer than the account's habit allows."""
    last: str | None = None
    for seen in ordered:
        match seen.fact:
            case WentSilent(last_activity_on, habit_days):
                day = last_activity_on.isoformat()
                if last is not None and last != day:
                    # another last activity: it was active in between, and that record has not arrived (yet)
                    yield Moment(seen.at, seen.event_id, seen.event_id, passed=_active_again(day))
                words = {"last_activity_on": day, "habit_days": str(habit_days)}
                yield Moment(seen.at, seen.event_id, seen.event_id, "silent", words)
                last = day
            case BecameActive(last_activity_on) if last is not None:
                passed = _active_again(last_activity_on.isoformat())
                yield Moment(seen.at, seen.event_id, seen.event_id, passed=passed)
                last = None
            case _:
                pass


def _active_again(day: str) -> Passing:
    return Passing(Ending.ACTIVE_AGAIN, f"The account is active again, since {day}.")


def score_drop(rule: Rule, ordered: Sequence[Observation], __: Account) -> Iterator[Moment]:
    """The score lies so many points below the highest of the last days, which slide with every instant."""
    window = timedelta(days=rule.when["days"])
    known = [(seen.at, seen.fact.score, seen) for seen in ordered if isinstance(seen.fact, ScoreMoved)]
    # a score counts until another takes its place, and for the window after that
    lapses = [(later + window, None, seen) for (_, _, seen), (later, _, _) in pairwise(known)]
    holds = False
    first = come = 0
    tops: deque[tuple[int, int]] = deque()
    """Places and scores of those that count and that no later one reaches: the highest is the first."""
    for at, _, seen in sorted([*known, *lapses], key=lambda one: (one[0], one[1] is None)):
        while come < len(known) and known[come][0] <= at:
            score = known[come][1]
            while score is not None and tops and tops[-1][1] <= score:
                tops.pop()
            if score is not None:
                tops.append((come, score))
            come += 1
        while first + 1 < come and known[first + 1][0] <= at - window:
            first += 1
        while tops and tops[0][0] < first:
            tops.popleft()
        score = known[come - 1][1]
        highest = tops[0][1] if tops else None
        drop = None if score is None or highest is None else highest - score
        grade = None if drop is None else rule.graded(drop)
        if grade is not None:
            words = {
                "points": str(drop),
                "score": str(score),
                "before": str(highest),
                "days": str(rule.when["days"]),
            }
            yield Moment(at, seen.event_id, seen.event_id, grade, words)
        elif holds and drop is not None:
            yield Moment(at, seen.event_id, seen.event_id)
        holds = grade is not None or (holds and drop is None)


def metric_threshold(rule: Rule, ordered: Sequence[Observation], _: Account) -> Iterator[Moment]:
    """A metric's value, or the score, is beyond a level. A value that is not known says nothing."""
    metric = rule.when["metric"]
    holds = False
    for seen in ordered:
        match seen.fact:
            case ScoreMoved(score) if metric == HEALTH_SCORE and score is not None:
                value, is_share = float(score), False
            case MeasuresRead(values, shares) if (known := values.get(metric)) is not None:
                value, is_share = known, metric in shares
            case _:
                continue
        written = percent if is_share else figure
        grade = rule.graded(value)
        if grade is not None:
            words = {"metric": metric, "value": written(value), "level": written(rule.levels[grade])}
            yield Moment(seen.at, seen.event_id, seen.event_id, grade, words)
        elif holds:
            reason = f"It is at {written(value)} again."
            yield Moment(seen.at, seen.event_id, seen.event_id, passed=Passing(Ending.RECOVERED, reason))
        holds = grade is not None


def metric_deviated(rule: Rule, ordered: Sequence[Observation], _: Account) -> Iterator[Moment]:
    """A day's figure lies far from the account's own baseline, on the side that the rule asks for."""
    side = rule.when["is"]
    for seen in ordered:
        fact = seen.fact
        if not isinstance(fact, MetricDeviated) or rule.when.get("metric") not in {None, fact.metric}:
            continue
        wanted = side == "either" or (fact.deviation < 0) == (side == "below")
        grade = rule.graded(abs(fact.deviation)) if wanted else None
        words = {
            "metric": fact.metric,
            "day_on": fact.day.isoformat(),
            "value": figure(fact.value),
            "expected": figure(fact.expected),
            "spreads": figure(abs(fact.deviation)),
        }
        yield Moment(seen.at, seen.event_id, seen.event_id, grade, words if grade else {})


def measure_stale(_: Rule, ordered: Sequence[Observation], __: Account) -> Iterator[Moment]:
    """The evidence of a measure is too old to score."""
    for seen in ordered:
        if isinstance(seen.fact, MeasureWentStale):
            words = {
                "measure": seen.fact.measure,
                "last_seen_on": seen.fact.last_seen_on.isoformat(),
                "fresh_for_days": str(seen.fact.fresh_for_days),
            }
            yield Moment(seen.at, seen.event_id, seen.event_id, "stale", words)


def source_silent(_: Rule, ordered: Sequence[Observation], __: Account) -> Iterator[Moment]:
    """A source of data sends nothing for longer than it is ever usually quiet."""
    again = Passing(Ending.ACTIVE_AGAIN, "The source sends again.")
    for seen in ordered:
        if isinstance(seen.fact, SourceQuiet):
            words = {"source": seen.fact.source_id, "last_seen_on": seen.fact.last_seen.date().isoformat()}
            grade = "silent" if seen.fact.quiet else None
            yield Moment(seen.at, seen.event_id, seen.event_id, grade, words if grade else {}, passed=again)


def percent(share: float) -> str:
    """A share for people: percents, with up to two decimals."""
    return f"{figure(share * 100)} %"


def figure(value: float) -> str:
    """A number for people: whole where it is, else with up to two decimals."""
    return f"{value:,.2f}".rstrip("0").rstrip(".") if value % 1 else f"{int(value):,}"
