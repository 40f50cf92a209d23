"""Calendars of renewals by a secret link: who has one, and what stands in it."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from mainstay.kernel.clock import Clock
from renewals.application.calendars import notice_by
from renewals.application.ports import OpensWork
from renewals.domain.agenda import Entry, agenda
from renewals.domain.contracts import Contract

MOST_LINKS: Final = 20
"""Links of one owner at a time."""
MOST_CONTRACTS: Final = 500
"""Contracts of one calendar, those that come to their end soonest."""
LOOKS_BACK: Final = timedelta(days=35)
"""Entries of days longer ago are left out, and what is no more is shown as cancelled for so long."""


class LinkUnknown(LookupError):
    """There is no such link, or it was revoked."""

    def __init__(self) -> None:
        super().__init__("there is no such link")


class TooManyLinks(Exception):
    """An owner has as many links as anybody may."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"{owner} has {MOST_LINKS} links already: revoke some")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarLink:
    """A link that stands; of its secret only a hash is kept."""

    id: str
    owner: str
    secret_hash: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A contract with the number of the revision that says so, and when that was recorded."""

    contract: Contract
    number: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Dated:
    """An entry of a calendar. `sequence` rises with every change of its contract, and so whenever the entry moves."""

    recorded: Recorded
    entry: Entry

    @property
    def uid(self) -> str:
        """Its name in every calendar, for ever."""
        return f"{self.recorded.contract.id}.{self.entry.name}@mainstay"

    @property
    def sequence(self) -> int:
        """The number of the contract's last revision (RFC 5545, section 3.8.7.4)."""
        return self.recorded.number


class LinkBook(Protocol):
    """The links, and what stands in calendars, within one transaction."""

    async def add(self, link: CalendarLink) -> None:
        """Keep a link. Waits for others that are being made for the owner."""

    async def count(self, owner: str) -> int:
        """How many links an owner has."""

    async def get(self, link_id: str) -> CalendarLink:
        """One link. Raises `LinkUnknown`."""

    async def page(self, *, owner: str | None, after: str | None, limit: int) -> Sequence[CalendarLink]:
        """Up to `limit` links in the order of their ids, after the given one."""

    async def remove(self, link_id: str) -> bool:
        """Forget a link; whether there was one."""

    async def contracts_of(self, owner: str, ends_after: date, *, limit: int) -> Sequence[Recorded]:
        """Contracts of the accounts that the owner has now, which end after a day; the soonest first."""

    async def formerly(self, contract_ids: Collection[str], since: datetime) -> Mapping[str, Sequence[Contract]]:
        """What contracts said at any time since an instant and do not any more, newest first."""


class Calendars:
    """Makes and revokes links, and tells what stands in an owner's calendar."""

    def __init__(self, work: OpensWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def new_link(self, owner: str, *, by: str) -> tuple[CalendarLink, str]:
        """A link, and its token: the only time it is shown. Raises `TooManyLinks`."""
        secret = secrets.token_urlsafe(32)
        link = CalendarLink(
            id=secrets.token_hex(8),
            owner=owner,
            secret_hash=_hashed(secret),
            created_at=self._clock.now(),
            created_by=by,
        )
        async with self._work() as work:
            await work.calendars.add(link)
            if await work.calendars.count(owner) > MOST_LINKS:
                raise TooManyLinks(owner)
        return link, f"{link.id}.{secret}"

    async def revoke(self, link_id: str) -> None:
        """From now on the link shows nothing. Raises `LinkUnknown`."""
        async with self._work() as work:
            if not await work.calendars.remove(link_id):
                raise LinkUnknown

    async def opened_by(self, token: str) -> CalendarLink:
        """The link of a token. Raises `LinkUnknown`."""
        link_id, _, secret = token.partition(".")
        async with self._work() as work:
            link = await work.calendars.get(link_id)
        if not hmac.compare_digest(link.secret_hash, _hashed(secret)):
            raise LinkUnknown
        return link

    async def entries(self, owner: str) -> Sequence[Dated]:
        """What stands in the owner's calendar, by contract and day."""
        now = self._clock.now()
        since = now - LOOKS_BACK
        async with self._work() as work:
            contracts = await work.calendars.contracts_of(owner, since.date(), limit=MOST_CONTRACTS)
            formerly = await work.calendars.formerly([each.contract.id for each in contracts], since)
        found = [each for one in contracts for each in _dated(one, formerly.get(one.contract.id, ()))]
        return [each for each in found if each.entry.day > since.date()]


def _dated(recorded: Recorded, formerly: Sequence[Contract]) -> Iterator[Dated]:
    """A contract's entries as they are, and cancelled those that were there and are no more."""
    present = {entry.name: entry for entry in agenda(recorded.contract, notice_by)}
    for was in formerly:
        for entry in agenda(was, notice_by):
            present.setdefault(entry.name, replace(entry, is_off=True))
    for entry in sorted(present.values(), key=lambda each: (each.day, each.name)):
        yield Dated(recorded, entry)


def _hashed(secret: str) -> str:
    """The secret has 256 random bits: nobody finds it again from a plain hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
