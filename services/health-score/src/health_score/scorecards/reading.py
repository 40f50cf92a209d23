"""Reading a scorecard document: YAML or JSON in, a checked document out, or every error with its place."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from health_score.domain.bands import Band, BandRules, Threshold
from health_score.domain.conditions import Condition
from health_score.domain.metrics.catalogue import BUILT_IN, Catalogue
from health_score.domain.scales import Line, Scale, Steps, Table
from health_score.domain.scorecard import Force, Group, Measure, Scorecard
from health_score.scorecards.document import (
    ConditionPart,
    Document,
    ForcePart,
    MeasurePart,
    ThresholdPart,
    contradictions,
    exact,
)
from health_score.scorecards.plain_yaml import NotPlainYaml, read_yaml
from mainstay.web.problems import pointer

MOST_FAULTS = 100

SHIPPED = ("default", "api-consumption", "prove")
"""The scorecards that come with Mainstay."""


class Fault(NamedTuple):
    """One thing wrong with a document: a JSON pointer to the place, and what."""

    pointer: str
    detail: str


class ScorecardInvalid(ValueError):
    """A scorecard document that cannot be used, with everything that is wrong with it; `source` names the document."""

    def __init__(self, source: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(f"{source}: " + "; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class ScorecardDocument:
    """A checked document: as it was written, without the version, and as a scorecard."""

    body: dict[str, Any]
    document: Document

    @property
    def id(self) -> str:
        """The scorecard's id."""
        return self.document.id

    @cached_property
    def card(self) -> Scorecard:
        """The scorecard as its first version."""
        return self.as_version(1)

    def as_version(self, version: int) -> Scorecard:
        """The scorecard under the number of a version."""
        return scorecard(self.document, version)


def read_scorecard(path: Path | None = None) -> ScorecardDocument:
    """The scorecard of a file; the default one without. Raises `ScorecardInvalid`, and OSError for a missing file."""
    if path is None:
        return shipped("default")
    return parse_scorecard(path.read_text(encoding="utf-8"), source=str(path))


@cache
def shipped(id_: str) -> ScorecardDocument:
    """A scorecard that comes with Mainstay."""
    text = (files("health_score.scorecards") / f"{id_}.yaml").read_text(encoding="utf-8")
    return parse_scorecard(text, source=f"{id_}.yaml")


def parse_scorecard(text: str, *, source: str, catalogue: Catalogue = BUILT_IN) -> ScorecardDocument:
    """The scorecard in a YAML text; `source` names it in errors. Raises `ScorecardInvalid`."""
    try:
        body = read_yaml(text)
    except NotPlainYaml as error:
        raise ScorecardInvalid(source, (Fault("", str(error)),)) from error
    return check_scorecard(body, source=source, catalogue=catalogue)


def check_scorecard(
    body: Any, *, source: str, catalogue: Catalogue = BUILT_IN, expected_id: str | None = None
) -> ScorecardDocument:
    """The scorecard in a document of JSON's types. Raises `ScorecardInvalid`.

    With `expected_id` the document may leave its id out, and may have no other one.
    """
    if isinstance(body, dict) and expected_id is not None:
        body = {"id": expected_id, **body}
    try:
        document = Document.model_validate(body, context={"catalogue": catalogue})
    except ValidationError as error:
        raise ScorecardInvalid(source, _faults(error)) from error
    faults = [Fault(pointer(path), detail) for path, detail in contradictions(document)]
    if expected_id not in {None, document.id}:
        faults.append(Fault("/id", f"is {document.id}, not {expected_id}"))
    if faults:
        raise ScorecardInvalid(source, tuple(faults[:MOST_FAULTS]))
    return ScorecardDocument({name: value for name, value in body.items() if name != "version"}, document)


def _faults(error: ValidationError) -> tuple[Fault, ...]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(Fault(pointer(each["loc"]), each["msg"][:300]) for each in found[:MOST_FAULTS])


def scorecard(document: Document, version: int) -> Scorecard:
    """The scorecard that a checked document describes."""
    bands = document.bands
    rules = BandRules(
        _threshold(bands.yellow), _threshold(bands.green), exact(bands.coverage_floor), bands.dwell_closes
    )
    groups = tuple(
        Group(group.name, exact(group.weight), tuple(map(_measure, group.measures))) for group in document.groups
    )
    return Scorecard(document.id, version, groups, rules)


def conditions(parts: list[ConditionPart]) -> tuple[Condition, ...]:
    """The conditions as written."""
    return tuple(
        Condition(part.attribute, tuple(part.in_ or part.not_in or ()), negated=part.in_ is None) for part in parts
    )


def _threshold(part: ThresholdPart) -> Threshold:
    return Threshold(part.begins, part.enters, part.leaves)


def _measure(part: MeasurePart) -> Measure:
    return Measure(
        name=part.name,
        metric=part.metric,
        weight=exact(part.weight),
        scale=_scale(part),
        after_days=part.after_days,
        undefined_scores=None if part.undefined_scores is None else exact(part.undefined_scores),
        fresh_for_days=part.fresh_for_days,
        when=conditions(part.when),
        forces=tuple(map(_force, part.forces)),
        optional=part.optional,
    )


def _force(part: ForcePart) -> Force:
    return Force(
        Band(part.band),
        None if part.below is None else exact(part.below),
        None if part.from_ is None else exact(part.from_),
    )


def _scale(part: MeasurePart) -> Scale | Table:
    if part.line is not None:
        return Line(tuple((exact(value), exact(score)) for value, score in part.line))
    if part.steps is not None:
        return Steps(tuple(part.steps.edges), _scores(part.steps.scores))
    table = part.table
    if table is None:
        raise AssertionError("a checked measure has a scale")
    return Table(table.by, tuple(table.rows), tuple(table.columns), tuple(map(_scores, table.scores)))


def _scores(scores: list[float | None]) -> tuple[Fraction | None, ...]:
    return tuple(None if score is None else exact(score) for score in scores)
