"""What a fact says in a few English words, for the lines of a timeline."""

from collections.abc import Callable, Mapping
from typing import Any, Final

Body = Mapping[str, Any]


def title_of(kind: str, thing_id: str, body: Body) -> str:
    """The line of a fact: what happened, and to what. `body` is the fact as it was stated, as JSON has it."""
    told = _TOLD.get(kind)
    return told(thing_id, body) if told else _plain(kind)


def _plain(word: str) -> str:
    return word.replace("_", " ").replace(".", " ").capitalize()


def _with(title: str, detail: Any) -> str:
    return f"{title}: {detail}" if detail else title


def _account(_id: str, body: Body) -> str:
    fields = [name.replace("_", " ") for name in body if name not in {"account_id", "occurred_at", "by"}]
    return _with("Account", ", ".join(fields))


def _contact(contact_id: str, body: Body) -> str:
    said = [f"{name} {body[name].replace('_', ' ')}" for name in ("role", "status") if body.get(name)]
    return _with(f"Contact {body.get('name') or contact_id}", ", ".join(said))


def _ticket(_id: str, body: Body) -> str:
    if body.get("resolved_at"):
        happened = "resolved"
    elif "resolved_at" in body:
        happened = "opened again"
    elif body.get("first_response_at"):
        happened = "answered"
    else:
        happened = "opened" if body.get("opened_at") else "updated"
    return _with(f"Ticket {happened}", body.get("subject"))


def _survey(_id: str, body: Body) -> str:
    return f"{body['kind'].upper()} {body['score']}"


def _touchpoint(_id: str, body: Body) -> str:
    what = _plain(body["kind"]) + (" about the customer" if body.get("is_internal") else "")
    result = body.get("result")
    return _with(f"{what}, {result.replace('_', ' ')}" if result else what, body.get("purpose"))


def _training(_id: str, body: Body) -> str:
    happened = body.get("stage") or (f"exam {body['exam']}" if body.get("exam") else None)
    return f"Training {body['course']}" + (f" {happened}" if happened else "")


def _invoice(invoice_id: str, body: Body) -> str:
    return " ".join(filter(None, ["Invoice", invoice_id, "paid" if body.get("paid_on") else body.get("state")]))


def _feedback(_id: str, body: Body) -> str:
    happened = "customer told" if body.get("customer_told_at") else (body.get("state") or "").replace("_", " ")
    what = _plain(body.get("kind") or "feedback")
    return _with(f"{what} {happened}".rstrip(), body.get("theme") or body.get("words"))


def _objective(_id: str, body: Body) -> str:
    return _with(f"Objective {body.get('state') or ''}".rstrip(), body.get("words"))


def _entitlement(metric: str, _body: Body) -> str:
    return _with("Entitlement", metric)


def _contract(contract_id: str, body: Body) -> str:
    return " ".join(filter(None, ["Contract", contract_id, body.get("state")]))


def _handover(_id: str, body: Body) -> str:
    people = [body[name] for name in ("from_person", "to_person") if body.get(name)]
    return _with("Handover", " to ".join(people))


def _advocacy(_id: str, body: Body) -> str:
    return f"{_plain(body['kind'])} {body.get('state') or ''}".rstrip()


def _value(_id: str, body: Body) -> str:
    return _with("Contract value", ", ".join(f"{each['amount']} {each['currency']}" for each in body.get("arr", ())))


_TOLD: Final[Mapping[str, Callable[[str, Body], str]]] = {
    "account": _account,
    "contact": _contact,
    "ticket": _ticket,
    "survey_response": _survey,
    "touchpoint": _touchpoint,
    "training": _training,
    "invoice": _invoice,
    "feedback": _feedback,
    "entitlement": _entitlement,
    "objective": _objective,
    "contract": _contract,
    "handover": _handover,
    "advocacy": _advocacy,
    "value": _value,
}


def title_of_decision(kind: str) -> str:
    """The line of a decision: `sentiment.given` is "Sentiment given"."""
    return _plain(kind)
