"""What health-score reads: usage, facts about accounts, and what their contracts are worth."""

from datetime import timedelta
from typing import Any

from health_score.application.facts import RecordFacts, RecordValues
from health_score.application.usage import RecordUsage
from mainstay.contracts.envelope import Decoder
from mainstay.contracts.ingest import AccountFact, UsageRecorded
from mainstay.contracts.renewals import AccountValueChanged
from mainstay.contracts.topics import CUSTOMER_SIGNALS, RENEWAL_EVENTS, USAGE_EVENTS
from mainstay.messaging.consuming import Subscription

GROUP = "health-score"


def usage(record: RecordUsage) -> Subscription[Any]:
    """Usage events: large batches under load, at once after a lull."""
    return Subscription(
        USAGE_EVENTS,
        group=GROUP,
        decode=Decoder(UsageRecorded),
        handle=record,
        up_to=5_000,
        within=timedelta(milliseconds=50),
    )


def facts(record: RecordFacts) -> Subscription[Any]:
    """Facts about accounts."""
    return Subscription(CUSTOMER_SIGNALS, group=GROUP, decode=Decoder(AccountFact), handle=record)


def values(record: RecordValues) -> Subscription[Any]:
    """What accounts are worth."""
    return Subscription(RENEWAL_EVENTS, group=GROUP, decode=Decoder(AccountValueChanged), handle=record)
