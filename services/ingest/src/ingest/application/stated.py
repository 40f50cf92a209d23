"""What a protocol read from one request, before anything is decided about it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from ingest.records import Said
from mainstay.contracts.ingest import UsageRecorded
from mainstay.web.keys import ApiKey

_properties = msgspec.json.Decoder(dict[str, Any]).decode

NOBODYS = ""
"""The account id of an event that names no account; attribution puts the right one in its place."""


class Stated(msgspec.Struct, gc=False):
    """One event as its protocol read it. (`source`, `id`) names it for ever.

    `data.account_id` is `NOBODYS` where the call names no account. `document` is the event as it arrived. `made_id`
    says that the id was made here, because the sender gave none.
    """

    id: str
    source: str
    occurred_at: datetime
    data: Said
    document: bytes | msgspec.Raw
    traceparent: str | None = None
    made_id: bool = False

    @property
    def properties(self) -> Mapping[str, Any]:
        """Those of a usage event, none of a fact; decoded for each asking, because few events are asked."""
        data = self.data
        return _properties(data.properties) if isinstance(data, UsageRecorded) else {}


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


class Delivery(msgspec.Struct):
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
    stated: list[Stated] = []
    places: list[int] = []
    refused: list[RefusedEvent] = []
    memberships: list[Membership] = []
    aliases: list[Alias] = []
    skew_seconds: float | None = None
    size: int = 0

    def sent(self, at: datetime | None) -> None:
        """The sender says when it sent, by its own clock; a time without a zone is UTC."""
        if at is not None:
            own = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
            self.skew_seconds = (self.received_at - own).total_seconds()


class Received(msgspec.Struct):
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
