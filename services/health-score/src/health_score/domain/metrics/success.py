"""Figures of what was agreed with the customer: the success plan, what they asked for, and what they do for us."""

from health_score.domain.facts.known import Thing
from health_score.domain.metrics.counting import counted, last_said, share, within
from health_score.domain.metrics.reading import AsOf, Metric, Unit, Value

_OBJECTIVES = last_said("objective")
_FEEDBACK = last_said("feedback")

ACTIVE_PLAN, DRAFT_PLAN, NO_PLAN = 2, 1, 0


def state_of(objective: Thing) -> str:
    """An objective's state; one of which none was stated is active, or achieved where its day is known."""
    stated: str | None = objective.said("state")
    return stated or ("achieved" if objective.said("achieved_on") else "active")


def _is_active(_of: AsOf, objective: Thing) -> bool:
    return state_of(objective) == "active"


def _is_overdue(of: AsOf, objective: Thing) -> bool:
    due = objective.said("due_on")
    return state_of(objective) == "active" and due is not None and due < of.day


def _objectives_achieved_share(of: AsOf) -> Value:
    """Of the objectives that were set, drafts and dropped ones left out: those achieved."""
    states = [state_of(objective) for objective in of.known.of("objective")]
    return share(states.count("achieved"), sum(state in {"active", "achieved", "missed"} for state in states))


def _success_plan(of: AsOf) -> Value:
    """2: there is an active objective; 1: only drafts; 0: nothing that is still to be reached."""
    states = {state_of(objective) for objective in of.known.of("objective")}
    if "active" in states:
        return ACTIVE_PLAN
    return DRAFT_PLAN if "draft" in states else NO_PLAN


def _is_unanswered(_of: AsOf, feedback: Thing) -> bool:
    return feedback.said("state") not in {"released", "wont_do"}


def _is_to_be_told(_of: AsOf, feedback: Thing) -> bool:
    return feedback.said("state") in {"released", "wont_do"} and feedback.said("customer_told_at") is None


def _was_given_365d(of: AsOf, advocacy: Thing) -> bool:
    return advocacy.said("state") == "given" and within(of, advocacy.said_at("state"), 365)


def _is_under_way(of: AsOf, handover: Thing) -> bool:
    separated = handover.said("separated_on")
    return separated is None or separated > of.day


SUCCESS = (
    Metric(
        "objectives_active", Unit.COUNT, counted("objective", _is_active), _OBJECTIVES, means="Objectives under way"
    ),
    Metric(
        "objectives_overdue",
        Unit.COUNT,
        counted("objective", _is_overdue),
        _OBJECTIVES,
        means="Objectives under way that were due before the day",
    ),
    Metric(
        "objectives_achieved_share",
        Unit.SHARE,
        _objectives_achieved_share,
        _OBJECTIVES,
        means="Objectives achieved ÷ objectives under way, achieved or missed",
    ),
    Metric(
        "success_plan",
        Unit.COUNT,
        _success_plan,
        _OBJECTIVES,
        means="2: there is an objective under way; 1: only drafts; 0: nothing to be reached",
    ),
    Metric(
        "feedback_open",
        Unit.COUNT,
        counted("feedback", _is_unanswered),
        _FEEDBACK,
        means="Feedback that is neither released nor declined",
    ),
    Metric(
        "feedback_to_be_told",
        Unit.COUNT,
        counted("feedback", _is_to_be_told),
        _FEEDBACK,
        means="Feedback released or declined of which the customer was not told",
    ),
    Metric(
        "advocacy_given_365d",
        Unit.COUNT,
        counted("advocacy", _was_given_365d),
        last_said("advocacy"),
        means="Acts of advocacy given in 365 days",
    ),
    Metric(
        "handovers_open",
        Unit.COUNT,
        counted("handover", _is_under_way),
        last_said("handover"),
        means="Handovers that are not separated yet",
    ),
)
"""The metrics of objectives, feedback, advocacy and handovers."""
