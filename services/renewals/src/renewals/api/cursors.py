"""Cursors of answers that are computed anew for each page: they hold what was asked, and as of when."""

from dataclasses import replace
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from mainstay.web.pages import decode_cursor, encode_cursor
from mainstay.web.problems import BAD_CURSOR, ProblemError
from renewals.application.forecasting import Asked
from renewals.application.moments import When
from renewals.domain.errors import EARLIEST_START, LATEST_END

P = TypeVar("P")


def digest(asked: Any) -> str:
    """Tells one question from another."""
    return blake2b(msgspec.json.encode(asked), digest_size=9).hexdigest()


def place_in(kind: str, cursor: str | None, asked: Asked) -> tuple[Asked, int]:
    """The question as the page before asked it, and how many rows that page and those before it had."""
    if cursor is None:
        return asked, 0
    of, t0, t1, as_of, known_at, place = decode_cursor(kind, cursor, tuple[str, date, date, date, datetime, int])
    check(t0, t1, as_of, known_at)
    if of != digest(asked) or place < 0:
        raise ProblemError(BAD_CURSOR, "the cursor is one of an answer to another question")
    return replace(asked, t0=t0, t1=t1, as_of=as_of, known_at=known_at), place


def asked_again(asked: Asked, of: str, as_of: date, known_at: datetime) -> Asked:
    """The question of the page before, of which a cursor holds the digest."""
    check(as_of, known_at)
    if of != digest(asked):
        raise ProblemError(BAD_CURSOR, "the cursor is one of an answer to another question")
    return replace(asked, as_of=as_of, known_at=known_at)


def page_at(kind: str, cursor: str | None, asked: When, shape: type[P]) -> tuple[When, P | None]:
    """The moment that a page speaks of, which is that of the page before, and the place after which it begins.

    Saying the moment again is the same as leaving it out.
    """
    if cursor is None:
        return asked, None
    values: Any = tuple[date | None, datetime | None, shape]  # type: ignore[valid-type] # known when called
    as_of, known_at, place = decode_cursor(kind, cursor, values)
    check(*(each for each in (as_of, known_at) if each is not None))
    if asked.as_of not in {None, as_of} or asked.known_at not in {None, known_at}:
        raise ProblemError(BAD_CURSOR, "the cursor is one of an answer about another moment")
    return When(as_of, known_at), place


def next_page(kind: str, when: When, known_at: datetime | None, place: Any) -> str:
    """The cursor to the rows after a place, of what was known at an instant."""
    return encode_cursor(kind, [when.as_of, known_at, place])


def check(*moments: date | datetime) -> None:
    """Refuse what no answer gave: instants without a zone, and days that nobody may ask for."""
    for moment in moments:
        day, is_vague = moment, False
        if isinstance(moment, datetime):
            day, is_vague = moment.date(), moment.tzinfo is None
        if is_vague or not EARLIEST_START <= day <= LATEST_END:
            raise ProblemError(BAD_CURSOR, "the cursor is not one that this list gave")
