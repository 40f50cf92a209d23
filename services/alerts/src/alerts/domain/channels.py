"""Channels: where notifications go, and which of them a channel takes."""

from dataclasses import dataclass
from datetime import datetime

from alerts.domain.destinations import KINDS, ChannelKind, Destination
from alerts.domain.words import Category, Language, Severity


class ChannelUnknown(Exception):
    """There is no channel with that id."""

    def __init__(self, channel_id: str) -> None:
        super().__init__(f"no channel has the id {channel_id}")
        self.channel_id = channel_id


class ChannelNotUsable(Exception):
    """The channel takes no messages now: it is switched off."""


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

    `failing_since` is the first failure after the last success. `language` is what its readers read. One that is marked
    `operator` takes what the operator of Mainstay has to know, and no alerts.
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
    language: Language = Language.EN
    operator: bool = False
    unreadable: bool = False
    """The destination was sealed with another key and is lost: the channel has to be made anew."""

    @property
    def kind(self) -> ChannelKind:
        """In which form it takes messages."""
        return KINDS[type(self.destination)]

    @property
    def is_active(self) -> bool:
        """Whether it takes messages now."""
        return self.enabled and self.disabled_reason is None and not self.deleted and not self.unreadable
