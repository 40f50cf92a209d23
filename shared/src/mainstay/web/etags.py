"""ETags: who has an answer already is told so, in place of the answer (RFC 9110, sections 8.8 and 13)."""

import re
from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import Annotated, Any, Final

from fastapi import Header, Request, Response

CACHING: Final = "private, no-cache"
"""Whoever keeps the answer asks again before each use, and keeps it for nobody else."""

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            "ETag": {"description": "Names these very bytes; send it as If-None-Match", "schema": {"type": "string"}},
            "Cache-Control": {"description": f"`{CACHING}`", "schema": {"type": "string"}},
        }
    },
    304: {"description": "The answer is the one that If-None-Match names"},
}

_TAG: Final = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_KEPT: Final = frozenset({"etag", "cache-control", "vary", "content-location", "expires"})


class Tagged:
    """Marks a route whose answers have an ETag, as a dependency that OpenAPI shows."""

    def __call__(
        self,
        if_none_match: Annotated[
            str | None, Header(alias="If-None-Match", max_length=4_000, description="ETags of answers that are kept")
        ] = None,
    ) -> None:
        """Nothing to do before the answer is there."""


def tagged(request: Request, response: Response) -> Response:
    """The answer with the ETag of its bytes, or 304 when the caller has them. Streams and failures pass as they are."""
    body = getattr(response, "body", None)
    if response.status_code != 200 or not isinstance(body, bytes | memoryview) or hasattr(response, "body_iterator"):
        return response
    tag = f'"{urlsafe_b64encode(blake2b(body, digest_size=18).digest()).decode()}"'
    response.headers["ETag"] = tag
    response.headers.setdefault("Cache-Control", CACHING)
    if not _matches(request.headers.get("if-none-match"), tag):
        return response
    kept = {name: value for name, value in response.headers.items() if name.lower() in _KEPT}
    return Response(status_code=304, headers=kept)


def _matches(asked: str | None, tag: str) -> bool:
    """Whether a list of ETags holds one; weak ones count too, as for any conditional read."""
    return asked is not None and (asked.strip() == "*" or tag in _TAG.findall(asked))
