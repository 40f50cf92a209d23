"""Documents of custom metrics and their countings, to JSON and back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from health_score.domain.metrics.custom import CustomMetric, define
from health_score.domain.metrics.matching import Condition, Counting

KIND = "metric"
"""The kind of document that a custom metric is; its id is the metric's name."""

BOUNDS = ("at_least", "above", "at_most", "below")

RETIRED: Mapping[str, Any] = {"retired": True}
"""The version of a document that ends it."""

_exact = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def metric_from(name: str, body: bytes) -> CustomMetric:
    """The metric of a stored document. Raises `MetricInvalid`, which saving did not let pass."""
    return define(name, _exact.decode(body))


def properties_from(stored: str | bytes) -> Mapping[str, Any]:
    """An event's properties, its numbers exact; none where the sender's JSON is no object."""
    found = _exact.decode(stored)
    return found if isinstance(found, dict) else {}


def counting_to(counting: Counting) -> Any:
    """A counting as plain JSON values: equal countings give equal ones."""
    plain = {
        "events": sorted(counting.events),
        "features": sorted(counting.features),
        "properties": [_condition_to(each) for each in counting.conditions],
        "summed": counting.summed,
    }
    return msgspec.json.decode(_encoder.encode(plain))


def counting_from(stored: bytes) -> Counting:
    """The counting that `counting_to` wrote."""
    plain = _exact.decode(stored)
    return Counting(
        frozenset(plain["events"]),
        frozenset(plain["features"]),
        tuple(
            Condition(
                each["property"],
                each["exists"],
                None if each["one_of"] is None else tuple(each["one_of"]),
                **{bound: None if each[bound] is None else Decimal(each[bound]) for bound in BOUNDS},
            )
            for each in plain["properties"]
        ),
        plain["summed"],
    )


def _condition_to(condition: Condition) -> Mapping[str, Any]:
    return {
        "property": condition.property,
        "exists": condition.exists,
        "one_of": condition.one_of,
        # As texts: a JSON number may come back as the nearest binary one.
        **{bound: None if (value := getattr(condition, bound)) is None else str(value) for bound in BOUNDS},
    }
