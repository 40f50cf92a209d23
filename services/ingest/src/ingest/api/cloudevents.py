"""CloudEvents 1.0 over HTTP, structured and batch mode: events of producers that know Mainstay's own types.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md describes the format.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ingest.api import json
from ingest.api.cloudevent import CloudEvent
from ingest.api.fact_events import READINGS
from ingest.api.tracing import stated_traceparent
from ingest.application.facts import membership_of
from ingest.application.stated import NOBODYS, Alias, Membership, Stated
from ingest.domain import names
from ingest.domain.attribution import feature_of
from ingest.domain.limits import Limits
from ingest.domain.occurrence import SenderClock
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from ingest.records import Said
from mainstay.contracts.ingest import UsageRecorded


class UsageData(msgspec.Struct, gc=False):
    """Data of `mainstay.usage.recorded.v1` as a producer sends it; the event's `time` says when it happened."""

    event: str
    account_id: str | None = None
    user_id: str | None = None
    feature: str | None = None
    properties: msgspec.Raw = json.NO_JSON


class _Identified(msgspec.Struct):
    id: Any = None


_ATTRIBUTES = frozenset({"specversion", "id", "source", "type", "time", "datacontenttype", "traceparent"})

_event = msgspec.json.Decoder(CloudEvent)
_document = msgspec.json.Decoder(msgspec.Raw)
_usage_data = msgspec.json.Decoder(UsageData)
_strings = msgspec.json.Decoder(dict[str, str])
_identified = msgspec.json.Decoder(_Identified)


def read_batch(document: bytes, limits: Limits) -> list[msgspec.Raw]:
    """The events of a batch, not read yet. Raises `Refused`, also for too many events."""
    json.check_text(document)
    return json.read_items(document, limits)


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
    return _checked(json.read(_event, document))


def _checked(event: CloudEvent) -> CloudEvent:
    if event.specversion != "1.0":
        raise Refused("specversion-not-supported", "The specversion is 1.0.", "/specversion")
    names.event_id(event.id, "/id")
    names.event_id(event.source, "/source")
    if event.data_base64 is not None or not _is_json(event.datacontenttype):
        raise Refused("data-not-json", "The data is JSON, in data.", "/data")
    return event


def stated(event: CloudEvent, clock: SenderClock, document: bytes) -> tuple[Stated, Sequence[Membership]]:
    """What an event says, and who belongs where by it. Raises `Refused`."""
    data: Said
    if event.type == UsageRecorded.TYPE:
        occurred_at, data = _usage(event, clock)
    else:
        reading = READINGS.get(event.type)
        if reading is None:
            known = ", ".join((UsageRecorded.TYPE, *READINGS))
            raise Refused("type-not-supported", f"Events of these types are taken: {known}.", "/type")
        occurred_at, data = reading(event, clock)
    found = Stated(event.id, event.source, occurred_at, data, document, stated_traceparent(event.traceparent))
    membership = membership_of(data)
    return found, (membership,) if membership else ()


def read_again(
    document: bytes, around: bytes, policy: Policy, received_at: datetime, _event_id: str | None
) -> tuple[Stated, Sequence[Membership], Sequence[Alias]]:
    """An event as quarantine kept it, read as it would be now. Raises `Refused`."""
    json.check_text(document)
    clock = SenderClock.observed(received_at, None)
    attributes = _strings.decode(around)
    if attributes:
        event = binary_event(document, attributes, policy.limits)
    else:
        event = read_event(json.read(_document, document), policy.limits)
    found, memberships = stated(event, clock, document)
    return found, memberships, ()


def _usage(event: CloudEvent, clock: SenderClock) -> tuple[datetime, UsageRecorded]:
    try:
        data = json.read(_usage_data, event.data)
    except Refused as refused:
        raise refused.within("/data") from None
    occurred_at = clock.corrected(event.time, "/time")
    properties = json.read_object(data.properties, "/data/properties")
    name = names.name(data.event, "/data/event")
    user_id = names.user_id(data.user_id, "/data/user_id") if data.user_id is not None else None
    usage = UsageRecorded(
        _account_of(data.account_id, user_id),
        name,
        feature_of(name, data.feature, "/data/feature"),
        occurred_at,
        clock.received_at,
        user_id,
        data.properties if properties else json.NO_JSON,
        clock.overruled(event.time, occurred_at),
    )
    return occurred_at, usage


def _account_of(stated_id: str | None, user_id: str | None) -> str:
    if stated_id is not None:
        return names.account_id(stated_id, "/data/account_id")
    if user_id is not None:
        return NOBODYS
    raise Refused("account-missing", "The event names no account and no user.", "/data/account_id")


def binary_event(body: bytes, attributes: Mapping[str, str], limits: Limits) -> CloudEvent:
    """An event in binary mode, whose attributes came in headers. Raises `Refused`."""
    limits.check_event(len(body))
    raw = json.read(_document, body) if body else json.NO_JSON
    known = {name: value for name, value in attributes.items() if name in _ATTRIBUTES}
    try:
        event = msgspec.convert({**known, "data": raw}, CloudEvent, strict=False)
    except msgspec.ValidationError as error:
        raise Refused("value-invalid", f"{error}.") from None
    return _checked(event)


def _is_json(media_type: str | None) -> bool:
    if media_type is None:
        return True
    essence = media_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")
