"""Every topic of Mainstay: its name, its partitions and how long its records are kept."""

from datetime import timedelta

from mainstay.messaging.port import Topic

USAGE_EVENTS = Topic("usage-events", partitions=12, kept=timedelta(days=7))
CUSTOMER_SIGNALS = Topic("customer-signals", partitions=6, kept=timedelta(days=90))
PRIVACY_REQUESTS = Topic("privacy-requests", partitions=1, kept=None)
SOURCE_EVENTS = Topic("source-events", partitions=1, kept=timedelta(days=90))
HEALTH_EVENTS = Topic("health-events", partitions=6, kept=timedelta(days=90))
ACCOUNT_EVENTS = Topic("account-events", partitions=6, kept=None)
RENEWAL_EVENTS = Topic("renewal-events", partitions=6, kept=None)
ALERT_EVENTS = Topic("alert-events", partitions=6, kept=timedelta(days=90))

TOPICS = (
    USAGE_EVENTS,
    CUSTOMER_SIGNALS,
    PRIVACY_REQUESTS,
    SOURCE_EVENTS,
    HEALTH_EVENTS,
    ACCOUNT_EVENTS,
    RENEWAL_EVENTS,
    ALERT_EVENTS,
)
