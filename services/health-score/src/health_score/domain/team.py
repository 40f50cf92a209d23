"""An account's team: who has which role, and in which days."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from health_score.domain.facts.known import ACCOUNT, Facts
from mainstay.kernel.clock import day_of

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A person has a role at an account from `since` to `until`, its last day (None: no end is known)."""

    role: str
    person: str
    since: date
    until: date | None = None


def team_of(facts: Facts) -> tuple[Assignment, ...]:
    """The team as all facts have it, by role and day.

    What is said of a role later holds from its `since` on (the day it was said, where none is stated) and ends what
    was before; the same person in the same role, said again, goes on.
    """
    team: dict[str, list[Assignment]] = defaultdict(list)
    for statement in facts.statements:
        if statement.kind != ACCOUNT:
            continue
        said_on = day_of(statement.at, facts.zone)
        for name, stated in statement.fields.items():
            if name.startswith("team."):
                role = name.removeprefix("team.")
                firsts: list[date] = [each.get("since") or said_on for each in stated]
                people = [
                    Assignment(role, each["person"], first, each.get("until"))
                    for each, first in zip(stated, firsts, strict=True)
                    if each["person"] is not None
                ]
                team[role] = _joined([*_ended(team[role], min(firsts)), *sorted(people, key=_place)])
    return tuple(assignment for role in sorted(team) for assignment in team[role])


def _place(assignment: Assignment) -> tuple[date, str]:
    return assignment.since, assignment.person


def _ended(team: Sequence[Assignment], before: date) -> list[Assignment]:
    """What is left of assignments when others hold from a day on."""
    return [replace(each, until=min(each.until or date.max, before - DAY)) for each in team if each.since < before]


def _is_day_before(until: date | None, since: date) -> bool:
    return until is not None and until.toordinal() + 1 == since.toordinal()


def _joined(team: Sequence[Assignment]) -> list[Assignment]:
    """The same with neighbouring assignments of one person as one."""
    joined: list[Assignment] = []
    for each in team:
        last = joined[-1] if joined else None
        if last is not None and last.person == each.person and _is_day_before(last.until, each.since):
            joined[-1] = replace(last, until=each.until)
        else:
            joined.append(each)
    return joined
