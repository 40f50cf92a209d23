"""The scorecard document: its shape with what each part means, from which the JSON Schema is made, and its checks."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator
from pydantic import field_validator as checks
from pydantic_core import PydanticCustomError

from health_score.domain.conditions import ATTRIBUTES
from health_score.domain.metrics.catalogue import BUILT_IN, Catalogue
from health_score.domain.scales import Edge
from health_score.domain.scoring import OVERRIDE

CARD_ID = r"^[a-z0-9][a-z0-9-]{0,62}$"
RESERVED: Final = frozenset({"active", "preview", "backtest", "disagreement"})
"""Ids that routes have taken."""

_FARTHEST = 1e12

_Number = Annotated[float, Field(ge=-_FARTHEST, le=_FARTHEST, allow_inf_nan=False)]
_Points = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
_Weight = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
_Days = Annotated[int, Field(ge=0, le=36_500)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
_Words = Annotated[str, Field(min_length=1, max_length=2_000)]
_Values = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=200)]


def exact(number: float) -> Fraction:
    """The decimal number as it is written, not the nearest binary one."""
    return Fraction(str(number))


def _wrong(detail: str) -> PydanticCustomError:
    return PydanticCustomError("scorecard", "{detail}", {"detail": detail})


def _is_number(stated: Any) -> bool:
    return isinstance(stated, int | float) and not isinstance(stated, bool) and abs(stated) <= _FARTHEST


def _edge(stated: Any) -> Edge:
    if _is_number(stated):
        return Edge(exact(stated))
    if isinstance(stated, dict) and stated.keys() == {"above"} and _is_number(stated["above"]):
        return Edge(exact(stated["above"]), above=True)
    raise _wrong('an edge is a number, or {"above": number}')


_Edge = Annotated[
    Edge,
    PlainValidator(_edge),
    WithJsonSchema(
        {
            "description": "A number begins the next step; {above: number} lets it begin right after the number",
            "oneOf": [
                {"type": "number"},
                {
                    "type": "object",
                    "properties": {"above": {"type": "number"}},
                    "required": ["above"],
                    "additionalProperties": False,
                },
            ],
        }
    ),
]
_Edges = Annotated[list[_Edge], Field(min_length=1, max_length=50)]


def _rising(edges: list[Edge]) -> list[Edge]:
    if any(lower >= upper for lower, upper in pairwise(edges)):
        raise _wrong("edges must rise")
    return edges


def _known(metric: str, info: ValidationInfo) -> str:
    catalogue: Catalogue = (info.context or {}).get("catalogue", BUILT_IN)
    if not catalogue.knows(metric):
        near = catalogue.like(metric)
        raise _wrong(f"no metric is named {metric!r}" + (f"; near it are {', '.join(near)}" if near else ""))
    return metric


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ThresholdPart(_Part):
    """The lower edge of a band, in points: where it begins, what enters it from below, and below what it is left."""

    begins: Annotated[int, Field(ge=0, le=100)]
    enter: Annotated[int, Field(ge=0, le=100, description="Default: begins")] | None = None
    leave: Annotated[int, Field(ge=0, le=100, description="Default: begins")] | None = None

    @property
    def enters(self) -> int:
        """What enters the band."""
        return self.begins if self.enter is None else self.enter

    @property
    def leaves(self) -> int:
        """Below what the band is left."""
        return self.begins if self.leave is None else self.leave

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.leaves <= self.begins <= self.enters:
            raise _wrong("leave ≤ begins ≤ enter")
        return self


class BandsPart(_Part):
    """When an account is in which band. Red is what lies below yellow."""

    yellow: ThresholdPart
    green: ThresholdPart
    coverage_floor: Annotated[float, Field(ge=0, le=1, description="Below this share of weight with data: unknown")]
    dwell_closes: Annotated[int, Field(ge=1, le=365, description="The closes a band lasts at least")] = 1


class ConditionPart(_Part):
    """An attribute of the account is `in` these values, or `not_in` them. What nobody stated is in none."""

    attribute: Annotated[str, WithJsonSchema({"enum": list(ATTRIBUTES)})]
    in_: Annotated[_Values | None, Field(alias="in")] = None
    not_in: _Values | None = None

    @checks("attribute")
    @classmethod
    def _is_one(cls, attribute: str) -> str:
        if attribute not in ATTRIBUTES:
            raise _wrong(f"an attribute is one of {', '.join(ATTRIBUTES)}")
        return attribute

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.in_ is None) == (self.not_in is None):
            raise _wrong("needs either in or not_in")
        return self


class ForcePart(_Part):
    """Where the measure's score is below `below`, the account is in `band` at most; from `from` on, at least."""

    band: Literal["red", "yellow", "green"]
    below: Annotated[float, Field(gt=0, le=100)] | None = None
    from_: Annotated[_Points | None, Field(alias="from")] = None

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.below is None) == (self.from_ is None):
            raise _wrong("needs either below or from")
        if self.below is not None and self.band == "green":
            raise _wrong("every account is green at most: below goes with red or yellow")
        if self.from_ is not None and self.band == "red":
            raise _wrong("every account is red at least: from goes with yellow or green")
        return self


class StepsPart(_Part):
    """Stepwise: each score holds up to the next edge, which begins the next step. A score of null is NA."""

    edges: _Edges
    scores: Annotated[list[_Points | None], Field(description="One more than edges")]

    _rise = checks("edges")(_rising)

    @checks("scores")
    @classmethod
    def _one_more(cls, scores: list[float | None], info: ValidationInfo) -> list[float | None]:
        edges = info.data.get("edges")
        if edges is not None and len(scores) != len(edges) + 1:
            raise _wrong(f"one more score than edges: {len(edges) + 1}, not {len(scores)}")
        return scores


class TablePart(_Part):
    """Two-way: rows by the measure's metric, columns by a second one. A score of null is NA."""

    by: Annotated[str, Field(description="The metric of the columns")]
    rows: _Edges
    columns: _Edges
    scores: Annotated[list[list[_Points | None]], Field(description="Rows of cells; one more than edges, both ways")]

    _rise = checks("rows", "columns")(_rising)
    _metric = checks("by")(_known)

    @checks("scores")
    @classmethod
    def _fits(cls, scores: list[list[float | None]], info: ValidationInfo) -> list[list[float | None]]:
        rows, columns = info.data.get("rows"), info.data.get("columns")
        if rows is not None and len(scores) != len(rows) + 1:
            raise _wrong(f"one more row than edges: {len(rows) + 1}, not {len(scores)}")
        if columns is not None and any(len(row) != len(columns) + 1 for row in scores):
            raise _wrong(f"each row has one more cell than there are edges of columns: {len(columns) + 1}")
        return scores


class MeasurePart(_Part):
    """A metric, its weight in the group, and how its value becomes a score: a line, steps, or a two-way table."""

    name: _Name
    metric: Annotated[str, Field(description="A built-in metric, or custom.<name>")]
    weight: _Weight
    line: (
        Annotated[
            list[Annotated[list[_Number], Field(min_length=2, max_length=2)]],
            Field(min_length=1, max_length=50, description="[value, score] points; straight between, flat outside"),
        ]
        | None
    ) = None
    steps: StepsPart | None = None
    table: TablePart | None = None
    after_days: Annotated[_Days, Field(description="NA in so many first days of an account's life")] = 0
    fresh_for_days: Annotated[_Days, Field(description="NA (stale) when the latest evidence is older")] | None = None
    undefined_scores: (
        Annotated[_Points, Field(description="The score where the metric is undefined; without: NA")] | None
    ) = None
    optional: Annotated[bool, Field(description="Where NA, it does not count against the coverage")] = False
    when: Annotated[list[ConditionPart], Field(max_length=10, description="Where one does not hold: NA")] = []
    forces: Annotated[list[ForcePart], Field(max_length=4)] = []
    about: Annotated[_Words, Field(description="What it means, for people")] | None = None

    _metric = checks("metric")(_known)

    @checks("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name == OVERRIDE:
            raise _wrong(f"{OVERRIDE} is the name of what people set by hand")
        return name

    @checks("line")
    @classmethod
    def _goes_up(cls, line: list[list[float]] | None) -> list[list[float]] | None:
        points = line or []
        if any(lower[0] >= upper[0] for lower, upper in pairwise(points)):
            raise _wrong("values must rise")
        if any(not 0 <= score <= 100 for _, score in points):
            raise _wrong("a score is 0–100")
        return line

    @model_validator(mode="after")
    def _one_scale(self) -> Self:
        if sum(each is not None for each in (self.line, self.steps, self.table)) != 1:
            raise _wrong("needs one of line, steps and table")
        return self


class GroupPart(_Part):
    """Measures that are weighed together; the weight is the group's own in the scorecard."""

    name: _Name
    weight: _Weight
    measures: Annotated[list[MeasurePart], Field(min_length=1, max_length=50)]
    about: _Words | None = None


class Document(_Part):
    """A scorecard: what is measured, how it is weighed and scored, and where the bands begin.

    A score is 0–100, more is healthier. Weights are relative: within a group, and among the groups. A measure without
    data is NA and its weight goes to the others.
    """

    id: Annotated[str, Field(pattern=CARD_ID)]
    version: Annotated[int, Field(description="Not read: a version is numbered when it is saved")] | None = None
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    about: _Words | None = None
    bands: BandsPart
    groups: Annotated[list[GroupPart], Field(min_length=1, max_length=20)]

    @checks("id")
    @classmethod
    def _is_free(cls, id_: str) -> str:
        if id_ in RESERVED:
            raise _wrong(f"{id_} is the name of a route")
        return id_


def contradictions(document: Document) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong between the parts of a document whose parts are well: the path, and why."""
    bands = document.bands
    if bands.green.begins <= bands.yellow.begins:
        yield ("bands", "green", "begins"), "green begins above yellow"
    if bands.green.leaves < bands.yellow.enters:
        yield ("bands", "green", "leave"), "lies below what enters yellow"
    groups: set[str] = set()
    measures: set[str] = set()
    for place, group in enumerate(document.groups):
        if group.name in groups:
            yield ("groups", place, "name"), f"{group.name} stands there twice"
        groups.add(group.name)
        for line, measure in enumerate(group.measures):
            if measure.name in measures:
                yield ("groups", place, "measures", line, "name"), f"{measure.name} stands there twice"
            measures.add(measure.name)


SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:mainstay:schema:scorecard",
    **Document.model_json_schema(by_alias=True),
}
"""The JSON Schema of scorecards. It cannot say everything that is checked: names of metrics, and what rises."""
