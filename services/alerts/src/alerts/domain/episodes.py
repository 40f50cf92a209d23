"""Episodes: from when to when a rule's condition held, read off everything observed about one subject.

The history of the subject is folded each time, in the order of the facts, from a horizon on before which all is
settled. So neither the order in which records arrive nor their repetition changes what comes out, and every episode
keeps its id.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from alerts.domain.accounts import Account
from alerts.domain.conditions import dates, health, terms, things, variables
from alerts.domain.holding import Held, Stage, hold
from alerts.domain.horizon import ALWAYS_READ, Horizon, Spell, horizon, looks_back
from alerts.domain.kinds import Kind
from alerts.domain.moments import Ending, Moment, lasting
from alerts.domain.observations import Observation, Phrase
from alerts.domain.rules import Rule, Rulebook
from alerts.domain.words import Severity

ALERTS = UUID("6f2b1f0e-2f5a-5d0b-9f57-3f0a1c9d7b11")
"""The namespace of alert ids: the same episode has the same id wherever and whenever it is worked out."""

ACCOUNT = "account"
"""The subject of alerts whose condition is over all that is known of an account."""


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
        """Rule, account, thing, and severity band: a worsening is another identity, and so another alert.

        A term has one alert, whatever the health in which its window opens.
        """
        parts = [self.rule.id, self.account_id]
        if ":" in self.subject:
            parts.append(self.subject)
        if self.rule.kind is not Kind.RENEWAL_WINDOW:
            parts.append(self.grade)
        return "/".join(parts)


@dataclass(frozen=True, slots=True)
class Look:
    """What stands at an instant: the episodes, oldest first by rule, and when that changes by itself."""

    episodes: tuple[Episode, ...] = ()
    again_at: datetime | None = None
    horizon: Horizon | None = None
    """From where on the next look has to read; None: nothing was observed."""


Reading = Callable[[Rule, Sequence[Observation], Account], Iterable[Moment]]

READINGS: Mapping[Kind, Reading] = {
    Kind.BAND_WORSENED: health.band_worsened,
    Kind.SCORE_DROP: health.score_drop,
    Kind.METRIC_THRESHOLD: health.metric_threshold,
    Kind.METRIC_DEVIATED: health.metric_deviated,
    Kind.SILENT: health.silent,
    Kind.TICKET_URGENT: things.ticket_urgent,
    Kind.TICKET_AGEING: things.ticket_ageing,
    Kind.RESPONSE_MISSED: things.response_missed,
    Kind.NPS_DETRACTOR: things.nps,
    Kind.NPS_PROMOTER: things.nps,
    Kind.CHAMPION_LEFT: things.champion_left,
    Kind.INVOICE_OVERDUE: things.invoice_overdue,
    Kind.TOUCH_OVERDUE: dates.touch_overdue,
    Kind.STAGE_OVERDUE: dates.stage_overdue,
    Kind.MILESTONE_OVERDUE: dates.milestone_overdue,
    Kind.NEXT_STEP_OVERDUE: dates.next_step_overdue,
    Kind.FEEDBACK_UNTOLD: things.feedback_untold,
    Kind.RENEWAL_WINDOW: terms.renewal_window,
    Kind.RENEWAL_MILESTONE: terms.renewal_milestone,
    Kind.RENEWAL_AT_RISK: terms.renewal_at_risk,
    Kind.NOTICE_DEADLINE: dates.notice_deadline,
    Kind.ENTITLEMENT_USED: things.entitlement_used,
    Kind.MEASURE_STALE: health.measure_stale,
    Kind.SOURCE_SILENT: health.source_silent,
}
"""What each kind makes of facts; `cel` also needs the present instant."""


def look(
    rulebook: Rulebook,
    history: Sequence[Observation],
    account: Account,
    now: datetime,
    *,
    settled: datetime | None = None,
    always: timedelta = ALWAYS_READ,
) -> Look:
    """The episodes in what was observed about one subject of an account, as they stand at `now`.

    `settled`: the `opens_from` of the horizon from which the history was read; what ended before is left out. `always`:
    how far back the next look reads in any case.
    """
    ordered = _in_order(history)
    if not ordered:
        return Look()
    subject = ordered[0].subject
    now = max(now, ordered[-1].at)  # what was told is true, though the teller's clock is ahead of this one
    rules = rulebook.watching(subject)
    looks = [_held(rule, READINGS[rule.kind](rule, ordered, account), account.id, subject, now) for rule in rules]
    return _together(looks, rules, now, settled, always)


def look_at_account(rulebook: Rulebook, history: Sequence[Observation], account: Account, now: datetime) -> Look:
    """The episodes of conditions over an account's variables; `history` is everything observed about it."""
    ordered = _in_order(history)
    now = max(now, ordered[-1].at) if ordered else now
    moments = variables.cel(rulebook.on_variables, ordered, account, now)
    looks = [_held(rule, moments[rule.id], account.id, ACCOUNT, now) for rule in rulebook.on_variables]
    looks += [Look(again_at=variables.next_look(rule, account, now)) for rule in rulebook.on_variables]
    return _together(looks, rulebook.on_variables, now, None, ALWAYS_READ)


def _together(
    looks: Sequence[Look], rules: Sequence[Rule], now: datetime, settled: datetime | None, always: timedelta
) -> Look:
    again = [each.again_at for each in looks if each.again_at is not None]
    episodes = tuple(
        episode
        for each in looks
        for episode in each.episodes
        if settled is None or episode.end is None or max(episode.opened_at, episode.end.at) >= settled
    )
    spells = [Spell(one.opened_at, one.end.at if one.end else None, one.rule.holding.echo) for one in episodes]
    return Look(episodes, min(again, default=None), horizon(spells, looks_back(rules), now, always))


def _held(rule: Rule, moments: Iterable[Moment], account_id: str, subject: str, now: datetime) -> Look:
    held = hold(list(lasting(moments, rule.lasts)), rule.grades, rule.holding, now)
    return Look(tuple(_episodes(rule, held, account_id, subject)), held.again_at)


def _episodes(rule: Rule, held: Held, account_id: str, subject: str) -> Iterable[Episode]:
    taken: set[str] = set()
    for stage in held.stages:
        name = stage.began.name if stage.began.name not in taken else f"{stage.began.name}\n{stage.began.event_id}"
        if name in taken:
            name = f"{name}\n{stage.grade} {stage.opened_at.isoformat()}"
        taken.add(name)
        yield Episode(
            alert_id=str(uuid5(ALERTS, f"{rule.id}\n{account_id}\n{name}")),
            account_id=account_id,
            subject=subject,
            rule=rule,
            grade=stage.grade,
            opened_at=stage.opened_at,
            opened_by=stage.began.event_id,
            words=stage.shown.words,
            seen_at=stage.seen_at,
            end=_end(stage),
            said=stage.shown.said,
        )


def _end(stage: Stage) -> End | None:
    if stage.ended_at is None or stage.passed is None:
        return None
    return End(stage.ended_at, stage.passed.how, stage.passed.reason)


def _in_order(history: Iterable[Observation]) -> Sequence[Observation]:
    unique = {(seen.subject, *seen.order): seen for seen in history}
    return sorted(unique.values(), key=lambda seen: (*seen.order, seen.subject))
