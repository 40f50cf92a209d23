"""What alerts reads from the log: translation of events into the words of the domain, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts.application.erasure import Asked, ObeyErasures
from alerts.application.watching import Heard, KeepAccounts, Watch
from alerts.domain.accounts import SOURCE, Account, Assignment
from alerts.domain.conditions.terms import DAY_SECONDS
from alerts.domain.observations import (
    BandEntered,
    BecameActive,
    Fact,
    MeasuresRead,
    MeasureWentStale,
    MetricDeviated,
    MilestoneMissed,
    Observation,
    Phrase,
    RenewalRisk,
    ScoreMoved,
    SourceQuiet,
    StageEntered,
    StageOverdue,
    Stated,
    TermClosed,
    TermMilestone,
    WentSilent,
    WindowOpened,
)
from alerts.domain.words import Band
from alerts.signals import stated
from mainstay.contracts import health_score as health
from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.facts import FACTS
from mainstay.contracts.privacy import ErasureRequested, SuppressionLifted
from mainstay.contracts.renewals import (
    HealthAtOpening,
    MilestoneReached,
    RenewalRiskChanged,
    RenewalWindowOpened,
    TermEnded,
    TermRenewed,
)
from mainstay.contracts.sources import SourceActiveAgain, SourceSilent
from mainstay.contracts.topics import (
    ACCOUNT_EVENTS,
    CUSTOMER_SIGNALS,
    HEALTH_EVENTS,
    PRIVACY_REQUESTS,
    RENEWAL_EVENTS,
    SOURCE_EVENTS,
)
from mainstay.kernel.money import Money
from mainstay.messaging.consuming import Subscription
from mainstay.messaging.port import Record

GROUP = "alerts"
SHARES = frozenset({"share", "trend"})
"""The units of metrics that people read in percent."""

_health = Decoder(*(event for event in health.EVENTS if event is not health.AccountChanged))
_renewals = Decoder(RenewalWindowOpened, MilestoneReached, RenewalRiskChanged, TermRenewed, TermEnded)
_accounts = Decoder(health.AccountChanged)
_signals = Decoder(*FACTS)
_sources = Decoder(SourceSilent, SourceActiveAgain)
_erasures = Decoder(ErasureRequested, SuppressionLifted)


def subscriptions(watch: Watch, keep_accounts: KeepAccounts, obey: ObeyErasures) -> tuple[Subscription[Any], ...]:
    """Everything alerts listens to."""
    return (
        Subscription(ACCOUNT_EVENTS, GROUP, decode_account, keep_accounts),
        Subscription(HEALTH_EVENTS, GROUP, decode_health, watch),
        Subscription(RENEWAL_EVENTS, GROUP, decode_renewal, watch),
        Subscription(CUSTOMER_SIGNALS, GROUP, decode_signal, watch),
        Subscription(SOURCE_EVENTS, GROUP, decode_source, watch),
        Subscription(PRIVACY_REQUESTS, GROUP, decode_erasure, obey, up_to=1),
    )


def decode_health(record: Record) -> Heard[Observation] | None:
    """A fact about an account's health; None for an event of another kind. Raises `UnreadableEvent`."""
    event = _health(record)
    if event is None:
        return None
    data, fact = event.data, _health_fact(event.data)
    return _heard(event, Observation(data.account_id, event.id, data.occurred_at, fact))


def decode_renewal(record: Record) -> Heard[Observation] | None:
    """A fact about a term; None for the others. Raises `UnreadableEvent`."""
    event = _renewals(record)
    if event is None:
        return None
    data, fact = event.data, _renewal_fact(event.data)
    return _heard(event, Observation(data.account_id, event.id, data.occurred_at, fact))


def decode_account(record: Record) -> Heard[Account] | None:
    """An account's record. Raises `UnreadableEvent`."""
    event = _accounts(record)
    if event is None:
        return None
    data: health.AccountChanged = event.data
    value = data.value
    account = Account(
        id=data.account_id,
        sequence=data.sequence,
        name=data.name,
        owner=data.owner,
        tier=data.tier,
        zone=data.zone,
        arr=tuple(_money(amount) for amount in value.arr),
        seats=value.seats,
        next_renewal_on=value.next_renewal_on,
        stage=data.stage,
        segment=data.segment,
        industry=data.industry,
        touch_every_days=data.promises.touch_every_days,
        response_within_hours=data.promises.response_within_hours,
        team=tuple(Assignment(each.role, each.person, each.since, each.until) for each in data.team),
    )
    return replace(_heard(event, account), at=data.occurred_at)


def decode_signal(record: Record) -> Heard[Observation] | None:
    """What was stated about a thing that rules watch; None for all else. Raises `UnreadableEvent`."""
    event = _signals(record)
    fact = stated(event.data) if event is not None else None
    if event is None or fact is None:
        return None
    return _heard(event, Observation(event.data.account_id, event.id, event.data.occurred_at, fact))


def decode_source(record: Record) -> Heard[Observation] | None:
    """A source fell silent, or sends again. It feeds many accounts, so it stands for itself: as `source:<id>`."""
    event = _sources(record)
    if event is None:
        return None
    data = event.data
    quiet = isinstance(data, SourceSilent)
    at = data.last_seen + timedelta(seconds=data.quiet_seconds) if quiet else data.last_seen
    fact = SourceQuiet(data.source_id, quiet, data.last_seen)
    return _heard(event, Observation(f"{SOURCE}{data.source_id}", event.id, max(at, event.time), fact))


def decode_erasure(record: Record) -> Heard[Asked] | None:
    """Who is to be erased, or comes back. Raises `UnreadableEvent`."""
    event = _erasures(record)
    return None if event is None else _heard(event, event.data)


def _health_fact(data: Any) -> Fact:
    match data:
        case health.StageChanged() | health.StageOverdue():
            return _stage_fact(data)
        case health.BandChanged():
            previous = Band(data.previous_band) if data.previous_band is not None else None
            said = tuple(Phrase(phrase.key, phrase.params) for phrase in data.phrases)
            return BandEntered(Band(data.band), previous, data.score, data.reason, said)
        case health.ScoreChanged():
            return ScoreMoved(data.score, data.previous_score, Band(data.band))
        case health.MeasuresChanged():
            values = {each.metric: each.value for each in data.measures}
            shares = tuple(each.metric for each in data.measures if each.unit in SHARES)
            return MeasuresRead(values, shares)
        case health.MetricDeviated():
            return MetricDeviated(data.metric, data.day, data.value, data.expected, data.deviation)
        case health.MeasureStale():
            return MeasureWentStale(data.measure, data.last_seen_on, data.fresh_for_days)
        case health.AccountSilent():
            return WentSilent(data.last_activity_on, data.habit_days)
        case health.AccountActiveAgain():
            return BecameActive(data.last_activity_on)
        case _:
            raise TypeError(f"{type(data).__name__} is no event about health")


def _stage_fact(data: health.StageChanged | health.StageOverdue) -> Fact:
    if isinstance(data, health.StageChanged):
        return StageEntered(data.stage, data.previous_stage)
    if data.milestone is not None:
        return MilestoneMissed(data.milestone, data.due_on)
    return StageOverdue(data.stage or "", data.due_on)


def _renewal_fact(
    data: RenewalWindowOpened | MilestoneReached | RenewalRiskChanged | TermRenewed | TermEnded,
) -> Fact:
    match data:
        case RenewalWindowOpened():
            return WindowOpened(
                contract_id=data.contract_id,
                term_id=data.term_id,
                ends_before=data.ends_before,
                amount=_money(data.amount),
                seats=data.seats,
                band=_band(data.health),
                score=_score(data.health),
                superseded=data.superseded,
                late_by_seconds=data.late_by_seconds,
            )
        case MilestoneReached(milestone="notice_deadline", superseded=False) if data.late_by_seconds < DAY_SECONDS:
            # The same thing that a contract's facts say, by the same name: whoever was told of it is not told again.
            last_day = (data.ends_before - timedelta(days=1)).isoformat()
            counted = {"counted_on": data.on.isoformat(), "counted_for": last_day, "ends_on": last_day}
            late = {"counted_late": data.late_by_seconds}
            return Stated("contract", data.external_id or data.contract_id, {**counted, **late})
        case MilestoneReached():
            return TermMilestone(
                contract_id=data.external_id or data.contract_id,  # people know it by the name that the CRM has
                term_id=data.term_id,
                milestone=data.milestone,
                on=data.on,
                ends_before=data.ends_before,
                amount=_money(data.amount),
                band=_band(data.health),
                score=_score(data.health),
                superseded=data.superseded,
                late_by_seconds=data.late_by_seconds,
            )
        case RenewalRiskChanged():
            return RenewalRisk(
                contract_id=data.contract_id,
                term_id=data.term_id,
                risk=data.risk,
                ends_before=data.ends_before,
                amount=_money(data.amount),
                band=_band(data.health),
                score=_score(data.health),
            )
        case TermRenewed():
            return TermClosed(data.contract_id, data.term_id, renewed=True, reason="The term was renewed.")
        case TermEnded():
            return TermClosed(data.contract_id, data.term_id, renewed=False, reason=f"The term ended: {data.reason}.")


def _band(health: HealthAtOpening | None) -> Band | None:
    return Band(health.band) if health else None


def _score(health: HealthAtOpening | None) -> int | None:
    return health.score if health else None


def _heard(event: Event[Any], what: Any) -> Heard[Any]:
    return Heard(event.source, event.id, what, event.traceparent)


def _money(amount: MoneyData) -> Money:
    return Money(amount.amount, amount.currency)
