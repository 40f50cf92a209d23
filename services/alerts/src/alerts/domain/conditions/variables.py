"""The variables of conditions in CEL: flat names, what each means, and their values at any instant of the past.

Flat, because of `health.score` only the root could be checked when a rule is saved.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from alerts.domain.accounts import Account
from alerts.domain.conditions.things import zone_of
from alerts.domain.moments import Moment
from alerts.domain.observations import (
    ACTIVITY,
    BAND,
    MEASURES,
    SCORE,
    STAGE,
    TOUCHES,
    BandEntered,
    BecameActive,
    MeasuresRead,
    Observation,
    ScoreMoved,
    StageEntered,
    Stated,
    TermClosed,
    WentSilent,
    WindowOpened,
)
from alerts.domain.rules import Rule
from mainstay.kernel.clock import day_of, start_of_day

MEASURE = "measure_"
"""Begins the variable of a metric's value: `measure_seat_utilisation`."""
MOST_DAYS = 400
"""A condition over time is looked at each midnight, so far back."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: an example of its value, what it means, and the subjects that facts about it have.

    `moves`: it changes as time goes by, so it is looked at again each midnight.
    """

    example: Any
    means: str
    subjects: tuple[str, ...] = ()
    moves: bool = False


ANY = ("",)
_AN_INSTANT = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
_HEALTH = (SCORE, BAND)
_TERMS = ("term:",)

VARIABLES: Mapping[str, Variable] = {
    "account_id": Variable("acme", "the account's id"),
    "account_name": Variable("Acme", "its name"),
    "account_owner": Variable("ann@example.com", "its owner"),
    "account_tier": Variable("gold", "its tier"),
    "account_stage": Variable("growth", "the stage of its life", (STAGE,)),
    "account_segment": Variable("enterprise", "its segment"),
    "account_industry": Variable("retail", "its industry"),
    "account_arr": Variable(12000.0, "its ARR, where that is in one currency"),
    "account_currency": Variable("EUR", "the currency of its ARR, where that is one"),
    "account_seats": Variable(40, "the seats it bought"),
    "days_to_renewal": Variable(90, "days until the first day after its next term that ends", moves=True),
    "health_score": Variable(41, "its score, 0 to 100", _HEALTH),
    "health_band": Variable("red", "its band: red, yellow, green or unknown", _HEALTH),
    "previous_score": Variable(60, "the score before the present one", (SCORE,)),
    "previous_band": Variable("yellow", "the band before the present one", (BAND,)),
    "is_silent": Variable(example=False, means="whether it is silent for longer than its habit", subjects=(ACTIVITY,)),
    "open_tickets": Variable(3, "its tickets that are not resolved", ("ticket:",)),
    "open_urgent_tickets": Variable(1, "those of them of urgent priority", ("ticket:",)),
    "last_nps": Variable(6, "the NPS score given last", ("survey:",)),
    "days_since_touch": Variable(30, "days since somebody touched it", (TOUCHES,), moves=True),
    "contract_window_open": Variable(example=False, means="whether a renewal window is open", subjects=_TERMS),
    "contract_amount": Variable(12000.0, "the amount of the term whose renewal window is open", _TERMS),
    "contract_days_left": Variable(60, "days until that term is over", _TERMS, moves=True),
    "event_kind": Variable("stated", "what kind of fact came last", ANY),
    "event_subject": Variable("ticket:T-1", "what the fact that came last is about", ANY),
    "event_at": Variable(_AN_INSTANT, "when the fact that came last became true", ANY),
    "now": Variable(_AN_INSTANT, "the instant at which the condition is looked at", moves=True),
}


def measure(metric: str) -> str:
    """The variable of a metric's value: what is no letter or digit of its code is an underscore."""
    return MEASURE + "".join(each if each.isalnum() else "_" for each in metric)


def meaning(name: str) -> Variable | None:
    """What a variable is; None for one that there is not."""
    if name.startswith(MEASURE) and len(name) > len(MEASURE):
        return Variable(0.5, "the value of a metric", (MEASURES,))
    return VARIABLES.get(name)


def concerns(names: Iterable[str], subject: str) -> bool:
    """Whether facts about a subject change any of the variables."""
    return any(
        subject.startswith(one) if one.endswith(":") or not one else subject == one
        for name in names
        if (variable := meaning(name)) is not None
        for one in variable.subjects
    )


def cel(
    rules: Sequence[Rule], ordered: Sequence[Observation], account: Account, now: datetime
) -> Mapping[str, Sequence[Moment]]:
    """For each rule, by its id: from when on which grade is the worst whose condition is true.

    A rule is looked at with each fact that concerns it and, where time moves a variable, at each midnight in the
    account's zone. All rules at once, because what is known of the account at an instant is the same for all.
    """
    watched = [_Watched(rule, ordered, account, now) for rule in rules]
    concerned: dict[str, Sequence[_Watched]] = {}
    state = _State(account)
    for at, seen in _instants(watched, ordered, account, now):
        if seen is None:
            asked: Sequence[_Watched] = [one for one in watched if one.since is not None and one.since <= at]
        else:
            state.take(seen)
            if seen.subject not in concerned:
                concerned[seen.subject] = [one for one in watched if concerns(one.rule.variables, seen.subject)]
            asked = concerned[seen.subject]
        values = state.at(at) if asked else {}
        for one in asked:
            one.look(at, seen, values)
    for one in watched:
        if one.is_timeless:
            one.look(now, None, state.at(now))
    return {one.rule.id: one.moments for one in watched}


def next_look(rule: Rule, account: Account, now: datetime) -> datetime | None:
    """When the rule is to be looked at again, though no fact comes."""
    if not _moves(rule):
        return None
    zone = zone_of(account)
    return start_of_day(day_of(now, zone) + timedelta(days=1), zone)


def _moves(rule: Rule) -> bool:
    return any(variable.moves for name in rule.variables if (variable := meaning(name)) is not None)


class _Watched:
    """A rule whose conditions are followed through an account's facts.

    `since` is the first midnight at which it is looked at, None where time moves none of its variables. `is_timeless`:
    neither facts nor time concern it, only the account's record.
    """

    __slots__ = ("_holds", "is_timeless", "moments", "rule", "since")

    def __init__(self, rule: Rule, ordered: Sequence[Observation], account: Account, now: datetime) -> None:
        self.rule = rule
        self.moments: list[Moment] = []
        self._holds: str | None = None
        first = next((seen for seen in ordered if concerns(rule.variables, seen.subject)), None)
        moves = _moves(rule)
        self.is_timeless = first is None and not moves
        self.since: datetime | None = None
        if moves:
            zone = zone_of(account)
            today = day_of(now, zone)
            day = today if first is None else max(day_of(first.at, zone), today - timedelta(days=MOST_DAYS))
            self.since = start_of_day(day, zone)

    def look(self, at: datetime, seen: Observation | None, values: Mapping[str, Any]) -> None:
        rule = self.rule
        grade = next((grade for grade in reversed(rule.grades) if rule.conditions[grade].holds(values)), None)
        name = seen.event_id if seen else f"account {at.isoformat()}"
        if grade is not None and grade != self._holds:
            words = {"condition": rule.conditions[grade].text, "since_on": at.date().isoformat()}
            self.moments.append(Moment(at, name, name, grade, words))
        elif grade is None and self._holds is not None:
            self.moments.append(Moment(at, name, name))
        self._holds = grade


def _instants(
    watched: Sequence[_Watched], ordered: Sequence[Observation], account: Account, now: datetime
) -> Iterator[tuple[datetime, Observation | None]]:
    """The facts, and the midnights (None) at which a rule is looked at: a fact before a midnight of its instant."""
    midnights = iter(_midnights(watched, account, now))
    midnight = next(midnights, None)
    for seen in ordered:
        while midnight is not None and midnight < seen.at:
            yield midnight, None
            midnight = next(midnights, None)
        yield seen.at, seen
    while midnight is not None and midnight <= now:
        yield midnight, None
        midnight = next(midnights, None)


def _midnights(watched: Sequence[_Watched], account: Account, now: datetime) -> Iterator[datetime]:
    since = min((one.since for one in watched if one.since is not None), default=None)
    if since is None:
        return
    zone = zone_of(account)
    first, today = day_of(since, zone), day_of(now, zone)
    for days in range((today - first).days + 1):
        yield start_of_day(first + timedelta(days=days), zone)


def values_at(history: Sequence[Observation], account: Account, now: datetime) -> Mapping[str, Any]:
    """The variables of an account at an instant; `history` is everything observed about it."""
    state = _State(account)
    for seen in sorted(history, key=lambda one: one.order):
        if seen.at <= now:
            state.take(seen)
    return state.at(now)


class _State:
    """What is known of an account as its facts are taken in, one after the other."""

    def __init__(self, account: Account) -> None:
        self._zone = zone_of(account)
        self._renewal_on = account.next_renewal_on
        one_currency = len(account.arr) == 1
        self._values: dict[str, Any] = {
            **dict.fromkeys(VARIABLES),
            "account_id": account.id,
            "account_name": account.name,
            "account_owner": account.owner,
            "account_tier": account.tier,
            "account_stage": account.stage,
            "account_segment": account.segment,
            "account_industry": account.industry,
            "account_arr": float(account.arr[0].amount) if one_currency else None,
            "account_currency": account.arr[0].currency if one_currency else None,
            "account_seats": account.seats,
            "is_silent": False,
            "open_tickets": 0,
            "open_urgent_tickets": 0,
            "contract_window_open": False,
        }
        self._tickets: dict[str, dict[str, Any]] = {}
        self._touched_at: datetime | None = None
        self._windows: dict[str, WindowOpened] = {}
        self._closed: set[str] = set()

    def take(self, seen: Observation) -> None:
        """Take in a fact."""
        values, fact = self._values, seen.fact
        values |= {"event_kind": _kind_of(type(fact).__name__), "event_subject": seen.subject, "event_at": seen.at}
        match fact:
            case ScoreMoved(score, previous, band):
                values |= {"health_score": score, "previous_score": previous, "health_band": band.value}
            case BandEntered(band, previous, score):
                values |= {"health_band": band.value, "previous_band": previous.value if previous else None}
                values["health_score"] = score
            case MeasuresRead(measures):
                values |= {measure(name): value for name, value in measures.items()}
            case WentSilent() | BecameActive():
                values["is_silent"] = isinstance(fact, WentSilent)
            case StageEntered(stage):
                values["account_stage"] = stage
            case WindowOpened():
                self._windows[fact.term_id] = fact
            case TermClosed():
                self._closed.add(fact.term_id)
            case Stated():
                self._take_stated(seen, fact)
            case _:
                pass

    def _take_stated(self, seen: Observation, fact: Stated) -> None:
        values = self._values
        match fact.thing:
            case "ticket":
                self._tickets.setdefault(fact.id, {}).update(fact.fields)
                unresolved = [each for each in self._tickets.values() if not each.get("resolved_at")]
                values["open_tickets"] = len(unresolved)
                values["open_urgent_tickets"] = sum(each.get("priority") == "urgent" for each in unresolved)
            case "survey" if fact.fields.get("kind") == "nps":
                values["last_nps"] = fact.fields.get("score")
            case "touch" if fact.fields.get("result") in {"held", None} and not fact.fields.get("is_internal"):
                self._touched_at = max(seen.at, self._touched_at or seen.at)
            case _:
                pass

    def at(self, at: datetime) -> Mapping[str, Any]:
        """The variables at an instant."""
        today = day_of(at, self._zone)
        open_terms = [fact for term, fact in self._windows.items() if term not in self._closed]
        term = min(open_terms, key=lambda fact: fact.ends_before, default=None)
        return {
            **self._values,
            "now": at,
            "days_to_renewal": _days(today, self._renewal_on),
            "days_since_touch": (today - day_of(self._touched_at, self._zone)).days if self._touched_at else None,
            "contract_window_open": term is not None,
            "contract_amount": float(term.amount.amount) if term else None,
            "contract_days_left": _days(today, term.ends_before) if term else None,
        }


def _days(today: date, until: date | None) -> int | None:
    return None if until is None else (until - today).days


@cache
def _kind_of(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


__all__ = ["MEASURE", "VARIABLES", "Variable", "cel", "concerns", "meaning", "measure", "next_look", "values_at"]
