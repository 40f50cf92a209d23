"""From the wire to what the domain reads: a fact's event as a row, and a row as a statement."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from health_score.domain.facts.known import ACCOUNT, VALUE, Statement
from mainstay.contracts.envelope import Event
from mainstay.contracts.facts import FACTS, Fact
from mainstay.contracts.renewals import AccountValueChanged

HISTORY_AFTER: Final = timedelta(days=7)
"""What happened longer before its receipt is imported history."""

Kept: TypeAlias = Fact | AccountValueChanged
"""Whatever is kept as a fact."""


class FactRow(NamedTuple):
    """A fact as it is kept. `body` is the event's data as JSON, as it was stated."""

    account_no: int
    kind: str
    thing_id: str
    occurred_at: datetime
    event_id: str
    source: str
    known_at: datetime
    body: str


class _Kind(NamedTuple):
    """How facts of a kind are read: the field that names the thing (None: there is one of it), and the decoder."""

    name: str
    id_field: str | None
    decode: Callable[[str], Any]


_ID_FIELDS: Final[Mapping[str, str | None]] = {
    ACCOUNT: None,
    "survey_response": "response_id",
    "entitlement": "metric",
}


def _kind_of(data: type[Any]) -> _Kind:
    name = data.TYPE.removeprefix("mainstay.customer.").rsplit(".", 1)[0]
    return _Kind(name, _ID_FIELDS.get(name, f"{name}_id"), msgspec.json.Decoder(data).decode)


_KINDS: Final[Mapping[type[Any], _Kind]] = {
    **{data: _kind_of(data) for data in FACTS},
    AccountValueChanged: _Kind(VALUE, None, msgspec.json.Decoder(AccountValueChanged).decode),
}
_BY_NAME: Final = {kind.name: kind for kind in _KINDS.values()}
_BUILTIN: Final = (date, datetime, Decimal)


def known_at(occurred_at: datetime, received_at: datetime) -> datetime:
    """When a fact was known: when it was received; imported history when it happened."""
    return occurred_at if received_at - occurred_at > HISTORY_AFTER else received_at


def row_of(event: Event[Kept], account_no: int, received_at: datetime) -> FactRow:
    """A fact's row."""
    data = event.data
    kind = _KINDS[type(data)]
    return FactRow(
        account_no,
        kind.name,
        kind.name if kind.id_field is None else getattr(data, kind.id_field),
        data.occurred_at,
        event.id,
        event.source,
        known_at(data.occurred_at, received_at),
        msgspec.json.encode(data).decode(),
    )


def people_in(data: Kept) -> frozenset[str]:
    """The customer's people that a fact names, by their ids."""
    attendees = getattr(data, "attendees", ()) or ()
    named = [getattr(data, "contact_id", None), *(attendee.contact_id for attendee in attendees)]
    return frozenset(person for person in named if person is not None)


def statement_of(
    kind: str, thing_id: str, occurred_at: datetime, event_id: str, known: datetime, body: str
) -> Statement:
    """What a row states. Of lists that speak of their own items only, each item is a field: `team.csm`."""
    decoded = _BY_NAME[kind].decode(body)
    stated = msgspec.to_builtins(decoded, builtin_types=_BUILTIN)
    stated.pop("account_id")
    stated.pop("occurred_at")
    if kind == VALUE:  # it says all that the contracts are worth; what it leaves out is not any more
        stated = {"arr": (), "seats": None, "next_renewal_on": None, **stated}
    for name, spread in _SPREAD.get(kind, {}).items():
        if name in stated:
            stated |= {f"{name}.{key}": value for key, value in spread(stated.pop(name))}
    return Statement(occurred_at, event_id, kind, thing_id, stated, known)


def _by_role(team: tuple[Mapping[str, Any], ...]) -> Iterator[tuple[str, Any]]:
    """Each role's assignments, all that one fact has of it."""
    for role in dict.fromkeys(each["role"] for each in team):
        yield role, tuple(each for each in team if each["role"] == role)


def _notes(progress: tuple[Mapping[str, Any], ...]) -> Iterator[tuple[str, Any]]:
    """Notes add to those there are; the same one said again is one."""
    for note in progress:
        yield f"{note['at'].isoformat()}#{sha256(note['text'].encode()).hexdigest()[:8]}", note


_SPREAD: Final[Mapping[str, Mapping[str, Callable[[Any], Iterator[tuple[str, Any]]]]]] = {
    ACCOUNT: {"external_ids": lambda ids: iter(ids.items()), "team": _by_role},
    "feedback": {"progress": _notes},
    "handover": {"steps": lambda steps: ((step["step_id"], step) for step in steps)},
}
