"""Facts about accounts and contacts, read from what a sender attached."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ingest.domain import names
from ingest.domain.refusal import Refused
from mainstay.contracts.ingest import AccountFact, ContactFact

Aliases: TypeAlias = Mapping[str, tuple[str, ...]]
"""For a field, the keys under which a sender may state it; the first one present counts."""

_ACCOUNT_RULES = {
    "name": names.name,
    "owner": names.name,
    "tier": names.name,
    "zone": names.zone,
    "industry": names.name,
    "segment": names.name,
}
_CONTACT_RULES = {"name": names.name, "email": names.name, "title": names.name}


def account_fact(
    account_id: str, occurred_at: datetime, stated: Mapping[str, Any], at: str, aliases: Aliases | None = None
) -> AccountFact:
    """What `stated` says about the account; `at` points to it in the event. Raises `Refused`."""
    found = partial(_found, stated, at, aliases or {})
    fields = {field: found(field, rule) for field, rule in _ACCOUNT_RULES.items()}
    return replace(AccountFact(account_id, occurred_at), **fields)


def contact_fact(
    account_id: str, contact_id: str, occurred_at: datetime, stated: Mapping[str, Any], at: str
) -> ContactFact:
    """What `stated` says about a person at the account; `at` points to it in the event. Raises `Refused`."""
    found = partial(_found, stated, at, {})
    fields: dict[str, Any] = {field: found(field, rule) for field, rule in _CONTACT_RULES.items()}
    return replace(ContactFact(account_id, contact_id, occurred_at), **fields)


def _found(
    stated: Mapping[str, Any], at: str, aliases: Aliases, field: str, rule: Callable[[str, str], str]
) -> str | UnsetType | None:
    for key in aliases.get(field, (field,)):
        if key in stated:
            value = stated[key]
            if value is None:
                return None
            if isinstance(value, str):
                return rule(value, f"{at}/{key}")
            raise Refused("value-invalid", "Expected a text, or null to withdraw it.", f"{at}/{key}")
    return UNSET
