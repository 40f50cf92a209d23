"""Milestones of a renewal: window, days before the end, last day for notice, due. Each is reached once a term."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from renewals.domain.renewal import Plan

WINDOW = "window"
NOTICE_DEADLINE = "notice_deadline"
DUE = "due"
DAYS = "days_"
"""Begins the name of a milestone so many days before the end: `days_60`."""
_RANKS = {WINDOW: 0, NOTICE_DEADLINE: 2, DUE: 3}


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone and its civil day where the contract is; reached as that day begins."""

    name: str
    on: date

    @property
    def place(self) -> tuple[date, int]:
        """Where it stands among the milestones of its term; of those on one day the later one says more."""
        return self.on, _RANKS.get(self.name, 1)


@dataclass(frozen=True, slots=True)
class Reached:
    """A milestone that was reached just now; `superseded`: a later one was too, and people hear of that one alone."""

    term: int
    milestone: Milestone
    superseded: bool


def milestones(plan: Plan, days: Iterable[int]) -> tuple[Milestone, ...]:
    """The milestones of a term, in order.

    Days before the end count within the window only: of a term whose window opens later, or on that day, there is no
    such milestone. The last day for notice counts whether or not the window is open.
    """
    found = [Milestone(DUE, plan.due_on)]
    if plan.window_on <= plan.due_on:  # a window of no days never opens
        found.append(Milestone(WINDOW, plan.window_on))
    if plan.notice_by:
        found.append(Milestone(NOTICE_DEADLINE, plan.notice_by))
    for count in days:
        on = plan.due_on - timedelta(days=count - 1)
        if plan.window_on < on:
            found.append(Milestone(f"{DAYS}{count}", on))
    return tuple(sorted(found, key=lambda milestone: milestone.place))


def due(
    plan: Plan, days: Iterable[int], known: frozenset[str], today: date, *, has_opened: bool
) -> Iterator[Milestone]:
    """Those that today has reached and nobody recorded, of the days before the term was renewed or cancelled.

    The window is reached where it has opened: that is for the contract to say.
    """
    renewed, cancelled = plan.renewed_on or date.max, plan.cancelled_on or date.max
    for milestone in milestones(plan, days):
        if milestone.name == WINDOW and not has_opened:
            continue
        if milestone.on <= min(today, renewed) and milestone.on < cancelled and milestone.name not in known:
            yield milestone


def told_once(reached: Iterable[tuple[int, Milestone]], open_term: int | None) -> tuple[Reached, ...]:
    """What was reached of one contract, by term; of all that people hear of the latest, if its term is still open."""
    ordered = sorted(reached, key=lambda each: (each[0], each[1].place))
    return tuple(
        Reached(term, milestone, superseded=place < len(ordered) - 1 or term != open_term)
        for place, (term, milestone) in enumerate(ordered)
    )
