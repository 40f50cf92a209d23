"""Replacing a document only as it was read: its version as ETag, and If-Match."""

import re
from typing import Annotated

from fastapi import Header

from mainstay.web.problems import Problem, ProblemError

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=100, description='The ETag of the version to replace, such as "3"'),
]
"""A route's parameter: `if_match: IfMatch = None`."""

_VERSION = re.compile(r'"(\d{1,18})"', re.ASCII)
_BAD_IF_MATCH = Problem(400, "bad-if-match", "The If-Match is not valid")


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'"{version}"'


def expected(if_match: str | None) -> int | None:
    """The version that is to be replaced; None for any. Raises `ProblemError` (400)."""
    if if_match is None:
        return None
    found = _VERSION.fullmatch(if_match.strip())
    if found is None:
        raise ProblemError(_BAD_IF_MATCH, 'If-Match takes one ETag that a GET of this gave, such as "3"')
    return int(found[1])
