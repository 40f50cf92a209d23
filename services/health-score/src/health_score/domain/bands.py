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

    def place(self, score: int | None, coverage: Fraction, standing: Standing | None, day: date) -> Band:
        """The band of a published score on `day`, against the standing of the close before it."""
        if score is None or coverage < self.coverage_floor:
            return Band.UNKNOWN
        edges = (self.yellow, self.green)
        if standing is None or standing.band is Band.UNKNOWN:
            return _IN_ORDER[sum(score >= edge.begins for edge in edges)]
        if (day - standing.entered_on).days < self.dwell_closes:
            return standing.band
        rank = _IN_ORDER.index(standing.band)
        return _IN_ORDER[sum(score >= (edge.leave if place < rank else edge.enter) for place, edge in enumerate(edges))]
