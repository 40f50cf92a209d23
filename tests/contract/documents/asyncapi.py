"""The AsyncAPI document: every topic, what travels on it, who says it and who reads it."""

from importlib import import_module
from typing import Any

from mainstay.contracts.topics import TOPICS
from mainstay.messaging.port import MAX_VALUE_BYTES, Topic
from tests.contract.documents.events import DIALECT, EventType

READERS = ("health_score", "alerts", "renewals")
"""The services that consume; what they read is what their `consumers` modules name."""
VERSION = "0.1.0"

INTRODUCTION = """Delivery is at least once, and in order within an account.
Two records are the same event when their `ce_source` and `ce_id` are. Readers ignore fields that they do not know.
"""

HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0 in binary mode: the attributes as headers, the data as the record's value.",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "With `ce_source` it names the event for ever"},
        "ce_source": {"type": "string"},
        "ce_type": {"type": "string"},
        "ce_subject": {"type": "string", "description": "The account; the record's key too"},
        "ce_time": {"type": "string", "format": "date-time", "description": "When it happened, in UTC"},
        "content-type": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C Trace Context"},
    },
}


def asyncapi(events: tuple[EventType, ...]) -> dict[str, Any]:
    """The whole document, AsyncAPI 3.0."""
    topics = [topic for topic in TOPICS if any(event.topic == topic for event in events)]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Mainstay's events",
            "version": VERSION,
            "license": {"name": "Apache-2.0"},
            "description": INTRODUCTION,
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, events) for topic in topics},
        "operations": {
            **{
                f"{owner}-says-{topic.name}": _operation("send", topic, f"{owner} owns this topic.")
                for topic in topics
                for owner in sorted({event.owner for event in events if event.topic == topic})
            },
            **{
                f"{reader}-reads-{topic.name}": _operation("receive", topic, f"Consumer group {reader}.")
                for topic in topics
                for reader in readers(topic)
            },
        },
        "components": {
            "messages": {event.title: _message(event) for event in events},
            "messageTraits": {"cloudevent": {"headers": HEADERS}},
        },
    }


def readers(topic: Topic) -> list[str]:
    """The services whose consumers name the topic."""
    modules = {name: import_module(f"{name}.consumers") for name in READERS}
    return [
        name.replace("_", "-")
        for name, module in modules.items()
        if any(isinstance(value, Topic) and value == topic for value in vars(module).values())
    ]


def _channel(topic: Topic, events: tuple[EventType, ...]) -> dict[str, Any]:
    kept = f"{topic.kept.days} days" if topic.kept else "for ever"
    retention = int(topic.kept.total_seconds() * 1_000) if topic.kept else -1
    return {
        "address": topic.name,
        "description": f"Keyed by account; {topic.partitions} partitions, records are kept {kept}.",
        "messages": {
            event.title: {"$ref": f"#/components/messages/{event.title}"} for event in events if event.topic == topic
        },
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": retention},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(action: str, topic: Topic, summary: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}, "summary": summary}


def _message(event: EventType) -> dict[str, Any]:
    summary = event.schema["description"].partition("\n")[0]
    return {
        "name": event.name,
        "title": event.title,
        "summary": summary,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "payload": {
            "schemaFormat": f"application/schema+json;version={DIALECT.rpartition('draft/')[2].partition('/')[0]}",
            "schema": {"$ref": f"./schemas/{event.name}.json"},
        },
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
        "x-max-bytes": MAX_VALUE_BYTES,
    }
