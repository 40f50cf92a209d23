"""Problems: how every failure is told to a client (RFC 9457), with `code` and `message` for people in a hurry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mainstay.observability.tracing import current_trace_id

TYPE_PREFIX = "urn:mainstay:problem:"
MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 100
"""Things wrong with one request that are told one by one. With the next two it bounds what comes back of a request."""
MAX_DETAIL = 200
"""Characters of what is said of each."""
MAX_POINTER = 500
"""Characters of where it is."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a failure means to a client. `pointer` is a JSON pointer (RFC 6901) into the request's body."""

    status: int
    code: str
    title: str | None = None
    pointer: str | None = None
    retry_after: int | None = None
    """Seconds; sent as Retry-After."""

    @property
    def heading(self) -> str:
        """The title, or the code in words."""
        return self.title or self.code.replace("-", " ").capitalize()


class ProblemError(HTTPException):
    """A failure that only the edge knows of (a header, a cursor). Domain errors go through a service's own table.

    An HTTPException, because FastAPI turns every other error while it reads a body into a bare 400.
    """

    def __init__(
        self,
        problem: Problem,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(problem.status, detail, dict(headers or {}))
        self.problem = problem
        self.errors = tuple(errors)


class ErrorItem(BaseModel):
    """One thing wrong with a request."""

    detail: str
    pointer: str | None = Field(default=None, description="JSON pointer (RFC 6901) into the request body")
    parameter: str | None = Field(default=None, description="Name of the path, query or header parameter")


class ProblemBody(BaseModel):
    """The body of every failure: application/problem+json."""

    type: str = Field(description="A stable URN of the kind of problem")
    title: str
    status: int
    code: str = Field(description="The last part of `type`, stable")
    message: str = Field(description="The same as `detail`")
    detail: str
    errors: list[ErrorItem] = []
    trace_id: str | None = Field(default=None, description="Names this request in logs and traces")


def problem_bytes(problem: Problem, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> bytes:
    """The body as JSON; for handlers that answer without FastAPI."""
    if problem.pointer is not None and not errors:
        errors = [{"pointer": problem.pointer, "detail": detail}]
    return msgspec.json.encode(
        {
            "type": TYPE_PREFIX + problem.code,
            "title": problem.heading,
            "status": problem.status,
            "code": problem.code,
            "message": detail,
            "detail": detail,
            "errors": list(errors),
            "trace_id": current_trace_id(),
        }
    )


def problem_response(
    problem: Problem,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The whole answer."""
    sent = dict(headers or {})
    if problem.retry_after is not None:
        sent.setdefault("Retry-After", str(problem.retry_after))
    return Response(
        problem_bytes(problem, detail, errors), status_code=problem.status, media_type=MEDIA_TYPE, headers=sent
    )


def status_problem(status: int) -> Problem:
    """The problem of a bare HTTP status: 404 is "not-found"."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    return Problem(status, phrase.lower().replace(" ", "-").replace("'", ""), phrase)


def validation_errors(found: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Pydantic's errors as `errors[]`: a JSON pointer for the body, a name for other parameters. No values in it."""
    told: list[dict[str, str]] = []
    for error in found[:MAX_ERRORS]:
        place, *path = error["loc"] or ("body",)
        detail = str(error["msg"])
        if error["type"] == "union_tag_invalid":  # Pydantic's own words repeat the value
            path.append(error["ctx"]["discriminator"].strip("'"))
            detail = f"Input should be one of {error['ctx']['expected_tags']}"
        if len(detail) > MAX_DETAIL:
            detail = detail[: MAX_DETAIL - 1] + "…"
        if place == "body":
            told.append({"pointer": pointer(path), "detail": detail})
        else:
            told.append({"parameter": ".".join(map(str, path)), "detail": detail})
    return told


def pointer(path: Sequence[str | int]) -> str:
    """A JSON pointer to a place in a document; "" is the whole document.

    A place with a very long name, which the client made up, is told by the place that holds it.
    """
    found = ""
    for part in path:
        longer = found + "/" + str(part).replace("~", "~0").replace("/", "~1")
        if len(longer) > MAX_POINTER:
            break
        found = longer
    return found


MALFORMED_JSON = Problem(400, "malformed-json", "The body is not valid JSON")
ENCODING_NOT_SUPPORTED = Problem(415, "encoding-not-supported")
INVALID_REQUEST = Problem(422, "invalid-request", "The request is not valid")
BAD_CURSOR = Problem(400, "bad-cursor", "The cursor is not valid")
NUL_IN_ADDRESS = Problem(400, "nul-in-address", "The address holds a NUL character")
VALUE_NOT_STORABLE = Problem(422, "value-not-storable", "A value cannot be stored")
KEY_REUSED = Problem(422, "idempotency-key-reused", "The Idempotency-Key belongs to another request")
BAD_IDEMPOTENCY_KEY = Problem(400, "bad-idempotency-key", "The Idempotency-Key is not valid")
NOT_HTTP = Problem(400, "not-http", "The request is not valid HTTP")
HEAD_TOO_LARGE = Problem(431, "head-too-large", "The head of the request is too large")
HEAD_TOO_SLOW = Problem(408, "head-too-slow", "The head of the request took too long to arrive")
BODY_TOO_LARGE = Problem(413, "body-too-large", "The body is too large")
BODY_TOO_SLOW = Problem(408, "body-too-slow", "The body took too long to arrive")
KEY_MISSING = Problem(401, "key-missing", "An API key is needed")
KEY_UNKNOWN = Problem(401, "key-unknown", "The API key is not valid")
SCOPE_MISSING = Problem(403, "scope-missing", "The API key may not do this")
KEYS_STALE = Problem(503, "keys-unavailable", "API keys cannot be checked now", retry_after=2)
DATABASE_AWAY = Problem(503, "database-unavailable", "The database is not available", retry_after=2)
INTERNAL_ERROR = Problem(500, "internal-error", "Something went wrong here")
