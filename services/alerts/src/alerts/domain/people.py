"""Our people and their teams: who has a role at an account at an instant, with leave and deputies resolved.

Nothing in it fails for want of a person: whoever is asked for is found, or it is said that nobody is there and who was
asked. Circles of deputies and managers are refused when a person is saved, and harmless where they slip through.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from alerts.domain.accounts import Account
from alerts.domain.words import Language

OWNER = "owner"
"""The role of the account's owner; `csm` is the same where the dated team names nobody for it."""
CSM = "csm"
RENEWAL_OWNER = "renewal_owner"
OWNERS = frozenset({OWNER, CSM})

MONDAY_TO_FRIDAY = frozenset({1, 2, 3, 4, 5})
MINUTES_OF_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody works, in minutes since midnight of their own zone; `until` is the first minute off."""

    since: int = 8 * 60
    until: int = 19 * 60


@dataclass(frozen=True, slots=True)
class Leave:
    """Days off from `first` to `last`, both included, in the person's zone, and who stands in meanwhile."""

    first: date
    last: date
    deputy: str | None = None

    def covers(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat where somebody is: the channel's id, and what mentions them there (a user id of the chat's vendor)."""

    channel_id: str
    mention: str | None = None


@dataclass(frozen=True, slots=True)
class DigestTimes:
    """When digests come, in minutes since midnight of the person's zone; None: not. `weekly_on` is 1 (Monday) to 7."""

    daily_at: int | None = 8 * 60 + 30
    weekly_at: int | None = 9 * 60
    weekly_on: int = 1


@dataclass(frozen=True, slots=True)
class Person:
    """One of our people. `id` is how accounts name them: as `owner`, and in their teams.

    `zone` is an IANA name; `country` ISO 3166-1 (alpha-2) and `subdivision` of it say which public holidays are free.
    `daily_budget` is how many openings a day are sent by themselves; None: all. What is over comes with the digest.
    """

    id: str
    name: str
    role: str | None = None
    manager: str | None = None
    zone: str = "UTC"
    workdays: frozenset[int] = MONDAY_TO_FRIDAY
    hours: Hours = Hours()
    country: str | None = None
    subdivision: str | None = None
    days_off: frozenset[date] = frozenset()
    leaves: tuple[Leave, ...] = ()
    language: Language = Language.EN
    email: str | None = None
    chat: Chat | None = None
    daily_budget: int | None = None
    digests: DigestTimes = DigestTimes()

    @property
    def can_be_told(self) -> bool:
        """Whether there is a way to reach them."""
        return self.email is not None or self.chat is not None

    def day_of(self, at: datetime) -> date:
        """Their day at an instant."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    def leave_at(self, at: datetime) -> Leave | None:
        """The leave that they are on, with a deputy where any of several has one."""
        day = self.day_of(at)
        found = [leave for leave in self.leaves if leave.covers(day)]
        return next((leave for leave in found if leave.deputy is not None), found[0] if found else None)


class TeamKind(StrEnum):
    """How a team shares its work. `named`: each account has somebody of its own. `pool`: all share all accounts."""

    NAMED = "named"
    POOL = "pool"


@dataclass(frozen=True, slots=True)
class Team:
    """A team, and who leads it."""

    id: str
    name: str
    kind: TeamKind = TeamKind.NAMED
    members: tuple[str, ...] = ()
    lead: str | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody, by id."""

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)

    def reports_of(self, manager: str) -> Sequence[Person]:
        """Whom somebody manages, directly or through others; never themselves."""
        found: dict[str, Person] = {}
        waiting = [manager]
        while waiting:
            above = waiting.pop()
            for person in self.people.values():
                if person.manager == above and person.id not in found and person.id != manager:
                    found[person.id] = person
                    waiting.append(person.id)
        return [found[one] for one in sorted(found)]


class Why(StrEnum):
    """Why somebody was asked."""

    ROLE = "role"
    OWNER = "owner"
    PERSON = "person"
    DEPUTY = "deputy"
    MANAGER = "manager"
    LEAD = "lead"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Via:
    """Somebody who was asked, and why: `of` whom they are the deputy or the manager."""

    person_id: str
    why: Why
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who is responsible, and everybody asked before them, in order. None: nobody, or nobody who is there.

    The person need not be in the directory: an owner whom nobody has entered yet is answered as the account has them.
    """

    person_id: str | None
    through: tuple[Via, ...] = ()


def resolve(role: str, account: Account, people: Mapping[str, Person], at: datetime) -> Responsible:
    """Who has a role at an account at an instant: of those in the role, the first who is there, or stands in.

    `people` is by id. Roles are those of the account's dated team; its days are those of the account's zone. `owner`
    and `csm` are the account's owner where the team names nobody, and the `renewal_owner` is the CSM then.
    """
    asked: list[Via] = []
    for person_id, why in in_role(role, account, at):
        found = standing_in(Via(person_id, why), people, at)
        asked += found.through
        if found.person_id is not None:
            return Responsible(found.person_id, tuple(asked))
    return Responsible(None, tuple(asked))


def in_role(role: str, account: Account, at: datetime) -> Sequence[tuple[str, Why]]:
    """The people in a role at an instant, the one longest in it first."""
    day = at.astimezone(_zone(account.zone)).date()
    there = sorted(
        (each for each in account.team if each.role == role and each.covers(day)),
        key=lambda each: (each.since, each.person),
    )
    if not there and role == RENEWAL_OWNER:
        return in_role(CSM, account, at)
    if not there and role in OWNERS and account.owner:
        return [(account.owner, Why.OWNER)]
    return [(each.person, Why.ROLE) for each in there]


def standing_in(first: Via, people: Mapping[str, Person], at: datetime) -> Responsible:
    """Whoever is there: the person, else their deputy, else that one's, and so on; else managers, and their deputies.

    Nobody is asked twice, so it ends whatever people have entered.
    """
    asked: dict[str, Via] = {}
    above: list[Via] = []
    waiting = [first]
    while waiting or above:
        via = waiting.pop(0) if waiting else above.pop(0)
        if via.person_id in asked:
            continue
        asked[via.person_id] = via
        person = people.get(via.person_id)
        leave = person.leave_at(at) if person is not None else None
        if leave is None:
            return Responsible(via.person_id, tuple(asked.values()))
        if leave.deputy is not None:
            waiting.append(Via(leave.deputy, Why.DEPUTY, via.person_id))
        if person is not None and person.manager is not None:
            above.append(Via(person.manager, Why.MANAGER, via.person_id))
    return Responsible(None, tuple(asked.values()))


@dataclass(frozen=True, slots=True)
class DirectoryFault:
    """What is wrong with a person or a team: where in the document, and what."""

    pointer: str
    detail: str


def faults_of_person(person: Person, people: Mapping[str, Person]) -> Sequence[DirectoryFault]:
    """What cannot be: managers and deputies nobody knows, circles of them, leave that ends before it begins.

    `people` is everybody else; deputies make a circle where all of it is on leave on the same day.
    """
    everybody = {**people, person.id: person}
    return [*_of_manager(person, everybody), *_of_leaves(person, everybody)]


def faults_of_team(team: Team, people: Mapping[str, Person]) -> Sequence[DirectoryFault]:
    """Members and leads nobody knows, and a pool of nobody."""
    faults = [
        DirectoryFault(f"/members/{number}", _unknown(member))
        for number, member in enumerate(team.members)
        if member not in people
    ]
    if team.lead is not None and team.lead not in people:
        faults.append(DirectoryFault("/lead", _unknown(team.lead)))
    if team.kind is TeamKind.POOL and not team.members:
        faults.append(DirectoryFault("/members", "a pool has at least one member"))
    return faults


def references_to(person_id: str, directory: Directory) -> Sequence[str]:
    """Who still refers to a person, in words: for whoever wants to delete them."""
    found = [f"the manager of {one.id}" for one in directory.people.values() if one.manager == person_id]
    found += [
        f"the deputy of {one.id} until {leave.last.isoformat()}"
        for one in directory.people.values()
        for leave in one.leaves
        if leave.deputy == person_id
    ]
    for team in directory.teams.values():
        if person_id in team.members:
            found.append(f"a member of the team {team.id}")
        if team.lead == person_id:
            found.append(f"the lead of the team {team.id}")
    return sorted(found)


def _of_manager(person: Person, everybody: Mapping[str, Person]) -> Iterator[DirectoryFault]:
    if person.manager is None:
        return
    if person.manager not in everybody:
        yield DirectoryFault("/manager", _unknown(person.manager))
        return
    line = [person.id]
    above: str | None = person.manager
    while above is not None and above not in line:
        line.append(above)
        known = everybody.get(above)
        above = known.manager if known else None
    if above == person.id:
        yield DirectoryFault("/manager", f"a circle of managers: {' -> '.join([*line, person.id])}")


def _of_leaves(person: Person, everybody: Mapping[str, Person]) -> Iterator[DirectoryFault]:
    for number, leave in enumerate(person.leaves):
        pointer = f"/leaves/{number}"
        if leave.last < leave.first:
            yield DirectoryFault(f"{pointer}/last", f"the leave ends before it begins, on {leave.first.isoformat()}")
            continue
        if leave.deputy is None:
            continue
        if leave.deputy not in everybody:
            yield DirectoryFault(f"{pointer}/deputy", _unknown(leave.deputy))
            continue
        circle = _circle_of_deputies(person.id, leave, everybody)
        if circle:
            names, day = circle
            yield DirectoryFault(
                f"{pointer}/deputy",
                f"a circle of deputies, all on leave on {day.isoformat()}: {' -> '.join(names)}",
            )


def _circle_of_deputies(
    person_id: str, leave: Leave, everybody: Mapping[str, Person]
) -> tuple[Sequence[str], date] | None:
    """The first circle back to a person, and a day on which everybody in it is away."""
    waiting: list[tuple[tuple[str, ...], date, date]] = [((person_id,), leave.first, leave.last)]
    first_step = leave.deputy
    seen: set[tuple[str, date, date]] = set()
    while waiting:
        line, first, last = waiting.pop()
        steps: Collection[tuple[str, date, date]]
        if len(line) == 1 and first_step is not None:
            steps = [(first_step, first, last)]
        else:
            away = everybody[line[-1]].leaves if line[-1] in everybody else ()
            steps = [
                (each.deputy, max(first, each.first), min(last, each.last))
                for each in away
                if each.deputy is not None and each.first <= last and each.last >= first
            ]
        for deputy, since, until in steps:
            if deputy == person_id:
                return (*line, person_id), since
            if deputy not in line and (deputy, since, until) not in seen:
                seen.add((deputy, since, until))
                waiting.append(((*line, deputy), since, until))
    return None


def _unknown(person_id: str) -> str:
    return f"nobody is known as {person_id!r}; PUT /v1/people/{person_id} first"


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name) if name else ZoneInfo("UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
