"""What a customer success manager writes down during a day: facts as plain JSON, for CSM tools."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

import msgspec
from fastapi import Body, Depends, Header, Path, Request

from ingest.api.csm_schemas import StoredFactView, account_body, assignment_body, step_body, whole_body
from ingest.api.fact_reading import read_fact
from ingest.api.fact_schemas import Schema
from ingest.api.tracing import traceparent_of
from ingest.application.facts import StateFact, SubjectErased
from ingest.application.limiting import AccountsInFlight, AccountTooBusy
from ingest.application.ports import NotKept, TooFast
from ingest.domain.occurrence import SenderClock
from ingest.domain.refusal import Refused
from mainstay.contracts.facts import Fact, FeedbackFact, HandoverFact, ObjectiveFact, TouchpointFact
from mainstay.contracts.ingest import AccountFact, ContactFact
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id
from mainstay.messaging.port import LogUnavailable
from mainstay.observability.tracing import current_traceparent
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import FAILURES, Caller, Routes

SCOPE = "facts:write"
RETRY_AFTER = 2
"""Seconds."""
PROBLEMS: Mapping[type[Exception], Problem] = {
    LogUnavailable: Problem(503, "log-unavailable", "The event log is not available", retry_after=RETRY_AFTER),
    NotKept: Problem(503, "not-kept", "The fact could not be written down", retry_after=RETRY_AFTER),
    AccountTooBusy: Problem(429, "account-too-busy", retry_after=AccountsInFlight.RETRY_AFTER),
    SubjectErased: Problem(410, "subject-erased", "The account or the person was erased"),
}

Part: TypeAlias = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Role: TypeAlias = Annotated[str, Path(max_length=100, pattern=r"^[a-z][a-z0-9_.-]*$")]
Stated: TypeAlias = Annotated[dict[str, Any], Body()]
IdempotencyKey: TypeAlias = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=255, description="The same request under the same key counts once"),
]


class Writing:
    """One request that states a fact: who calls, when, and the id that the fact's event gets."""

    def __init__(self, state: StateFact, clock: Clock, request: Request, caller: Caller, key: str | None) -> None:
        self._state, self._caller, self._now = state, caller, clock.now()
        self._request, self._key = request, key
        self._clock = SenderClock.observed(self._now, None)

    def event_id(self, body: Mapping[str, Any]) -> str:
        """The same for the same request under an Idempotency-Key: a repetition after a crash counts once.

        The body is part of it, so that another request under a used key is never taken for a repetition.
        """
        if self._key is None:
            return new_id(self._now)
        parts = (self._caller.id, self._request.method, self._request.url.path, self._key)
        digest = hashlib.sha256("\n".join(parts).encode())
        digest.update(msgspec.json.encode(body, order="deterministic"))
        return digest.hexdigest()[:32]

    async def of(
        self, kind: type[Fact], account_id: str, stated: Mapping[str, Any], event_id: str, *, at: str = ""
    ) -> StoredFactView:
        """State a fact. `at`: where in the fact the body's own fields are. Raises `ProblemError` (422)."""
        try:
            fact = read_fact(kind, {"account_id": account_id, **stated}, self._clock, None, "")
        except Refused as refused:
            inner = refused.pointer.startswith(f"{at}/")
            pointer = refused.pointer[len(at) :] if inner else refused.pointer
            errors = [{"pointer": pointer, "detail": refused.detail}]
            raise ProblemError(Problem(422, refused.code), refused.detail, errors=errors) from None
        fact = msgspec.structs.replace(fact, by=self._caller.name)
        stored = await self._state(
            fact,
            event_id=event_id,
            key=self._caller,
            received_at=self._now,
            traceparent=traceparent_of(current_traceparent()),
        )
        return StoredFactView(
            id=stored.id,
            source=stored.source,
            type=kind.TYPE,
            occurred_at=stored.occurred_at,
            data=msgspec.to_builtins(stored.data),
        )


Making: TypeAlias = Callable[..., Awaitable[Writing]]

_TOO_MUCH: Mapping[int | str, dict[str, Any]] = {
    429: {
        **FAILURES[503],
        "description": "More than the key may send, or than the account's share: repeat after Retry-After seconds",
        "headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}},
    }
}


def csm_routes(state: StateFact, clock: Clock) -> Routes:
    """The routes."""
    routes = Routes(tag="Facts")

    async def writing(request: Request, caller: Caller, idempotency_key: IdempotencyKey = None) -> Writing:
        try:
            state.admit(caller)
        except TooFast as fast:
            problem = Problem(429, "too-fast", retry_after=fast.retry_after)
            raise ProblemError(problem, "The key sends more events than its source may.") from None
        return Writing(state, clock, request, caller, idempotency_key)

    _touchpoints_and_accounts(routes, writing)
    _things(routes, writing)
    _handovers(routes, writing)
    return routes


def _takes(schema: Schema, name: str) -> dict[str, Any]:
    body = {"title": name, "additionalProperties": False, **schema}
    return {
        "scope": SCOPE,
        "answers": StoredFactView,
        "responses": _TOO_MUCH,
        "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}},
    }


def _touchpoints_and_accounts(routes: Routes, writing: Making) -> None:
    @routes.post(
        "/accounts/{account_id}/touchpoints",
        status=201,
        **_takes(whole_body(TouchpointFact, made=("touchpoint_id",)), "TouchpointBody"),
    )
    async def write_touchpoint(
        account_id: Part, body: Stated, making: Annotated[Writing, Depends(writing)]
    ) -> StoredFactView:
        """Note a touch of the customer; it gets an id unless it says one."""
        event_id = making.event_id(body)
        return await making.of(TouchpointFact, account_id, {"touchpoint_id": event_id, **_own(body)}, event_id)

    @routes.put("/accounts/{account_id}/owner", **_takes(account_body("owner"), "OwnerBody"))
    async def set_owner(account_id: Part, body: Stated, making: Annotated[Writing, Depends(writing)]) -> StoredFactView:
        """Say who owns the account; null: nobody."""
        return await making.of(AccountFact, account_id, _only(body, "owner"), making.event_id(body))

    @routes.put("/accounts/{account_id}/stage", **_takes(account_body("stage"), "StageBody"))
    async def set_stage(account_id: Part, body: Stated, making: Annotated[Writing, Depends(writing)]) -> StoredFactView:
        """Move the account to a stage of its life, by hand."""
        return await making.of(AccountFact, account_id, _only(body, "stage"), making.event_id(body))

    @routes.put(
        "/accounts/{account_id}/coverage",
        **_takes(account_body("coverage_role", "coverage_assignment"), "CoverageBody"),
    )
    async def set_coverage(
        account_id: Part, body: Stated, making: Annotated[Writing, Depends(writing)]
    ) -> StoredFactView:
        """Say what the CSM is there, and whether the account is theirs by name or in a pool; null: nobody says."""
        fact = _only(body, "coverage_role", "coverage_assignment")
        return await making.of(AccountFact, account_id, fact, making.event_id(body))

    @routes.put("/accounts/{account_id}/team/{role}", **_takes(assignment_body(), "AssignmentBody"))
    async def assign(
        account_id: Part, role: Role, body: Stated, making: Annotated[Writing, Depends(writing)]
    ) -> StoredFactView:
        """Put a person into a role at the account, from a day and until a day; null: nobody."""
        fact = _nested(body, "team", {"role": role})
        return await making.of(AccountFact, account_id, fact, making.event_id(body), at="/team/0")

    @routes.put(
        "/accounts/{account_id}/contacts/{contact_id}",
        **_takes(whole_body(ContactFact, in_path=("contact_id",)), "ContactBody"),
    )
    async def write_contact(
        account_id: Part, contact_id: Part, body: Stated, making: Annotated[Writing, Depends(writing)]
    ) -> StoredFactView:
        """State what is known of a person at the account."""
        stated = {**_own(body, "contact_id"), "contact_id": contact_id}
        return await making.of(ContactFact, account_id, stated, making.event_id(body))


def _things(routes: Routes, writing: Making) -> None:
    things: tuple[tuple[str, str, type[Fact], str, tuple[str, ...]], ...] = (
        ("objectives", "objective_id", ObjectiveFact, "an objective of the success plan", ("words",)),
        ("feedback", "feedback_id", FeedbackFact, "feedback: a bug or a request", ("kind", "words")),
    )
    for path, name, kind, about, needed in things:
        _thing(routes, writing, path, name, kind, about, needed)


def _thing(
    routes: Routes, writing: Making, path: str, name: str, kind: type[Fact], about: str, needed: tuple[str, ...]
) -> None:
    title = kind.__name__.removesuffix("Fact")

    @routes.post(
        f"/accounts/{{account_id}}/{path}",
        status=201,
        name=f"add_{path}",
        description=f"Write down {about}; it gets an id unless it says one.",
        **_takes(whole_body(kind, made=(name,), needed=needed), f"New{title}Body"),
    )
    async def add(account_id: Part, body: Stated, making: Annotated[Writing, Depends(writing)]) -> StoredFactView:
        for field in needed:
            if body.get(field) is None:
                _refuse(field, "The field is missing.", "field-missing")
        event_id = making.event_id(body)
        return await making.of(kind, account_id, {name: event_id, **_own(body)}, event_id)

    @routes.put(
        f"/accounts/{{account_id}}/{path}/{{thing_id}}",
        name=f"set_{path}",
        description=f"State more of {about}; fields that are absent stay as they are.",
        **_takes(whole_body(kind, in_path=(name,)), f"{title}Body"),
    )
    async def put(
        account_id: Part, thing_id: Part, body: Stated, making: Annotated[Writing, Depends(writing)]
    ) -> StoredFactView:
        return await making.of(kind, account_id, {**_own(body, name), name: thing_id}, making.event_id(body))


def _handovers(routes: Routes, writing: Making) -> None:
    @routes.put(
        "/accounts/{account_id}/handovers/{handover_id}",
        **_takes(whole_body(HandoverFact, in_path=("handover_id",)), "HandoverBody"),
    )
    async def write_handover(
        account_id: Part, handover_id: Part, body: Stated, making: Annotated[Writing, Depends(writing)]
    ) -> StoredFactView:
        """State more of a handover: people, checklist, days."""
        stated = {**_own(body, "handover_id"), "handover_id": handover_id}
        return await making.of(HandoverFact, account_id, stated, making.event_id(body))

    @routes.post(
        "/accounts/{account_id}/handovers/{handover_id}/steps", status=201, **_takes(step_body(), "HandoverStepBody")
    )
    async def write_step(
        account_id: Part, handover_id: Part, body: Stated, making: Annotated[Writing, Depends(writing)]
    ) -> StoredFactView:
        """State a step of a handover's checklist: a new one, or under its `step_id` how far it is."""
        event_id = making.event_id(body)
        fact = _nested({"step_id": event_id, **body}, "steps", {})
        stated = {**fact, "handover_id": handover_id}
        return await making.of(HandoverFact, account_id, stated, event_id, at="/steps/0")


def _own(body: Mapping[str, Any], *in_path: str) -> Mapping[str, Any]:
    """The body, which may not say what the path and the key say. Raises `ProblemError` (422)."""
    for name in ("account_id", "by", *in_path):
        if name in body:
            _refuse(name, "The path or the API key says this; leave it out.")
    return body


def _only(body: Mapping[str, Any], *fields: str) -> Mapping[str, Any]:
    """The body, which states these fields and when, and nothing else. Raises `ProblemError` (422)."""
    for name in body:
        if name not in {*fields, "occurred_at"}:
            _refuse(name, "There is no such field here.")
    for field in fields:
        if field not in body:
            _refuse(field, "The field is missing.", "field-missing")
    return body


def _nested(body: Mapping[str, Any], field: str, named: Mapping[str, Any]) -> dict[str, Any]:
    """The body as the one item of a fact's list; `occurred_at` is the fact's. Raises `ProblemError` (422)."""
    for name in named:
        if name in body:
            _refuse(name, "The path says this; leave it out.")
    item = {name: value for name, value in body.items() if name != "occurred_at"}
    return {field: [{**item, **named}], "occurred_at": body.get("occurred_at")}


def _refuse(name: str, detail: str, code: str = "field-unknown") -> None:
    shown = quote(name[:100]).replace("~", "~0").replace("/", "~1")
    raise ProblemError(Problem(422, code), detail, errors=[{"pointer": f"/{shown}", "detail": detail}])
