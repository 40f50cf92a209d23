"""Figures of what customers say when asked."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from fractions import Fraction

from health_score.domain.facts.known import Thing
from health_score.domain.metrics.counting import mean, within
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value
from mainstay.kernel.clock import day_of

PROMOTER = 9
DETRACTOR = 6


def net_promoter_score(answers: Iterable[int]) -> Value:
    """% of 9–10 − % of 0–6, in points from −100 to 100; undefined for no answer."""
    known = list(answers)
    if not known:
        return None
    promoters, detractors = sum(one >= PROMOTER for one in known), sum(one <= DETRACTOR for one in known)
    return Fraction(100 * (promoters - detractors), len(known))


def answers_of_nps(of: AsOf) -> list[int]:
    """The last NPS answer of each contact in 90 days; an answer of nobody known stands for itself."""
    last: dict[tuple[str, str], tuple[datetime, str, int]] = {}
    for answer in _answers(of, "nps"):
        contact = answer.said("contact_id")
        person = ("contact", contact) if contact is not None else ("answer", answer.id)
        rank = (answer.last_at, answer.id, answer.said("score"))
        if within(of, answer.last_at, 90) and (person not in last or last[person] < rank):
            last[person] = rank
    return [score for _, _, score in last.values()]


def _answers(of: AsOf, kind: str) -> list[Thing]:
    return [answer for answer in of.known.of("survey_response") if answer.said("kind") == kind]


def _nps_90d(of: AsOf) -> Value:
    return net_promoter_score(answers_of_nps(of))


def _nps_answers_90d(of: AsOf) -> Value:
    """How many people the score is of."""
    return len(answers_of_nps(of))


def _survey_csat_90d(of: AsOf) -> Value:
    """The mean of all answers, 1–5."""
    return mean(answer.said("score") for answer in _answers(of, "csat") if within(of, answer.last_at, 90))


def _last_answer(kind: str) -> Callable[[AsOf], date | None]:
    def seen(of: AsOf) -> date | None:
        instants = [answer.last_at for answer in _answers(of, kind)]
        return day_of(max(instants), of.known.zone) if instants else None

    return seen


VOICE = (
    Metric(
        "nps_90d",
        Unit.POINTS,
        _nps_90d,
        _last_answer("nps"),
        means="% of 9–10 − % of 0–6, of the last answer of each contact in 90 days",
    ),
    Metric(
        "nps_answers_90d", Unit.COUNT, _nps_answers_90d, _last_answer("nps"), means="People whose answers nps_90d is of"
    ),
    Metric(
        "survey_csat_90d",
        Unit.POINTS,
        _survey_csat_90d,
        _last_answer("csat"),
        means="Mean of all answers to satisfaction surveys in 90 days, 1–5",
    ),
)
"""The metrics of surveys."""
