"""People and teams as documents with versions: saved, deleted, and the directory that is in force."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from alerts.application.channels import keep_people_mail
from alerts.application.directory_ports import ROUTING, HasDirectory, Kind, Version
from alerts.application.ports import OpenWork, Work
from alerts.domain.accounts import Account
from alerts.domain.muting import Mute
from alerts.domain.people import (
    Directory,
    DirectoryFault,
    Person,
    Responsible,
    Team,
    faults_of_person,
    faults_of_team,
    references_to,
    resolve,
)
from alerts.domain.routing import Routing, RoutingFault, To, faults_of, receivers_of
from mainstay.kernel.clock import Clock

T = TypeVar("T")


class DirectoryUnknown(LookupError):
    """There is no such person, team or version."""

    def __init__(self, kind: Kind, document_id: str, version: int | None = None) -> None:
        of = "" if version is None else f" with a version {version}"
        super().__init__(f"there is no {kind} {document_id}{of}")


class DirectoryRefused(ValueError):
    """A document cannot be used; `faults` are everything that is wrong with it."""

    def __init__(self, faults: Sequence[DirectoryFault | RoutingFault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = faults


class DirectoryMovedOn(ValueError):
    """The document has another version than the one that was to be replaced."""

    def __init__(self, kind: Kind, document_id: str, latest: int) -> None:
        super().__init__(f"the latest version of the {kind} {document_id} is {latest}")


class StillNeeded(ValueError):
    """Somebody, or something, still refers to what was to be deleted."""

    def __init__(self, kind: Kind, document_id: str, by: Sequence[str]) -> None:
        super().__init__(f"the {kind} {document_id} is still {', '.join(by)}: change that first")


@dataclass(frozen=True, slots=True)
class Saved(Generic[T]):
    """A version as it stands after saving; `is_new`: this saving made it."""

    version: Version[T]
    is_new: bool


class DirectoryInForce:
    """The directory of this process: read again only when somebody has saved something since."""

    def __init__(self) -> None:
        self._revision = 0
        self._latest = Directory()
        self._routing = Routing()
        self._versions: Mapping[tuple[Kind, str], Version[Any]] = {}

    async def __call__(self, work: HasDirectory) -> Directory:
        """The directory as of this transaction."""
        revision = await work.directory.revision()
        if revision != self._revision:
            people, teams = await work.directory.newest()
            self._latest = Directory(
                {each.id: each.what for each in people if each.what is not None},
                {each.id: each.what for each in teams if each.what is not None},
            )
            self._versions = {(Kind.PERSON, each.id): each for each in people if each.what is not None} | {
                (Kind.TEAM, each.id): each for each in teams if each.what is not None
            }
            routing = await work.directory.routing()
            self._routing = Routing() if routing is None or routing.what is None else routing.what
            self._revision = revision
        return self._latest

    async def with_routing(self, work: HasDirectory) -> tuple[Directory, Routing]:
        """The directory and the routing as of this transaction."""
        return await self(work), self._routing

    async def versions(self, work: HasDirectory, kind: Kind) -> Sequence[Version[Any]]:
        """The newest version of everybody, or of every team, by id."""
        await self(work)
        return [self._versions[key] for key in sorted(self._versions) if key[0] is kind]


class Accounts(Protocol):
    """Accounts by id."""

    async def known(self, account_ids: Collection[str]) -> Mapping[str, Account]:
        """Those of the accounts that are known; nothing is locked."""


class DirectoryWork(HasDirectory, Protocol):
    """What the handlers need of a transaction."""

    @property
    def accounts(self) -> Accounts:
        """The projection of accounts."""


class AccountUnknown(LookupError):
    """No record of that account has arrived."""

    def __init__(self, account_id: str) -> None:
        super().__init__(f"no account is known as {account_id}")


Plan = Callable[[Work, Person], Awaitable[None]]
"""Whatever else is to happen when somebody is saved, in the same transaction."""


class ManageDirectory:
    """Save and delete people and teams, and say who is responsible for an account."""

    def __init__(self, open_work: OpenWork, directory: DirectoryInForce, clock: Clock, plan: Plan) -> None:
        """`plan` arms a person's timers."""
        self._plan = plan
        self._open = open_work
        self._directory = directory
        self._clock = clock

    async def save_person(self, person: Person, *, replaces: int | None, by: str, reason: str | None) -> Saved[Person]:
        """Save somebody; the same as the latest version is no new one.

        Raises `DirectoryRefused` for circles and for people nobody knows, and `DirectoryMovedOn`.
        """
        async with self._open() as work:
            await work.directory.lock()
            directory = await self._directory(work)
            faults = [*faults_of_person(person, directory.people)]
            chat = person.chat
            if chat is not None and chat.channel_id not in await work.channels.usable():
                detail = f"no channel {chat.channel_id!r} is switched on; GET /v1/channels shows those that there are"
                faults.append(DirectoryFault("/chat/channel_id", detail))
            if faults:
                raise DirectoryRefused(faults)
            if person.email is not None:
                await keep_people_mail(work, self._clock.now())
            saved = await self._save(work, Kind.PERSON, person.id, person, replaces, by, reason)
            if saved.is_new:
                await self._plan(work, person)
            return saved

    async def save_team(self, team: Team, *, replaces: int | None, by: str, reason: str | None) -> Saved[Team]:
        """Save a team; the same as the latest version is no new one. Raises `DirectoryRefused`, `DirectoryMovedOn`."""
        async with self._open() as work:
            await work.directory.lock()
            faults = faults_of_team(team, (await self._directory(work)).people)
            if faults:
                raise DirectoryRefused(faults)
            return await self._save(work, Kind.TEAM, team.id, team, replaces, by, reason)

    async def save_routing(
        self, routing: Routing, *, replaces: int | None, by: str, reason: str | None, dry_run: bool = False
    ) -> Saved[Routing]:
        """Save the routing, in force from now on; the same as the latest is no new version.

        Raises `DirectoryRefused`, `DirectoryMovedOn`.
        """
        async with self._open() as work:
            await work.directory.lock()
            faults = await self.faults_of_routing(work, routing)
            if faults:
                raise DirectoryRefused(faults)
            if dry_run:
                latest = await work.directory.latest(Kind.ROUTING, ROUTING)
                number = latest.version if latest else 0
                return Saved(Version(ROUTING, number + 1, routing, self._clock.now(), by, reason), is_new=False)
            saved = await self._save(work, Kind.ROUTING, ROUTING, routing, replaces, by, reason)
            if saved.is_new:
                # what was muted by the tree before may be free now
                await work.deliveries.wake(Mute.INHIBITION, self._clock.now())
            return saved

    async def faults_of_routing(self, work: Any, routing: Routing) -> Sequence[RoutingFault]:
        """What is wrong with a routing as people, teams and channels are now."""
        return faults_of(routing, await self._directory(work), frozenset(await work.channels.usable()))

    async def routing(self) -> Version[Routing] | None:
        """The routing that is saved; None where there is none, or it was taken back."""
        async with self._open() as work:
            found: Version[Routing] | None = await work.directory.routing()
        return found if found is not None and found.what is not None else None

    async def delete(self, kind: Kind, document_id: str, *, by: str, reason: str | None) -> None:
        """Delete somebody, or a team. Raises `DirectoryUnknown`, and `StillNeeded` where others refer to them."""
        async with self._open() as work:
            await work.directory.lock()
            latest = await work.directory.latest(kind, document_id)
            if latest is None or latest.what is None:
                raise DirectoryUnknown(kind, document_id)
            if kind is not Kind.ROUTING:
                directory, routing = await self._directory.with_routing(work)
                needed = [*references_to(document_id, directory)] if kind is Kind.PERSON else []
                if any((each.to, each.id) == (To(kind), document_id) for each in receivers_of(routing.root)):
                    needed.append("named in the routing")
                if needed:
                    raise StillNeeded(kind, document_id, needed)
            gone: Version[Any] = Version(document_id, latest.version + 1, None, self._clock.now(), by, reason)
            await work.directory.add(kind, gone)

    async def page(self, kind: Kind, after: str, limit: int) -> Sequence[Version[Any]]:
        """People or teams by id, those behind `after`."""
        async with self._open() as work:
            found = await self._directory.versions(work, kind)
        return [each for each in found if each.id > after][:limit]

    async def one(self, kind: Kind, document_id: str) -> Version[Any]:
        """The newest version. Raises `DirectoryUnknown`, also for what was deleted."""
        async with self._open() as work:
            latest: Version[Any] | None = await work.directory.latest(kind, document_id)
        if latest is None or latest.what is None:
            raise DirectoryUnknown(kind, document_id)
        return latest

    async def versions(self, kind: Kind, document_id: str, before: int | None, limit: int) -> Sequence[Version[Any]]:
        """Up to `limit` versions, newest first, those below `before`. Raises `DirectoryUnknown`."""
        async with self._open() as work:
            found: Sequence[Version[Any]] = await work.directory.versions(kind, document_id, before, limit)
        if not found and before is None:
            raise DirectoryUnknown(kind, document_id)
        return found

    async def responsible(self, account_id: str, role: str, at: datetime | None) -> tuple[Responsible, datetime]:
        """Who has a role at an account at an instant (None: now), leave and deputies resolved; and that instant.

        Raises `AccountUnknown`.
        """
        at = at or self._clock.now()
        async with self._open() as work:
            known = await work.accounts.known([account_id])
            if account_id not in known:
                raise AccountUnknown(account_id)
            directory = await self._directory(work)
        return resolve(role, known[account_id], directory.people, at), at

    async def _save(
        self, work: Any, kind: Kind, document_id: str, what: Any, replaces: int | None, by: str, reason: str | None
    ) -> Saved[Any]:
        latest: Version[Any] | None = await work.directory.latest(kind, document_id)
        number = latest.version if latest else 0
        if replaces is not None and replaces != number:
            raise DirectoryMovedOn(kind, document_id, number)
        if latest is not None and latest.what == what:
            return Saved(latest, is_new=False)
        version: Version[Any] = Version(document_id, number + 1, what, self._clock.now(), by, reason)
        await work.directory.add(kind, version)
        return Saved(version, is_new=True)
