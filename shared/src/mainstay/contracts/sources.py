"""What ingest says about its sources: one that falls silent, comes back, or leaves its own pattern."""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from mainstay.contracts.topics import SOURCE_EVENTS
from mainstay.messaging.port import Topic


class SourceSilent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Nothing came from a source for longer than it is ever usually quiet. Said once a silence.

    `quiet_limit_seconds` is its own limit, and `quiet_seconds` how long it had been quiet when this was said; both
    count only hours of the week in which it usually sends, where it has such.
    """

    TYPE: ClassVar[str] = "mainstay.source.silent.v1"
    TOPIC: ClassVar[Topic] = SOURCE_EVENTS
    SUBJECT: ClassVar[str] = "source_id"

    source_id: str
    last_seen: datetime
    quiet_seconds: int
    quiet_limit_seconds: int


class SourceActiveAgain(msgspec.Struct, frozen=True, omit_defaults=True):
    """A source that was said to be silent sends again. `silent_since` is the last it had sent before."""

    TYPE: ClassVar[str] = "mainstay.source.active_again.v1"
    TOPIC: ClassVar[Topic] = SOURCE_EVENTS
    SUBJECT: ClassVar[str] = "source_id"

    source_id: str
    silent_since: datetime
    last_seen: datetime


class SourceVolumeDeviated(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a source sent in an hour lies outside what it usually sends at that hour of the week, or does so no more.

    `hour` is the hour's start; `events` what was taken in it; `usual` and `spread` are the median and the median
    absolute deviation of the same hour of up to 8 weeks before. Said when `direction` changes: `usual` ends it.
    """

    TYPE: ClassVar[str] = "mainstay.source.volume_deviated.v1"
    TOPIC: ClassVar[Topic] = SOURCE_EVENTS
    SUBJECT: ClassVar[str] = "source_id"

    source_id: str
    hour: datetime
    events: int
    usual: float
    spread: float
    direction: Literal["above", "below", "usual"]


EVENTS = (SourceSilent, SourceActiveAgain, SourceVolumeDeviated)
