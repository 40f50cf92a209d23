"""Outcomes by period: goals that customers reached, what they did for us, and whether we told them what they asked."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from health_score.domain.kpis.ledger import Ledger
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.spread import Durations
from health_score.domain.kpis.stories import Story
from mainstay.kernel.clock import day_of

ADVOCACIES = ("referral", "reference", "case_study", "testimonial")

_SET = frozenset({"active", "achieved", "missed"})
"""States of an objective that was agreed; drafts and dropped ones are none."""


@dataclass(slots=True)
class Outcomes:
    """Objectives by the day they were due, and by the day they were achieved; acts of advocacy; feedback answered."""

    due: int = 0
    on_time: int = 0
    late: int = 0
    missed: int = 0
    still_running: int = 0
    achieved: int = 0
    confirmed: int = 0
    customers: int = 0
    customers_who_reached: int = 0
    advocacies: Counter[str] = field(default_factory=Counter)
    released: int = 0
    declined: int = 0
    told: int = 0
    until_told: Durations = field(default_factory=Durations)

    @property
    def achieved_share(self) -> Fraction | None:
        """Achieved, on time or late ÷ due."""
        return Fraction(self.on_time + self.late, self.due) if self.due else None

    @property
    def confirmed_share(self) -> Fraction | None:
        """Confirmed by the customer ÷ achieved."""
        return Fraction(self.confirmed, self.achieved) if self.achieved else None

    @property
    def customers_share(self) -> Fraction | None:
        """Customers that reached at least one goal ÷ customers with goals."""
        return Fraction(self.customers_who_reached, self.customers) if self.customers else None

    @property
    def told_share(self) -> Fraction | None:
        """Told ÷ released or declined."""
        answered = self.released + self.declined
        return Fraction(self.told, answered) if answered else None


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective that was agreed, in days of the account's zone."""

    since: date
    due_on: date | None
    achieved_on: date | None
    missed_on: date | None
    is_confirmed: bool


def objective_of(story: Story, past: Past) -> Objective | None:
    """The objective that statements tell of; None for drafts and dropped ones."""
    achieved_on = story.said("achieved_on")
    state = story.said("state") or ("achieved" if achieved_on else "active")
    if state not in _SET:
        return None
    since_state = day_of(story.since("state") or story.first_at, past.zone)
    return Objective(
        since=day_of(story.first_at, past.zone),
        due_on=story.said("due_on"),
        achieved_on=(achieved_on or since_state) if state == "achieved" else None,
        missed_on=since_state if state == "missed" else None,
        is_confirmed=story.said("confirmed_by") is not None,
    )


def count_outcomes(past: Past, ledger: Ledger[Outcomes]) -> None:
    """Count objectives where they were due and achieved, and the rest where it happened."""
    objectives = [found for story in past.stories("objective") if (found := objective_of(story, past)) is not None]
    for objective in objectives:
        _count_due(objective, ledger)
        achieved_on = objective.achieved_on
        if achieved_on is not None and achieved_on <= ledger.today and (cell := ledger.on(achieved_on)) is not None:
            cell.achieved += 1
            cell.confirmed += objective.is_confirmed
    _count_customers(objectives, ledger)
    for act in past.stories("advocacy"):
        if act.said("state") == "given" and (cell := ledger.at(act.since("state"))) is not None:
            cell.advocacies[act.said("kind")] += 1
    for feedback in past.stories("feedback"):
        if feedback.said("state") in {"released", "wont_do"}:
            _count_answer(feedback, feedback.since("state"), ledger)


def _count_due(objective: Objective, ledger: Ledger[Outcomes]) -> None:
    if objective.due_on is None or (cell := ledger.on(objective.due_on)) is None:
        return
    cell.due += 1
    if objective.achieved_on is not None:
        is_late = objective.achieved_on > objective.due_on
        cell.late += is_late
        cell.on_time += not is_late
    elif objective.missed_on is not None or objective.due_on < ledger.today:
        cell.missed += 1
    else:
        cell.still_running += 1


def _count_customers(objectives: list[Objective], ledger: Ledger[Outcomes]) -> None:
    """The customer counts in every period in which a goal of theirs was still to be reached, or was reached."""
    for end in ledger.ends() if objectives else ():
        first = ledger.books.periods[end.period].first
        open_then = [
            each
            for each in objectives
            if min(each.since, each.achieved_on or each.since) <= end.day
            and (each.achieved_on is None or each.achieved_on >= first)
            and (each.missed_on is None or each.missed_on >= first)
        ]
        if open_then and (cell := ledger.at_end(end)) is not None:
            cell.customers += 1
            cell.customers_who_reached += any(
                each.achieved_on is not None and each.achieved_on <= end.day for each in open_then
            )


def _count_answer(feedback: Story, answered_at: datetime | None, ledger: Ledger[Outcomes]) -> None:
    if answered_at is None or (cell := ledger.at(answered_at)) is None:
        return
    is_released = feedback.said("state") == "released"
    cell.released += is_released
    cell.declined += not is_released
    told_at = feedback.said("customer_told_at")
    if told_at is not None and ledger.is_past(told_at):
        cell.told += 1
        cell.until_told.add(told_at - answered_at)
