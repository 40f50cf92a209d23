"""The delivery worker: looks for what is due, again and again, until told to stop."""

import asyncio
from datetime import timedelta

import structlog

from alerts.application.delivering import Deliverer
from mainstay.db.errors import is_transient

POLL = timedelta(seconds=0.25)
BACK_OFF = timedelta(seconds=1)

_log = structlog.get_logger(__name__)


async def deliver(deliverer: Deliverer, stopping: asyncio.Event) -> None:
    """Start what is due; at the end let what is under way finish. A database that is away is waited for."""
    stopper = asyncio.create_task(stopping.wait())
    try:
        while not stopping.is_set():
            pause = POLL
            try:
                if await deliverer.start_due():
                    continue
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("deliveries wait for the database", reason=str(error))
                pause = BACK_OFF
            # a call that ends makes room for the next one to the same channel
            await asyncio.wait(
                {stopper, *deliverer.under_way},
                timeout=pause.total_seconds(),
                return_when=asyncio.FIRST_COMPLETED,
            )
    finally:
        stopper.cancel()
        await deliverer.finish()
