"""What people decide about an account: how they see it, and scores set by hand. Each is kept in the journal."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from health_score.application.assessing import Assessor
from health_score.application.journal import (
    OVERRIDDEN,
    OVERRIDE_LIFTED,
    SENTIMENT_GIVEN,
    LiftEntry,
    OverrideEntry,
    SentimentEntry,
    decisions_of,
)
from health_score.application.ports import OpenWork, Work
from health_score.domain.account import Account, AccountUnknown
from health_score.domain.decisions import Decided, Sentiment, SentimentGiven
from health_score.domain.evidence import NOW
from mainstay.kernel.clock import Clock

OVERRIDE_ENDS = "override-ends"
"""The timer of an override's expiry; its key is the account's number and the expiry in seconds since 1970.

Each has a timer of its own: to move one that is in hand elsewhere, one would wait for it with the account locked, while
the other waits for the account.
"""


class OverrideExpired(ValueError):
    """An override would have expired before it began."""

    def __init__(self, expires_at: datetime) -> None:
        super().__init__(f"{expires_at:%Y-%m-%dT%H:%M:%SZ} has passed")


class NotOverridden(LookupError):
    """There is no override to take back."""

    def __init__(self, account_id: str, measure: str | None) -> None:
        what = f"measure {measure}" if measure else "score"
        super().__init__(f"nobody set the {what} of {account_id} by hand")


class MeasureUnknown(LookupError):
    """The account's scorecard has no such measure."""

    def __init__(self, measure: str, card_id: str) -> None:
        super().__init__(f"scorecard {card_id} has no measure {measure}")


class Decide:
    """Take in decisions about an account, and score it by them in the same transaction."""

    def __init__(self, open_work: OpenWork, assessor: Assessor, clock: Clock) -> None:
        self._work = open_work
        self._assess = assessor
        self._clock = clock

    async def override(
        self, account_id: str, measure: str | None, score: int, reason: str, expires_at: datetime, *, by: str
    ) -> None:
        """Set a measure's score (None: the account's) by hand, until it expires.

        Raises `AccountUnknown`, `OverrideExpired`, `MeasureUnknown`.
        """
        now = self._clock.now()
        if expires_at <= now:
            raise OverrideExpired(expires_at)
        async with self._work() as work:
            account = await _locked(work, account_id)
            if measure is not None:
                await self._check_measure(work, account, measure, now)
            entry = OverrideEntry(measure, score, reason, expires_at)
            await work.decisions.add(OVERRIDDEN, entry, by=by, at=now, account_no=account.number)
            await self._rescore(work, account, now)
            key = f"{account.number}:{expires_at.timestamp():.6f}"
            await work.due.arm_many(OVERRIDE_ENDS, [(key, expires_at)])

    async def lift(self, account_id: str, measure: str | None, *, by: str) -> None:
        """Take an override back. Raises `AccountUnknown`, `NotOverridden`."""
        now = self._clock.now()
        async with self._work() as work:
            account = await _locked(work, account_id)
            decided = await _decided(work, account, now)
            standing = decided.score if measure is None else decided.measures.get(measure)
            if standing is None:
                raise NotOverridden(account_id, measure)
            await work.decisions.add(OVERRIDE_LIFTED, LiftEntry(measure), by=by, at=now, account_no=account.number)
            await self._rescore(work, account, now)

    async def feel(self, account_id: str, sentiment: Sentiment | None, note: str | None, *, by: str) -> None:
        """Say how a CSM sees the account; None withdraws what was said. Raises `AccountUnknown`."""
        now = self._clock.now()
        async with self._work() as work:
            account = await _locked(work, account_id)
            entry = SentimentEntry(sentiment, note)
            await work.decisions.add(SENTIMENT_GIVEN, entry, by=by, at=now, account_no=account.number)
            await self._rescore(work, account, now)

    async def sentiments(self, account_id: str) -> Sequence[SentimentGiven]:
        """Every sentiment given, newest first. Raises `AccountUnknown`."""
        async with self._work() as work:
            account = await work.accounts.read(account_id)
            if account is None:
                raise AccountUnknown(account_id)
            stored = await work.decisions.of_accounts([account.number])
        steps = decisions_of(stored.get(account.number, ()), account.zone).steps
        return [step for step in reversed(steps) if isinstance(step, SentimentGiven)]

    async def _check_measure(self, work: Work, account: Account, measure: str, now: datetime) -> None:
        card = (await self._assess.selected(work, account, now)).scorer.card
        if all(line.name != measure for _, line in card.lines):
            raise MeasureUnknown(measure, card.id)

    async def _rescore(self, work: Work, account: Account, now: datetime) -> None:
        if account.dirty_from is None:
            await self._assess(work, [account], now)


class EndOverrides:
    """Score accounts anew whose overrides expired."""

    def __init__(self, assessor: Assessor, clock: Clock) -> None:
        self._assess = assessor
        self._clock = clock

    async def __call__(self, work: Work, keys: Sequence[str]) -> Mapping[str, datetime]:
        """Score the accounts of these timers; none goes on."""
        at = self._clock.now()
        numbers = {int(key.partition(":")[0]) for key in keys}
        accounts = await work.accounts.lock(await work.accounts.ids(numbers))
        # A dirty one waits for its rebuild, which looks at what holds then.
        await self._assess(work, [each for each in accounts.values() if each.dirty_from is None], at)
        return {}


async def _locked(work: Work, account_id: str) -> Account:
    account = (await work.accounts.lock([account_id])).get(account_id)
    if account is None:
        raise AccountUnknown(account_id)
    return account


async def _decided(work: Work, account: Account, now: datetime) -> Decided:
    stored = await work.decisions.of_accounts([account.number])
    return decisions_of(stored.get(account.number, ()), account.zone).until(now + NOW)
