"""What webhooks and chats have in common: one POST, and what its answer means."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

from alerts.domain.deliveries import Failed

SHOWN_CHARS = 200
"""How much of a refusing answer is kept for whoever looks into it."""


class Answer(Protocol):
    """What a destination answered; the body may be cut."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names in any case."""

    @property
    def body(self) -> bytes:
        """The beginning of the body."""


class Post(Protocol):
    """Sends one POST. Raises `NotSent`, or `NotAnswered` when it is not known whether it arrived."""

    async def __call__(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer, whatever its status."""


class NotSent(Exception):
    """The request did not reach the destination."""


class NotAnswered(Exception):
    """The request went out and no answer came: it may have arrived."""


def refusal(answer: Answer, now: datetime, *, retryable: bool) -> Failed:
    """The failure that an answer other than success means. 410 says that the destination is gone for good."""
    said = " ".join(answer.body.decode(errors="replace").split())[:SHOWN_CHARS]
    said = "".join(character for character in said if character.isprintable())
    return Failed(
        f"the destination answered {answer.status}" + (f": {said}" if said else ""),
        retryable=retryable and answer.status != 410,
        retry_after=retry_after(answer.headers.get("retry-after"), now),
        gone=answer.status == 410,
    )


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """The pause that Retry-After asks for, in either of its forms; None where it asks for none, or in no known form."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return timedelta(seconds=min(int(header[:9]), 10**6))
    try:
        instant = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return max(aware - now, timedelta(0))
