"""The Segment HTTP tracking API: calls of its SDKs read as usage and facts.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ describes the format.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn, TypeAlias

import msgspec

from ingest.api import json
from ingest.api.facts import account_fact, contact_fact
from ingest.domain import names
from ingest.domain.attribution import account_of, feature_of, user_of
from ingest.domain.limits import Limits
from ingest.domain.occurrence import SenderClock
from ingest.domain.refusal import Refused
from ingest.records import RecordWriter, Said
from mainstay.contracts.ingest import UsageRecorded
from mainstay.kernel.ids import new_id
from mainstay.messaging.port import Outgoing

GROUP_TRAITS = {"tier": ("tier", "plan"), "zone": ("zone", "timezone")}
"""Segment's reserved traits `plan` and `timezone` stand in for our own names."""


class Context(msgspec.Struct, rename="camel", gc=False):
    """The part of a call's context that says whose it is."""

    group_id: str | None = None


class Call(msgspec.Struct, rename="camel", gc=False):
    """One call of any type; fields that mean nothing here are passed over."""

    type: str | None = None
    message_id: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    group_id: str | None = None
    event: str | None = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    context: Context | None = None
    properties: msgspec.Raw = json.NO_JSON
    traits: msgspec.Raw = json.NO_JSON
    write_key: str | None = None


class BatchOfCalls(msgspec.Struct, rename="camel"):
    """Many calls in one request; the outer context holds for each call that does not say otherwise."""

    batch: list[msgspec.Raw]
    context: Context | None = None
    sent_at: datetime | None = None
    write_key: str | None = None


class BatchRefused(Exception):
    """Some calls of a batch break a rule, so none of it is taken. `refusals` are in the order of the calls."""

    def __init__(self, refusals: list[Refused]) -> None:
        super().__init__(f"{len(refusals)} calls refused")
        self.refusals = refusals


_call = msgspec.json.Decoder(Call)
_batch = msgspec.json.Decoder(BatchOfCalls)


def read_call(document: bytes, limits: Limits) -> Call:
    """The body of a route for one call. Raises `Refused`."""
    limits.check_event(len(document))
    json.check_text(document)
    return json.read(_call, document)


def read_batch(document: bytes, limits: Limits) -> BatchOfCalls:
    """The body of the batch route, its calls not read yet. Raises `Refused`."""
    json.check_text(document)
    batch = json.read(_batch, document)
    limits.check_count(len(batch.batch), "/batch")
    return batch


def call_record(call: Call, kind: str, received_at: datetime, write: RecordWriter) -> Outgoing:
    """The record of one call of that type. Raises `Refused`."""
    return _record(call, KINDS[kind], SenderClock.observed(received_at, call.sent_at), None, write)


def batch_records(batch: BatchOfCalls, limits: Limits, received_at: datetime, write: RecordWriter) -> list[Outgoing]:
    """The records of a batch, one for each call, in order. Raises `BatchRefused`, or `Refused` for the batch itself."""
    clock = SenderClock.observed(received_at, batch.sent_at)
    group = batch.context.group_id if batch.context is not None else None
    most = limits.event_bytes
    records: list[Outgoing] = []
    refusals: list[Refused] = []
    for index, item in enumerate(batch.batch):
        try:
            if len(item) > most:
                limits.check_event(len(item))
            call = json.read(_call, item)
            own_clock = clock if call.sent_at is None else SenderClock.observed(received_at, call.sent_at)
            kind = KINDS.get(call.type or "") or _no_such_kind(call.type)
            records.append(_record(call, kind, own_clock, group, write))
        except Refused as refused:
            refusals.append(refused.within(f"/batch/{index}"))
    if refusals:
        raise BatchRefused(refusals)
    return records


Reading: TypeAlias = Callable[[Call, datetime, SenderClock, str | None], Said]


def _no_such_kind(stated: str | None) -> NoReturn:
    known = ", ".join(KINDS)
    raise Refused("type-not-supported", f"A call says its type, one of {known}; this one says {stated!r:.50}.", "/type")


def _record(call: Call, kind: Reading, clock: SenderClock, group: str | None, write: RecordWriter) -> Outgoing:
    message_id = call.message_id
    if message_id is None:
        message_id = new_id(clock.received_at)
    else:
        names.message_id(message_id)
    if call.original_timestamp is not None:
        occurred_at = clock.corrected(call.original_timestamp, "/originalTimestamp")
    else:
        occurred_at = clock.corrected(call.timestamp, "/timestamp")
    return write(message_id, occurred_at, kind(call, occurred_at, clock, group))


def _usage(call: Call, occurred_at: datetime, clock: SenderClock, group: str | None) -> UsageRecorded:
    if call.event is None:
        raise Refused("event-missing", "A track call names what was done: send event.", "/event")
    event = names.name(call.event, "/event")
    properties = json.read_object(call.properties, "/properties")
    stated = call.original_timestamp or call.timestamp
    return UsageRecorded(
        _account(call, group),
        event,
        feature_of(event, properties.get("feature"), "/properties/feature"),
        occurred_at,
        clock.received_at,
        _user(call),
        call.properties if properties else json.NO_JSON,
        clock.overruled(stated, occurred_at) if stated is not occurred_at else None,
    )


def _account_fact(call: Call, occurred_at: datetime, _clock: SenderClock, _group: str | None) -> Said:
    account_id = account_of(call.group_id, "/groupId")
    return account_fact(account_id, occurred_at, json.read_object(call.traits, "/traits"), "/traits", GROUP_TRAITS)


def _contact_fact(call: Call, occurred_at: datetime, _clock: SenderClock, group: str | None) -> Said:
    account_id, contact_id = _account(call, group), _user(call)
    traits = _with_whole_name(json.read_object(call.traits, "/traits"))
    return contact_fact(account_id, contact_id, occurred_at, traits, "/traits")


KINDS: Mapping[str, Reading] = {"track": _usage, "identify": _contact_fact, "group": _account_fact}
"""Type of call -> what it says; each is also a route of its own."""


def _account(call: Call, group: str | None) -> str:
    context = call.context
    if context is not None and context.group_id is not None:
        group = context.group_id
    return account_of(group, "/context/groupId")


def _user(call: Call) -> str:
    return user_of(call.user_id, call.anonymous_id)


def _with_whole_name(traits: dict[str, Any]) -> dict[str, Any]:
    parts = [part for key in ("firstName", "lastName") if isinstance(part := traits.get(key), str) and part]
    return {"name": " ".join(parts), **traits} if parts else traits
