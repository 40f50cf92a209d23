"""Making closes: every day's score by the cards, facts and decisions of its end."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from health_score.domain.bands import Standing
from health_score.domain.evidence import NOW
from health_score.domain.facts.known import NOW as FACTS_NOW
from health_score.domain.history import DAY, Close, Seats, coverage_units
from health_score.domain.metrics.reading import AsOf
from health_score.domain.metrics.windows import Windows
from health_score.domain.scoring import placed
from health_score.domain.selection import Bases, Basis
from mainstay.kernel.clock import start_of_day


def close_days(
    windows: Windows,
    bases: Bases,
    *,
    born: date,
    first: date,
    last: date,
    seats: Seats,
    standing: Standing | None,
) -> tuple[list[Close], Standing | None]:
    """The closes of the days from `first` to `last`, and the standing after them.

    `born` is the account's first active day; `standing` is that of the close before `first`, None when there is none.
    """
    closes: list[Close] = []
    zone = bases.account.zone
    turning = bases.turning_days(first)
    replay, has_facts = bases.evidence.facts.replay(), bool(bases.evidence.facts.statements)
    reading = AsOf(windows, 0, 0, customs=bases.evidence.customs_in(windows))
    steps: Sequence[tuple[date, int | None]] = seats.steps
    day, at, age = first, windows.index(first), (first - born).days
    basis: Basis | None = None
    while day <= last:
        age += 1
        reading.at = reading.complete = at
        reading.age_days = age
        if steps:
            reading.seats = seats.on(day)
        if basis is None or day in turning:
            ends = start_of_day(day + DAY, zone)
            reading.known = replay.until(ends)
            basis = bases.until(ends, reading.known)
            reading.decided, reading.promises = basis.decided, promises_of(basis)
        elif has_facts:
            replay.until(start_of_day(day + DAY, zone))  # nothing was said, but what was said grows older
        scorer = basis.selected.scorer
        outcome = scorer.outcome(reading, basis.attributes, basis.decided)
        band, computed = placed(scorer.card.bands, outcome, standing, day)
        standing = standing.after(day, band) if standing else Standing(band, day)
        closes.append(
            Close(
                day,
                outcome.total.score,
                band,
                coverage_units(outcome.total.coverage),
                scorer.key,
                (outcome.computed.score, computed) if outcome.is_overridden else None,
            )
        )
        day += DAY
        at += 1
    return closes, standing


def read_at(
    windows: Windows, bases: Bases, day: date, seats: int | None, *, now: datetime | None = None
) -> tuple[AsOf, Basis]:
    """The reading of an account as of a day and what it is scored with: at the day's end, or `now` in its course."""
    account = bases.account
    reading = bases.evidence.reading(windows, day, seats=seats, born=account.first_day, now=now)
    until = start_of_day(day + DAY, account.zone) if now is None else now + NOW
    basis = bases.until(until, reading.known)
    reading.promises = promises_of(basis)
    return reading, basis


def a_day_on(reading: AsOf, now: datetime) -> AsOf:
    """The reading of the running day, of an account about which nothing was said since the day before was read."""
    return replace(
        reading,
        at=reading.at + 1,
        complete=reading.at,
        known=replace(reading.known, before=now + FACTS_NOW),
        age_days=reading.age_days + 1 if reading.age_days else 0,
    )


def promises_of(basis: Basis) -> Mapping[str, Any]:
    """What the account is promised."""
    return basis.service.promises if basis.service else {}
