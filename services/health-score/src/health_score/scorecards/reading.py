"""Reading a scorecard document: YAML in, a checked `Scorecard` out, or an error that names the place."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import msgspec
import yaml

from health_score.domain.bands import BandRules, Threshold
from health_score.domain.metrics import METRICS
from health_score.domain.scales import Line, Scale, Steps
from health_score.domain.scorecard import Group, Measure, Scorecard

MAX_SCORE = 100


class ScorecardInvalid(ValueError):
    """A scorecard document that cannot be used; `path` is the place in it, as in `$.groups[0].measures[1].line`."""

    def __init__(self, source: str, path: str, reason: str) -> None:
        super().__init__(f"{source}: {path}: {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class ScorecardDocument:
    """A scorecard and the digest of the document it was read from."""

    card: Scorecard
    digest: str


class _Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    begins: int
    enter: int
    leave: int


class _Bands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    yellow: _Threshold
    green: _Threshold
    coverage_floor: float
    dwell_closes: int = 1


class _Steps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    edges: tuple[int | float, ...]
    scores: tuple[int | float, ...]


class _Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    metric: str
    weight: int | float
    line: tuple[tuple[int | float, int | float], ...] | None = None
    steps: _Steps | None = None
    after_days: int = 0
    undefined_scores: int | float | None = None


class _Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    weight: int | float
    measures: tuple[_Measure, ...]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    version: int
    bands: _Bands
    groups: tuple[_Group, ...]


def read_scorecard(path: Path | None = None) -> ScorecardDocument:
    """The scorecard of a file; the default one without. Raises `ScorecardInvalid`, and OSError for a missing file."""
    if path is None:
        default = files("health_score.scorecards") / "default.yaml"
        return parse_scorecard(default.read_text(encoding="utf-8"), source="default.yaml")
    return parse_scorecard(path.read_text(encoding="utf-8"), source=str(path))


def parse_scorecard(text: str, *, source: str) -> ScorecardDocument:
    """The scorecard in a YAML text; `source` names it in errors. Raises `ScorecardInvalid`."""
    try:
        raw = yaml.safe_load(text)
        document = msgspec.convert(raw, _Document)
    except yaml.YAMLError as error:
        raise ScorecardInvalid(source, "$", f"not YAML: {error}") from error
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        raise ScorecardInvalid(source, path.rstrip("`") or "$", reason) from error
    digest = hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()
    return ScorecardDocument(_Checker(source).scorecard(document), digest)


class _Checker:
    """Turns a well-formed document into a scorecard, or says where it makes no sense."""

    def __init__(self, source: str) -> None:
        self._source = source

    def scorecard(self, document: _Document) -> Scorecard:
        self._must(document.version >= 1, "$.version", "versions count from 1")
        self._must(bool(document.groups), "$.groups", "there is no group")
        self._distinct([group.name for group in document.groups], "$.groups")
        self._distinct(
            [measure.name for group in document.groups for measure in group.measures], "$.groups[…].measures"
        )
        return Scorecard(
            id=document.id,
            version=document.version,
            groups=tuple(self._group(group, f"$.groups[{place}]") for place, group in enumerate(document.groups)),
            bands=self._bands(document.bands),
        )

    def _bands(self, bands: _Bands) -> BandRules:
        yellow = self._threshold(bands.yellow, "$.bands.yellow")
        green = self._threshold(bands.green, "$.bands.green")
        self._must(yellow.enter <= green.leave, "$.bands.green.leave", "lies below what enters yellow")
        self._must(0 <= bands.coverage_floor <= 1, "$.bands.coverage_floor", "is a share, 0–1")
        self._must(bands.dwell_closes >= 1, "$.bands.dwell_closes", "is 1 at least")
        return BandRules(yellow, green, _exact(bands.coverage_floor), bands.dwell_closes)

    def _threshold(self, threshold: _Threshold, path: str) -> Threshold:
        self._must(
            0 <= threshold.leave <= threshold.begins <= threshold.enter <= MAX_SCORE,
            path,
            "leave ≤ begins ≤ enter, all 0–100",
        )
        return Threshold(threshold.begins, threshold.enter, threshold.leave)

    def _group(self, group: _Group, path: str) -> Group:
        self._must(group.weight > 0, f"{path}.weight", "a weight is above 0")
        self._must(bool(group.measures), f"{path}.measures", "there is no measure")
        measures = [self._measure(each, f"{path}.measures[{place}]") for place, each in enumerate(group.measures)]
        return Group(group.name, _exact(group.weight), tuple(measures))

    def _measure(self, measure: _Measure, path: str) -> Measure:
        self._must(measure.metric in METRICS, f"{path}.metric", f"no metric is named {measure.metric!r}")
        self._must(measure.weight > 0, f"{path}.weight", "a weight is above 0")
        self._must(measure.after_days >= 0, f"{path}.after_days", "is 0 at least")
        if measure.undefined_scores is not None:
            self._score(measure.undefined_scores, f"{path}.undefined_scores")
        return Measure(
            name=measure.name,
            metric=measure.metric,
            weight=_exact(measure.weight),
            scale=self._scale(measure, path),
            after_days=measure.after_days,
            undefined_scores=None if measure.undefined_scores is None else _exact(measure.undefined_scores),
        )

    def _scale(self, measure: _Measure, path: str) -> Scale:
        self._must((measure.line is None) != (measure.steps is None), path, "needs either a line or steps")
        if measure.line is not None:
            self._must(bool(measure.line), f"{path}.line", "has no point")
            self._rising([value for value, _ in measure.line], f"{path}.line")
            for place, (_, score) in enumerate(measure.line):
                self._score(score, f"{path}.line[{place}][1]")
            return Line(tuple((_exact(value), _exact(score)) for value, score in measure.line))
        steps = measure.steps or _Steps((), ())
        self._rising(steps.edges, f"{path}.steps.edges")
        self._must(len(steps.scores) == len(steps.edges) + 1, f"{path}.steps.scores", "one more score than edges")
        for place, score in enumerate(steps.scores):
            self._score(score, f"{path}.steps.scores[{place}]")
        return Steps(tuple(map(_exact, steps.edges)), tuple(map(_exact, steps.scores)))

    def _score(self, score: float, path: str) -> None:
        self._must(0 <= score <= MAX_SCORE, path, "a score is 0–100")

    def _rising(self, values: tuple[float, ...] | list[float], path: str) -> None:
        self._must(all(lower < upper for lower, upper in pairwise(values)), path, "values must rise")

    def _distinct(self, names: list[str], path: str) -> None:
        twice = [name for name, count in Counter(names).items() if count > 1]
        self._must(not twice, path, f"{', '.join(twice)} stands there twice")

    def _must(self, holds: bool, path: str, reason: str) -> None:  # noqa: FBT001 - the condition is the argument
        if not holds:
            raise ScorecardInvalid(self._source, path, reason)


def _exact(number: float) -> Fraction:
    """The decimal number as it is written, not the nearest binary one."""
    return Fraction(str(number))
