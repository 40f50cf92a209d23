"""Facts that playbooks may state, checked by their published schemas when a playbook is saved."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from alerts.domain.playbooks import TODAY, StateFact
from alerts.rulebook import Fault, near
from mainstay.contracts.facts import AdvocacyFact, HandoverFact, ObjectiveFact
from mainstay.contracts.ingest import AccountFact

KINDS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "account": AccountFact,
    "objective": ObjectiveFact,
    "handover": HandoverFact,
    "advocacy": AdvocacyFact,
}
"""What health-score alone keeps. Others happen at the customer, or are other systems' to say."""

NOT_HERE: Final[Mapping[str, str]] = {
    "account_id": "is the account of the run",
    "occurred_at": "is the instant at which it is stated",
    "by": "is the playbook",
    "owner": "is changed by POST /v1/reassignments",
    "team": "is changed where the team is kept",
    "go_live_on": "is said by whoever saw it go live",
}
_A_DAY = "2026-01-31"
_AN_INSTANT = "2026-01-31T12:00:00Z"
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<place>.*)`)?$", re.DOTALL)


def fact_of(written: Any, pointer: str, playbook_id: str) -> tuple[StateFact | None, list[Fault]]:
    """The action in what is written at a place, and everything that is wrong with it."""
    if not isinstance(written, Mapping) or len(written) != 1 or not isinstance(next(iter(written.values())), Mapping):
        return None, [Fault(pointer, f"names one kind of fact, with its members: {', '.join(KINDS)}")]
    [(kind, fields)] = written.items()
    if kind not in KINDS:
        known = f"playbooks state facts of {', '.join(KINDS)}"
        return None, [
            Fault(f"{pointer}/{kind}", f"{known}{near(str(kind), KINDS)}; have people state others to ingest")
        ]
    pointer = f"{pointer}/{kind}"
    faults = list(_odd(KINDS[kind], fields, pointer))
    if faults:
        return None, faults
    thing = None if kind == "account" or f"{kind}_id" in fields else f"{kind}_id"
    action = StateFact(kind, {**fields, "by": f"playbook {playbook_id}"}, thing)
    fault = _refused(KINDS[kind], action, pointer)
    return (None, [fault]) if fault else (action, [])


def _odd(struct: type[msgspec.Struct], fields: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    known = [each.encode_name for each in msgspec.structs.fields(struct) if each.encode_name not in NOT_HERE]
    if not fields:
        yield Fault(pointer, f"states nothing; its members are {', '.join(known)}")
    for name in fields:
        if name in NOT_HERE:
            yield Fault(f"{pointer}/{name}", NOT_HERE[name])
        elif name not in known:
            yield Fault(f"{pointer}/{name}", f"there is no such member{near(str(name), known)}: {', '.join(known)}")


def _refused(struct: type[msgspec.Struct], action: StateFact, pointer: str) -> Fault | None:
    """What the fact's schema says of what would be stated."""
    said = {name: _A_DAY if value == TODAY else value for name, value in action.fields.items()}
    thing = {} if action.thing is None else {action.thing: "a-thing"}
    try:
        msgspec.convert({**said, **thing, "account_id": "an-account", "occurred_at": _AN_INSTANT}, struct)
        msgspec.json.encode(said)  # text that is no Unicode could not be told
    except (msgspec.ValidationError, ValueError) as error:
        found = _PLACE.match(str(error))
        place = re.sub(r"[.\[\]]+", "/", found["place"] or "").rstrip("/") if found else ""
        return Fault(pointer + place, (found["what"] if found else str(error)).rstrip())
    return None
