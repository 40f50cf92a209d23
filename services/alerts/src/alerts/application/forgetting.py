"""Forgetting: facts that no look will need any more, and attempts that nobody looks into any more."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from alerts.application.rules import HasRules, RulesInForce
from mainstay.kernel.clock import Clock

SUBJECTS_AT_ONCE = 200
ATTEMPTS_AT_ONCE = 5_000
AGAIN_AFTER = timedelta(hours=1)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long facts and attempts are kept at least."""

    facts: timedelta
    attempts: timedelta


class Past(Protocol):
    """What was, within one transaction."""

    async def forget_facts(self, before: datetime, rules: str, *, on_accounts: bool, most: int) -> tuple[int, int]:
        """Delete facts older than `before` that no horizon under these rules reads; answers (subjects, facts).

        Of at most so many subjects; fewer: there are no more. `on_accounts`: some rules read all of an account's facts,
        so what those need is kept too.
        """

    async def forget_attempts(self, before: datetime, *, most: int) -> int:
        """Delete attempts that began before an instant, of deliveries that are settled; answers how many."""


class HasPast(HasRules, Protocol):
    """A transaction that reaches what was."""

    @property
    def past(self) -> Past:
        """What was."""


class Forget:
    """Forgets, some at a time."""

    def __init__(self, rules: RulesInForce, retention: Retention, clock: Clock) -> None:
        self._rules = rules
        self._retention = retention
        self._clock = clock

    async def __call__(self, work: HasPast) -> datetime:
        """When to go on."""
        now = self._clock.now()
        rulebook = await self._rules(work)
        subjects, facts = await work.past.forget_facts(
            now - self._retention.facts,
            rulebook.fingerprint,
            on_accounts=bool(rulebook.on_variables),
            most=SUBJECTS_AT_ONCE,
        )
        attempts = await work.past.forget_attempts(now - self._retention.attempts, most=ATTEMPTS_AT_ONCE)
        if facts or attempts:
            _log.info("the past was forgotten", facts=facts, attempts=attempts)
        is_done = subjects < SUBJECTS_AT_ONCE and attempts < ATTEMPTS_AT_ONCE
        return now + AGAIN_AFTER if is_done else now
