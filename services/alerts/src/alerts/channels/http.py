"""What webhooks and chats have in common: one POST through the shared client, and what its answer means."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

from alerts.channels.text import within_bytes
from alerts.domain.deliveries import Delivered, Failed
from alerts.domain.destinations import DestinationRefused
from mainstay.web.client import AddressRefused, Answer, NoAnswer, NotReached, OutgoingClient

SHOWN_CHARS = 200
"""How much of a refusing answer is in the reason of a failure."""

KEPT_BYTES = 500
"""How much of an answer is kept for whoever looks into it."""

REDACTED = "[redacted]"
_SHORTEST_SECRET = 8
"""Characters. What is shorter is in no address by which somebody could be called."""


class AddressCheck:
    """Looks at an address when somebody saves it, so that a mistake is answered at once."""

    def __init__(self, client: OutgoingClient) -> None:
        self._client = client

    async def __call__(self, url: str) -> None:
        """Raises `DestinationRefused`. A name that does not resolve now may do so later, and passes."""
        try:
            await self._client.check(url)
        except AddressRefused as refused:
            raise DestinationRefused(str(refused), "url") from refused
        except NoAnswer:
            return


async def post(
    client: OutgoingClient, url: str, body: bytes, headers: Mapping[str, str], *secrets: str | None
) -> Answer | Failed:
    """One POST of JSON: the answer, whatever its status, or why there is none. Its body is without the secrets."""
    try:
        answer = await client.post(url, body, headers={"content-type": "application/json", **headers})
    except AddressRefused as refused:
        return Failed(str(refused), retryable=False)
    except NotReached as error:
        return Failed(str(error))
    except NoAnswer as error:
        return Failed(str(error), unclear=True)
    text = redacted(answer.body.decode(errors="replace"), url, *secrets)
    return Answer(answer.status, answer.headers, text.encode())


def redacted(text: str, url: str, *secrets: str | None) -> str:
    """The text without a channel's address, the parts of it that let somebody in, and its signing secrets."""
    parts = urlsplit(url)
    hidden = {url, f"{parts.path}?{parts.query}" if parts.query else parts.path}
    hidden |= {*parts.path.split("/"), *(pair.partition("=")[2] for pair in parts.query.split("&"))}
    for secret in secrets:
        hidden |= {secret, secret.removeprefix("whsec_")} if secret else set()
    hidden |= {unquote(each) for each in hidden if each}
    for each in sorted((each for each in hidden if each and len(each) >= _SHORTEST_SECRET), key=len, reverse=True):
        text = text.replace(each, REDACTED)
    return text


def taken(answer: Answer) -> Delivered:
    """The destination took the message."""
    return Delivered(answer.status, kept(answer))


def refusal(answer: Answer, now: datetime, *, retryable: bool) -> Failed:
    """The failure that an answer other than success means. 410 says that the destination is gone for good."""
    said = " ".join(answer.body.decode(errors="replace").split())[:SHOWN_CHARS]
    said = "".join(character for character in said if character.isprintable())
    return Failed(
        f"the destination answered {answer.status}" + (f": {said}" if said else ""),
        retryable=retryable and answer.status != 410,
        retry_after=retry_after(answer.headers.get("retry-after"), now),
        gone=answer.status == 410,
        status=answer.status,
        answer=kept(answer),
    )


def kept(answer: Answer) -> str:
    """The beginning of an answer, as text that a database can hold."""
    text = answer.body.decode(errors="replace")
    return within_bytes("".join(c if c.isprintable() or c == "\n" else " " for c in text), KEPT_BYTES, "…")


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
