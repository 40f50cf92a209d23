"""Previews of rules: how often one would have fired over the recorded past, for whom, and in how many messages.

The recorded facts go through the very functions that make alerts, so a preview says what would have come.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from alerts.application.ports import OpenWork
from alerts.domain.accounts import Account
from alerts.domain.episodes import Episode, look, look_at_account
from alerts.domain.kinds import Kind
from alerts.domain.observations import Observation
from alerts.domain.rules import Rule, Rulebook
from mainstay.kernel.clock import Clock

AT_ONCE = 500
"""Accounts read in one transaction."""
TOGETHER = timedelta(minutes=10)
"""Alerts of one account that come within so long of the one before are one message."""
MOST_ACCOUNTS = 100


@dataclass(frozen=True, slots=True)
class AccountFirings:
    """How often a rule would have fired for an account, and in how many messages."""

    account_id: str
    name: str | None
    owner: str | None
    firings: int
    messages: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class OwnerFirings:
    """How often for the accounts of an owner; the owner is the present one, None for nobody."""

    owner: str | None
    accounts: int
    firings: int
    messages: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would have done since an instant. `accounts` are those with most firings, at most 100."""

    since: datetime
    until: datetime
    accounts_looked_at: int
    accounts_concerned: int
    firings: int
    messages: int
    by_severity: Mapping[str, int]
    accounts: Sequence[AccountFirings]
    owners: Sequence[OwnerFirings]


class PreviewRules:
    """Tries a rule on what was recorded; nothing is stored, and nobody is told."""

    def __init__(self, open_work: OpenWork, clock: Clock) -> None:
        self._open = open_work
        self._clock = clock

    async def __call__(self, rule: Rule, days: int) -> Preview:
        """What the rule would have done over the last so many days, as if it had been switched on."""
        until = self._clock.now()
        since = until - timedelta(days=days)
        found: list[AccountFirings] = []
        severities: dict[str, int] = defaultdict(int)
        after, looked_at = "", 0
        while True:
            async with self._open() as work:
                accounts = await work.accounts.page(after, AT_ONCE)
                histories = await work.alerts.whole_histories([account.id for account in accounts])
            looked_at += len(accounts)
            for account, episodes in await asyncio.to_thread(_tried, rule, accounts, histories, since, until):
                found.append(_firings(account, episodes))
                for episode in episodes:
                    severities[episode.severity.value] += 1
            if len(accounts) < AT_ONCE:
                break
            after = accounts[-1].id
        found.sort(key=lambda one: (-one.firings, one.account_id))
        return Preview(
            since=since,
            until=until,
            accounts_looked_at=looked_at,
            accounts_concerned=len(found),
            firings=sum(one.firings for one in found),
            messages=sum(one.messages for one in found),
            by_severity=dict(severities),
            accounts=found[:MOST_ACCOUNTS],
            owners=_by_owner(found),
        )


def episodes_of(rule: Rule, history: Iterable[Observation], account: Account, now: datetime) -> Iterator[Episode]:
    """Every episode of a rule in everything observed about an account."""
    rulebook = Rulebook.of([rule])
    if rule.kind is Kind.CEL:
        yield from look_at_account(rulebook, list(history), account, now).episodes
        return
    by_subject: dict[str, list[Observation]] = defaultdict(list)
    for seen in history:
        if rule.looks_at(seen.subject):
            by_subject[seen.subject].append(seen)
    for about in by_subject.values():
        yield from look(rulebook, about, account, now).episodes


def messages_of(openings: Sequence[datetime]) -> int:
    """In how many messages alerts of one account come that open at these instants, oldest first."""
    return bool(openings) + sum(later - earlier > TOGETHER for earlier, later in pairwise(openings))


def _tried(
    rule: Rule,
    accounts: Sequence[Account],
    histories: Mapping[str, Sequence[Observation]],
    since: datetime,
    until: datetime,
) -> list[tuple[Account, list[Episode]]]:
    tried = []
    for account in accounts:
        episodes = episodes_of(rule, histories.get(account.id, ()), account, until)
        fired = sorted((one for one in episodes if since <= one.opened_at), key=lambda one: one.opened_at)
        if fired:
            tried.append((account, fired))
    return tried


def _firings(account: Account, episodes: Sequence[Episode]) -> AccountFirings:
    openings = [episode.opened_at for episode in episodes]
    messages = messages_of(openings)
    return AccountFirings(account.id, account.name, account.owner, len(openings), messages, openings[0], openings[-1])


def _by_owner(found: Sequence[AccountFirings]) -> Sequence[OwnerFirings]:
    of: dict[str | None, list[AccountFirings]] = defaultdict(list)
    for one in found:
        of[one.owner].append(one)
    owners = [
        OwnerFirings(owner, len(theirs), sum(one.firings for one in theirs), sum(one.messages for one in theirs))
        for owner, theirs in of.items()
    ]
    return sorted(owners, key=lambda one: (-one.firings, one.owner or ""))
