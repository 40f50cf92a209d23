"""What any metric says: those that come with Mainstay, and those that operators define."""

from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from health_score.domain.telling.dates import DATES
from health_score.domain.telling.facts import FACTS
from health_score.domain.telling.phrase import Phrase, Teller, figure, percent
from health_score.domain.telling.usage import USAGE

TELLERS: dict[str, Teller] = {**USAGE, **FACTS, **DATES}


def tell(metric: Metric, value: Value, of: AsOf) -> Phrase | None:
    """What a metric's value says of a reading; None where there is nothing to say of an undefined one.

    Nothing is read beyond what the metric itself reads, so whatever it was loaded for is enough.
    """
    teller = TELLERS.get(metric.name)
    if teller is not None:
        return teller(value, of)
    if value is None:
        return None
    if metric.unit is Unit.SHARE:
        return Phrase("custom-share", {"title": metric.title or metric.name, "share": percent(value)})
    return Phrase("custom-figure", {"title": metric.title or metric.name, "value": figure(value)})
