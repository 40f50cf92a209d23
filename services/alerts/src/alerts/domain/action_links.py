"""Signed links: one click in a message takes an alert on, or puts it off, and says who did.

A link names the alert, what to do, for whom it was made and until when it holds, and is signed (HMAC-SHA256, cut to 128
bits, over all of it). Whoever has the link can use it, as whoever can read the message could do so by hand.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

HOLDS_FOR: Final = timedelta(days=7)
SNOOZE_FOR: Final = timedelta(days=1)
MOST_NAME_BYTES: Final = 200
_VERSION: Final = 1
_HEAD: Final = struct.Struct(">BBIB16s")
_MAC_BYTES: Final = 16


class LinkRefused(Exception):
    """This is none of our links, or it was changed."""

    def __init__(self) -> None:
        super().__init__("this is no link that Mainstay made")


class LinkExpired(Exception):
    """The link was good once."""

    def __init__(self, expired_at: datetime) -> None:
        super().__init__(f"the link held until {expired_at:%Y-%m-%d %H:%M} UTC")
        self.expired_at = expired_at


class Action(StrEnum):
    """What a link does."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"


class WhoKind(StrEnum):
    """For whom a link was made: one of our people, or whoever reads a channel."""

    PERSON = "person"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Who:
    """For whom a link was made; `id` is the person's or the channel's."""

    kind: WhoKind
    id: str


@dataclass(frozen=True, slots=True)
class ActionLink:
    """What a link says. `expires_at` is a whole second, UTC."""

    alert_id: str
    action: Action
    who: Who
    expires_at: datetime


class LinkSigner:
    """Makes links, and reads those that were made with its key or a previous one."""

    def __init__(self, secret_key: str, previous: Sequence[str] = ()) -> None:
        """Derive this purpose's own keys."""
        self._keys = [_key(secret) for secret in (secret_key, *previous)]

    def token(self, link: ActionLink) -> str | None:
        """The link as a word for an address, 60 to 330 characters.

        None where a name is too long for one, or the alert has another id than this service makes.
        """
        name, alert_id = link.who.id.encode(), _uuid(link.alert_id)
        if len(name) > MOST_NAME_BYTES or alert_id is None:
            return None
        head = _HEAD.pack(
            _VERSION,
            list(Action).index(link.action),
            int(link.expires_at.timestamp()),
            list(WhoKind).index(link.who.kind),
            alert_id.bytes,
        )
        return urlsafe_b64encode(head + name + _mac(self._keys[0], head + name)).decode().rstrip("=")

    def read(self, token: str, now: datetime) -> ActionLink:
        """What a link says. Raises `LinkRefused`, `LinkExpired`."""
        try:
            raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except ValueError:
            raise LinkRefused from None
        said, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(said) < _HEAD.size or not any(hmac.compare_digest(_mac(key, said), mac) for key in self._keys):
            raise LinkRefused
        version, action, expires, kind, alert = _HEAD.unpack(said[: _HEAD.size])
        if version != _VERSION or urlsafe_b64encode(raw).decode().rstrip("=") != token:
            raise LinkRefused
        who = Who(list(WhoKind)[kind], said[_HEAD.size :].decode())
        link = ActionLink(str(UUID(bytes=alert)), list(Action)[action], who, datetime.fromtimestamp(expires, UTC))
        if now >= link.expires_at:
            raise LinkExpired(link.expires_at)
        return link


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"mainstay/alerts/action-link, version 1", "sha256")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, said, "sha256")[:_MAC_BYTES]
