"""What people say of an account, as a metric."""

from datetime import date

from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value


def _csm_sentiment(of: AsOf) -> Value:
    given = of.decided.sentiment
    return given.sentiment.points if given and given.sentiment else None


def _sentiment_on(of: AsOf) -> date | None:
    return of.decided.sentiment_on


SENTIMENT = (
    Metric(
        "csm_sentiment",
        Unit.POINTS,
        _csm_sentiment,
        _sentiment_on,
        means="The sentiment that the CSM gave: red 0, yellow 50, green 100",
    ),
)
"""The CSM's sentiment: red 0, yellow 50, green 100 points."""
