"""The words in which changes are published: domain changes become the events of the contract."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from health_score.domain.account import MOST_CAUSES, Account
from health_score.domain.assessment import (
    Assessment,
    BandEntered,
    CameBack,
    Change,
    FellSilent,
    MeasuresMoved,
    ScoreMoved,
    WentStale,
)
from health_score.domain.rules import RULE
from health_score.domain.scorecard import COVERAGE_UNITS, CardKey
from health_score.domain.stages import MilestoneMissed, StageEntered
from health_score.domain.stages import StageOverdue as Overstayed
from mainstay.contracts.common import MoneyData, PhraseData
from mainstay.contracts.envelope import Event
from mainstay.contracts.health_score import (
    AccountActiveAgain,
    AccountChanged,
    AccountSilent,
    AccountValue,
    BandChanged,
    MeasureChange,
    MeasuresChanged,
    MeasureStale,
    MeasureValue,
    RuleRef,
    ScorecardRef,
    ScoreChanged,
    ServicePromises,
    StageChanged,
    StageOverdue,
    TeamMember,
)
from mainstay.kernel.ids import new_id
from mainstay.language.catalogue import phrases
from mainstay.language.negotiation import Language

SOURCE = "mainstay/health-score"
HealthEvent = (
    ScoreChanged
    | MeasuresChanged
    | BandChanged
    | AccountSilent
    | AccountActiveAgain
    | MeasureStale
    | StageChanged
    | StageOverdue
)

LATE = timedelta(hours=1)
"""What is said longer after it came about is late."""


def announce(
    account: Account, assessment: Assessment, at: datetime, causes: Sequence[str]
) -> Iterable[Event[HealthEvent]]:
    """The events that say what changed; `causes` are the ids of the events behind it, oldest first."""
    caused_by = tuple(causes[:MOST_CAUSES])
    card = assessment.selected.scorer.key
    for change in assessment.changes:
        yield Event(new_id(at), SOURCE, change.occurred_at, _said(account, change, card, caused_by, at))


def _said(account: Account, change: Change, card: CardKey, caused_by: tuple[str, ...], at: datetime) -> HealthEvent:
    health = account.health
    reference = ScorecardRef(*card)
    match change:
        case ScoreMoved():
            return ScoreChanged(
                account_id=account.id,
                occurred_at=change.occurred_at,
                score=health.score,
                previous_score=change.previous_score,
                band=health.band.value,
                coverage=health.coverage / COVERAGE_UNITS,
                scorecard=reference,
                changes=tuple(MeasureChange(name, before, after) for name, (before, after) in change.changes.items()),
                caused_by=caused_by,
            )
        case MeasuresMoved():
            values = (
                MeasureValue(metric, value, unit and unit.value) for metric, (value, unit) in change.values.items()
            )
            return MeasuresChanged(account.id, change.occurred_at, tuple(values), reference)
        case BandEntered():
            return BandChanged(
                account_id=account.id,
                occurred_at=change.occurred_at,
                band=health.band.value,
                previous_band=change.previous_band.value if change.previous_band else None,
                score=health.score,
                previous_score=change.previous_score,
                coverage=health.coverage / COVERAGE_UNITS,
                scorecard=reference,
                reason=phrases().sentence(change.because, Language.EN),
                caused_by=caused_by,
                phrases=tuple(PhraseData(each.key, dict(each.params)) for each in change.because),
            )
        case FellSilent():
            return AccountSilent(account.id, change.occurred_at, change.last_active, change.habit_days)
        case CameBack():
            return AccountActiveAgain(account.id, change.occurred_at, change.last_active, caused_by)
        case WentStale():
            return MeasureStale(
                account_id=account.id,
                occurred_at=change.occurred_at,
                measure=change.measure,
                metric=change.metric,
                last_seen_on=change.seen_on,
                fresh_for_days=change.fresh_for_days,
                scorecard=reference,
            )
        case StageEntered() | Overstayed() | MilestoneMissed():
            return _said_of_life(account, change, at)


def _said_of_life(
    account: Account, change: StageEntered | Overstayed | MilestoneMissed, at: datetime
) -> StageChanged | StageOverdue:
    is_late = at - change.occurred_at > LATE
    match change:
        case StageEntered(occurred_at, entry):
            by = entry.by
            return StageChanged(
                account_id=account.id,
                occurred_at=occurred_at,
                stage=entry.stage,
                previous_stage=entry.previous,
                entered_at=entry.entered_at,
                how=by.how,
                rule=RuleRef(by.rule or "", by.version or 0) if by.how == RULE else None,
                reason=by.reason,
                person=by.person,
                caused_by=() if entry.event_id is None else (entry.event_id,),
            )
        case Overstayed():
            return StageOverdue(
                account_id=account.id,
                occurred_at=change.occurred_at,
                stage=change.stage,
                due_on=change.due_on,
                entered_at=change.entered_at,
                target_dwell_days=change.target_dwell_days,
                is_late=is_late,
            )
        case MilestoneMissed():
            return StageOverdue(
                account_id=account.id,
                occurred_at=change.occurred_at,
                stage=change.stage,
                due_on=change.planned_on,
                milestone=change.milestone,
                is_late=is_late,
            )


def snapshot(account: Account, at: datetime) -> Event[AccountChanged]:
    """The whole current record of an account, one sequence number further."""
    worth = account.worth
    return Event(
        new_id(at),
        SOURCE,
        at,
        AccountChanged(
            account_id=account.id,
            sequence=account.next_sequence(),
            occurred_at=at,
            name=account.said("name"),
            owner=account.said("owner"),
            tier=account.tier,
            zone=account.said("zone"),
            industry=account.said("industry"),
            segment=account.said("segment"),
            stage=account.derived.stage,
            locale=account.said("locale"),
            currency=account.said("currency"),
            parent_account_id=account.said("parent_account_id"),
            external_ids=account.external_ids,
            team=tuple(TeamMember(each.role, each.person, each.since, each.until) for each in account.team),
            value=AccountValue(
                tuple(MoneyData(money.amount, money.currency) for money in worth.arr),
                worth.seats,
                worth.next_renewal_on,
            ),
            promises=_promises(account),
        ),
    )


def _promises(account: Account) -> ServicePromises:
    """The promises that others keep: a number of hours is for every ticket."""
    touch_every_days, response = account.derived.promises
    hours = response if isinstance(response, Mapping) else {} if response is None else {"any": response}
    return ServicePromises(touch_every_days, dict(hours))
