"""Calendars of renewals by a secret link: who has one, and what stands in it."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from mainstay.kernel.clock import Clock
from renewals.application.ports import OpensWork, Work
from renewals.application.timers import next_day
from renewals.domain.agenda import Told
from renewals.domain.contracts import Contract
from renewals.domain.milestones import NOTICE_DEADLINE
from renewals.domain.terms import Term

MOST_LINKS: Final = 20
"""Links of one owner at a time."""
MOST_CONTRACTS: Final = 500
"""Contracts of one calendar, those that come to their end soonest."""
ENTRIES_AT_ONCE: Final = 50_000
NOTICE: Final = "notice"
"""What calendars call the last day for notice."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """An entry of a calendar, with what its text says of the contract, and since when it says so (UTC).

    Of a term that never was, `term` is None.
    """

    told: Told
    account_id: str
    contract_name: str
    currency: str
    term: Term | None
    changed_at: datetime

    @property
    def occasion(self) -> str:
        """What the day is for, as calendars call it: `window`, `days-60`, `notice`, `due`."""
        name = self.told.entry.name
        return NOTICE if name == NOTICE_DEADLINE else name.replace("_", "-")

    @property
    def uid(self) -> str:
        """Its name in every calendar, for ever."""
        entry = self.told.entry
        return f"{entry.contract_id}.{entry.term}.{self.occasion}@mainstay"


class CalendarBook(Protocol):
    """The links, and what calendars were told, within one transaction."""

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

    async def told(self, contract_ids: Collection[str], now: datetime) -> Sequence[Told]:
        """What calendars show of contracts."""

    async def told_to(self, owner: str, now: datetime, *, limit: int) -> Sequence[Told]:
        """What an owner's calendar shows of up to `limit` contracts, those that end soonest, by contract and day."""

    async def tell(self, changes: Sequence[Told]) -> None:
        """From now on calendars say so, in place of what they said of the same entry to the same owner."""

    async def forget(self, now: datetime, *, most: int) -> int:
        """Forget up to `most` entries that no calendar shows any more; answers how many."""


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
        async with self._work() as work:
            told = await work.calendars.told_to(owner, self._clock.now(), limit=MOST_CONTRACTS)
            ids = {each.entry.contract_id for each in told}
            contracts = await work.contracts.some(ids)
            recorded = await work.ledger.recorded(ids)
        return [_dated(each, contracts[each.entry.contract_id], recorded[each.entry.contract_id]) for each in told]


class ForgetEntries:
    """Forgets what calendars do not show any more, some at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, work: Work) -> datetime:
        """When to go on."""
        now = self._clock.now()
        gone = await work.calendars.forget(now, most=ENTRIES_AT_ONCE)
        return next_day(now) if gone < ENTRIES_AT_ONCE else now


def _dated(told: Told, contract: Contract, recorded_at: datetime) -> Dated:
    """What is said of the contract is as it is now: who has the same number of before takes the later one."""
    return Dated(
        told=told,
        account_id=contract.account_id,
        contract_name=contract.external_id or contract.id,
        currency=contract.currency,
        term=next((term for term in contract.terms if term.number == told.entry.term), None),
        changed_at=max(told.changed_at, recorded_at),
    )


def _hashed(secret: str) -> str:
    """The secret has 256 random bits: nobody finds it again from a plain hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
