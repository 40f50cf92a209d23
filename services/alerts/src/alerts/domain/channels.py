"""Channels: where notifications go, and which of them a channel takes."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alerts.domain.words import Category, Severity

OWNER = "owner"
"""The address that stands for the owner of the account."""


class ChannelUnknown(Exception):
    """There is no channel with that id."""

    def __init__(self, channel_id: str) -> None:
        super().__init__(f"no channel has the id {channel_id}")
        self.channel_id = channel_id


class ChannelNotUsable(Exception):
    """The channel takes no messages now: it is switched off."""


class DestinationRefused(ValueError):
    """A channel's destination cannot be used. `field` is the member of the request that says it."""

    def __init__(self, reason: str, field_name: str) -> None:
        super().__init__(reason)
        self.field = field_name


class ChannelKind(StrEnum):
    """The forms in which a notification can leave."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver of signed webhooks (Standard Webhooks). `secret` is `whsec_` and the base64 of 32 random bytes."""

    url: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Slack:
    """An incoming webhook of Slack, or of a chat that speaks its format. The URL is a credential."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Email:
    """A mailbox: a fixed address, or `owner` with a `fallback` for accounts whose owner is no address."""

    to: str
    fallback: str | None = None

    def recipient(self, owner: str | None) -> str | None:
        """The address for an account of this owner; None when there is none."""
        if self.to != OWNER:
            return self.to
        return owner if owner and is_address(owner) else self.fallback


Destination = Webhook | Slack | Email

KINDS: dict[type, ChannelKind] = {
    Webhook: ChannelKind.WEBHOOK,
    Slack: ChannelKind.SLACK,
    Email: ChannelKind.EMAIL,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a channel takes. Empty owners or categories mean all of them."""

    owners: frozenset[str] = frozenset()
    categories: frozenset[Category] = frozenset()
    min_severity: Severity = Severity.INFO

    def takes(self, category: Category, severity: Severity) -> bool:
        """Whether alerts of this kind are wanted, whoever owns the account."""
        return severity.is_at_least(self.min_severity) and (not self.categories or category in self.categories)

    def takes_owner(self, owner: str | None) -> bool:
        """Whether alerts about accounts of this owner are wanted."""
        return not self.owners or owner in self.owners


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel. A channel that failed too long, or answered that it is gone, has a `disabled_reason`.

    `failing_since` is the first failure after the last success.
    """

    id: str
    name: str
    destination: Destination
    filter: Filter
    created_at: datetime
    updated_at: datetime
    enabled: bool = True
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    failing_since: datetime | None = None
    deleted: bool = False
    unreadable: bool = False
    """The destination was sealed with another key and is lost: the channel has to be made anew."""

    @property
    def kind(self) -> ChannelKind:
        """In which form it takes messages."""
        return KINDS[type(self.destination)]


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
