"""How much one request may carry."""

from dataclasses import dataclass

from ingest.domain.refusal import Refused


@dataclass(frozen=True, slots=True)
class Limits:
    """Segment's documented limits, unless settings raise them. Bytes are of the body after any decompression."""

    event_bytes: int = 32 * 1024
    body_bytes: int = 500 * 1024
    events: int = 2_500

    def check_event(self, size: int) -> None:
        """Raises `Refused` for an event of more than `event_bytes`."""
        if size > self.event_bytes:
            raise Refused("event-too-large", f"An event has at most {self.event_bytes} bytes; this one has {size}.")

    def check_count(self, count: int, pointer: str) -> None:
        """Raises `Refused` for a batch of more than `events`."""
        if count > self.events:
            raise Refused("too-many-events", f"A batch has at most {self.events} events; this one has more.", pointer)
