"""Bands: red, yellow, green, or unknown; with separate thresholds for entering and leaving, and a minimum dwell."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction


class Band(StrEnum):
    """Where an account stands. `unknown` means too little data to say, never a judgement."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    UNKNOWN = "unknown"


_IN_ORDER = (Band.RED, Band.YELLOW, Band.GREEN)


@dataclass(frozen=True, slots=True)
class Forced:
    """The bands that rules of a scorecard leave: at least one, at most one; None: whichever."""

    at_least: Band | None = None
    at_most: Band | None = None

    def bound(self, band: Band) -> Band:
        """The band nearest to `band` within these; `unknown` stays so, unless only one is left."""
        if self.at_least is self.at_most is not None:
            return self.at_most
        if self.at_most is Band.RED:
            return Band.RED
        if self.at_least is Band.GREEN:
            return Band.GREEN
        if band is Band.UNKNOWN:
            return band
        if self.at_most is Band.YELLOW and band is Band.GREEN:
            return Band.YELLOW
        if self.at_least is Band.YELLOW and band is Band.RED:
            return Band.YELLOW
        return band


FREE = Forced()
"""No rule says anything."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The lower edge of a band, in points: where it begins, what enters it from below, and below what it is left."""

    begins: int
    enter: int
    leave: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's band by its closes: since which close, and the band before it (None: there was none)."""

    band: Band
    entered_on: date
    previous: Band | None = None

    def after(self, day: date, band: Band) -> "Standing":
        """The standing once `day` has closed in `band`."""
        return self if band is self.band else Standing(band, day, self.band)


@dataclass(frozen=True, slots=True)
class BandRules:
    """When an account is in which band. `coverage_floor` is 0–1; `dwell_closes` the closes a band lasts at least."""

    yellow: Threshold
    green: Threshold
    coverage_floor: Fraction
    dwell_closes: int = 1

    def lowest(self, band: Band) -> int:
        """The lowest score that begins in a band, in points."""
        return {Band.YELLOW: self.yellow.begins, Band.GREEN: self.green.begins}.get(band, 0)

    def highest(self, band: Band) -> int:
        """The highest score below where the next band begins, in points."""
        return {Band.RED: self.yellow.begins - 1, Band.YELLOW: self.green.begins - 1}.get(band, 100)

    def plain(self, score: int) -> Band:
        """The band in which a score lies, whatever was before."""
        return _IN_ORDER[sum(score >= edge.begins for edge in (self.yellow, self.green))]

    def place(
        self, score: int | None, coverage: Fraction, standing: Standing | None, day: date, forced: Forced = FREE
    ) -> Band:
        """The band of a published score on `day`, against the standing of the close before it.

        What rules force holds at once: before the thresholds, the dwell and the coverage floor.
        """
        band = self._placed(score, coverage, standing, day)
        return band if forced is FREE else forced.bound(band)

    def _placed(self, score: int | None, coverage: Fraction, standing: Standing | None, day: date) -> Band:
        if score is None or coverage < self.coverage_floor:
            return Band.UNKNOWN
        edges = (self.yellow, self.green)
        if standing is None or standing.band is Band.UNKNOWN:
            return self.plain(score)
        if (day - standing.entered_on).days < self.dwell_closes:
            return standing.band
        rank = _IN_ORDER.index(standing.band)
        return _IN_ORDER[sum(score >= (edge.leave if place < rank else edge.enter) for place, edge in enumerate(edges))]
