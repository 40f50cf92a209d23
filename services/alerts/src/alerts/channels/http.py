"""What webhooks and chats have in common: one POST through the shared client, and what its answer means."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from alerts.domain.channels import DestinationRefused
from alerts.domain.deliveries import Failed
from mainstay.web.client import AddressRefused, Answer, NoAnswer, NotReached, OutgoingClient

SHOWN_CHARS = 200
"""How much of a refusing answer is kept for whoever looks into it."""


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


async def post(client: OutgoingClient, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Failed:
    """One POST of JSON: the answer, whatever its status, or why there is none."""
    try:
        return await client.post(url, body, headers={"content-type": "application/json", **headers})
    except AddressRefused as refused:
        return Failed(str(refused), retryable=False)
    except NotReached as error:
        return Failed(str(error))
    except NoAnswer as error:
        return Failed(str(error), unclear=True)


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
