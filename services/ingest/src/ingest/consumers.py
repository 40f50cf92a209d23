"""What ingest reads: what the other services say about erasures."""

from typing import Any

from ingest.application.erasing import RecordConfirmations
from mainstay.contracts.envelope import Decoder
from mainstay.contracts.privacy import ErasureConfirmed
from mainstay.contracts.topics import PRIVACY_REQUESTS
from mainstay.messaging.consuming import Subscription

GROUP = "ingest"


def confirmations(record: RecordConfirmations) -> Subscription[Any]:
    """Services that have erased somebody."""
    return Subscription(PRIVACY_REQUESTS, group=GROUP, decode=Decoder(ErasureConfirmed), handle=record)
