"""Who hears of an alert: the receivers that the routing names, as the people and channels that they are now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.application.directory import DirectoryInForce
from alerts.application.people_ports import Share
from alerts.application.ports import Work
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.channels import Channel
from alerts.domain.destinations import OWNER as OWNERS_MAILBOX
from alerts.domain.destinations import PEOPLE_MAIL, Email
from alerts.domain.people import Directory, Person, Responsible, Team, TeamKind, Via, Why, resolve, standing_in
from alerts.domain.pools import Load, next_of, points_of
from alerts.domain.routing import About, Receiver, Routed, Routing, To

BY_FILTER = "its filter"


@dataclass(frozen=True, slots=True)
class Target:
    """One way that a message goes: a channel, and for whom where it is for somebody. `through` says why, in words."""

    channel: Channel
    routed: Routed
    person_id: str | None = None
    through: str = ""


@dataclass(frozen=True, slots=True)
class Unreached:
    """A receiver that reaches nobody now, and why."""

    receiver: Receiver
    reason: str


@dataclass(frozen=True, slots=True)
class Where:
    """Where an alert goes: the branches taken, the targets, and what reached nobody."""

    routed: Sequence[Routed]
    targets: Sequence[Target]
    unreached: Sequence[Unreached]
    fell_back: bool = False
    """What was named reached nobody, so the operator hears."""
    mailboxes: frozenset[str] = frozenset()
    """Channels that mail the owner, whoever that is: they are left out where people are mailed in person."""


@dataclass
class Standing:
    """What routing goes by within one transaction."""

    directory: Directory
    routing: Routing
    channels: Mapping[str, Channel]
    at: datetime
    pools: "Shares"
    operators: Sequence[Channel] = field(default_factory=tuple)


class Shares:
    """What pools give out in one transaction; nothing is kept until `given` is stored."""

    def __init__(self, work: Work, at: datetime) -> None:
        self._work = work
        self._at = at
        self._given: dict[tuple[str, str], str] = {}
        self._loads: dict[str, Load] = {}
        self._had: dict[str, dict[str, str]] = {}
        self.given: list[Share] = []

    def within(self, work: Work) -> "Shares":
        """The same in another transaction, where nothing of it is stored: what was given out counts on."""
        shares = Shares(work, self._at)
        shares._given, shares._loads = self._given, self._loads
        return shares

    async def look_up(self, account_ids: Collection[str]) -> None:
        """Read at once who has what of many accounts."""
        self._had |= {account_id: {} for account_id in account_ids}
        for (account_id, team_id), person in (await self._work.pools.of_account(account_ids)).items():
            self._had[account_id][team_id] = person

    async def of(self, team: Team, account: Account, alert_id: str | None, directory: Directory) -> Responsible:
        """Whose an alert of an account is: theirs who have its other open alerts, else whoever has the least."""
        there = [
            each
            for each in team.members
            if (person := directory.people.get(each)) is not None and person.leave_at(self._at) is None
        ]
        key = (account.id, team.id)
        if key not in self._given:
            if account.id not in self._had:
                await self.look_up([account.id])
            had = self._had[account.id].get(team.id)
            chosen = had if had in there else next_of(there, await self._known(there))
            if chosen is None:
                return Responsible(None)
            self._given[key] = chosen
        chosen = self._given[key]
        if alert_id is not None:
            self.given.append(Share(alert_id, account.id, team.id, chosen, self._at))
        # what comes in the same batch is shared by what was given out in it
        before = (await self._known([chosen]))[chosen]
        self._loads[chosen] = Load(before.points + points_of(account), self._at)
        return Responsible(chosen, (Via(chosen, Why.MEMBER, team.id),))

    async def _known(self, people: Sequence[str]) -> Mapping[str, Load]:
        missing = [each for each in people if each not in self._loads]
        if missing:
            self._loads |= await self._work.pools.loads(missing)
        return self._loads


class Router:
    """Works out who hears of alerts."""

    def __init__(self, directory: DirectoryInForce) -> None:
        self._directory = directory

    async def standing(self, work: Work, at: datetime) -> Standing:
        """The directory, the routing and the channels as of this transaction."""
        directory, routing = await self._directory.with_routing(work)
        channels = await work.channels.usable()
        operators = [each for each in channels.values() if each.operator]
        return Standing(directory, routing, channels, at, Shares(work, at), operators)

    async def where(self, standing: Standing, about: About, alert: Alert | None = None) -> Where:
        """Where an alert goes now. Each person and each channel hears once, by the first branch that names them."""
        found: dict[tuple[str, str | None], Target] = {}
        unreached: list[Unreached] = []
        routed = standing.routing.of(about)
        for each in routed:
            for receiver in each.to:
                targets, missed = await self.reach(standing, receiver, each, about, alert)
                for target in targets:
                    found.setdefault((target.channel.id, target.person_id), target)
                unreached += missed
        mailed = any(key[0] == PEOPLE_MAIL for key in found)
        mailboxes = frozenset(each.id for each in standing.channels.values() if mailed and _mails_the_owner(each))
        # where somebody is told in a chat, its own filter does not post the same there again
        theirs = {target.channel.id for target in found.values() if target.person_id is not None}
        targets = [
            target
            for target in found.values()
            if target.person_id is not None
            or (target.channel.id not in mailboxes and (target.through != BY_FILTER or target.channel.id not in theirs))
        ]
        fell_back = not targets and standing.routing.is_saved and bool(unreached)
        if fell_back:
            targets = [Target(each, routed[0], None, "nobody else could be reached") for each in standing.operators]
        return Where(routed, targets, unreached, fell_back=fell_back, mailboxes=mailboxes)

    async def reach(
        self, standing: Standing, receiver: Receiver, routed: Routed, about: About, alert: Alert | None
    ) -> tuple[Sequence[Target], Sequence[Unreached]]:
        """The ways to a receiver, and what reaches nobody."""
        account = about.account
        match receiver.to:
            case To.FILTERS:
                return [
                    Target(each, routed, None, BY_FILTER) for each in standing.channels.values() if takes(each, about)
                ], ()
            case To.CHANNEL:
                channel = standing.channels.get(receiver.id)
                if channel is None:
                    return (), [Unreached(receiver, "the channel is switched off, or there is none")]
                return [Target(channel, routed, None, "named")], ()
            case To.PERSON:
                found = standing_in(Via(receiver.id, Why.PERSON), standing.directory.people, standing.at)
            case To.ROLE:
                found = resolve(receiver.id, account, standing.directory.people, standing.at)
            case To.MANAGER_OF:
                found = self._manager_of(receiver.id, account, standing)
            case To.TEAM:
                found = await self._team(receiver.id, account, alert, standing)
        return self._way(standing, receiver, routed, found)

    def _way(
        self, standing: Standing, receiver: Receiver, routed: Routed, found: Responsible
    ) -> tuple[Sequence[Target], Sequence[Unreached]]:
        through = in_words(found)
        if found.person_id is None:
            return (), [Unreached(receiver, f"nobody is there: {through}" if through else "nobody is assigned")]
        person = standing.directory.people.get(found.person_id)
        if person is None:
            return (), [Unreached(receiver, f"{found.person_id} is not in the directory")]
        channel = way_to(person, standing.channels)
        if channel is None:
            return (), [Unreached(receiver, f"{person.id} has no address that can be used")]
        return [Target(channel, routed, person.id, through)], ()

    def _manager_of(self, role: str, account: Account, standing: Standing) -> Responsible:
        people = standing.directory.people
        first = next(iter(resolve(role, account, people, standing.at).through), None)
        person = people.get(first.person_id) if first is not None else None
        if person is None or person.manager is None:
            return Responsible(None)
        return standing_in(Via(person.manager, Why.MANAGER, person.id), people, standing.at)

    async def _team(self, team_id: str, account: Account, alert: Alert | None, standing: Standing) -> Responsible:
        team, people = standing.directory.teams.get(team_id), standing.directory.people
        if team is None:
            return Responsible(None)
        if team.kind is TeamKind.POOL:
            found = await standing.pools.of(team, account, alert.id if alert else None, standing.directory)
        else:
            theirs = [
                each
                for each in (account.owner, *(one.person for one in account.team if one.covers(standing.at.date())))
                if each in team.members
            ]
            found = (
                standing_in(Via(theirs[0], Why.MEMBER, team_id), people, standing.at)
                if theirs and theirs[0] is not None
                else Responsible(None)
            )
        if found.person_id is None and team.lead is not None:
            led = standing_in(Via(team.lead, Why.LEAD, team_id), people, standing.at)
            return Responsible(led.person_id, (*found.through, *led.through))
        return found


def way_to(person: Person, channels: Mapping[str, Channel]) -> Channel | None:
    """The channel that reaches somebody: their chat, else the one that mails people."""
    if person.chat is not None and person.chat.channel_id in channels:
        return channels[person.chat.channel_id]
    return channels.get(PEOPLE_MAIL) if person.email is not None else None


def takes(channel: Channel, about: About) -> bool:
    """Whether a channel's own filter takes an alert; of an account that is not known yet the owner is asked later."""
    if channel.operator or channel.id == PEOPLE_MAIL or not channel.filter.takes(about.category, about.severity):
        return False
    return not about.account.is_known or channel.filter.takes_owner(about.account.owner)


def in_words(found: Responsible) -> str:
    """Everybody asked, as `ann (owner), bob (deputy of ann)`."""
    return ", ".join(f"{via.person_id} ({via.why}{f' of {via.of}' if via.of else ''})" for via in found.through)


def window(
    target: Target, account_id: str, now: datetime, windows: Mapping[tuple[str, str, str | None], datetime]
) -> datetime:
    """When a message goes that may wait for company: with what waits for the account already, if something does."""
    open_until = windows.get((account_id, target.channel.id, target.person_id))
    return open_until or now + timedelta(minutes=target.routed.group_minutes)


def groups(target: Target) -> bool:
    """Whether messages to a target wait for company; a webhook's receiver is a machine and gets each by itself."""
    return target.routed.group_minutes > 0 and target.channel.kind != "webhook"


def accounts_of(alerts: Iterable[Alert]) -> Collection[str]:
    """The accounts of alerts."""
    return {alert.account_id for alert in alerts}


def _mails_the_owner(channel: Channel) -> bool:
    return isinstance(channel.destination, Email) and channel.destination.to == OWNERS_MAILBOX
