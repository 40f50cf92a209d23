"""CloudEvents 1.0 around Mainstay's own events: what an event is, and how it travels in the log (binary mode)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from mainstay.messaging.port import Headers, Outgoing, Record, Topic

SPECVERSION = b"1.0"
JSON = b"application/json"


@runtime_checkable
class EventData(Protocol):
    """What the data struct of an event declares about itself."""

    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]


def subject_of(data: Any) -> str:
    """What an event is about, which is its key in the log: its account.

    An event about something else names the field that holds its subject as `SUBJECT`, a class variable.
    """
    subject: str = getattr(data, getattr(type(data), "SUBJECT", "account_id"))
    return subject


D_co = TypeVar("D_co", covariant=True)
E = TypeVar("E")


class Event(msgspec.Struct, Generic[D_co], frozen=True):
    """An event of the log. (`source`, `id`) names it for ever; `time` is when it happened, in UTC."""

    id: str
    source: str
    time: datetime
    data: D_co
    traceparent: str | None = None


class UnreadableEvent(ValueError):
    """A record that is not an event of a known type and shape."""


_encoder = msgspec.json.Encoder()


def encode(event: Event[Any]) -> Outgoing:
    """The record for an event: attributes as `ce_*` headers, data as the JSON value, the subject as the key."""
    data: EventData = event.data
    subject = subject_of(data)
    headers: Headers = (
        ("ce_specversion", SPECVERSION),
        ("ce_id", event.id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", data.TYPE.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", rfc3339(event.time).encode()),
        ("content-type", JSON),
    )
    if event.traceparent:
        headers = (*headers, ("traceparent", event.traceparent.encode()))
    return Outgoing(data.TOPIC.name, subject, _encoder.encode(data), headers)


class Decoder:
    """Reads the events of the given data types; records of other types give None."""

    def __init__(self, *types: type[Any]) -> None:
        self._by_type = {data.TYPE.encode(): msgspec.json.Decoder(data) for data in types}

    def __call__(self, record: Record) -> Event[Any] | None:
        """The event in a record, or None when its type is not wanted here. Raises `UnreadableEvent`."""
        return self.read(record, _event)

    def read(self, record: Record, make: Callable[[Mapping[str, bytes], Any], E]) -> E | None:
        """What `make` makes of the record's headers and data, or None when its type is not wanted here.

        For who needs no whole event: making one takes longer than decoding its data. Raises `UnreadableEvent`, also for
        a header that `make` misses and a `ValueError` of it.
        """
        attributes = dict(record.headers)
        try:
            decoder = self._by_type.get(attributes["ce_type"])
            return None if decoder is None else make(attributes, decoder.decode(record.value))
        except KeyError as missing:
            raise UnreadableEvent(f"header {missing} is missing") from missing
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise UnreadableEvent(str(error)) from error


def _event(attributes: Mapping[str, bytes], data: Any) -> Event[Any]:
    traceparent = attributes.get("traceparent")
    return Event(
        id=attributes["ce_id"].decode(),
        source=attributes["ce_source"].decode(),
        time=_in_utc(attributes["ce_time"].decode()),
        data=data,
        traceparent=traceparent.decode() if traceparent else None,
    )


def _in_utc(told: str) -> datetime:
    instant = datetime.fromisoformat(told)
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def rfc3339(instant: datetime) -> str:
    """An instant as RFC 3339 in UTC, with a Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
