"""The event log on Apache Kafka, through aiokafka."""

from mainstay.messaging.kafka.log import KafkaLog

__all__ = ["KafkaLog"]
