"""What customers say when asked: NPS and satisfaction by period."""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from health_score.domain.kpis.ledger import Ledger
from health_score.domain.kpis.past import Past
from health_score.domain.metrics.voice import DETRACTOR, PROMOTER

SATISFIED = 4
"""4 and 5 of 5 are satisfied."""


@dataclass(slots=True)
class Nps:
    """How many people promote, detract, or neither, by the last answer of each; `answers` are all that came."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0
    answers: int = 0

    @property
    def people(self) -> int:
        """How many people the score is of."""
        return self.promoters + self.passives + self.detractors

    @property
    def score(self) -> Fraction | None:
        """% of promoters − % of detractors, in points; None for nobody."""
        return Fraction(100 * (self.promoters - self.detractors), self.people) if self.people else None

    def count(self, score: int) -> None:
        """Add a person by their last answer."""
        self.promoters += score >= PROMOTER
        self.detractors += score <= DETRACTOR
        self.passives += DETRACTOR < score < PROMOTER


def count_nps(past: Past, ledger: Ledger[Nps]) -> None:
    """Count the last answer of each contact in each period; an answer of nobody known stands for itself."""
    last: dict[tuple[int, str, str], tuple[datetime, str, int]] = {}
    for answer in past.stories("survey_response"):
        said_at, score = answer.since("score"), answer.said("score")
        period = ledger.period_of(said_at)
        if answer.said("kind") != "nps" or period is None or said_at is None:
            continue
        if (cell := ledger.at(said_at)) is not None:
            cell.answers += 1
        contact = answer.said("contact_id")
        person = ("answer", answer.id) if contact is None else ("contact", contact)
        rank = (said_at, answer.id, score)
        last[period, *person] = max(rank, last.get((period, *person), rank))
    for said_at, _, score in last.values():
        if (cell := ledger.at(said_at)) is not None:
            cell.count(score)


@dataclass(slots=True)
class Marks:
    """Marks of 1–5: how many, their sum, and how many of 4 and 5."""

    given: int = 0
    total: int = 0
    satisfied: int = 0

    def count(self, mark: int) -> None:
        """Add one."""
        self.given += 1
        self.total += mark
        self.satisfied += mark >= SATISFIED


@dataclass(slots=True)
class Csat:
    """What customers gave for tickets, and what they answered to surveys."""

    tickets: Marks = field(default_factory=Marks)
    surveys: Marks = field(default_factory=Marks)


def count_csat(past: Past, ledger: Ledger[Csat]) -> None:
    """Count each ticket's mark and each answer, by when it became what it is."""
    for ticket in past.stories("ticket"):
        if (cell := ledger.at(ticket.since("csat"))) is not None:
            cell.tickets.count(ticket.said("csat"))
    for answer in past.stories("survey_response"):
        if answer.said("kind") == "csat" and (cell := ledger.at(answer.since("score"))) is not None:
            cell.surveys.count(answer.said("score"))
