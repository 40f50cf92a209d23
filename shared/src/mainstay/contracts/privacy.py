"""What ingest asks of every service when somebody is to be erased, and what they answer.

These records are kept for ever, so they hold no personal data: a person or an account appears as a keyed hash
(`mainstay.service.subjects`), and a service finds it by hashing the ids that it holds.
"""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from mainstay.contracts.topics import PRIVACY_REQUESTS
from mainstay.messaging.port import Topic

OWNER = "ingest"
"""The service that declares these events; every service confirms with one of them."""

SERVICES = ("ingest", "health-score", "alerts", "renewals")
"""Who confirms an erasure."""

SubjectKind = Literal["user", "account"]


class ErasureRequested(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody is to be erased: everywhere, now, and whatever arrives about them later."""

    TYPE: ClassVar[str] = "mainstay.privacy.erasure_requested.v1"
    TOPIC: ClassVar[Topic] = PRIVACY_REQUESTS
    SUBJECT: ClassVar[str] = "subject"

    erasure_id: str
    kind: SubjectKind
    subject: str
    occurred_at: datetime


class ErasureConfirmed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A service has erased: how many rows it deleted or emptied, and how many it keeps under a pseudonym."""

    TYPE: ClassVar[str] = "mainstay.privacy.erasure_confirmed.v1"
    TOPIC: ClassVar[Topic] = PRIVACY_REQUESTS
    SUBJECT: ClassVar[str] = "subject"

    erasure_id: str
    subject: str
    service: str
    occurred_at: datetime
    rows_erased: int = 0
    rows_pseudonymised: int = 0


class SuppressionLifted(msgspec.Struct, frozen=True, omit_defaults=True):
    """An erased person or account comes back by its own will: what arrives from now on is taken in again."""

    TYPE: ClassVar[str] = "mainstay.privacy.suppression_lifted.v1"
    TOPIC: ClassVar[Topic] = PRIVACY_REQUESTS
    SUBJECT: ClassVar[str] = "subject"

    erasure_id: str
    kind: SubjectKind
    subject: str
    occurred_at: datetime


EVENTS = (ErasureRequested, ErasureConfirmed, SuppressionLifted)
