"""What health-score reads: usage, facts about accounts, what their contracts are worth, and who was given them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from health_score.application.erasure import Asked, ObeyErasures
from health_score.application.facts import RecordFacts, RecordValues
from health_score.application.usage import RecordUsage
from health_score.application.uses import UsageEvent
from mainstay.contracts.alerts import AccountReassigned, FactStated
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.facts import FACTS, Fact
from mainstay.contracts.ingest import AccountFact, TeamAssignment
from mainstay.contracts.privacy import ErasureRequested, SuppressionLifted
from mainstay.contracts.renewals import AccountValueChanged
from mainstay.contracts.topics import ALERT_EVENTS, CUSTOMER_SIGNALS, PRIVACY_REQUESTS, RENEWAL_EVENTS, USAGE_EVENTS
from mainstay.messaging.consuming import Subscription
from mainstay.messaging.port import Record

GROUP = "health-score"
CSM = "csm"
"""The role of an owner in the dated team."""


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""An account has a close for every day of its life; no product was used before this day."""

_usage = Decoder(UsageEvent)
_alerts = Decoder(AccountReassigned, FactStated)
_KINDS: Mapping[str, Any] = {fact.TYPE.removeprefix("mainstay.customer.").removesuffix(".v1"): fact for fact in FACTS}


class ImplausiblyOld(ValueError):
    """An event's time is no time of use."""


def usage_recorded(record: Record) -> UsageEvent | None:
    """The usage event in a record, None for other events. Raises `UnreadableEvent`, also for an implausible time."""
    return _usage.read(record, _used)


def _used(attributes: Mapping[str, bytes], event: UsageEvent) -> UsageEvent:
    force_setattr(event, "id", attributes["ce_id"].decode())  # a copy for each would take as long as reading it
    force_setattr(event, "source", attributes["ce_source"].decode())
    if event.occurred_at < EARLIEST:
        raise ImplausiblyOld(f"happened at {event.occurred_at:%Y-%m-%d}, before 1970")
    return event


def usage(record: RecordUsage) -> Subscription[Any]:
    """Usage events: large batches under load, at once after a lull."""
    return Subscription(
        USAGE_EVENTS,
        group=GROUP,
        decode=usage_recorded,
        handle=record,
        up_to=10_000,
        within=timedelta(milliseconds=50),
    )


def facts(record: RecordFacts) -> Subscription[Any]:
    """Facts about accounts, and the people and things around them."""
    return Subscription(CUSTOMER_SIGNALS, group=GROUP, decode=Decoder(*FACTS), handle=record)


def values(record: RecordValues) -> Subscription[Any]:
    """What accounts are worth."""
    return Subscription(RENEWAL_EVENTS, group=GROUP, decode=Decoder(AccountValueChanged), handle=record)


class NoSuchFact(ValueError):
    """What a playbook states is no fact as its kind's schema has it."""


def stated_by_alerts(record: Record) -> Event[Fact] | None:
    """An account given to another owner, or what a playbook states, as the fact that it is; None for other events.

    Raises `UnreadableEvent`, `NoSuchFact`.
    """
    event = _alerts(record)
    if event is None:
        return None
    said = event.data
    fact = _owner_given(said) if isinstance(said, AccountReassigned) else _fact_stated(said)
    return Event(event.id, event.source, event.time, fact, event.traceparent)


def _owner_given(given: AccountReassigned) -> Fact:
    return AccountFact(
        account_id=given.account_id,
        occurred_at=given.occurred_at,
        owner=given.owner,
        team=(TeamAssignment(role=CSM, person=given.owner, since=given.effective_on),),
    )


def _fact_stated(said: FactStated) -> Fact:
    kind = _KINDS.get(said.kind)
    if kind is None:
        raise NoSuchFact(f"there is no kind of fact {said.kind!r}")
    try:
        fact: Fact = msgspec.convert(
            {**msgspec.json.decode(said.fact), "account_id": said.account_id, "occurred_at": said.occurred_at}, kind
        )
    except (msgspec.MsgspecError, TypeError) as error:
        raise NoSuchFact(f"{said.kind}: {error}") from error
    return fact


def facts_of_alerts(record: RecordFacts) -> Subscription[Any]:
    """New owners, and what playbooks state: facts like those of ingest."""
    return Subscription(ALERT_EVENTS, group=GROUP, decode=stated_by_alerts, handle=record)


def erasures(obey: ObeyErasures) -> Subscription[Event[Asked]]:
    """Who is to be erased, one by one: each locks what it concerns."""
    decode = Decoder(ErasureRequested, SuppressionLifted)
    return Subscription(PRIVACY_REQUESTS, group=GROUP, decode=decode, handle=obey, up_to=1)
