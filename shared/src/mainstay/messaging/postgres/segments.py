"""Segments: the tables that hold a topic's records, opened one after the other and dropped whole, oldest first."""

from datetime import timedelta
from typing import Any

ROLL_BYTES = 1 << 30
"""A segment of this size is closed whatever its age."""


def segment_table(topic_id: int, number: int) -> str:
    """The name of a segment's table."""
    return f"event_log.segment_{topic_id}_{number}"


async def create_segment(connection: Any, topic_id: int, number: int) -> None:
    """Open a segment for every partition of a topic, at the offsets of their next records.

    Locks the partitions' heads: who appends does so wholly before, or wholly after and into the new segment.
    """
    await connection.execute(
        "SELECT FROM event_log.partition_head WHERE topic_id = $1 ORDER BY partition FOR UPDATE", topic_id
    )
    await connection.execute(
        f"""
        CREATE TABLE {segment_table(topic_id, number)} (
            partition integer NOT NULL,
            "offset" bigint NOT NULL,
            key text NOT NULL,
            value bytea NOT NULL,
            headers bytea NOT NULL,
            appended_at timestamptz NOT NULL DEFAULT statement_timestamp(),
            PRIMARY KEY (partition, "offset")
        )
        """
    )
    await connection.execute("INSERT INTO event_log.segment (topic_id, number) VALUES ($1, $2)", topic_id, number)
    await connection.execute(
        """
        INSERT INTO event_log.segment_start (topic_id, number, partition, first_offset)
        SELECT topic_id, $2, partition, next_offset FROM event_log.partition_head WHERE topic_id = $1
        """,
        topic_id,
        number,
    )
    await connection.execute("UPDATE event_log.partition_head SET segment = $2 WHERE topic_id = $1", topic_id, number)


async def roll(connection: Any, topic_id: int) -> None:
    """Close a topic's open segment and open the next one."""
    number = await connection.fetchval(
        """
        UPDATE event_log.segment SET closed_at = clock_timestamp()
        WHERE topic_id = $1 AND closed_at IS NULL RETURNING number
        """,
        topic_id,
    )
    await create_segment(connection, topic_id, number + 1)


async def drop_oldest(connection: Any, topic_id: int) -> None:
    """Forget a topic's oldest segment, which must be closed. One DROP TABLE, whatever its size."""
    number = await connection.fetchval(
        "SELECT min(number) FROM event_log.segment WHERE topic_id = $1 AND closed_at IS NOT NULL", topic_id
    )
    if number is None:
        return
    await connection.execute(
        """
        UPDATE event_log.partition_head AS head SET first_offset = following.first_offset
        FROM (
            SELECT topic_id, partition FROM event_log.partition_head WHERE topic_id = $1 ORDER BY partition FOR UPDATE
        ) AS locked
        JOIN event_log.segment_start AS following USING (topic_id, partition)
        WHERE head.topic_id = locked.topic_id AND head.partition = locked.partition AND following.number = $2
        """,
        topic_id,
        number + 1,
    )
    await connection.execute("DELETE FROM event_log.segment WHERE topic_id = $1 AND number = $2", topic_id, number)
    await connection.execute(f"DROP TABLE {segment_table(topic_id, number)}")


async def keep_up(connection: Any) -> str | None:
    """Do one piece of upkeep, if any is due, inside the caller's transaction; answers what was done.

    A segment is closed once its age passes an eighth of the retention (so a record stays at most 9/8 of it), or its
    size a limit; it is dropped once it has been closed for the retention. An empty segment is left alone.
    """
    if await connection.fetchval("SELECT true FROM event_log.log FOR UPDATE SKIP LOCKED") is None:
        return None  # another process is at it
    await connection.execute("SET LOCAL lock_timeout = '500ms'")
    old = await connection.fetchrow(
        """
        SELECT topic.id, topic.name FROM event_log.topic JOIN event_log.segment ON segment.topic_id = topic.id
        WHERE segment.closed_at < clock_timestamp() - topic.kept ORDER BY segment.closed_at LIMIT 1
        """
    )
    if old is not None:
        await drop_oldest(connection, old["id"])
        return f"dropped the oldest segment of {old['name']}"
    ripe = await connection.fetchrow(
        """
        SELECT topic.id, topic.name FROM event_log.topic JOIN event_log.segment ON segment.topic_id = topic.id
        WHERE segment.closed_at IS NULL
          AND (segment.opened_at < clock_timestamp() - topic.kept / 8
               OR pg_total_relation_size(format('event_log.segment_%s_%s', topic_id, number)::regclass) > $1)
          AND EXISTS (
              SELECT FROM event_log.segment_start AS start
              JOIN event_log.partition_head AS head USING (topic_id, partition)
              WHERE start.topic_id = segment.topic_id AND start.number = segment.number
                AND head.next_offset > start.first_offset)
        LIMIT 1
        """,
        ROLL_BYTES,
    )
    if ripe is not None:
        await roll(connection, ripe["id"])
        return f"opened a new segment of {ripe['name']}"
    return None


UPKEEP_EVERY = timedelta(seconds=10)
