"""The Segment HTTP tracking API: calls of its SDKs read as usage, facts, and who is who.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ describes the format.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn, TypeAlias

import msgspec

from ingest.api import json
from ingest.api.facts import account_fact, contact_fact
from ingest.application.stated import NOBODYS, Alias, Membership, Stated
from ingest.domain import names
from ingest.domain.attribution import ANONYMOUS, feature_of, user_of, users_of
from ingest.domain.limits import Limits
from ingest.domain.occurrence import SenderClock
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from ingest.records import Said
from mainstay.contracts.ingest import UsageRecorded
from mainstay.kernel.ids import new_id

GROUP_TRAITS = {"tier": ("tier", "plan"), "zone": ("zone", "timezone")}
"""Segment's reserved traits `plan` and `timezone` stand in for our own names."""


Id: TypeAlias = str | int | None
"""As SDKs send it: the official ones for Python take a number too, and send that of a group or a former id as such."""


class Context(msgspec.Struct, rename="camel", gc=False, omit_defaults=True):
    """The part of a call's context that says whose it is. RudderStack's SDKs put a person's `traits` here."""

    group_id: Id = None
    traits: msgspec.Raw = json.NO_JSON


class Call(msgspec.Struct, rename="camel", gc=False):
    """One call of any type; fields that mean nothing here are passed over."""

    type: str | None = None
    message_id: str | None = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    group_id: Id = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    context: Context | None = None
    properties: msgspec.Raw = json.NO_JSON
    traits: msgspec.Raw = json.NO_JSON
    write_key: str | None = None


class BatchOfCalls(msgspec.Struct, rename="camel"):
    """Many calls in one request; each call's own context wins over the outer one."""

    batch: list[msgspec.Raw]
    context: Context | None = None
    sent_at: datetime | None = None
    write_key: str | None = None


class Around(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a call's request says about it, outside the call itself: enough to read the call again later."""

    type: str | None = None
    context: Context | None = None
    sent_at: datetime | None = None


class _Identified(msgspec.Struct, rename="camel"):
    message_id: Any = None


_NO_CONTEXT = Context()

decode_call = msgspec.json.Decoder(Call)
_identified = msgspec.json.Decoder(_Identified)
_batch = msgspec.json.Decoder(BatchOfCalls)
_around = msgspec.json.Decoder(Around)
_encode = msgspec.json.Encoder().encode


def read_call(document: bytes) -> Call:
    """The body of a route for one call. Raises `Refused`."""
    json.check_text(document)
    return json.read(decode_call, document)


def read_batch(document: bytes, limits: Limits) -> BatchOfCalls:
    """The body of the batch route, its calls not read yet. Raises `Refused`, also for too many calls."""
    json.check_text(document)
    if len(document) <= json.CUT_FREELY:
        batch = json.read(_batch, document)
    else:
        batch = json.read(_long_batch(limits.events), document)
        batch.batch = json.items_of(batch.batch)  # type: ignore[arg-type]  # an `array_of` until here
    count = len(batch.batch)
    if count > limits.events:
        batch.batch.clear()  # they are not to be held for as long as the refusal is
    limits.check_count(count, "/batch")
    return batch


@lru_cache(maxsize=16)
def _long_batch(most: int) -> msgspec.json.Decoder[BatchOfCalls]:
    calls = [("batch", json.array_of(most))]
    return msgspec.json.Decoder(msgspec.defstruct("BatchOfCalls", calls, bases=(BatchOfCalls,), rename="camel"))


def around(outer: BatchOfCalls | str) -> bytes:
    """What to keep beside the calls of a batch, or beside the one call of a route for that type."""
    said = Around(outer) if isinstance(outer, str) else Around(None, outer.context, outer.sent_at)
    return _encode(said)


def stated_id(item: msgspec.Raw) -> str | None:
    """The messageId of a call that may be broken otherwise, or None."""
    try:
        found = _identified.decode(item).message_id
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found if isinstance(found, str) else None


class Calls:
    """Reads the calls of one request, and collects what they say about who is who.

    `source` is that of the key; `sent_at` and `context` are the request's own. Raises `Refused` for a `sent_at` beyond
    the calendar's ends.
    """

    def __init__(
        self,
        source: str,
        limits: Limits,
        received_at: datetime,
        sent_at: datetime | None = None,
        context: Context | None = None,
    ) -> None:
        self.source, self.received_at = source, received_at
        self.clock = SenderClock.observed(received_at, sent_at)
        self.most = limits.event_bytes
        self._limits = limits
        self.context = _NO_CONTEXT if context is None else context
        self.memberships: list[Membership] = []
        self.aliases: list[Alias] = []

    def read(self, item: msgspec.Raw) -> Stated | None:
        """One call of a batch. Raises `Refused`."""
        if len(item) > self.most:
            self._limits.check_event(len(item))
        call = json.read(decode_call, item)
        return self.stated(call, KINDS.get(call.type or "") or _no_such_kind(call.type), item)

    def stated(
        self, call: Call, kind: "Reading", document: bytes | msgspec.Raw, made_id: str | None = None
    ) -> Stated | None:
        """What a call says, in its own order: None for one that only says who is who.

        `made_id` is the id it had when it was read before, where it has none of its own. Raises `Refused`.
        """
        message_id = call.message_id
        if message_id is not None:
            names.message_id(message_id)
        clock = self.clock if call.sent_at is None else SenderClock.observed(self.received_at, call.sent_at)
        if call.original_timestamp is not None:
            occurred_at = clock.corrected(call.original_timestamp, "/originalTimestamp")
        else:
            occurred_at = clock.corrected(call.timestamp, "/timestamp")
        data = kind(self, call, occurred_at, clock)
        if data is None:
            return None
        if message_id is not None:
            return Stated(message_id, self.source, occurred_at, data, document)
        made_id = made_id or new_id(clock.received_at)
        return Stated(made_id, self.source, occurred_at, data, document, made_id=True)

    def account(self, call: Call) -> str:
        """The account that the call's context names, or `NOBODYS`. Raises `Refused`."""
        group = self.group_of(call)
        return names.account_id(_as_text(group), "/context/groupId") if group is not None else NOBODYS

    def traits(self, call: Call) -> tuple[dict[str, Any], str]:
        """What an identify call says of the person, and where: in `traits`, else in the context. Raises `Refused`."""
        for document, at in (
            (call.traits, "/traits"),
            (call.context.traits if call.context is not None else json.NO_JSON, "/context/traits"),
            (self.context.traits, "/context/traits"),
        ):
            traits = json.read_object(document, at)
            if traits:
                return traits, at
        return {}, "/traits"

    def group_of(self, call: Call) -> Id:
        """What the call's context says is the account, else the request's own."""
        context = call.context
        return self.context.group_id if context is None or context.group_id is None else context.group_id

    def belongs(self, call: Call, account_id: str, occurred_at: datetime) -> None:
        """Whoever calls belongs to the account."""
        for user_id in users_of(*_whose(call)):
            self.memberships.append(Membership(user_id, account_id, occurred_at))


Reading: TypeAlias = Callable[[Calls, Call, datetime, SenderClock], Said | None]


def read_again(
    document: bytes, around_it: bytes, policy: Policy, received_at: datetime, event_id: str | None
) -> tuple[Stated | None, Sequence[Membership], Sequence[Alias]]:
    """A call as quarantine kept it, read as it would be now. Raises `Refused`."""
    policy.limits.check_event(len(document))
    outer = json.read(_around, around_it)
    call = read_call(document)
    kind = outer.type or call.type or ""
    calls = Calls(policy.source_id, policy.limits, received_at, outer.sent_at, outer.context)
    stated = calls.stated(call, KINDS.get(kind) or _no_such_kind(kind), document, event_id)
    return stated, calls.memberships, calls.aliases


def _no_such_kind(stated: str | None) -> NoReturn:
    known = ", ".join(KINDS)
    raise Refused("type-not-supported", f"A call says its type, one of {known}; this one says {stated!r:.50}.", "/type")


def _track(calls: Calls, call: Call, occurred_at: datetime, clock: SenderClock) -> Said:
    if call.event is None:
        raise Refused("event-missing", "A track call names what was done: send event.", "/event")
    event = names.name(call.event, "/event")
    properties = json.read_object(call.properties, "/properties")
    return _usage(calls, call, occurred_at, clock, event, properties, call.properties if properties else json.NO_JSON)


def _usage(
    calls: Calls,
    call: Call,
    occurred_at: datetime,
    clock: SenderClock,
    event: str,
    properties: Mapping[str, Any],
    document: msgspec.Raw,
) -> UsageRecorded:
    stated = call.original_timestamp or call.timestamp
    return UsageRecorded(
        calls.account(call),
        event,
        feature_of(event, properties.get("feature"), "/properties/feature"),
        occurred_at,
        clock.received_at,
        user_of(*_whose(call)),
        document,
        clock.overruled(stated, occurred_at) if stated is not occurred_at else None,
    )


def _viewed(what: str, calls: Calls, call: Call, occurred_at: datetime, clock: SenderClock) -> Said:
    """A page or a screen as an event, named as Segment's own destinations name it."""
    event = f"Viewed {call.name} {what}" if call.name else f"Loaded a {what}"
    properties = json.read_object(call.properties, "/properties")
    added = {
        key: value
        for key, value in (("name", call.name), ("category", call.category))
        if value is not None and key not in properties
    }
    document = call.properties if properties else json.NO_JSON
    if added:
        for key, value in added.items():
            _check_text(value, f"/{key}")
        document = _joined(added, document)
    event = names.name(event, "/name")
    return _usage(calls, call, occurred_at, clock, event, {**properties, **added}, document)


def _page(calls: Calls, call: Call, occurred_at: datetime, clock: SenderClock) -> Said:
    return _viewed("Page", calls, call, occurred_at, clock)


def _screen(calls: Calls, call: Call, occurred_at: datetime, clock: SenderClock) -> Said:
    return _viewed("Screen", calls, call, occurred_at, clock)


def _group(calls: Calls, call: Call, occurred_at: datetime, _clock: SenderClock) -> Said:
    if call.group_id is None:
        raise Refused("account-missing", "A group call names the account: send groupId.", "/groupId")
    account_id = names.account_id(_as_text(call.group_id), "/groupId")
    traits = json.read_object(call.traits, "/traits")
    fact = account_fact(account_id, occurred_at, traits, "/traits", GROUP_TRAITS)
    calls.belongs(call, account_id, occurred_at)
    return fact


def _identify(calls: Calls, call: Call, occurred_at: datetime, _clock: SenderClock) -> Said:
    account_id, contact_id = calls.account(call), user_of(*_whose(call))
    traits, at = calls.traits(call)
    fact = contact_fact(account_id, contact_id, occurred_at, _with_whole_name(traits), at)
    if account_id != NOBODYS:
        calls.belongs(call, account_id, occurred_at)
    return fact


def _alias(calls: Calls, call: Call, occurred_at: datetime, _clock: SenderClock) -> None:
    """Two ids are one person. An SDK in a browser gives the visitor's anonymous id as `previousId`, so it is both."""
    user, anonymous = _whose(call)
    if user is None:
        raise Refused("user-missing", "An alias call names the user: send userId.", "/userId")
    user_id = names.user_id(user, "/userId")
    if call.previous_id is not None:
        previous_id = names.user_id(_as_text(call.previous_id), "/previousId")
        former = [previous_id, ANONYMOUS + previous_id]
    elif anonymous is not None:
        former = [ANONYMOUS + names.user_id(anonymous, "/anonymousId")]
    else:
        raise Refused("previous-id-missing", "An alias call names the id before: send previousId.", "/previousId")
    calls.aliases += [Alias(one, user_id, occurred_at) for one in former if one != user_id]


KINDS: Mapping[str, Reading] = {
    "track": _track,
    "identify": _identify,
    "group": _group,
    "page": _page,
    "screen": _screen,
    "alias": _alias,
}
"""Type of call -> what it says; each is also a route of its own."""


def _whose(call: Call) -> tuple[str | None, str | None]:
    """The ids of the user and of the visitor, as texts."""
    user, anonymous = call.user_id, call.anonymous_id
    return (
        user if user is None or isinstance(user, str) else str(user),
        anonymous if anonymous is None or isinstance(anonymous, str) else str(anonymous),
    )


def _as_text(stated: str | int) -> str:
    return stated if isinstance(stated, str) else str(stated)


def _check_text(value: str, pointer: str) -> None:
    if "\0" in value:
        raise Refused("nul-character", "Text cannot hold the NUL character.", pointer)


def _joined(added: Mapping[str, str], document: msgspec.Raw) -> msgspec.Raw:
    """The sender's object with members before its own, whose bytes stay as they are."""
    own = bytes(document).strip()[1:]
    separator = b"" if own.lstrip() == b"}" else b","
    return msgspec.Raw(_encode(added)[:-1] + separator + own)


def _with_whole_name(traits: dict[str, Any]) -> dict[str, Any]:
    parts = [part for key in ("firstName", "lastName") if isinstance(part := traits.get(key), str) and part]
    return {"name": " ".join(parts), **traits} if parts else traits
