"""The tracking pixel of Totango: a form of `sdr_…` fields read as usage and facts.

Read from PyPI totango 0.4.1. A call has neither id nor time: it is counted as it arrives, and what a client sends again
counts again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from ingest.api import form, json
from ingest.api.facts import Aliases, account_fact, contact_fact
from ingest.application.stated import NOBODYS, Alias, Membership, Stated
from ingest.domain import names
from ingest.domain.policy import Policy
from ingest.domain.refusal import Refused
from ingest.records import Said
from mainstay.contracts.ingest import UsageRecorded
from mainstay.kernel.ids import new_id

KEY = "sdr_s"
ACCOUNT, USER, ACTION, MODULE, ACCOUNT_NAME = "sdr_o", "sdr_u", "sdr_a", "sdr_m", "sdr_odn"
OF_ACCOUNT, OF_USER = "sdr_o.", "sdr_u."

_ACCOUNT_KEYS: Aliases = {
    "name": ("display_name", "name"),
    "owner": ("owner",),
    "tier": ("tier", "plan"),
    "zone": ("zone", "timezone"),
    "industry": ("industry",),
    "segment": ("segment",),
}
_KNOWN_OF_ACCOUNT = {key for keys in _ACCOUNT_KEYS.values() for key in keys}
_KNOWN_OF_USER = {"name", "email", "title"}


def read_parts(call: Mapping[str, str]) -> list[bytes]:
    """What one call says, in as many forms as it says things: of the account, of the user, of a use.

    The key is in none of them, because they may be kept.
    """
    fields = {name: value for name, value in call.items() if value and name != KEY}
    of_account = {name: value for name, value in fields.items() if _account_key(name) in _KNOWN_OF_ACCOUNT}
    of_user = {name: value for name, value in fields.items() if _stripped(name, OF_USER) in _KNOWN_OF_USER}
    used = {name: fields[name] for name in (ACTION, MODULE) if name in fields}
    account = {name: fields[name] for name in (ACCOUNT,) if name in fields}
    both = {name: fields[name] for name in (ACCOUNT, USER) if name in fields}
    parts = []
    if of_account:
        parts.append({**account, **of_account})
    if of_user:
        parts.append({**both, **of_user})
    if used or not parts:
        parts.append({**both, **used})
    return [form.write(part) for part in parts]


def without_key(document: bytes) -> bytes:
    """The form as it may be kept."""
    return b"&".join(field for field in document.split(b"&") if not field.startswith(KEY.encode() + b"="))


def read_part(
    document: bytes, source: str, policy: Policy, received_at: datetime, event_id: str | None = None
) -> tuple[Stated | None, Sequence[Membership]]:
    """What one part says; no event for a part that only says who belongs where. Raises `Refused`."""
    policy.limits.check_event(len(document))
    fields = form.read(document)
    account = names.account_id(fields[ACCOUNT], f"/{ACCOUNT}") if ACCOUNT in fields else NOBODYS
    user = names.user_id(fields[USER], f"/{USER}") if USER in fields else None
    memberships = [Membership(user, account, received_at)] if user is not None and account != NOBODYS else []
    data: Said
    if ACTION in fields or MODULE in fields:
        data = _usage(fields, account, user, received_at)
        memberships = []  # a use is attributed by what it says itself; only facts are remembered of a person
    elif any(_stripped(name, OF_USER) for name in fields):
        if user is None:
            raise Refused("user-missing", f"What is said of a user needs {USER}.", f"/{USER}")
        stated = {name: value for field, value in fields.items() if (name := _stripped(field, OF_USER))}
        data = contact_fact(account, user, received_at, stated, "")
    elif any(_account_key(name) for name in fields):
        if account == NOBODYS:
            raise _nobodys()
        stated = {name: value for field, value in fields.items() if (name := _account_key(field))}
        data = account_fact(account, received_at, stated, "", _ACCOUNT_KEYS)
    elif account == NOBODYS and user is None:
        raise _nobodys()
    else:
        return None, memberships
    event_id = event_id or new_id(received_at)
    return Stated(event_id, source, received_at, data, document, made_id=True), memberships


def read_again(
    document: bytes, _around: bytes, policy: Policy, received_at: datetime, event_id: str | None
) -> tuple[Stated | None, Sequence[Membership], Sequence[Alias]]:
    """A part of a call as quarantine kept it, read as it would be now. Raises `Refused`."""
    stated, memberships = read_part(document, policy.source_id, policy, received_at, event_id)
    return stated, memberships, ()


def _usage(fields: Mapping[str, str], account: str, user: str | None, received_at: datetime) -> UsageRecorded:
    if account == NOBODYS and user is None:
        raise _nobodys()
    module = names.name(fields[MODULE], f"/{MODULE}") if MODULE in fields else None
    action = names.name(fields[ACTION], f"/{ACTION}") if ACTION in fields else None
    event = action or module or ""
    properties = msgspec.Raw(msgspec.json.encode({"module": module})) if module is not None else json.NO_JSON
    return UsageRecorded(account, event, module or event, received_at, received_at, user, properties)


def _account_key(field: str) -> str:
    return "display_name" if field == ACCOUNT_NAME else _stripped(field, OF_ACCOUNT)


def _stripped(field: str, prefix: str) -> str:
    return field[len(prefix) :] if field.startswith(prefix) else ""


def _nobodys() -> Refused:
    return Refused("account-missing", f"The call names no account and no user: send {ACCOUNT}.", f"/{ACCOUNT}")
