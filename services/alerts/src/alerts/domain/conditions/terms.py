"""Conditions on terms that come to their end: the window, milestones after it, and health that puts them at risk."""

from collections.abc import Iterator, Sequence

from alerts.domain.accounts import Account
from alerts.domain.conditions.health import figure
from alerts.domain.moments import Ending, Moment, Passing
from alerts.domain.observations import Observation, RenewalRisk, TermClosed, TermMilestone, WindowOpened
from alerts.domain.rules import Rule
from alerts.domain.words import Band
from mainstay.kernel.money import Money

AT_RISK = "at_risk"
LATE_SECONDS = 3_600
"""What is told later than this is marked late."""
DAY_SECONDS = 86_400
"""A deadline that is told this late is over."""


def renewal_window(__: Rule, ordered: Sequence[Observation], ___: Account) -> Iterator[Moment]:
    """One window a term; a term that closed needs nobody's attention, whichever of the two was heard first."""
    openings = _openings(ordered)
    closings = [(seen, seen.fact) for seen in ordered if isinstance(seen.fact, TermClosed)]
    if not openings:
        return
    opening, fact = openings[0]
    band = fact.band or Band.UNKNOWN
    words = {
        "contract": fact.contract_id,
        "amount": _amount(fact.amount),
        "seats": "no stated number of seats" if fact.seats is None else f"{fact.seats} seats",
        "ends_before": fact.ends_before.isoformat(),
        "health": _health(fact.band, fact.score),
        "late": lateness(fact.late_by_seconds),
    }
    closed_at = max(opening.at, closings[0][0].at) if closings else None
    for seen, _ in openings:
        if closed_at is None or seen is opening or seen.at < closed_at:
            yield Moment(seen.at, seen.subject, opening.event_id, band.value, words)
    if closed_at is not None:
        closing, close = closings[0]
        how = Ending.RENEWED if close.renewed else Ending.ENDED
        yield Moment(closed_at, closing.event_id, closing.event_id, passed=Passing(how, close.reason))


def renewal_milestone(rule: Rule, ordered: Sequence[Observation], _: Account) -> Iterator[Moment]:
    """So many days are left of a term, as its milestones are reached; those that another was told in place of are not.

    That the term closed is told with the window's alert, where there is one.
    """
    closing = _closing(ordered)
    for seen in ordered:
        fact = seen.fact
        if not isinstance(fact, TermMilestone) or fact.superseded or _is_told_elsewhere(fact):
            continue
        if closing is not None and seen.at >= closing.at:
            continue
        left = (fact.ends_before - fact.on).days
        words = {
            "contract": fact.contract_id,
            "amount": _amount(fact.amount),
            "ends_before": fact.ends_before.isoformat(),
            "days": figure(left),
            "health": _health(fact.band, fact.score),
            "late": lateness(fact.late_by_seconds),
        }
        name = f"{seen.subject} {fact.milestone}"
        yield Moment(seen.at, name, seen.event_id, rule.graded(left), words)
    if closing is not None:
        yield closing


def renewal_at_risk(_: Rule, ordered: Sequence[Observation], __: Account) -> Iterator[Moment]:
    """The account is red, or its health unknown, within the renewal window of a term that did not close."""
    closing = _closing(ordered)
    for seen in ordered:
        fact = seen.fact
        if not isinstance(fact, RenewalRisk) or (closing is not None and seen.at >= closing.at):
            continue
        words = {
            "contract": fact.contract_id,
            "amount": _amount(fact.amount),
            "ends_before": fact.ends_before.isoformat(),
            "health": _health(fact.band, fact.score),
        }
        passed = Passing(Ending.RECOVERED, f"The account is {words['health']} now.")
        grade = fact.risk if fact.risk in {AT_RISK, "unknown"} else None
        yield Moment(seen.at, seen.event_id, seen.event_id, grade, words, passed=passed)
    if closing is not None:
        yield closing


def _is_told_elsewhere(fact: TermMilestone) -> bool:
    """Whether another kind tells a milestone: the window, and the last day for notice as long as that is not over."""
    return fact.milestone == "window" or (fact.milestone == "notice_deadline" and fact.late_by_seconds < DAY_SECONDS)


def _openings(ordered: Sequence[Observation]) -> Sequence[tuple[Observation, WindowOpened]]:
    """The window as it was told; one in whose place a later milestone is told is none."""
    found = [(seen, seen.fact) for seen in ordered if isinstance(seen.fact, WindowOpened)]
    return [(seen, fact) for seen, fact in found if not fact.superseded]


def _closing(ordered: Sequence[Observation]) -> Moment | None:
    """The end of a term, for those who hear of it by the window's alert: they are not told twice."""
    for seen in ordered:
        if isinstance(close := seen.fact, TermClosed):
            usual = Ending.RENEWED if close.renewed else Ending.ENDED
            how = Ending.SUPERSEDED if _openings(ordered) else usual
            return Moment(seen.at, seen.event_id, seen.event_id, passed=Passing(how, close.reason))
    return None


def _amount(amount: Money) -> str:
    return f"{amount.amount:,.2f} {amount.currency}"


def _health(band: Band | None, score: int | None) -> str:
    if band is None or not band.is_known:
        return "unknown"
    return band.value if score is None else f"{band.value} ({score})"


def lateness(seconds: int) -> str:
    """What is added to what is told late: nothing, or for how long."""
    if seconds <= LATE_SECONDS:
        return ""
    hours = seconds // 3_600
    return f" (told {hours // 24} days late)" if hours >= 48 else f" (told {hours} hours late)"
