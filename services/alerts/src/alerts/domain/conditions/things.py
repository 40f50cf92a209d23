"""Conditions on what customers ask, owe, say and were sold: tickets, surveys, invoices, feedback, entitlements."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.domain.accounts import Account
from alerts.domain.conditions.health import figure
from alerts.domain.moments import Ending, Moment, Passing, Reach, State, aged, states_of
from alerts.domain.observations import Observation, Stated
from alerts.domain.rules import Rule
from mainstay.kernel.clock import start_of_day

DAY = timedelta(days=1)


def ticket_urgent(_: Rule, ordered: Sequence[Observation], __: Account) -> Iterator[Moment]:
    """An unresolved ticket of high or urgent priority."""

    def reached(state: State) -> Sequence[Reach]:
        priority = state.get("priority")
        if state.get("resolved_at") or priority not in {"high", "urgent"}:
            return ()
        opened = instant(state.get("opened_at")) or ordered[0].at
        words = {"ticket": thing(ordered).id, "priority": str(priority), "opened_on": day(opened)}
        return (Reach(opened, str(priority), words, "open"),)

    return aged(ordered, states_of(ordered), reached, passed=_resolved("ticket"))


def ticket_ageing(rule: Rule, ordered: Sequence[Observation], _: Account) -> Iterator[Moment]:
    """A ticket has been open for so many days."""

    def reached(state: State) -> Sequence[Reach]:
        if state.get("resolved_at"):
            return ()
        opened = instant(state.get("opened_at")) or ordered[0].at
        return [
            Reach(opened + days * DAY, grade, _ticket_words(ordered, opened, "days", days), "open")
            for grade, days in by_rising_level(rule)
        ]

    return aged(ordered, states_of(ordered), reached, passed=_resolved("ticket"))


def response_missed(rule: Rule, ordered: Sequence[Observation], account: Account) -> Iterator[Moment]:
    """A ticket had no response within the hours promised to the account, else those that the rule sets."""

    def reached(state: State) -> Sequence[Reach]:
        promised = account.response_hours(state.get("priority")) or rule.when.get("hours")
        if promised is None or state.get("resolved_at") or state.get("first_response_at"):
            return ()
        opened = instant(state.get("opened_at")) or ordered[0].at
        due = opened + timedelta(hours=promised)
        words = _ticket_words(ordered, opened, "hours", promised)
        return [
            Reach(due + timedelta(hours=beyond), grade, words, "response") for grade, beyond in by_rising_level(rule)
        ]

    answered = Passing(Ending.SETTLED, "The ticket was answered or resolved.")
    return aged(ordered, states_of(ordered), reached, passed=answered)


def nps(rule: Rule, ordered: Sequence[Observation], _: Account) -> Iterator[Moment]:
    """An answer to an NPS survey at or beyond a level."""
    for seen, state in zip(ordered, states_of(ordered), strict=True):
        score = state.get("score")
        grade = rule.graded(score) if state.get("kind") == "nps" and score is not None else None
        words = {"score": str(score), "answered_on": day(seen.at)}
        yield Moment(seen.at, seen.subject, seen.event_id, grade, words if grade else {})


def champion_left(_: Rule, ordered: Sequence[Observation], __: Account) -> Iterator[Moment]:
    """Somebody who mattered left the customer: champion, sponsor or economic buyer."""
    for seen, state in zip(ordered, states_of(ordered), strict=True):
        role = state.get("role")
        has_left = state.get("status") == "left" and role in {"champion", "sponsor", "economic_buyer"}
        words = {"role": str(role).replace("_", " "), "left_on": day(seen.at)}
        yield Moment(seen.at, seen.event_id, seen.event_id, str(role) if has_left else None, words if has_left else {})


def invoice_overdue(rule: Rule, ordered: Sequence[Observation], account: Account) -> Iterator[Moment]:
    """An invoice was not paid so many days after it was due; the days are those of the account's zone."""

    def reached(state: State) -> Sequence[Reach]:
        due = civil(state.get("due_on"))
        if due is None or state.get("paid_on") or state.get("state") in {"paid", "cancelled"}:
            return ()
        return overdue(rule, due, account, {"invoice": thing(ordered).id})

    settled = Passing(Ending.SETTLED, "The invoice was paid or cancelled.")
    return aged(ordered, states_of(ordered), reached, passed=settled)


def feedback_untold(rule: Rule, ordered: Sequence[Observation], _: Account) -> Iterator[Moment]:
    """Feedback has an outcome, and so many days later the customer had not been told."""
    outcome_at: datetime | None = None
    told_before: object = None
    states: list[State] = []
    for seen, state in zip(ordered, states_of(ordered), strict=True):
        has_outcome = state.get("state") in rule.when["states"]
        if not has_outcome:
            outcome_at, told_before = None, state.get("customer_told_at")
        elif outcome_at is None:
            outcome_at = seen.at
        told = state.get("customer_told_at")
        is_told = told is not None and told != told_before
        states.append({**state, "outcome_at": None if is_told else outcome_at})

    def reached(state: State) -> Sequence[Reach]:
        since = state["outcome_at"]
        if since is None:
            return ()
        words = {
            "feedback": thing(ordered).id,
            "outcome": str(state["state"]).replace("_", " "),
            "since_on": day(since),
        }
        return [
            Reach(since + days * DAY, grade, {**words, "days": figure(days)}, since.isoformat())
            for grade, days in by_rising_level(rule)
        ]

    return aged(ordered, states, reached, passed=Passing(Ending.SETTLED, "The customer was told."))


def entitlement_used(rule: Rule, ordered: Sequence[Observation], _: Account) -> Iterator[Moment]:
    """So many percent of what was bought is used."""
    metric = thing(ordered).id
    if rule.when.get("metric") not in {None, metric}:
        return
    for seen, state in zip(ordered, states_of(ordered), strict=True):
        bought, used = state.get("bought"), state.get("used")
        if not bought or used is None:
            yield Moment(seen.at, seen.event_id, seen.event_id)
            continue
        percent = 100 * used / bought
        grade = rule.graded(percent)
        words = {"metric": metric, "used": figure(used), "bought": figure(bought), "percent": str(int(percent))}
        yield Moment(seen.at, seen.event_id, seen.event_id, grade, words if grade else {})


def overdue(rule: Rule, due: date, account: Account, words: dict[str, str]) -> Sequence[Reach]:
    """The levels of days overdue. A thing due on a day is one day overdue as the next day begins in the zone."""
    zone = zone_of(account)
    return [
        Reach(
            start_of_day(due + timedelta(days=int(days)), zone),
            grade,
            {**words, "due_on": due.isoformat(), "days": figure(days)},
            due.isoformat(),
        )
        for grade, days in by_rising_level(rule)
    ]


def by_rising_level(rule: Rule) -> Sequence[tuple[str, float]]:
    """(grade, level), the mildest first."""
    return [(grade, rule.levels[grade]) for grade in rule.grades]


def zone_of(account: Account) -> ZoneInfo:
    """The account's zone; UTC where none is known, or none of that name."""
    try:
        return ZoneInfo(account.zone or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def thing(ordered: Sequence[Observation]) -> Stated:
    """The thing that facts are about."""
    fact = ordered[0].fact
    assert isinstance(fact, Stated)  # noqa: S101 - the subject says so
    return fact


def instant(stated: object) -> datetime | None:
    """An instant of JSON."""
    return datetime.fromisoformat(stated).astimezone(UTC) if isinstance(stated, str) else None


def civil(stated: object) -> date | None:
    """A day of JSON."""
    return date.fromisoformat(stated) if isinstance(stated, str) else None


def day(at: datetime) -> str:
    """The day of an instant, in UTC."""
    return at.date().isoformat()


def _ticket_words(ordered: Sequence[Observation], opened: datetime, unit: str, count: float) -> dict[str, str]:
    return {"ticket": thing(ordered).id, unit: figure(count), "opened_on": day(opened)}


def _resolved(what: str) -> Passing:
    return Passing(Ending.SETTLED, f"The {what} was resolved.")
