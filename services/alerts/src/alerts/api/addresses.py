"""The routes of addresses that a mail server refused."""

from fastapi import Response

from alerts.api.channel_schemas import RefusedView
from alerts.api.handlers import READ, WRITE, Handlers, Id
from mainstay.web.pages import Page
from mainstay.web.routes import Routes


def addresses(handlers: Handlers) -> Routes:
    """Read refused addresses, and have one tried again."""
    group = Routes(tag="channels")

    @group.get("/refused-addresses", scope=READ, answers=Page[RefusedView])
    async def list_refused() -> Page[RefusedView]:
        """Addresses that a mail server refused, and that are passed over for a channel's fallback meanwhile."""
        return Page(data=[RefusedView.of(one) for one in await handlers.reading.refused(handlers.clock.now())])

    @group.delete("/refused-addresses/{address}", scope=WRITE)
    async def accept_address(address: Id) -> Response:
        """Send to an address again."""
        await handlers.channels.accept(address)
        return Response(status_code=204)

    return group
