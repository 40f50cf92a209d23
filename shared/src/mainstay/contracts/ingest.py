"""What ingest says: usage that happened, and facts about customers."""

from datetime import datetime
from typing import ClassVar

import msgspec

from mainstay.contracts.topics import CUSTOMER_SIGNALS, USAGE_EVENTS
from mainstay.messaging.port import Topic


class UsageRecorded(msgspec.Struct, frozen=True, omit_defaults=True):
    """One use of the customer's product by one user of an account.

    `occurred_at` is the clock-corrected time, `received_at` ingest's own; both UTC. `user_id` is the product's id of
    the user (`anonymous:<id>` where only an anonymous id is known, None where neither is). `properties` is the
    sender's JSON object, untouched. `stated_at` is the sender's own time, in UTC, where the correction changed it.
    """

    TYPE: ClassVar[str] = "mainstay.usage.recorded.v1"
    TOPIC: ClassVar[Topic] = USAGE_EVENTS

    account_id: str
    event: str
    feature: str
    occurred_at: datetime
    received_at: datetime
    user_id: str | None = None
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    stated_at: datetime | None = None


class AccountFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody stated about an account. Absent fields were not stated; null withdraws the field.

    `zone` is an IANA name. Facts about one field resolve by (occurred_at, event id), so their order does not matter.
    """

    TYPE: ClassVar[str] = "mainstay.customer.account.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: str
    occurred_at: datetime
    name: str | msgspec.UnsetType | None = msgspec.UNSET
    owner: str | msgspec.UnsetType | None = msgspec.UNSET
    tier: str | msgspec.UnsetType | None = msgspec.UNSET
    zone: str | msgspec.UnsetType | None = msgspec.UNSET
    industry: str | msgspec.UnsetType | None = msgspec.UNSET
    segment: str | msgspec.UnsetType | None = msgspec.UNSET


class ContactFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody stated about a person at an account; `contact_id` is the product's id of the user."""

    TYPE: ClassVar[str] = "mainstay.customer.contact.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: str
    contact_id: str
    occurred_at: datetime
    name: str | msgspec.UnsetType | None = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    title: str | msgspec.UnsetType | None = msgspec.UNSET


EVENTS = (UsageRecorded, AccountFact, ContactFact)
