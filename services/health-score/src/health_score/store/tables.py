"""The tables that this service's queries name; migrations/ creates them."""

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from mainstay.db.migrate import History
from mainstay.db.tables import kit_tables

SCHEMA = "health_score"
HISTORY = History(schema=SCHEMA, package="health_score.migrations")

metadata = MetaData(schema=SCHEMA)
kit = kit_tables(metadata)

account = Table(
    "account",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("account_no", Integer),
    Column("created_at", DateTime(timezone=True)),
    Column("sequence", BigInteger),
    Column("stated", JSONB),
    Column("team", JSONB),
    Column("name", Text),
    Column("owner", Text),
    Column("tier", Text),
    Column("zone", Text),
    Column("industry", Text),
    Column("segment", Text),
    Column("arr", JSONB),
    Column("seats", Integer),
    Column("next_renewal_on", Date),
    Column("value_sequence", BigInteger),
    Column("seats_by_day", JSONB),
    Column("first_day", Date),
    Column("last_active", Date),
    Column("dirty_from", Date),
    Column("dirty_by", JSONB),
    Column("regroup", Boolean),
    Column("closed_through", Date),
    Column("standing_band", Text),
    Column("standing_on", Date),
    Column("standing_previous", Text),
    Column("score", SmallInteger),
    Column("band", Text),
    Column("coverage", SmallInteger),
    Column("band_entered_on", Date),
    Column("band_since", DateTime(timezone=True)),
    Column("measures", JSONB),
    Column("as_of", Date),
    Column("computed_at", DateTime(timezone=True)),
    Column("scorecard_no", SmallInteger),
    Column("silent_after", Date),
    Column("habit_days", Integer),
    Column("erased_at", DateTime(timezone=True)),
    Column("facts_mark", BigInteger),
    Column("computed_score", SmallInteger),
    Column("computed_band", Text),
    Column("selected_because", Text),
    Column("stage", Text),
    Column("stage_entered_on", Date),
    Column("stage_overdue", Boolean),
    Column("derived", JSONB),
)

scorecard = Table(
    "scorecard",
    metadata,
    Column("scorecard_no", SmallInteger, primary_key=True),
    Column("id", Text),
    Column("version", Integer),
    Column("digest", Text),
    Column("registered_at", DateTime(timezone=True)),
)

health_day = Table(
    "health_day",
    metadata,
    Column("account_no", Integer, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("score", SmallInteger),
    Column("band", Text),
    Column("coverage", SmallInteger),
    Column("scorecard_no", SmallInteger),
    Column("reported_score", SmallInteger),
    Column("reported_band", Text),
    Column("reported_at", DateTime(timezone=True)),
    Column("restated_at", DateTime(timezone=True)),
    Column("computed_score", SmallInteger),
    Column("computed_band", Text),
)
