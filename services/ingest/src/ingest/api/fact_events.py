"""Facts about customers as CloudEvents, `mainstay.customer.<kind>.v1`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Protocol, TypeAlias

import msgspec

from ingest.api.fact_reading import document_of, read_fact
from ingest.application.facts import membership_of
from ingest.domain.occurrence import SenderClock
from ingest.records import Said
from mainstay.contracts.facts import FACTS, Fact

__all__ = ["READINGS", "FactEvent", "FactReading", "membership_of"]


class FactEvent(Protocol):
    """What a reading needs of a CloudEvent."""

    @property
    def time(self) -> datetime | None:
        """When it happened."""

    @property
    def data(self) -> msgspec.Raw:
        """The fact."""


FactReading: TypeAlias = Callable[[FactEvent, SenderClock], tuple[datetime, Said]]


def _read(kind: type[Fact], event: FactEvent, clock: SenderClock) -> tuple[datetime, Said]:
    fact = read_fact(kind, document_of(event.data, "/data"), clock, event.time, "/data")
    return fact.occurred_at, fact


READINGS: Mapping[str, FactReading] = {kind.TYPE: partial(_read, kind) for kind in FACTS}
"""By the event's type; each raises `Refused`, with pointers from the event."""
