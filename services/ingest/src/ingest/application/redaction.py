"""Properties and traits that never reach the log in clear: dropped, or replaced by a keyed hash."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from msgspec.structs import FieldInfo, fields, replace

from ingest.application.stated import Stated
from ingest.domain.policy import Policy
from mainstay.contracts.ingest import UsageRecorded
from mainstay.service.subjects import VALUE, Subjects

_NEVER = frozenset({"account_id", "contact_id", "user_id", "occurred_at", "received_at"})
"""What says whose a fact is, and when; an id to be kept out is not sent, or erased."""
_NOT_HASHED = frozenset({"zone"})
"""A hash in this place would be no zone: it is dropped instead."""
_STATED_AS: Mapping[str, frozenset[str]] = {
    "name": frozenset({"$name", "firstName", "lastName", "display_name"}),
    "email": frozenset({"$email"}),
    "title": frozenset({"$title"}),
    "tier": frozenset({"plan"}),
    "zone": frozenset({"timezone"}),
}
"""Field of a fact -> what its senders call it: withheld under either name, it is withheld."""
_VIEWED = re.compile(r"Viewed (?P<name>.+) (?P<what>Page|Screen)", re.DOTALL)
"""How the event of a page or a screen is named after the property `name`."""

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode


class Redactor:
    """Redacts by a source's policy. A name reaches into nested objects, and lists of them, with dots: `owner.email`."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects

    def redact(self, stated: Stated, policy: Policy) -> Stated:
        """The event without what the policy drops, and with `hashed:<hex>` for what it hashes.

        Of a fact, what names it and its kind stay, and so do fields of a part that cannot be without them.
        """
        if isinstance(stated.data, UsageRecorded):
            return self._usage(stated, stated.data, policy)
        redacted = self._fact(stated.data, policy, "")
        return stated if redacted is None else replace(stated, data=redacted)

    def _usage(self, stated: Stated, data: UsageRecorded, policy: Policy) -> Stated:
        event, feature = self._names(data, stated.properties, policy)
        after = self._object(bytes(data.properties), policy, "")
        if after is None:
            if (event, feature) == (data.event, data.feature):
                return stated
            return replace(stated, data=replace(data, event=event, feature=feature))
        return replace(stated, data=replace(data, event=event, feature=feature, properties=msgspec.Raw(after)))

    def _names(self, data: UsageRecorded, properties: Mapping[str, Any], policy: Policy) -> tuple[str, str]:
        """The event's name and its feature, without what they took from properties that are withheld."""
        event, feature = data.event, data.feature
        viewed = _VIEWED.fullmatch(event)
        if viewed is not None and viewed["name"] == properties.get("name") and _withheld("name", policy):
            hidden = "name" in policy.hashed and "name" not in policy.dropped
            event = f"Viewed {self._hash(viewed['name'])} {viewed['what']}" if hidden else f"Loaded a {viewed['what']}"
        if feature == data.event:
            return event, event
        for name in ("feature", "module"):  # Totango's module is the feature
            if _withheld(name, policy) and (name == "feature" or properties.get(name) == feature):
                hidden = name in policy.hashed and name not in policy.dropped
                return event, self._hash(feature) if hidden else event
        return event, feature

    def _fact(self, data: Any, policy: Policy, path: str) -> Any | None:
        """A fact, or a part of one, as it may be seen; None where all of it may."""
        changes: dict[str, Any] = {}
        for field in fields(data):
            value, here = getattr(data, field.name), f"{path}{field.name}"
            if value is None or value is msgspec.UNSET or here in _NEVER or (field.required and not path):
                continue
            stated_as = _STATED_AS.get(here, frozenset())
            if here in policy.dropped or stated_as & policy.dropped:
                changes[field.name] = _nothing(field)
            elif here in policy.hashed or stated_as & policy.hashed:
                changes[field.name] = self._hash_for(field, value)
            elif (redacted := self._part(value, policy, f"{here}.")) is not None:
                changes[field.name] = redacted
        kept = {name: value for name, value in changes.items() if value is not msgspec.NODEFAULT}
        return replace(data, **kept) if kept else None

    def _part(self, value: Any, policy: Policy, path: str) -> Any | None:
        """What a field holds, redacted within; None where nothing is."""
        if isinstance(value, msgspec.Struct):
            return self._fact(value, policy, path)
        if isinstance(value, tuple):
            items = [self._part(item, policy, path) for item in value]
            if any(item is not None for item in items):
                return tuple(old if new is None else new for old, new in zip(value, items, strict=True))
        return None

    def _hash_for(self, field: FieldInfo, value: Any) -> Any:
        """The hash in a field's place, or nothing where a hash would be no value for it, such as for a status."""
        if isinstance(value, str) and field.name not in _NOT_HASHED:
            with suppress(msgspec.ValidationError):
                return msgspec.convert(self._hash(value), field.type)
        return _nothing(field)

    def _object(self, document: bytes, policy: Policy, path: str) -> bytes | None:
        """The redacted object; None where nothing is to be redacted. What stays keeps its bytes."""
        members = _members.decode(document)
        kept: dict[str, msgspec.Raw] = {}
        changed = False
        for name, value in members.items():
            here = f"{path}{name}"
            if here in policy.dropped:
                changed = True
                continue
            redacted = self._hashed(value) if here in policy.hashed else self._within(value, policy, here)
            changed = changed or redacted is not None
            kept[name] = value if redacted is None else msgspec.Raw(redacted)
        return _encode(kept) if changed else None

    def _within(self, value: msgspec.Raw, policy: Policy, path: str) -> bytes | None:
        inside = f"{path}."
        if not any(name.startswith(inside) for name in (*policy.dropped, *policy.hashed)):
            return None
        document = bytes(value).strip()
        if document.startswith(b"{"):
            return self._object(document, policy, inside)
        if document.startswith(b"["):
            items = _items.decode(document)
            redacted = [self._within(item, policy, path) for item in items]
            if any(item is not None for item in redacted):
                return _encode(
                    [old if new is None else msgspec.Raw(new) for old, new in zip(items, redacted, strict=True)]
                )
        return None

    def _hashed(self, value: msgspec.Raw) -> bytes | None:
        document = bytes(value).strip()
        if document == b"null":
            return None
        decoded = msgspec.json.decode(document) if document.startswith(b'"') else document.decode()
        return _encode(self._hash(decoded))

    def _hash(self, text: str) -> str:
        return f"hashed:{self._subjects.hash(VALUE, text)}"


def _withheld(name: str, policy: Policy) -> bool:
    return name in policy.dropped or name in policy.hashed


def _nothing(field: FieldInfo) -> Any:
    """What stands for a field that is left out; `NODEFAULT` where it cannot be."""
    if field.required:
        with suppress(msgspec.ValidationError):
            return msgspec.convert(None, field.type)
    return field.default
