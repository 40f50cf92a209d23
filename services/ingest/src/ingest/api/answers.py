"""The answers of the hot routes: success, and problems (RFC 9457) with `code` and `message`."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from ingest.domain.refusal import Refused
from mainstay.web import problems
from mainstay.web.problems import Problem

MOST_ERRORS = 20
"""As many errors of one request are listed; a broken client's batch would otherwise be answered with megabytes."""

RETRY_AFTER = 2
"""Seconds after which to repeat what was answered with 503."""

_PROBLEMS = {
    problem.code: problem
    for problem in (
        problems.BODY_TOO_LARGE,
        problems.BODY_TOO_SLOW,
        problems.INTERNAL_ERROR,
        problems.KEY_MISSING,
        problems.KEY_UNKNOWN,
        problems.KEYS_STALE,
        problems.MALFORMED_JSON,
        problems.SCOPE_MISSING,
        Problem(405, "method-not-allowed"),
        Problem(413, "event-too-large"),
        Problem(413, "too-many-events"),
        Problem(415, "encoding-not-supported"),
        Problem(415, "content-type-not-supported"),
        Problem(429, "account-too-busy"),
        Problem(429, "too-fast"),
        Problem(503, "busy", "Too much at once", retry_after=RETRY_AFTER),
        Problem(503, "log-unavailable", "The event log is not available", retry_after=RETRY_AFTER),
        Problem(503, "not-kept", "Nothing can be set aside", retry_after=RETRY_AFTER),
    )
}
"""The problem of a code; one that is not here is the sender's mistake, 400."""

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

_HEADERS: dict[int, Headers] = {
    401: ((b"www-authenticate", b'Bearer, Basic realm="mainstay"'),),
    408: ((b"connection", b"close"),),
    503: ((b"retry-after", b"%d" % RETRY_AFTER),),
}

_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes
    media_type: bytes = b"application/json"
    headers: Headers = ()


class ErrorAt(msgspec.Struct, frozen=True):
    """One broken rule and its place in the body."""

    pointer: str
    code: str
    detail: str


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """`mainstay.web.problems.ProblemBody`, with what became of the rest of the request, where some of it was taken.

    `accepted` counts the calls of a batch that were taken all the same; `results` are the verdicts of CloudEvents.
    """

    type: str
    title: str
    status: int
    code: str
    message: str
    detail: str
    errors: Sequence[ErrorAt]
    trace_id: str
    accepted: int | None = None
    results: Sequence[Any] = ()


SUCCESS = Answer(200, b'{"success":true}')


def problem(
    code: str,
    detail: str,
    trace_id: str,
    errors: Sequence[Refused] = (),
    *,
    accepted: int | None = None,
    results: Sequence[Any] = (),
    headers: Headers = (),
) -> Answer:
    """A problem; 503 carries Retry-After, 401 says how to authenticate, 408 ends the connection."""
    meant = _PROBLEMS.get(code) or Problem(400, code)
    body = ProblemBody(
        type=problems.TYPE_PREFIX + code,
        title=meant.heading,
        status=meant.status,
        code=code,
        message=detail,
        detail=detail,
        errors=[ErrorAt(error.pointer, error.code, error.detail) for error in errors[:MOST_ERRORS]],
        trace_id=trace_id,
        accepted=accepted,
        results=results,
    )
    return Answer(meant.status, _encode(body), problems.MEDIA_TYPE.encode(), headers or _HEADERS.get(meant.status, ()))


def refused(refusals: Sequence[Refused], trace_id: str, *, accepted: int | None = None) -> Answer:
    """The problem for one refusal, or for those of a batch, of which `accepted` calls were taken all the same."""
    first = refusals[0]
    if len(refusals) == 1 and not accepted:
        return problem(first.code, first.detail, trace_id, refusals, accepted=accepted)
    codes = {refusal.code for refusal in refusals}
    detail = f"{len(refusals)} events are not acceptable and were set aside; {accepted or 0} were taken. "
    code = first.code if len(codes) == 1 else "batch-refused"
    return problem(code, detail + f"The first: {first.detail}", trace_id, refusals, accepted=accepted)


def too_many(code: str, detail: str, trace_id: str, retry_after: int) -> Answer:
    """429; `retry_after` in seconds."""
    return problem(code, detail, trace_id, headers=((b"retry-after", b"%d" % retry_after),))


def json_answer(status: int, document: Any) -> Answer:
    """Any document as JSON."""
    return Answer(status, _encode(document), headers=_HEADERS.get(status, ()))
