"""Episodes: from when to when a rule's condition held, read off everything observed about one subject.

The whole history of the subject is folded each time, in the order of the facts. So neither the order in which records
arrive nor their repetition changes what comes out, and every episode keeps its id.

A band event that names the band before it (`previous`) speaks for itself: it is a worsening or it is not, whatever
else has arrived. Only after `unknown` is the last known band looked up in the history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid5

from alerts.domain.observations import (
    BandEntered,
    BecameActive,
    Observation,
    Phrase,
    TermClosed,
    WentSilent,
    WindowOpened,
)
from alerts.domain.rules import Kind, Rule, Rulebook
from alerts.domain.words import Band, Severity

ALERTS = UUID("6f2b1f0e-2f5a-5d0b-9f57-3f0a1c9d7b11")
"""The namespace of alert ids: the same episode has the same id wherever and whenever it is worked out."""


class Ending(StrEnum):
    """How a condition passed."""

    RECOVERED = "recovered"
    SUPERSEDED = "superseded"
    ACTIVE_AGAIN = "active-again"
    RENEWED = "renewed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class End:
    """The end of an episode, and the sentence that says so."""

    at: datetime
    how: Ending
    reason: str


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of time in which a rule's condition held.

    `grade` and `identity` are what makes it this alert and no other; `opened_by` is the event that began it; `seen_at`
    the last time the same thing was said again. `words` fill the rule's sentences;
    `said` is the word `why` for other languages than English.
    """

    alert_id: str
    account_id: str
    subject: str
    rule: Rule
    grade: str
    opened_at: datetime
    opened_by: str
    words: Mapping[str, str]
    seen_at: datetime
    end: End | None = None
    said: tuple[Phrase, ...] = ()

    @property
    def severity(self) -> Severity:
        """The severity that the rule gives to this grade."""
        return self.rule.severity[self.grade]

    @property
    def identity(self) -> str:
        """Rule, account, and severity band or term: a worsening is another identity, and so another alert."""
        return "/".join((self.rule.id, self.account_id, *_distinction(self.subject, self.grade)))

    def ended(self, at: datetime, how: Ending, reason: str) -> "Episode":
        """The same episode, over."""
        return replace(self, end=End(at, how, reason))


def episodes(rulebook: Rulebook, history: Sequence[Observation]) -> tuple[Episode, ...]:
    """The episodes in everything observed about one subject of one account, oldest first."""
    ordered = sorted(history, key=lambda observation: observation.order)
    if not ordered:
        return ()
    match ordered[0].fact:
        case BandEntered():
            kind, fold = Kind.BAND_WORSENED, _band_episodes
        case WentSilent() | BecameActive():
            kind, fold = Kind.SILENT, _silences
        case WindowOpened() | TermClosed():
            kind, fold = Kind.RENEWAL_WINDOW, _renewal_windows
    rule = rulebook.get(kind)
    return tuple(fold(rule, ordered)) if rule else ()


def _band_episodes(rule: Rule, ordered: Sequence[Observation]) -> list[Episode]:
    found: list[Episode] = []
    current: Band | None = None
    for seen in ordered:
        fact = seen.fact
        if not isinstance(fact, BandEntered):
            continue
        before = fact.previous if fact.previous is not None and fact.previous.is_known else current
        if found and found[-1].end is None:
            last = found[-1]
            if fact.band.value == last.grade:
                found[-1] = replace(last, seen_at=seen.at)  # the same thing again
                continue
            if before is not None and before.value != last.grade:
                # the event knows of a band in between that has not arrived (yet): the condition passed all the same
                found[-1] = _band_passed(last, before, seen.at)
            elif fact.band.is_known:
                found[-1] = _band_passed(last, fact.band, seen.at)
        if fact.band.is_known:
            if before is not None and fact.band.is_worse_than(before):
                words = {
                    "band": fact.band.value,
                    "previous": before.value,
                    "score": "no score" if fact.score is None else str(fact.score),
                    "why": fact.reason,
                    "since": _day(seen.at.date()),
                }
                found.append(replace(_episode(rule, seen, fact.band.value, words), said=fact.said))
            current = fact.band
        elif before is not None:
            current = before
    return found


def _band_passed(episode: Episode, band: Band, at: datetime) -> Episode:
    if band.is_worse_than(Band(episode.grade)):
        return episode.ended(at, Ending.SUPERSEDED, f"It got worse: the account fell on to {band.value}.")
    return episode.ended(at, Ending.RECOVERED, f"The account recovered from {episode.grade} to {band.value}.")


def _silences(rule: Rule, ordered: Sequence[Observation]) -> list[Episode]:
    found: list[Episode] = []
    for seen in ordered:
        is_silent = bool(found) and found[-1].end is None
        match seen.fact:
            case WentSilent(last_activity_on, _) if is_silent and found[-1].words["last_activity_on"] == _day(
                last_activity_on
            ):
                found[-1] = replace(found[-1], seen_at=seen.at)
            case WentSilent(last_activity_on, habit_days):
                if is_silent:  # another last activity: it was active in between, and that record has not arrived (yet)
                    found[-1] = found[-1].ended(seen.at, Ending.ACTIVE_AGAIN, _active_again(last_activity_on))
                words = {"last_activity_on": _day(last_activity_on), "habit_days": str(habit_days)}
                found.append(_episode(rule, seen, "silent", words))
            case BecameActive(last_activity_on) if is_silent:
                found[-1] = found[-1].ended(seen.at, Ending.ACTIVE_AGAIN, _active_again(last_activity_on))
            case _:
                pass
    return found


def _active_again(day: date) -> str:
    return f"The account is active again, since {_day(day)}."


def _renewal_windows(rule: Rule, ordered: Sequence[Observation]) -> list[Episode]:
    """One window a term; a term that closed needs nobody's attention, whichever of the two was heard first."""
    openings = [seen for seen in ordered if isinstance(seen.fact, WindowOpened)]
    closings = [seen for seen in ordered if isinstance(seen.fact, TermClosed)]
    if not openings:
        return []
    opening, fact = openings[0], openings[0].fact
    assert isinstance(fact, WindowOpened)  # noqa: S101 - selected by that type four lines above
    band = fact.band or Band.UNKNOWN
    words = {
        "contract": fact.contract_id,
        "amount": f"{fact.amount.amount:,.2f} {fact.amount.currency}",
        "seats": "no stated number of seats" if fact.seats is None else f"{fact.seats} seats",
        "ends_before": _day(fact.ends_before),
        "health": "unknown"
        if not band.is_known
        else band.value
        if fact.score is None
        else f"{band.value} ({fact.score})",
    }
    episode = replace(_episode(rule, opening, band.value, words), seen_at=openings[-1].at)
    for closing in closings:
        close = closing.fact
        if isinstance(close, TermClosed):
            how = Ending.RENEWED if close.renewed else Ending.ENDED
            return [episode.ended(closing.at, how, close.reason)]
    return [episode]


def _episode(rule: Rule, seen: Observation, grade: str, words: Mapping[str, str]) -> Episode:
    # A term has one window, so its alert is named by the term; a band and a silence come again, so by their event.
    name = seen.subject if rule.kind is Kind.RENEWAL_WINDOW else seen.event_id
    return Episode(
        alert_id=str(uuid5(ALERTS, f"{rule.id}\n{seen.account_id}\n{name}")),
        account_id=seen.account_id,
        subject=seen.subject,
        rule=rule,
        grade=grade,
        opened_at=seen.at,
        opened_by=seen.event_id,
        words=words,
        seen_at=seen.at,
    )


def _distinction(subject: str, grade: str) -> tuple[str, ...]:
    return (subject,) if subject.startswith("term:") else (grade,)


def _day(day: date) -> str:
    return day.isoformat()
