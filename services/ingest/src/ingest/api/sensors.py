"""The tracking protocol of Sensors Data (神策): calls of its SDKs read as usage, facts and identities.

Read from PyPI SensorsAnalyticsSDK 1.11. A call has no place for an account and no id: properties that the source's
policy names say whose it is, and its content names it, so that a repetition counts once.
"""

import binascii
import zlib
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from ingest.api import json
from ingest.api.facts import contact_fact
from ingest.application.stated import NOBODYS, Alias, Membership, Stated
from ingest.domain import names
from ingest.domain.attribution import feature_of
from ingest.domain.limits import Limits
from ingest.domain.occurrence import SenderClock
from ingest.domain.policy import Names, Policy
from ingest.domain.refusal import Refused
from mainstay.contracts.ingest import UsageRecorded

MOST_IDENTITIES = 20
"""In one call."""

PASSED_OVER = frozenset(
    {
        "profile_increment",
        "profile_append",
        "profile_delete",
        "track_id_unbind",
        "item_set",
        "item_delete",
    }
)
"""Types that say nothing we keep."""

_LOGIN = "$identity_login_id"
_KNOWN = {"name", "$name", "email", "$email", "title", "$title"}
"""Properties of a profile that are facts about a contact."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GZIP = 16 + zlib.MAX_WBITS


class Call(msgspec.Struct, gc=False):
    """One call of any type. `time` and `_flush_time` (when it was sent) are milliseconds by the sender's clock."""

    type: str
    distinct_id: str | int | None = None
    time: int | float | None = None
    flush_time: int | float | None = msgspec.field(default=None, name="_flush_time")
    event: str | None = None
    original_id: str | int | None = None
    identities: dict[str, str] | None = None
    properties: msgspec.Raw = json.NO_JSON


class Reading(msgspec.Struct):
    """What one call says; all of it empty for a call that is passed over."""

    stated: Stated | None = None
    memberships: Sequence[Membership] = ()
    aliases: Sequence[Alias] = ()
    skew_seconds: float | None = None


_call = msgspec.json.Decoder(Call)
_one = msgspec.json.Decoder(msgspec.Raw)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_calls(fields: Mapping[str, str], limits: Limits, hold: Callable[[int], None]) -> list[bytes]:
    """The calls of a form's `data` or `data_list`, not read yet. Raises `Refused`.

    `hold` is told how many bytes they take once they are unpacked, and may raise.
    """
    packed = fields.get("data_list") or fields.get("data")
    if not packed:
        raise Refused("data-missing", "The form has a field data or data_list.")
    document = _unpacked(packed, limits.body_bytes)
    hold(len(document))
    json.check_text(document)
    if not fields.get("data_list"):
        return [bytes(json.read(_one, document))]
    return [bytes(call) for call in json.read_items(document, limits)]


def read_call(
    document: bytes, source: str, policy: Policy, received_at: datetime, event_id: str | None = None
) -> Reading:
    """What one call says. Raises `Refused`."""
    policy.limits.check_event(len(document))
    call = json.read(_call, document)
    if call.type in PASSED_OVER:
        return Reading()
    sent_at = _instant(call.flush_time, "/_flush_time")
    clock = SenderClock.observed(received_at, sent_at)
    skew = (received_at - sent_at).total_seconds() if sent_at is not None else None
    stated_at = _instant(call.time, "/time")
    occurred_at = clock.corrected(stated_at, "/time")
    properties = json.read_object(call.properties, "/properties")
    account = _first(properties, policy.names.account)
    account = NOBODYS if account is None else names.account_id(account, "/properties")
    user = _user(call, properties, policy.names)
    memberships = [Membership(user, account, occurred_at)] if account != NOBODYS else []
    event_id = event_id or content_id(document)
    match call.type:
        case "track":
            usage = _usage(call, properties, policy.names, account, user, occurred_at, clock, stated_at)
            return Reading(Stated(event_id, source, occurred_at, usage, document), skew_seconds=skew)
        case "profile_set" | "profile_set_once" | "profile_unset":
            known = sorted(_KNOWN.intersection(properties))  # "$name" before "name", which overrules it
            if not known:
                return Reading(memberships=memberships)
            unset = call.type == "profile_unset"
            stated = {key.removeprefix("$"): None if unset else properties[key] for key in known}
            fact = contact_fact(account, user, occurred_at, stated, "/properties")
            return Reading(Stated(event_id, source, occurred_at, fact, document), memberships, skew_seconds=skew)
        case "track_signup" | "track_id_bind":
            return Reading(None, memberships, _aliases(call, user, occurred_at))
        case _:
            raise Refused("type-not-supported", f"No type of the protocol is called {call.type!r:.50}.", "/type")


def read_again(
    document: bytes, _around: bytes, policy: Policy, received_at: datetime, event_id: str | None
) -> tuple[Stated | None, Sequence[Membership], Sequence[Alias]]:
    """A call as quarantine kept it, read as it would be now; nothing around it matters. Raises `Refused`."""
    json.check_text(document)
    reading = read_call(document, policy.source_id, policy, received_at, event_id)
    return reading.stated, reading.memberships, reading.aliases


def content_id(document: bytes) -> str:
    """Names a call by its content; when it was sent is no part of that, for each attempt has its own."""
    if b'"_flush_time"' in document:
        members = _object.decode(document)
        members.pop("_flush_time", None)
        document = msgspec.json.encode(members, order="sorted")
    return blake2b(document, digest_size=16).hexdigest()


def _unpacked(packed: str, most: int) -> bytes:
    try:
        # A "+" that was not escaped has become a space on its way through the form.
        document = b64decode(packed.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("base64-malformed", "The field is not base64.") from None
    if document[:2] != b"\x1f\x8b":  # "gzip=1" is left out by some senders that compress, and sent by some that do not
        return document
    member = zlib.decompressobj(_GZIP)
    try:
        inflated = member.decompress(document, most + 1)
    except zlib.error:
        raise Refused("gzip-malformed", "The field is not gzip.") from None
    if len(inflated) > most:
        raise Refused("body-too-large", f"A body has at most {most} bytes, decompressed.")
    if not member.eof or member.unused_data:
        raise Refused("gzip-malformed", "The field is not one whole gzip member.")
    return inflated


def _instant(milliseconds: float | None, pointer: str) -> datetime | None:
    if milliseconds is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError):
        raise Refused("time-out-of-range", "The time is milliseconds since 1970.", pointer) from None


def _usage(
    call: Call,
    properties: Mapping[str, Any],
    stated_names: Names,
    account: str,
    user: str,
    occurred_at: datetime,
    clock: SenderClock,
    stated_at: datetime | None,
) -> UsageRecorded:
    event = _first(properties, stated_names.event) or call.event
    if event is None:
        raise Refused("event-missing", "A track call names what was done: send event.", "/event")
    event = names.name(event, "/event")
    return UsageRecorded(
        account,
        event,
        feature_of(event, properties.get("feature"), "/properties/feature"),
        occurred_at,
        clock.received_at,
        user,
        call.properties if properties else json.NO_JSON,
        clock.overruled(stated_at, occurred_at),
    )


def _user(call: Call, properties: Mapping[str, Any], stated_names: Names) -> str:
    stated = _first(properties, stated_names.user)
    if stated is not None:
        return names.user_id(stated, "/properties")
    if call.distinct_id is None:
        raise Refused("user-missing", "The call names nobody: send distinct_id.", "/distinct_id")
    return names.user_id(str(call.distinct_id), "/distinct_id")


def _aliases(call: Call, user: str, stated_at: datetime) -> list[Alias]:
    """Other ids of the same user; the SDKs write an id that is no login as `<kind>+<value>` when it acts alone."""
    identities = call.identities or {}
    if len(identities) > MOST_IDENTITIES:
        raise Refused("value-invalid", f"A call binds at most {MOST_IDENTITIES} identities.", "/identities")
    others = [value if kind == _LOGIN else f"{kind}+{value}" for kind, value in identities.items()]
    if call.original_id is not None:
        others.append(str(call.original_id))
    return [
        Alias(names.user_id(other, "/identities"), user, stated_at) for other in dict.fromkeys(others) if other != user
    ]


def _first(properties: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """The first of the configured properties that says something: a text, or a whole number."""
    for key in keys:
        value = properties.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None
