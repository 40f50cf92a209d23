"""Previews of rules: how often one would have fired over the recorded past, for whom, and in how many messages.

The recorded facts go through the very functions that make alerts, and what they make through the routing, grouping,
working hours and budgets that are in force now, so a preview says what would have come.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from alerts.application.ports import OpenWork, Work
from alerts.application.routing import Router, Standing, groups, way_to
from alerts.domain.accounts import Account
from alerts.domain.calendars import PublicHolidays
from alerts.domain.episodes import Episode, look, look_at_account
from alerts.domain.kinds import Kind
from alerts.domain.observations import Observation
from alerts.domain.people import Directory
from alerts.domain.rehearsal import Opening, Sent, Way, rehearse
from alerts.domain.routing import About
from alerts.domain.rules import Rule, Rulebook
from mainstay.kernel.clock import Clock

AT_ONCE = 500
"""Accounts read in one transaction."""
MOST_SHOWN = 100
"""Accounts and receivers."""


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
class ReceiverMessages:
    """What a person would have got, or a channel that it is not for anybody in particular.

    `in_digests` are openings told in daily digests, because the day's budget was spent; `busiest_day` is the most
    messages of one day.
    """

    channel_id: str
    person_id: str | None
    messages: int
    in_digests: int
    busiest_day: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would have done since an instant. `accounts` are those with most firings, at most 100.

    `messages` come by themselves, to all receivers together (at most 100 of whom are shown); `in_digests` are openings
    beyond somebody's budget. `muted` firings are of accounts that the routing's inhibitions mute as they are now;
    `unheard` are those for which the routing finds nobody.
    """

    since: datetime
    until: datetime
    accounts_looked_at: int
    accounts_concerned: int
    firings: int
    messages: int
    in_digests: int
    muted: int
    unheard: int
    by_severity: Mapping[str, int]
    accounts: Sequence[AccountFirings]
    owners: Sequence[OwnerFirings]
    receivers: Sequence[ReceiverMessages]


@dataclass(frozen=True, slots=True)
class _Fired:
    """An account for which the rule fired, what of it would have gone where, and how much is muted."""

    account: Account
    openings: Sequence[Opening]
    muted: int
    first_at: datetime
    last_at: datetime
    by_severity: Counter[str]


class PreviewRules:
    """Tries a rule on what was recorded; nothing is stored, and nobody is told."""

    def __init__(self, open_work: OpenWork, router: Router, holidays: PublicHolidays, clock: Clock) -> None:
        self._open = open_work
        self._router = router
        self._holidays = holidays
        self._clock = clock

    async def __call__(self, rule: Rule, days: int) -> Preview:
        """What the rule would have done over the last so many days, as if it had been switched on.

        Messages of other rules count against people's budgets, and are company for none.
        """
        until = self._clock.now()
        since = until - timedelta(days=days)
        fired: list[_Fired] = []
        after, looked_at = "", 0
        before: Standing | None = None
        while True:
            async with self._open() as work:
                accounts = await work.accounts.page(after, AT_ONCE)
                histories = await work.alerts.whole_histories([account.id for account in accounts])
            tried = await asyncio.to_thread(_tried, rule, accounts, histories, since, until)
            async with self._open() as work:
                standing = await self._router.standing(work, until)
                if before is not None:
                    standing.pools = before.pools.within(work)
                await standing.pools.look_up([account.id for account, _ in tried])
                fired += [await self._routed(rule, account, episodes, standing) for account, episodes in tried]
                spent = await self._spent(work, rule, standing.directory, since) if len(accounts) < AT_ONCE else {}
            looked_at += len(accounts)
            if len(accounts) < AT_ONCE:
                break
            after, before = accounts[-1].id, standing
        openings = [opening for each in fired for opening in each.openings]
        sent = await asyncio.to_thread(self._rehearsed, openings, standing, spent)
        return _preview(since, until, looked_at, fired, sent, standing.directory)

    def _rehearsed(
        self, openings: Sequence[Opening], standing: Standing, spent: Mapping[tuple[str, date], int]
    ) -> Sequence[Sent]:
        people, channels = standing.directory.people, standing.channels

        def way(person_id: str) -> str | None:
            channel = way_to(people[person_id], channels)
            return channel.id if channel else None

        ways = {person_id: way(person_id) for person_id in people}
        return rehearse(openings, people, lambda person: ways.get(person.id), self._holidays, spent)

    async def _routed(self, rule: Rule, account: Account, episodes: Sequence[Episode], standing: Standing) -> _Fired:
        openings, muted = [], 0
        for episode in episodes:
            about = About(rule.id, rule.category, episode.severity, account)
            if standing.routing.inhibits(about) is not None:
                muted += 1
                continue
            where = await self._router.where(replace(standing, at=episode.opened_at), about)
            ways = tuple(
                Way(
                    target.channel.id,
                    target.person_id,
                    target.routed.group_minutes if groups(target) else 0,
                    target.routed.quiet_hours,
                )
                for target in where.targets
            )
            ended_at = episode.end.at if episode.end else None
            openings.append(Opening(account.id, episode.severity, episode.opened_at, ended_at, ways))
        first, last = (episodes[0].opened_at, episodes[-1].opened_at)
        return _Fired(account, openings, muted, first, last, Counter(each.severity.value for each in episodes))

    @staticmethod
    async def _spent(work: Work, rule: Rule, directory: Directory, since: datetime) -> Mapping[tuple[str, date], int]:
        """How many messages of other rules people got, by their day."""
        told: dict[tuple[str, date], int] = defaultdict(int)
        for person_id, hour, count in await work.deliveries.told_by_hour(since, without_rule=rule.id):
            person = directory.people.get(person_id)
            if person is not None:
                told[person_id, person.day_of(hour)] += count
        return told


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


def _preview(
    since: datetime,
    until: datetime,
    looked_at: int,
    fired: Sequence[_Fired],
    sent: Sequence[Sent],
    directory: Directory,
) -> Preview:
    by_account = Counter(each.account_id for each in sent if not each.in_digest)
    found = [
        AccountFirings(
            one.account.id,
            one.account.name,
            one.account.owner,
            one.by_severity.total(),
            by_account[one.account.id],
            one.first_at,
            one.last_at,
        )
        for one in fired
    ]
    found.sort(key=lambda one: (-one.firings, one.account_id))
    receivers = _receivers(sent, directory)
    return Preview(
        since=since,
        until=until,
        accounts_looked_at=looked_at,
        accounts_concerned=len(found),
        firings=sum(one.firings for one in found),
        messages=sum(one.messages for one in receivers),
        in_digests=sum(one.in_digests for one in receivers),
        muted=sum(one.muted for one in fired),
        unheard=sum(not opening.ways for one in fired for opening in one.openings),
        by_severity=dict(sum((one.by_severity for one in fired), Counter())),
        accounts=found[:MOST_SHOWN],
        owners=_by_owner(found),
        receivers=receivers[:MOST_SHOWN],
    )


def _receivers(sent: Sequence[Sent], directory: Directory) -> Sequence[ReceiverMessages]:
    of: dict[tuple[str, str | None], list[Sent]] = defaultdict(list)
    for each in sent:
        of[each.channel_id, each.person_id].append(each)
    receivers = []
    for (channel_id, person_id), theirs in of.items():
        person = directory.people.get(person_id or "")
        alone = [each for each in theirs if not each.in_digest]
        days = Counter(person.day_of(each.at) if person else each.at.date() for each in alone)
        receivers.append(
            ReceiverMessages(
                channel_id,
                person_id,
                messages=len(alone),
                in_digests=sum(each.openings for each in theirs if each.in_digest),
                busiest_day=max(days.values(), default=0),
            )
        )
    return sorted(receivers, key=lambda one: (-one.messages, one.channel_id, one.person_id or ""))


def _by_owner(found: Sequence[AccountFirings]) -> Sequence[OwnerFirings]:
    of: dict[str | None, list[AccountFirings]] = defaultdict(list)
    for one in found:
        of[one.owner].append(one)
    owners = [
        OwnerFirings(owner, len(theirs), sum(one.firings for one in theirs), sum(one.messages for one in theirs))
        for owner, theirs in of.items()
    ]
    return sorted(owners, key=lambda one: (-one.firings, one.owner or ""))
