"""Under whom and what an account stood at an instant: owner, tier, segment, industry and coverage are dated.

The owner is who has the role csm in the dated team, or whom a fact names as `owner`: both say the same thing, and what
was said last holds, from its day or instant on. A tier that nobody states follows from the tier rules of the instant.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from health_score.domain.facts.known import ACCOUNT, Statement
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.ruled import tiers
from health_score.domain.kpis.steps import EVER, Steps, always, stated, steps_of
from health_score.domain.rulebook import Rulebook
from mainstay.kernel.clock import start_of_day

_DAY = timedelta(days=1)
_CSM = "team.csm"


class Axis(StrEnum):
    """What figures are grouped and filtered by, as it was when the fact happened; `account` is its id."""

    OWNER = "owner"
    TIER = "tier"
    SEGMENT = "segment"
    INDUSTRY = "industry"
    COVERAGE_ROLE = "coverage_role"
    COVERAGE_ASSIGNMENT = "coverage_assignment"
    ACCOUNT = "account"


def owners(statements: Iterable[Statement], zone: ZoneInfo, otherwise: str | None = None) -> Steps:
    """The account's CSM by instant. A day with which somebody's time began or ended is one of the account's zone.

    Before the first step nobody is known: it is taken for the first one named, unless a day was stated for it.
    """
    steps: list[tuple[datetime, str | None]] = []
    for each in statements:
        if each.kind != ACCOUNT:
            continue
        if "owner" in each.fields:
            steps = _from(steps, each.at, each.fields["owner"])
        for member in sorted(each.fields.get(_CSM, ()), key=lambda one: one.get("since") or date.min):
            begin = start_of_day(member["since"], zone) if member.get("since") else each.at
            if not steps and member.get("since"):
                steps = [(EVER, None)]
            steps = _from(steps, begin, member["person"])
            if member.get("until") is not None:
                steps.append((max(begin, start_of_day(member["until"] + _DAY, zone)), None))
    return steps_of(steps) if steps else always(otherwise)


@dataclass(frozen=True)
class Attribution:
    """One account's place on some axes, by instant."""

    steps: tuple[Steps, ...]

    @cached_property
    def _always(self) -> tuple[str | None, ...] | None:
        if all(len(each.values) == 1 for each in self.steps):
            return tuple(each.values[0] for each in self.steps)
        return None

    def at(self, instant: datetime) -> tuple[str | None, ...]:
        """The value on each axis at an instant."""
        return self._always if self._always is not None else tuple([each.at(instant) for each in self.steps])

    def changes_between(self, begin: datetime, end: datetime) -> list[datetime]:
        """The instants between two at which anything changes, rising."""
        return sorted({instant for each in self.steps for instant in each.changes_between(begin, end)})


def attribution(past: Past, axes: tuple[Axis, ...], rules: Rulebook) -> Attribution:
    """An account's place on axes; its record of now says what no fact speaks of."""

    def steps(axis: Axis) -> Steps:
        if axis is Axis.ACCOUNT:
            return always(past.account_id)
        if axis is Axis.OWNER:
            return owners(past.statements, past.zone, past.present.get(axis))
        if axis is Axis.TIER and rules.has_tiers:
            return tiers(past, rules)
        return stated(past.statements, axis, past.present.get(axis))

    return Attribution(tuple(steps(axis) for axis in axes))


def _from(
    steps: list[tuple[datetime, str | None]], begin: datetime, value: str | None
) -> list[tuple[datetime, str | None]]:
    return [*(step for step in steps if step[0] < begin), (begin, value)]
