"""Erasing users and accounts, and the report of how far each erasure is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import BaseModel, Field

from ingest.application.erasing import EraseSubject, LiftSuppression, ReadErasures, missing, retained
from ingest.domain.erasure import Erasure, ErasureUnknown, State, SubjectKind
from mainstay.kernel.clock import Clock
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError, status_problem
from mainstay.web.routes import Caller, Routes

PROBLEMS: Mapping[type[Exception], Problem] = {
    ErasureUnknown: Problem(404, "erasure-unknown", "There is no such erasure"),
}


SubjectId = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
ErasureId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


@dataclass(frozen=True, slots=True)
class PrivacyHandlers:
    """What the routes call."""

    erase: EraseSubject
    lift: LiftSuppression
    reading: ReadErasures
    clock: Clock


class ConfirmationView(BaseModel):
    """What one service has done."""

    service: str
    confirmed_at: datetime
    rows_erased: int = Field(description="Deleted or emptied")
    rows_pseudonymised: int = Field(description="Kept under a pseudonym, so that counts and figures stay")


class RetainedView(BaseModel):
    """What a topic of the log still holds; nothing of it is taken in again."""

    topic: str
    until: datetime | None = Field(description="When its last record goes; null: it does not")
    holds: str


class SuppressionView(BaseModel):
    """Whether what arrives about the subject is left out."""

    active: bool
    lifted_at: datetime | None
    lifted_by: str | None = Field(description="The API key's id")


class ErasureView(BaseModel):
    """One erasure: who asked, what each service did, what the log still holds."""

    id: str
    kind: SubjectKind
    subject: str = Field(description="A keyed hash; the id itself is not kept")
    state: State
    requested_at: datetime
    requested_by: str = Field(description="The API key's id")
    completed_at: datetime | None
    confirmations: list[ConfirmationView]
    missing: list[str] = Field(description="The services that have not confirmed yet")
    still_in_the_log: list[RetainedView]
    suppression: SuppressionView

    @classmethod
    def of(cls, erasure: Erasure, now: datetime) -> "ErasureView":
        """An erasure as it stands at an instant."""
        return cls(
            id=erasure.id,
            kind=erasure.kind,
            subject=erasure.subject,
            state=erasure.state(now),
            requested_at=erasure.requested_at,
            requested_by=erasure.requested_by,
            completed_at=erasure.completed_at,
            confirmations=[
                ConfirmationView(
                    service=each.service,
                    confirmed_at=each.confirmed_at,
                    rows_erased=each.rows_erased,
                    rows_pseudonymised=each.rows_pseudonymised,
                )
                for each in erasure.confirmations
            ],
            missing=missing(erasure),
            still_in_the_log=[
                RetainedView(topic=each.topic, until=each.until, holds=each.holds)
                for each in retained(erasure)
                if each.until is None or each.until > now
            ],
            suppression=SuppressionView(
                active=erasure.lifted_at is None, lifted_at=erasure.lifted_at, lifted_by=erasure.lifted_by
            ),
        )


def exactly_one_id(request: Request) -> None:
    """Let a path pass only where its id is one segment as sent; an id's own slashes come as %2F.

    Otherwise a mistyped method on a longer path, such as DELETE …/accounts/acme/touchpoints, would begin an erasure.
    Raises `ProblemError` (404).
    """
    sent: bytes = request.scope["raw_path"].partition(b"?")[0]
    if sent.count(b"/") != len(("v1", "users or accounts", "id")):
        raise ProblemError(status_problem(404), "an id with slashes is sent with %2F in their place")


_ONE_ID = [Depends(exactly_one_id)]


def privacy_routes(handlers: PrivacyHandlers) -> Routes:
    """Erase, look at erasures, lift a suppression."""
    routes = Routes(tag="privacy")

    def shown(erasure: Erasure) -> ErasureView:
        return ErasureView.of(erasure, handlers.clock.now())

    @routes.delete(
        "/users/{user_id:path}", scope="privacy:write", answers=ErasureView, status=202, dependencies=_ONE_ID
    )
    async def erase_user(user_id: SubjectId, caller: Caller) -> ErasureView:
        """Erase a user of your product from every service; counts stay. A repeated request answers the same erasure."""
        return shown(await handlers.erase(SubjectKind.USER, user_id, by=caller.id))

    @routes.delete(
        "/accounts/{account_id:path}", scope="privacy:write", answers=ErasureView, status=202, dependencies=_ONE_ID
    )
    async def erase_account(account_id: SubjectId, caller: Caller) -> ErasureView:
        """Erase an account with all its users from every service; figures stay under a pseudonym."""
        return shown(await handlers.erase(SubjectKind.ACCOUNT, account_id, by=caller.id))

    @routes.get("/erasures", scope="privacy:write", answers=Page[ErasureView])
    async def list_erasures(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[ErasureView]:
        """Erasures, newest first."""
        after = decode_cursor("erasures", cursor, tuple[str])[0] if cursor is not None else None
        found = await handlers.reading.page(after, limit + 1)
        page = found[:limit]
        return Page(
            data=[shown(erasure) for erasure in page],
            next_cursor=encode_cursor("erasures", [page[-1].id]) if len(found) > limit else None,
        )

    @routes.get("/erasures/{erasure_id}", scope="privacy:write", answers=ErasureView)
    async def get_erasure(erasure_id: ErasureId) -> ErasureView:
        """How far an erasure is, what was done, and what the log holds until when."""
        return shown(await handlers.reading.get(erasure_id))

    @routes.delete("/erasures/{erasure_id}/suppression", scope="privacy:write", answers=ErasureView, status=200)
    async def lift_suppression(erasure_id: ErasureId, caller: Caller) -> ErasureView:
        """Take in again what arrives about somebody who came back. What was erased stays erased."""
        await handlers.lift(await handlers.reading.get(erasure_id), by=caller.id)
        return shown(await handlers.reading.get(erasure_id))

    return routes
