"""Stating a fact about a customer, whoever writes it down: through the same reception as every protocol's events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from ingest.application.ports import Limiter, Policies, Redaction, TooFast
from ingest.application.reception import Reception
from ingest.application.stated import NOBODYS, Delivery, Membership, Received, Stated
from ingest.records import Said
from mainstay.contracts.facts import Fact
from mainstay.contracts.ingest import ContactFact, UsageRecorded
from mainstay.messaging.port import LogUnavailable
from mainstay.web.keys import ApiKey

SOURCE = "mainstay/csm"
"""Of what people write down."""
PROTOCOL = "csm"


class SubjectErased(Exception):
    """The fact is about somebody who was erased; nothing of it was kept."""

    def __init__(self) -> None:
        super().__init__("The fact is about an account or a person who was erased; nothing of it was kept.")


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A fact as it lies in the log."""

    id: str
    source: str
    occurred_at: datetime
    data: Fact


def membership_of(fact: Said) -> Membership | None:
    """What a fact teaches about who belongs where: a contact to its account, until the status says that they left."""
    if not isinstance(fact, ContactFact) or fact.account_id == NOBODYS:
        return None
    return Membership(fact.contact_id, fact.account_id, fact.occurred_at, is_member=fact.status != "left")


class Meters(Protocol):
    """What is counted of facts."""

    def received(self, protocol: str, source: str, received: Received) -> None:
        """A delivery was received."""

    def refused(self, protocol: str, source: str, code: str) -> None:
        """A request was not taken."""


class StateFact:
    """Make a fact durable that a person wrote down."""

    def __init__(
        self, reception: Reception, policies: Policies, redaction: Redaction, limiter: Limiter, meters: Meters
    ) -> None:
        self._receive, self._policies, self._redaction = reception, policies, redaction
        self._limiter, self._meters = limiter, meters

    def admit(self, key: ApiKey) -> None:
        """Count a request against the key's rate, as an event of any protocol. Raises `TooFast`."""
        try:
            self._limiter.take(key.id, self._policies.of(key.source), 1)
        except TooFast:
            self._meters.refused(PROTOCOL, key.source, "too-fast")
            raise

    async def __call__(
        self, fact: Fact, *, event_id: str, key: ApiKey, received_at: datetime, traceparent: str
    ) -> StoredFact:
        """The fact as it was stored. Raises `LogUnavailable`, `NotKept`, and `SubjectErased`.

        (`SOURCE`, `event_id`) names the event: stated again under the same id, it counts once.
        """
        document = msgspec.json.encode(fact)
        stated = Stated(event_id, SOURCE, fact.occurred_at, fact, document)
        policy = self._policies.of(key.source)
        member = membership_of(fact)
        received = await self._receive(
            Delivery(
                PROTOCOL,
                key,
                policy,
                received_at,
                traceparent,
                stated=[stated],
                places=[0],
                memberships=[member] if member else [],
            )
        )
        self._meters.received(PROTOCOL, key.source, received)
        if received.unacknowledged:
            raise LogUnavailable("the fact may be stored or not: repeat the request as it is", [0])
        if received.suppressed:
            raise SubjectErased
        if policy.dropped or policy.hashed:
            stated = self._redaction.redact(stated, policy)
        assert not isinstance(stated.data, UsageRecorded)  # noqa: S101 - redaction keeps the kind
        return StoredFact(event_id, SOURCE, fact.occurred_at, stated.data)
