"""What routes of versioned documents share: the body as JSON or YAML, and how versions are shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, NoReturn, Protocol

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import Field

from health_score.scorecards.plain_yaml import MAX_CHARACTERS, NotPlainYaml, read_yaml
from mainstay.web.json_body import check_encoding, read_json
from mainstay.web.problems import BODY_TOO_LARGE, Problem, ProblemError

NOT_YAML = Problem(400, "malformed-yaml", "The body is not YAML that JSON could say")
NOT_TAKEN = Problem(415, "media-type-not-supported", "A document is sent as JSON or YAML")

JSON_TYPES = {"", "application/json", "application/scorecard+json"}
YAML_TYPES = {"application/yaml", "application/x-yaml", "text/yaml"}

BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "object"}} for kind in ("application/json", "application/yaml")},
    }
}
"""What OpenAPI says of a route that takes a document."""

MOST_VERSIONS = 1_000_000_000
Version = Annotated[int, Field(ge=1, le=MOST_VERSIONS)]


class JsonSchemaResponse(JSONResponse):
    """A JSON Schema."""

    media_type = "application/schema+json"


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """One place that differs from the version before: a JSON pointer in which parts with a name go by it."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version, and what it changed; null for the first one. Version 0 of rules comes with Mainstay."""

    version: int
    saved_at: datetime | None
    saved_by: str | None
    changes: tuple[DifferenceView, ...] | None


class FaultLike(Protocol):
    """One thing wrong with a document."""

    @property
    def pointer(self) -> str:
        """Where."""

    @property
    def detail(self) -> str:
        """What."""


async def document(request: Request) -> Any:
    """The body, as JSON or YAML. Raises `ProblemError`."""
    check_encoding(request)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if len(body) > MAX_CHARACTERS:
        raise ProblemError(BODY_TOO_LARGE, f"a document has {MAX_CHARACTERS} bytes at most")
    if media_type in JSON_TYPES:
        return read_json(body)
    if media_type not in YAML_TYPES:
        raise ProblemError(NOT_TAKEN, "send application/json or application/yaml")
    try:
        return read_yaml(body.decode("utf-8"))
    except (NotPlainYaml, UnicodeDecodeError) as error:
        raise ProblemError(NOT_YAML, str(error)[:300]) from None


def refuse(problem: Problem, what: str, faults: Iterable[FaultLike], error: Exception, *, at: str = "") -> NoReturn:
    """Tell everything that is wrong with a document at once. `at` is where the document stands in the body."""
    errors = [{"pointer": at + fault.pointer, "detail": fault.detail} for fault in faults]
    many = f"{len(errors)} things are" if len(errors) > 1 else "one thing is"
    raise ProblemError(problem, f"{many} wrong with the {what}", errors=errors) from error
