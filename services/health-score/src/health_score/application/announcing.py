"""The words in which changes are published: domain changes become the events of the contract."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from health_score.domain.account import MOST_CAUSES, Account
from health_score.domain.assessment import Assessment, BandEntered, CameBack, Change, FellSilent, ScoreMoved
from health_score.domain.scorecard import COVERAGE_UNITS, Scorecard
from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Event
from mainstay.contracts.health_score import (
    AccountActiveAgain,
    AccountChanged,
    AccountSilent,
    AccountValue,
    BandChanged,
    MeasureChange,
    ScorecardRef,
    ScoreChanged,
)
from mainstay.kernel.ids import new_id

SOURCE = "mainstay/health-score"
HealthEvent = ScoreChanged | BandChanged | AccountSilent | AccountActiveAgain


def announce(
    account: Account, assessment: Assessment, card: Scorecard, at: datetime, causes: Sequence[str]
) -> Iterable[Event[HealthEvent]]:
    """The events that say what changed; `causes` are the ids of the events behind it, oldest first."""
    caused_by = tuple(causes[:MOST_CAUSES])
    for change in assessment.changes:
        yield Event(new_id(at), SOURCE, change.occurred_at, _said(account, change, card, caused_by))


def _said(account: Account, change: Change, card: Scorecard, caused_by: tuple[str, ...]) -> HealthEvent:
    health = account.health
    reference = ScorecardRef(card.id, card.version)
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
                reason=change.reason,
                caused_by=caused_by,
            )
        case FellSilent():
            return AccountSilent(account.id, change.occurred_at, change.last_active, change.habit_days)
        case CameBack():
            return AccountActiveAgain(account.id, change.occurred_at, change.last_active, caused_by)


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
            tier=account.said("tier"),
            zone=account.said("zone"),
            industry=account.said("industry"),
            segment=account.said("segment"),
            value=AccountValue(
                tuple(MoneyData(money.amount, money.currency) for money in worth.arr),
                worth.seats,
                worth.next_renewal_on,
            ),
        ),
    )
