"""How a record that a group could not process travels in the group's dead-letter topic, and back."""

from mainstay.messaging.consuming import DeadLetter
from mainstay.messaging.port import Outgoing, Record, dead_letter_topic

_PREFIX = "dead-letter-"
_MAX_REASON_CHARS = 1_000


def dead_letter_record(group: str, letter: DeadLetter) -> Outgoing:
    """The record as it was, and headers that say where it stood and why it was put aside."""
    record = letter.record
    facts = {
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "reason": letter.reason[:_MAX_REASON_CHARS],
    }
    return Outgoing(
        dead_letter_topic(group).name,
        record.key,
        record.value,
        (*original_headers(record), *((_PREFIX + name, value.encode()) for name, value in facts.items())),
    )


def original_record(record: Record) -> Outgoing | None:
    """The record to append to its original topic again, or None when this is no dead letter."""
    topic = record.header(_PREFIX + "topic")
    return Outgoing(topic, record.key, record.value, original_headers(record)) if topic else None


def original_headers(record: Record) -> tuple[tuple[str, bytes], ...]:
    """The headers without those that a dead letter adds."""
    return tuple((name, value) for name, value in record.headers if not name.startswith(_PREFIX))
