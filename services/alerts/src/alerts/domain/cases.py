"""Risk cases: an account is at risk, somebody has a plan, it is being saved, and in the end it is recovered or lost.

One case an account is open at a time. Every change is a step with who, when and what, so a case can be told afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts.domain.playbooks import RiskReason
from mainstay.kernel.money import Money


class CaseUnknown(LookupError):
    """There is no such case."""

    def __init__(self, case_id: str) -> None:
        super().__init__(f"there is no case {case_id}")


class CaseClosed(ValueError):
    """The case is over; open another where the account is at risk again."""

    def __init__(self, case_id: str, state: str) -> None:
        super().__init__(f"the case {case_id} is closed: {state}")


class CaseOpen(ValueError):
    """The account has an open case."""

    def __init__(self, account_id: str, case_id: str) -> None:
        super().__init__(f"{account_id} has an open case: {case_id}")


class PlanMissing(ValueError):
    """A case cannot go on without a plan."""

    def __init__(self, state: str) -> None:
        super().__init__(f"say what the plan is before the case is {state}")


class CaseState(StrEnum):
    """How a case stands."""

    AT_RISK = "at-risk"
    PLAN_IN_PLACE = "plan-in-place"
    SAVING = "saving"
    RECOVERED = "recovered"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be done any more."""
        return self in {CaseState.RECOVERED, CaseState.LOST}


@dataclass(frozen=True, slots=True)
class Case:
    """A risk case. `arr_at_risk` has one amount a currency; `outcome` says in words how it ended."""

    id: str
    account_id: str
    reason: RiskReason
    opened_at: datetime
    opened_by: str
    state: CaseState = CaseState.AT_RISK
    owner: str | None = None
    plan: str | None = None
    arr_at_risk: tuple[Money, ...] = ()
    alert_ids: tuple[str, ...] = ()
    run_id: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class CaseStep:
    """One change of a case: by field, what it was and what it is."""

    at: datetime
    by: str
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    comment: str | None = None


def changed(
    case: Case, to: Mapping[str, Any], *, by: str, comment: str | None, now: datetime
) -> tuple[Case, CaseStep | None]:
    """The case with fields as they are to be, and the step; None where nothing changes and nothing is said.

    States may be skipped, and a case may go back; a closed one does not change. A plan is needed for `plan-in-place`
    and `saving`. Raises `CaseClosed`, `PlanMissing`.
    """
    after = replace(case, **to)
    changes = {
        each.name: (getattr(case, each.name), getattr(after, each.name))
        for each in fields(Case)
        if getattr(case, each.name) != getattr(after, each.name)
    }
    if not changes and comment is None:
        return case, None
    if case.state.is_over and changes:
        raise CaseClosed(case.id, case.state.value)
    if after.state in {CaseState.PLAN_IN_PLACE, CaseState.SAVING} and not after.plan:
        raise PlanMissing(after.state.value)
    if after.state.is_over and not case.state.is_over:
        after = replace(after, closed_at=now, closed_by=by)
    return after, CaseStep(now, by, changes, comment)
