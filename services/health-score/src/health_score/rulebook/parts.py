"""The conditions of rules as documents write them, and the checks that they share."""

from fractions import Fraction
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic import field_validator as checks
from pydantic_core import PydanticCustomError

from health_score.domain.metrics.catalogue import BUILT_IN, Catalogue
from health_score.domain.rules import IsKnown, OneOf, Test, Within
from health_score.domain.stages import DAYS_IN_STAGE
from health_score.domain.tiers import ARR

_FARTHEST = 1e15

Number = Annotated[float, Field(ge=-_FARTHEST, le=_FARTHEST, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="The name that reasons give")]
Words = Annotated[str, Field(min_length=1, max_length=500)]
Days = Annotated[int, Field(ge=0, le=36_500)]
_Values = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=200)]

BOUNDS: Final = ("at_least", "above", "at_most", "below")


def wrong(detail: str) -> PydanticCustomError:
    """What pydantic takes for one thing that is wrong."""
    return PydanticCustomError("rules", "{detail}", {"detail": detail})


class Part(BaseModel):
    """A part of a document: nothing else may stand there, and texts are no numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Attribute(Part):
    in_: Annotated[_Values | None, Field(alias="in")] = None
    not_in: _Values | None = None

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.in_ is None) == (self.not_in is None):
            raise wrong("needs either in or not_in")
        return self

    def one_of(self, name: str) -> Test:
        """The condition."""
        return OneOf(name, tuple(self.in_ or self.not_in or ()), negated=self.in_ is None)


class _Bounded(Part):
    at_least: Number | None = None
    above: Number | None = None
    at_most: Number | None = None
    below: Number | None = None

    @property
    def bounds(self) -> dict[str, Fraction]:
        """The bounds that are stated, exactly as they are written."""
        stated = {name: getattr(self, name) for name in BOUNDS}
        return {name: Fraction(str(value)) for name, value in stated.items() if value is not None}


class AccountAttribute(_Attribute):
    """An attribute of the account is `in` these values, or `not_in` them. What nobody stated is in none."""

    attribute: Literal["tier", "stage", "segment", "industry", "product"]

    def test(self) -> Test:
        """The condition."""
        return self.one_of(self.attribute)


class RecordAttribute(_Attribute):
    """What was stated about the account is `in` these values, or `not_in` them. What nobody stated is in none."""

    attribute: Literal["brand_value", "partnership", "segment", "industry"]

    def test(self) -> Test:
        """The condition."""
        return self.one_of(self.attribute)


class ArrBounds(_Bounded):
    """The ARR in one currency lies within bounds; no amount is converted. What nobody stated lies nowhere."""

    arr: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")]

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if not self.bounds:
            raise wrong(f"needs one of {', '.join(BOUNDS)}")
        return self

    def test(self) -> Test:
        """The condition."""
        return Within(f"{ARR}{self.arr}", **self.bounds)


class MetricBounds(_Bounded):
    """A metric lies within bounds, or is `known` (false: it is undefined). What is undefined lies nowhere."""

    metric: Annotated[str, Field(description=f"A built-in metric, custom.<name>, or {DAYS_IN_STAGE}")]
    known: bool | None = None

    @checks("metric")
    @classmethod
    def _is_one(cls, metric: str, info: ValidationInfo) -> str:
        catalogue: Catalogue = (info.context or {}).get("catalogue", BUILT_IN)
        if metric != DAYS_IN_STAGE and not catalogue.knows(metric):
            near = catalogue.like(metric)
            raise wrong(f"no metric is named {metric!r}" + (f"; near it are {', '.join(near)}" if near else ""))
        return metric

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if (self.known is None) == (not self.bounds):
            raise wrong(f"needs either known or one of {', '.join(BOUNDS)}")
        return self

    def test(self) -> Test:
        """The condition."""
        if self.known is not None:
            return IsKnown(self.metric, negated=not self.known)
        return Within(self.metric, **self.bounds)


TAG: Final = "<"
"""What the tags of shapes begin with, and no member's name does."""


def shape_of(part: Any) -> str:
    """The tag of a condition's shape: by the member that says what it is about."""
    stated = part if isinstance(part, dict) else {}
    return next((f"<{name}>" for name in ("metric", "arr") if name in stated), "<attribute>")


def hours_shape(part: Any) -> str:
    """The tag of hours: by priority, or one number for all."""
    return "<hours>" if isinstance(part, int | float | str | None) else "<by priority>"
