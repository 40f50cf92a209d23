"""Conditions on dates: touches owed and promised, stages, milestones, and notice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from alerts.domain.accounts import Account
from alerts.domain.conditions.health import figure
from alerts.domain.conditions.terms import lateness
from alerts.domain.conditions.things import by_rising_level, civil, day, overdue, thing, zone_of
from alerts.domain.moments import Ending, Moment, Passing, Reach, State, aged, states_of
from alerts.domain.observations import (
    MilestoneMissed,
    Observation,
    StageOverdue,
    Stated,
)
from alerts.domain.rules import Rule
from mainstay.kernel.clock import day_of, start_of_day

HELD = frozenset({"held", None})
"""Results of a touch that reached the customer; one without a result took place as it is told."""


def _touches(ordered: Sequence[Observation]) -> Iterator[State]:
    """After each fact: the last touch held (its instant), and the next step promised there."""
    touches: dict[str, dict[str, Any]] = {}
    for seen in ordered:
        if isinstance(seen.fact, Stated):
            touches.setdefault(seen.fact.id, {}).update({**seen.fact.fields, "at": seen.at})
        held = [each for each in touches.values() if each.get("result") in HELD and not each.get("is_internal")]
        last = max(held, key=lambda each: each["at"], default=None)
        yield {"at": last["at"], "next_due_on": last.get("next_due_on")} if last else {}


@dataclass(frozen=True, slots=True)
class LastTouch:
    """The last touch that reached the customer, and the next step promised there."""

    at: datetime | None = None
    next_due_on: date | None = None


def last_touch(history: Sequence[Observation]) -> LastTouch:
    """How an account stands after all touches known, whatever their order."""
    state: State = {}
    for state in _touches(sorted(history, key=lambda seen: seen.order)):  # noqa: B007 - the last one counts
        pass
    return LastTouch(state.get("at"), civil(state.get("next_due_on")))


def touch_overdue(rule: Rule, ordered: Sequence[Observation], account: Account) -> Iterator[Moment]:
    """Nobody touched the account for longer than its cadence: that of its service policy, else the rule's."""

    def reached(state: State) -> Sequence[Reach]:
        every = account.touch_every_days or rule.when.get("days")
        if every is None or not state or account.is_leaving:
            return ()
        zone = zone_of(account)
        last = day_of(state["at"], zone)
        words = {"last_on": last.isoformat(), "every_days": str(every)}
        return [
            Reach(
                start_of_day(last + timedelta(days=every + int(beyond)), zone),
                grade,
                {**words, "days": figure(beyond)},
                last.isoformat(),
            )
            for grade, beyond in by_rising_level(rule)
        ]

    touched = Passing(Ending.SETTLED, "The account was touched.")
    return aged(ordered, _touches(ordered), reached, passed=touched)


def next_step_overdue(rule: Rule, ordered: Sequence[Observation], account: Account) -> Iterator[Moment]:
    """The next step promised at the last touch is overdue. A later touch settles it, or promises another."""

    def reached(state: State) -> Sequence[Reach]:
        due = civil(state.get("next_due_on"))
        return () if due is None else overdue(rule, due, account, {"promised_on": day(state["at"])})

    done = Passing(Ending.SETTLED, "The next step was done, moved or replaced.")
    return aged(ordered, _touches(ordered), reached, passed=done)


def stage_overdue(rule: Rule, ordered: Sequence[Observation], account: Account) -> Iterator[Moment]:
    """The account is longer in its stage than the target says."""

    def reached(state: State) -> Sequence[Reach]:
        return overdue(rule, state["due_on"], account, {"stage": state["stage"]}) if state else ()

    states = [
        {"due_on": seen.fact.due_on, "stage": seen.fact.stage} if isinstance(seen.fact, StageOverdue) else {}
        for seen in ordered
    ]
    moved = Passing(Ending.SETTLED, "The account entered another stage.")
    return aged(ordered, states, reached, passed=moved)


def milestone_overdue(rule: Rule, ordered: Sequence[Observation], account: Account) -> Iterator[Moment]:
    """The day planned for a milestone passed without it."""

    def reached(state: State) -> Sequence[Reach]:
        words = {"milestone": str(state.get("milestone")).replace("_", " ")}
        return overdue(rule, state["due_on"], account, words) if state else ()

    states = [
        {"due_on": seen.fact.due_on, "milestone": seen.fact.milestone} if isinstance(seen.fact, MilestoneMissed) else {}
        for seen in ordered
    ]
    return aged(ordered, states, reached, passed=Passing(Ending.SETTLED, "The milestone was reached."))


def notice_deadline(rule: Rule, ordered: Sequence[Observation], account: Account) -> Iterator[Moment]:
    """So many days are left to give notice for the last term of a contract, as it is stated, or renewals counted it."""

    def reached(state: State) -> Sequence[Reach]:
        ends, last = civil(state.get("ends_on")), _notice_on(state)
        if ends is None or last is None or state.get("state") in {"cancelled", "ended", "draft"}:
            return ()
        words = {"contract": thing(ordered).id, "notice_on": last.isoformat(), "ends_on": ends.isoformat()}
        words["late"] = lateness(int(state.get("counted_late", 0)))
        zone = zone_of(account)
        return [
            Reach(
                start_of_day(last - timedelta(days=int(left)), zone), grade, {**words, "days": figure(left)}, str(ends)
            )
            for grade, left in by_rising_level(rule)
        ]

    return _until_given(aged(ordered, states_of(ordered), reached), account)


def _notice_on(state: State) -> date | None:
    """The last day for notice: what renewals counted for this very term, with holidays, else by the contract's rule."""
    ends, notice = civil(state.get("ends_on")), state.get("notice")
    if state.get("counted_on") and state.get("counted_for") == state.get("ends_on"):
        return civil(state["counted_on"])
    if ends is None or not isinstance(notice, Mapping):
        return None
    return last_day_for_notice(ends, int(notice["amount"]), str(notice["unit"]))


def _until_given(moments: Iterator[Moment], account: Account) -> Iterator[Moment]:
    """A deadline counts until its day is over; the days left are those of the moment."""
    over: Moment | None = None
    for moment in moments:
        if over is not None and over.at <= moment.at:
            yield over
        over = None
        if moment.grade is None:
            yield moment
            continue
        zone, last = zone_of(account), date.fromisoformat(moment.words["notice_on"])
        left = max((last - day_of(moment.at, zone)).days, 0)
        yield replace(moment, words={**moment.words, "days": str(left)})
        ends = start_of_day(last + timedelta(days=1), zone)
        over = Moment(max(ends, moment.at), moment.name, moment.event_id, passed=_TOO_LATE)
    if over is not None:
        yield over


_TOO_LATE = Passing(Ending.SETTLED, "The last day for notice has passed.")


def last_day_for_notice(ends_on: date, amount: int, unit: str) -> date:
    """The last day on which notice for a term that ends on a day, inclusive, is in time.

    Months are counted from the inclusive end, to the month's last day where there is no such day. Business days are
    Monday to Friday; holidays are not known here.
    """
    match unit:
        case "months":
            months = ends_on.year * 12 + ends_on.month - 1 - amount
            year, month = divmod(months, 12)
            after = date(year + (month == 11), (month + 1) % 12 + 1, 1)
            return date(year, month + 1, min(ends_on.day, (after - timedelta(days=1)).day))
        case "business_days":
            found = ends_on
            while amount:
                found -= timedelta(days=1)
                amount -= found.weekday() < 5
            return found
        case _:
            return ends_on - timedelta(days=amount)
