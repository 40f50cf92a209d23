"""What ingest says: usage that happened, and facts about accounts and the people there. `facts` has the other facts."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta

from mainstay.contracts.common import MoneyData
from mainstay.contracts.fields import Currency, Days, Id, Instant, Key, Locale, Maybe, Name
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


class TeamAssignment(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who has a role at an account, and in which days; null: nobody has it. `until` is the last day."""

    role: Key
    person: Name | None
    since: date | None = None
    until: date | None = None


class ServicePolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What service an account is promised. `budget` is for a year.

    `name` chooses one of the operator's service policies; the other fields hold in its place.
    """

    name: Name | None = None
    touch_every_days: Days | None = None
    response_within_hours: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    mode: Literal["onsite", "remote"] | None = None
    served_by: Literal["csm", "support_desk"] | None = None
    training: Name | None = None
    budget: MoneyData | None = None


class AccountFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody stated about an account. Absent fields were not stated; null withdraws the field.

    `zone` is an IANA name. Facts about one field resolve by (occurred_at, event id), so their order does not matter.
    `external_ids` (by system) and `team` (by role) say something about the systems and roles that they name only.
    Coverage is what the CSM is there (a coordinator, who routes to others, or a product expert, who answers), and how
    the account was assigned (named, or to a pool that several share).
    """

    TYPE: ClassVar[str] = "mainstay.customer.account.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    occurred_at: Instant
    name: Maybe[Name] = UNSET
    owner: Maybe[Name] = UNSET
    tier: Maybe[Name] = UNSET
    zone: Maybe[Name] = UNSET
    industry: Maybe[Name] = UNSET
    segment: Maybe[Name] = UNSET
    parent_account_id: Maybe[Id] = UNSET
    currency: Maybe[Currency] = UNSET
    locale: Maybe[Locale] = UNSET
    stage: Maybe[Literal["onboarding", "growth", "nurture", "renewal", "will_churn", "churned"]] = UNSET
    external_ids: Annotated[dict[Key, Id | None], Meta(max_length=50)] | msgspec.UnsetType = UNSET
    team: Annotated[tuple[TeamAssignment, ...], Meta(max_length=50)] | msgspec.UnsetType = UNSET
    service_policy: Maybe[ServicePolicy] = UNSET
    partnership: Maybe[Literal["channel", "strategic"]] = UNSET
    brand_value: Maybe[Literal["low", "medium", "high"]] = UNSET
    go_live_planned_on: Maybe[date] = UNSET
    go_live_on: Maybe[date] = UNSET
    delivery_partner: Maybe[Name] = UNSET
    coverage_role: Maybe[Literal["coordinator", "product_expert"]] = UNSET
    coverage_assignment: Maybe[Literal["named", "pool"]] = UNSET
    by: Name | None = None


class ContactFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody stated about a person at an account; `contact_id` is the product's id of the user."""

    TYPE: ClassVar[str] = "mainstay.customer.contact.v1"
    TOPIC: ClassVar[Topic] = CUSTOMER_SIGNALS

    account_id: Id
    contact_id: Id
    occurred_at: Instant
    name: Maybe[Name] = UNSET
    email: Maybe[Name] = UNSET
    title: Maybe[Name] = UNSET
    role: Maybe[Literal["champion", "sponsor", "economic_buyer", "admin", "user"]] = UNSET
    status: Maybe[Literal["active", "inactive", "left"]] = UNSET
    by: Name | None = None


EVENTS = (UsageRecorded, AccountFact, ContactFact)
