"""CloudEvents 1.0 over HTTP, structured and batch mode: events of producers that know Mainstay's own types.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md describes the format.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from ingest.api import json
from ingest.api.facts import account_fact, contact_fact
from ingest.domain import names
from ingest.domain.attribution import feature_of
from ingest.domain.limits import Limits
from ingest.domain.occurrence import SenderClock
from ingest.domain.refusal import Refused
from ingest.records import Said
from mainstay.contracts.ingest import AccountFact, ContactFact, UsageRecorded


class CloudEvent(msgspec.Struct, gc=False):
    """The attributes that matter here; others are passed over."""

    specversion: str
    id: str
    source: str
    type: str
    time: datetime | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = json.NO_JSON
    data_base64: str | None = None
    traceparent: str | None = None


class UsageData(msgspec.Struct, gc=False):
    """Data of `mainstay.usage.recorded.v1` as a producer sends it; the event's `time` says when it happened."""

    account_id: str
    event: str
    user_id: str | None = None
    feature: str | None = None
    properties: msgspec.Raw = json.NO_JSON


class FactData(msgspec.Struct, gc=False):
    """What a fact's data needs, beside the fields it states."""

    account_id: str
    occurred_at: datetime | None = None


class ContactData(msgspec.Struct, gc=False):
    """What a contact's data needs, beside the fields it states."""

    account_id: str
    contact_id: str
    occurred_at: datetime | None = None


class _Identified(msgspec.Struct):
    id: Any = None


_event = msgspec.json.Decoder(CloudEvent)
_batch = msgspec.json.Decoder(list[msgspec.Raw])
_document = msgspec.json.Decoder(msgspec.Raw)
_usage_data = msgspec.json.Decoder(UsageData)
_fact_data = msgspec.json.Decoder(FactData)
_contact_data = msgspec.json.Decoder(ContactData)
_identified = msgspec.json.Decoder(_Identified)


def read_batch(document: bytes, limits: Limits) -> list[msgspec.Raw]:
    """The events of a batch, not read yet. Raises `Refused`."""
    json.check_text(document)
    batch = json.read(_batch, document)
    limits.check_count(len(batch), "")
    return batch


def read_one(document: bytes) -> msgspec.Raw:
    """The one event of a structured-mode request, not read yet. Raises `Refused`."""
    json.check_text(document)
    return json.read(_document, document)


def stated_id(document: msgspec.Raw) -> str | None:
    """The id of an event that may be broken otherwise, or None."""
    try:
        found = _identified.decode(document).id
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found if isinstance(found, str) else None


def read_event(document: msgspec.Raw, limits: Limits) -> CloudEvent:
    """One event with attributes that hold. Raises `Refused`."""
    limits.check_event(len(memoryview(document)))
    event = json.read(_event, document)
    if event.specversion != "1.0":
        raise Refused("specversion-not-supported", "The specversion is 1.0.", "/specversion")
    names.event_id(event.id, "/id")
    names.event_id(event.source, "/source")
    if event.data_base64 is not None or not _is_json(event.datacontenttype):
        raise Refused("data-not-json", "The data is JSON, in data.", "/data")
    return event


def said(event: CloudEvent, clock: SenderClock) -> tuple[datetime, Said]:
    """When it happened and what it says. Raises `Refused`."""
    reading = _READINGS.get(event.type)
    if reading is None:
        known = ", ".join(_READINGS)
        raise Refused("type-not-supported", f"Events of these types are taken: {known}.", "/type")
    return reading(event, clock)


def _usage(event: CloudEvent, clock: SenderClock) -> tuple[datetime, Said]:
    data = _data(_usage_data, event.data)
    occurred_at = clock.corrected(event.time, "/time")
    properties = json.read_object(data.properties, "/data/properties")
    name = names.name(data.event, "/data/event")
    return occurred_at, UsageRecorded(
        names.account_id(data.account_id, "/data/account_id"),
        name,
        feature_of(name, data.feature, "/data/feature"),
        occurred_at,
        clock.received_at,
        names.user_id(data.user_id, "/data/user_id") if data.user_id is not None else None,
        data.properties if properties else json.NO_JSON,
        clock.overruled(event.time, occurred_at),
    )


def _account(event: CloudEvent, clock: SenderClock) -> tuple[datetime, Said]:
    data = _data(_fact_data, event.data)
    account_id = names.account_id(data.account_id, "/data/account_id")
    occurred_at = _fact_time(event, data.occurred_at, clock)
    return occurred_at, account_fact(account_id, occurred_at, json.read_object(event.data, "/data"), "/data")


def _contact(event: CloudEvent, clock: SenderClock) -> tuple[datetime, Said]:
    data = _data(_contact_data, event.data)
    account_id = names.account_id(data.account_id, "/data/account_id")
    contact_id = names.user_id(data.contact_id, "/data/contact_id")
    occurred_at = _fact_time(event, data.occurred_at, clock)
    return occurred_at, contact_fact(
        account_id, contact_id, occurred_at, json.read_object(event.data, "/data"), "/data"
    )


Reading: TypeAlias = Callable[[CloudEvent, SenderClock], tuple[datetime, Said]]
_READINGS: Mapping[str, Reading] = {UsageRecorded.TYPE: _usage, AccountFact.TYPE: _account, ContactFact.TYPE: _contact}


def _fact_time(event: CloudEvent, stated: datetime | None, clock: SenderClock) -> datetime:
    if stated is not None:
        return clock.corrected(stated, "/data/occurred_at")
    return clock.corrected(event.time, "/time")


def _data(decoder: msgspec.json.Decoder[Any], document: msgspec.Raw) -> Any:
    try:
        return json.read(decoder, document)
    except Refused as refused:
        raise refused.within("/data") from None


def _is_json(media_type: str | None) -> bool:
    if media_type is None:
        return True
    essence = media_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")
