"""The body of a custom metric."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

Scalar = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=500)]
Number = StrictInt | StrictFloat
Named = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Property = Annotated[
    StrictStr, Field(min_length=1, max_length=200, description="Its name, or a JSON pointer such as `/export/rows`")
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class PropertyCondition(_Strict):
    """What must hold of one property of an event; everything that is said must. Comparisons hold of numbers only."""

    property: Property
    equals: Scalar | None = Field(default=None, description='1 equals 1.0; "1" and true equal neither')
    one_of: Annotated[list[Scalar], Field(min_length=1, max_length=200)] | None = Field(default=None, alias="in")
    exists: StrictBool | None = Field(default=None, description="Whether it is there and not null")
    at_least: Number | None = None
    above: Number | None = None
    at_most: Number | None = None
    below: Number | None = None


class EventFilter(_Strict):
    """Which events match: named like one of `events`, of one of `features`, with every condition on properties."""

    events: Annotated[list[Named], Field(min_length=1, max_length=100)] | None = None
    features: Annotated[list[Named], Field(min_length=1, max_length=100)] | None = None
    properties: Annotated[list[PropertyCondition], Field(min_length=1, max_length=20)] | None = None


class DividedBy(_Strict):
    """What the figure is divided by: the seats bought, what was bought of an entitlement, or another metric."""

    over: Literal["seats", "entitlement", "metric"]
    name: Named | None = Field(default=None, description="The entitlement's or the metric's; none for seats")


class MetricBody(_Strict):
    """A custom metric: a figure of the events that match a filter, in a window of days, perhaps divided."""

    title: Annotated[StrictStr, Field(max_length=200)] | None = Field(default=None, description="For people")
    figure: Literal["count", "sum", "users"] = Field(
        description="`count`: events; `sum`: of a property, exact; `users`: distinct users"
    )
    property: Property | None = Field(
        default=None, description="What is summed; events where it is no number add nothing"
    )
    filter: EventFilter | None = Field(default=None, description="Without one, every event matches")
    window_days: Annotated[StrictInt, Field(ge=1, le=365)] = Field(description="The day itself counts")
    divided_by: DividedBy | None = None
