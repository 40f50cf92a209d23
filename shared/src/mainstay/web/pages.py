"""Keyset pagination: pages that stay right while rows come and go."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar, cast

import msgspec
from fastapi import Query
from pydantic import BaseModel, Field

from mainstay.web.problems import BAD_CURSOR, ProblemError

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many, at most")]
"""A route's parameter: `limit: Limit = DEFAULT_LIMIT`."""
Cursor = Annotated[str | None, Query(max_length=2_000, description="`next_cursor` of the page before")]
"""A route's parameter: `cursor: Cursor = None`."""


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` asks for the next one and is null on the last."""

    data: list[T]
    next_cursor: str | None = Field(default=None)


def encode_cursor(kind: str, values: Sequence[Any]) -> str:
    """The place after a row, by its sort values (text, numbers, instants, dates, None), the unique one last.

    `kind` names the list: a cursor leads on in the list that gave it and in no other.
    """
    return urlsafe_b64encode(msgspec.json.encode([kind, list(values)])).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str, shape: type[T]) -> T:
    """The sort values in a cursor of this kind, checked against `shape`, such as `tuple[int, str]`.

    Raises `ProblemError` (400) when it is empty, not one of ours, or one of another list or order.
    """
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        given, values = msgspec.json.decode(raw, type=tuple[str, shape])  # type: ignore[valid-type] # known when called
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise ProblemError(BAD_CURSOR, "the cursor is not one that this list gave, or the sort order changed") from None
    if given != kind:
        raise ProblemError(BAD_CURSOR, "the cursor is one of another list")
    if b"\\u0000" in raw:
        raise ProblemError(BAD_CURSOR, "the cursor holds a NUL character")
    return cast("T", values)
