"""Topics of a Kafka cluster: made once, their retention kept up to the declaration."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from mainstay.messaging.port import Topic

REPLICAS = 3
"""Or as many as there are brokers."""
DYNAMIC_TOPIC_CONFIG = 1
"""The source of a setting that was made on the topic itself (Kafka protocol, DescribeConfigs)."""


@asynccontextmanager
async def admin(servers: str, client_id: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for administration, connected."""
    client = AIOKafkaAdminClient(bootstrap_servers=servers, client_id=client_id, request_timeout_ms=10_000)
    try:
        await client.start()
        yield client
    finally:
        await client.close()


def retention_ms(kept: timedelta | None) -> str:
    """A topic's `retention.ms`: milliseconds, -1 for ever."""
    return "-1" if kept is None else str(int(kept.total_seconds() * 1000))


async def ensure_topics(client: AIOKafkaAdminClient, topics: Iterable[Topic]) -> None:
    """Create what is missing; bring the retention of the others up to date."""
    wanted = {topic.name: topic for topic in topics}
    existing = set(await client.list_topics())
    brokers = len((await client.describe_cluster())["brokers"])
    for name, topic in wanted.items():
        if name in existing:
            await _bring_up_to_date(client, topic)
        else:
            await _create(client, topic, min(REPLICAS, brokers))


async def _create(client: AIOKafkaAdminClient, topic: Topic, replicas: int) -> None:
    settings = {"retention.ms": retention_ms(topic.kept), "cleanup.policy": "delete"}
    answer = await client.create_topics([NewTopic(topic.name, topic.partitions, replicas, topic_configs=settings)])
    for _, code, *rest in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(*rest)


async def _bring_up_to_date(client: AIOKafkaAdminClient, topic: Topic) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    # AlterConfigs replaces all that was set on a topic: what an operator has set must be said again.
    found: dict[str, str] = {}
    for answer in await client.describe_configs([resource]):
        for _code, _message, _type, _name, entries in answer.resources:
            found.update({entry[0]: entry[1] for entry in entries if entry[3] == DYNAMIC_TOPIC_CONFIG})
    wanted = retention_ms(topic.kept)
    if found.get("retention.ms") == wanted:
        return
    found["retention.ms"] = wanted
    for answer in await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, found)]):
        for code, message, *_ in answer.resources:
            if code:
                raise for_code(code)(message)
