"""What a protocol read from one request, before anything is decided about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from ingest.records import Said
from mainstay.web.keys import ApiKey

NOBODYS = ""
"""The account id of an event that names no account; attribution puts the right one in its place."""


class Stated(msgspec.Struct, gc=False):
    """One event as its protocol read it. (`source`, `id`) names it for ever.

    `data.account_id` is `NOBODYS` where the call names no account. `document` is the event as it arrived. `properties`
    are those of a usage event, decoded. `made_id` says that the id was made here, because the sender gave none.
    """

    id: str
    source: str
    occurred_at: datetime
    data: Said
    document: bytes | msgspec.Raw
    properties: Mapping[str, Any] = {}
    traceparent: str | None = None
    made_id: bool = False


class RefusedEvent(msgspec.Struct, gc=False):
    """An event, or a whole body, that broke a rule; `place` is its index among the request's events."""

    place: int
    document: bytes
    refusal: Refused
    id: str | None = None

    def __post_init__(self) -> None:
        """A refusal that is kept lets go of where it was raised.

        Those frames hold the delivery, which holds this: a ring that keeps the body until the collector's next turn,
        which comes by the number of objects and not by their size.
        """
        self.refusal.__traceback__ = self.refusal.__context__ = None


class Membership(msgspec.Struct, frozen=True):
    """Somebody said that a user belongs to an account, or (`is_member` false) does so no more."""

    user_id: str
    account_id: str
    stated_at: datetime
    is_member: bool = True


class Alias(msgspec.Struct, frozen=True):
    """Somebody said that two user ids are one person: what is known of `previous_id` holds for `user_id` too."""

    previous_id: str
    user_id: str
    stated_at: datetime


@dataclass(slots=True)
class Delivery:
    """What one request brought. `places[i]` is the index of `stated[i]` in the request.

    `around` is what else its protocol needs to read one of its events again later: the protocol's own JSON.
    `skew_seconds` is received − sent, where the sender said when it sent. `size` is the body's, in bytes.
    """

    protocol: str
    key: ApiKey
    policy: Policy
    received_at: datetime
    traceparent: str
    around: bytes = b"{}"
    stated: list[Stated] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    refused: list[RefusedEvent] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    skew_seconds: float | None = None
    size: int = 0

    def sent(self, at: datetime | None) -> None:
        """The sender says when it sent, by its own clock; a time without a zone is UTC."""
        if at is not None:
            own = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
            self.skew_seconds = (self.received_at - own).total_seconds()


@dataclass(slots=True)
class Received:
    """What became of a delivery. Places are indexes in the request; whatever is named nowhere is durable.

    `waiting`: set aside until the user's account is known. `suppressed`: about somebody who was erased; left out.
    `unacknowledged`: the log did not answer in time; the sender repeats them. `refused` holds the delivery's own
    refusals and those of the plan, in order of place.
    """

    accepted: int = 0
    waiting: Sequence[int] = ()
    suppressed: Sequence[int] = ()
    unacknowledged: Sequence[int] = ()
    refused: Sequence[RefusedEvent] = ()
    warnings: Sequence[tuple[int, str]] = ()
