"""The embedded event log: topics, partitions' heads, segments, members and leases of groups."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    # The log's own identity: stored offsets are keyed by it, so that they never meet another log.
    """
    CREATE TABLE event_log.log (
        only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
        id uuid NOT NULL DEFAULT gen_random_uuid(),
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "INSERT INTO event_log.log DEFAULT VALUES",
    """
    CREATE TABLE event_log.topic (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL UNIQUE,
        partitions integer NOT NULL CHECK (partitions > 0),
        kept interval
    )
    """,
    # One row a partition, locked by the appending transaction: commit order is offset order. Half-empty pages keep
    # its updates on their page.
    """
    CREATE TABLE event_log.partition_head (
        topic_id integer NOT NULL REFERENCES event_log.topic,
        partition integer NOT NULL,
        first_offset bigint NOT NULL DEFAULT 0,
        next_offset bigint NOT NULL DEFAULT 0,
        segment integer NOT NULL DEFAULT 0,
        PRIMARY KEY (topic_id, partition)
    ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
    """,
    """
    CREATE TABLE event_log.segment (
        topic_id integer NOT NULL REFERENCES event_log.topic,
        number integer NOT NULL,
        opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        closed_at timestamptz,
        PRIMARY KEY (topic_id, number)
    )
    """,
    """
    CREATE TABLE event_log.segment_start (
        topic_id integer NOT NULL,
        number integer NOT NULL,
        partition integer NOT NULL,
        first_offset bigint NOT NULL,
        PRIMARY KEY (topic_id, number, partition),
        FOREIGN KEY (topic_id, number) REFERENCES event_log.segment ON DELETE CASCADE
    )
    """,
    "CREATE TABLE event_log.consumer_group (name text PRIMARY KEY)",
    """
    CREATE TABLE event_log.member (
        group_name text NOT NULL REFERENCES event_log.consumer_group,
        id uuid NOT NULL,
        topics text[] NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (group_name, id)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE event_log.lease (
        group_name text NOT NULL REFERENCES event_log.consumer_group,
        topic_id integer NOT NULL REFERENCES event_log.topic,
        partition integer NOT NULL,
        owner uuid NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (group_name, topic_id, partition)
    ) WITH (fillfactor = 50)
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP SCHEMA event_log CASCADE")
