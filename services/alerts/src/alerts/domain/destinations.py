"""Destinations: where a channel's messages go, one form for each kind of channel."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

OWNER = "owner"
"""The address that stands for the owner of the account."""

PERSON = "person"
"""The address that stands for whoever a message is for."""
PEOPLE_MAIL = "people-email"
"""The id of the channel that mails people at the addresses of the directory; it takes no alerts by itself."""


class DestinationRefused(ValueError):
    """A channel's destination cannot be used. `field` is the member of the request that says it."""

    def __init__(self, reason: str, field_name: str) -> None:
        super().__init__(reason)
        self.field = field_name


class AddressNotRefused(Exception):
    """No mail server refused that address, or not lately."""

    def __init__(self, address: str) -> None:
        super().__init__(f"no mail server refused {address}")
        self.address = address


class ChannelKind(StrEnum):
    """The forms in which a notification can leave."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"
    TEAMS = "teams"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver of signed webhooks (Standard Webhooks). `secret` is `whsec_` and the base64 of 32 random bytes.

    While the secret is being rotated messages are signed with the previous one too, until `previous_until`.
    """

    url: str = field(repr=False)
    secret: str = field(repr=False)
    previous_secret: str | None = field(default=None, repr=False)
    previous_until: datetime | None = None

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """What a message of this instant is signed with, the present secret first."""
        if self.previous_secret is None or self.previous_until is None or now >= self.previous_until:
            return (self.secret,)
        return (self.secret, self.previous_secret)

    def rotated(self, secret: str, previous_until: datetime) -> "Webhook":
        """The same receiver with a new secret; the present one is used beside it until then."""
        return replace(self, secret=secret, previous_secret=self.secret, previous_until=previous_until)


@dataclass(frozen=True, slots=True)
class Slack:
    """An incoming webhook of Slack, or of a chat that speaks its format. The URL is a credential."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Teams:
    """A workflow of Microsoft Teams that starts with a web request. The URL is a credential."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WeCom:
    """A group robot of WeCom (企业微信). The URL is a credential."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DingTalk:
    """A group robot of DingTalk (钉钉). The URL is a credential; with a `secret` requests are signed."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Feishu:
    """A group robot of Feishu or Lark (飞书). The URL is a credential; with a `secret` requests are signed."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Email:
    """A mailbox: a fixed address, or `owner` with a `fallback` for accounts whose owner is no address."""

    to: str
    fallback: str | None = None

    def recipient(self, owner: str | None, refused: frozenset[str] = frozenset()) -> str | None:
        """The address for an account of this owner; None when there is none.

        An address that refuses mail is passed over for the fallback, where there is one.
        """
        first = self.to if self.to != OWNER else owner if owner and is_address(owner) else None
        if first is None or (first in refused and self.fallback is not None):
            return self.fallback
        return first


Robot = DingTalk | Feishu
"""Robots whose requests can be signed with a secret that their vendor made."""

Addressed = Webhook | Slack | Teams | WeCom | DingTalk | Feishu
"""Destinations that have a URL."""

Destination = Addressed | Email

KINDS: dict[type, ChannelKind] = {
    Webhook: ChannelKind.WEBHOOK,
    Slack: ChannelKind.SLACK,
    Email: ChannelKind.EMAIL,
    Teams: ChannelKind.TEAMS,
    WeCom: ChannelKind.WECOM,
    DingTalk: ChannelKind.DINGTALK,
    Feishu: ChannelKind.FEISHU,
}


def is_address(text: str) -> bool:
    """Whether a text can be used as an email address: one @, something on both sides, nothing that breaks a header."""
    local, at, domain = text.rpartition("@")
    return (
        bool(local and at and domain)
        and len(text) <= 254
        and "@" not in local
        and text.isascii()
        and text.isprintable()
        and not set(text) & set(' ,;:<>()[]\\"')
    )
