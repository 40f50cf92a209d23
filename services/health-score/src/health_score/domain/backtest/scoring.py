"""What a scorecard would have said of an account at the end of each day, with what was known then."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from fractions import Fraction

from health_score.domain.account import Account
from health_score.domain.backtest.past import LATE, Past
from health_score.domain.bands import Standing
from health_score.domain.closing import close_days, read_at
from health_score.domain.evidence import Evidence
from health_score.domain.facts.known import ACCOUNT, Facts
from health_score.domain.history import DAY, Close
from health_score.domain.metrics.catalogue import METRICS
from health_score.domain.metrics.reading import AsOf, Value
from health_score.domain.metrics.windows import REACH, Windows
from health_score.domain.scoring import Scorer
from health_score.domain.selection import Bases, Basis, Deployment

FOR_EVER = datetime(1, 1, 2, tzinfo=UTC)
"""A card under test was in force all the time."""


class AsReported:
    """An account's closes by one scorecard, from its first active day to `last`, each as it was first reported.

    Closes are made in one go from all that is recorded. Days at whose end something was still on its way are made
    again as of that day: from the last close that was settled by then, since whatever belongs to a day and comes more
    than `LATE` after it counts as known at its own time.
    """

    def __init__(self, past: Past, scorer: Scorer, last: date) -> None:
        self._past = past
        self._scorer = scorer
        self._deployment = Deployment.of_one(scorer, FOR_EVER, past.rules)
        self._reach = max(scorer.needs.reach, REACH)
        self._incomplete = past.incomplete_days()
        # The record knows what was stated, not when that became known: it is for accounts of before facts were kept.
        has_facts = any(statement.kind == ACCOUNT for statement in past.facts.statements)
        self._stated = {} if has_facts else dict(past.stated)
        self.born = past.first_day
        self.closes: dict[date, Close] = {}
        if self.born is None or self.born > last:
            return
        self._windows = Windows(past.activity, self.born, last, self._reach)
        settled = self._close(self._windows, past.facts, self.born, self.born, last, None)
        self.closes = {close.day: close for close in settled}
        standings = _standings(settled)
        for day in sorted(self._incomplete):
            if self.born <= day <= last:
                self._report(day, standings)

    def reading(self, day: date) -> tuple[AsOf, Basis]:
        """The reading at the end of a day as it was known then, and what it is scored with."""
        windows, born, facts = self._known(day)
        return read_at(windows, self._bases(born, facts), day, self._past.seats.on(day))

    def scores(self, day: date) -> tuple[Fraction | None, ...]:
        """Each measure's computed score as of a day, in the order of the scorecard's lines; None: NA."""
        reading, basis = self.reading(day)
        parts = self._scorer.scored(reading, basis.attributes, basis.decided).measures[: len(self._scorer.card.lines)]
        return tuple(part.computed_score if part.override else part.score for part in parts)

    def metric(self, name: str, day: date) -> Value:
        """A metric as of a day: one of the scorecard's, or one that looks no further back than most."""
        return METRICS[name].read(self.reading(day)[0])

    def _report(self, day: date, standings: dict[date, Standing]) -> None:
        """Make the close of a day with what was known at its end; without anything, there was none."""
        known = self._past.known_on(day)
        born = min(known.days, default=None)
        if born is None:
            del self.closes[day]
            return
        first = max(born, day - LATE)
        windows = Windows(known, first, day, self._reach)
        facts = self._past.facts_known_on(day)
        self.closes[day] = self._close(windows, facts, born, first, day, standings.get(first - DAY))[-1]

    def _known(self, day: date) -> tuple[Windows, date, Facts]:
        if day in self._incomplete:
            known = self._past.known_on(day)
            return Windows(known, day, day, self._reach), min(known.days), self._past.facts_known_on(day)
        assert self.born is not None  # noqa: S101 - only days with a close are asked for
        return self._windows, self.born, self._past.facts

    def _bases(self, born: date, facts: Facts) -> Bases:
        past = self._past
        account = Account(past.account_id, 0, stated=self._stated, seats=past.seats, first_day=born)
        evidence = Evidence(past.activity, facts, past.decisions, past.customs, past.journal)
        return Bases(account, evidence, self._deployment)

    def _close(
        self, windows: Windows, facts: Facts, born: date, first: date, last: date, standing: Standing | None
    ) -> Sequence[Close]:
        bases, seats = self._bases(born, facts), self._past.seats
        closes, _ = close_days(windows, bases, born=born, first=first, last=last, seats=seats, standing=standing)
        return closes


def _standings(closes: Sequence[Close]) -> dict[date, Standing]:
    """The standing after each close."""
    standings: dict[date, Standing] = {}
    standing: Standing | None = None
    for close in closes:
        standing = standing.after(close.day, close.band) if standing else Standing(close.band, close.day)
        standings[close.day] = standing
    return standings
