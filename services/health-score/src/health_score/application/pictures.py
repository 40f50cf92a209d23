"""The picture of an account's health, and the links by which pages that cannot send a key may show it."""

import hmac
import secrets
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from health_score.application.ports import Accounts
from health_score.application.views import AccountDetailView, CloseView
from health_score.domain.account import AccountUnknown, zone_named
from health_score.domain.bands import BandRules
from health_score.domain.history import DAY
from mainstay.kernel.clock import Clock, day_of

DAYS_SHOWN: Final = 90

MOST_LINKS: Final = 50
"""Links of one account that stand at a time."""

_KIND: Final = "picture"


class LinkRefused(Exception):
    """A link to a picture does not open it: it is not one of ours, it has ended, or it was revoked."""


class TooManyLinks(Exception):
    """An account has as many links as it may."""


class LinkUnknown(LookupError):
    """The account has no such link."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture shows: the account, its scores of the days up to `today`, and where yellow and green begin."""

    account: AccountDetailView
    today: date
    scores: tuple[tuple[date, int | None], ...]
    yellow_begins: int
    green_begins: int


@dataclass(frozen=True, slots=True)
class Link:
    """A link that stands."""

    link_id: str
    created_at: datetime
    created_by: str
    expires_at: datetime


class KeyedHash(Protocol):
    """Hashes under the deployment's secret key."""

    def hash(self, kind: str, subject_id: str, /) -> str:
        """The keyed hash of a text, of one kind of text."""


class LinkStore(Protocol):
    """The links, within one transaction."""

    async def add(self, account_no: int, link: Link) -> None:
        """Keep a link."""

    async def standing(self, account_no: int, now: datetime) -> Sequence[Link]:
        """An account's links that stand, oldest first."""

    async def revoke(self, account_no: int, link_id: str, now: datetime) -> bool:
        """End a link; False where the account has none of that id."""


class LinkWork(Protocol):
    """One transaction."""

    @property
    def accounts(self) -> Accounts:
        """The accounts."""

    @property
    def picture_links(self) -> LinkStore:
        """The links."""


class OpenLinkWork(Protocol):
    """Opens a transaction."""

    def __call__(self) -> AbstractAsyncContextManager[LinkWork]:
        """The transaction: committed at the end of the block."""


class PictureReading(Protocol):
    """The store's view of what a picture shows."""

    async def account(self, account_id: str) -> AccountDetailView | None:
        """One account, or None."""

    async def closes(self, account_id: str, first: date, last: date, limit: int) -> Sequence[CloseView]:
        """Up to `limit` closes of the days from `first` to `last`, oldest first."""

    async def link_stands(self, account_id: str, link_id: str, now: datetime) -> bool:
        """Whether an account has a link that neither ended nor was revoked."""


class BandsOfAccounts(Protocol):
    """Which bands an account's scores are placed in."""

    async def bands(self, account_id: str) -> BandRules:
        """The bands of the scorecard that its current score is by. Raises `AccountUnknown`."""


class Pictures:
    """What is drawn, and who may see it by a link."""

    def __init__(
        self, reading: PictureReading, open_work: OpenLinkWork, hashes: KeyedHash, rules: BandsOfAccounts, clock: Clock
    ) -> None:
        self._reading = reading
        self._work = open_work
        self._hashes = hashes
        self._rules = rules
        self._clock = clock

    async def picture(self, account_id: str, link_id: str | None = None) -> Picture:
        """What an account's picture shows, by a key or by a link. Raises `AccountUnknown`, `LinkRefused`."""
        now = self._clock.now()
        if link_id is not None and not await self._reading.link_stands(account_id, link_id, now):
            raise LinkRefused("the link has ended")
        account = await self._reading.account(account_id)
        if account is None:
            raise AccountUnknown(account_id)
        today = day_of(now, zone_named(account.zone))
        closes = await self._reading.closes(account_id, today - DAY * (DAYS_SHOWN - 1), today - DAY, DAYS_SHOWN)
        scores = [(close.day, close.score) for close in closes]
        if account.health.computed_at is not None:
            scores.append((today, account.health.score))
        rules = await self._rules.bands(account_id)
        return Picture(account, today, tuple(scores), rules.yellow.begins, rules.green.begins)

    def opened_by(self, signature: str, account_id: str) -> str:
        """The id of the link that a signature is of, if it is one of ours for this account. Raises `LinkRefused`."""
        link_id, _, rest = signature.partition(".")
        expiry, _, mac = rest.partition(".")
        expected = self._hashes.hash(_KIND, f"{link_id}\0{expiry}\0{account_id}")
        if not hmac.compare_digest(mac.encode(errors="replace"), expected.encode()):
            raise LinkRefused("the link is not valid")
        if int(expiry) <= self._clock.now().timestamp():
            raise LinkRefused("the link has ended")
        return link_id

    async def new_link(self, account_id: str, days: int, by: str) -> tuple[Link, str]:
        """A link of so many days, and its signature: the only time it is shown.

        Raises `AccountUnknown`, `TooManyLinks`.
        """
        now = self._clock.now().replace(microsecond=0)
        link = Link(secrets.token_hex(8), now, by, now + timedelta(days=days))
        async with self._work() as work:
            number = await self._locked(work, account_id)
            if len(await work.picture_links.standing(number, now)) >= MOST_LINKS:
                raise TooManyLinks(f"{account_id} has {MOST_LINKS} links already; revoke some")
            await work.picture_links.add(number, link)
        expiry = str(int(link.expires_at.timestamp()))
        mac = self._hashes.hash(_KIND, f"{link.link_id}\0{expiry}\0{account_id}")
        return link, f"{link.link_id}.{expiry}.{mac}"

    async def links(self, account_id: str) -> Sequence[Link]:
        """An account's links that stand, oldest first, at most `MOST_LINKS`. Raises `AccountUnknown`."""
        async with self._work() as work:
            number = await self._locked(work, account_id)
            return await work.picture_links.standing(number, self._clock.now())

    async def revoke(self, account_id: str, link_id: str) -> None:
        """End a link now. Raises `AccountUnknown`, `LinkUnknown`."""
        async with self._work() as work:
            number = await self._locked(work, account_id)
            if not await work.picture_links.revoke(number, link_id, self._clock.now()):
                raise LinkUnknown(f"{account_id} has no link {link_id}")

    @staticmethod
    async def _locked(work: LinkWork, account_id: str) -> int:
        accounts = await work.accounts.lock([account_id])
        if account_id not in accounts:
            raise AccountUnknown(account_id)
        return accounts[account_id].number
