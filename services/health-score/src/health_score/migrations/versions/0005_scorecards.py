"""Computed scores beside those set by hand, why an account has its scorecard, and the portfolio scored anew."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Null where people set nothing by hand: the score and the band are the computed ones then.
    "ALTER TABLE health_score.health_day ADD COLUMN computed_score smallint, ADD COLUMN computed_band text",
    # How often people disagree is counted by day over all accounts; days are written in their order, so a few kB do.
    "CREATE INDEX health_day_day ON health_score.health_day USING brin (day) WITH (pages_per_range = 32)",
    """
    ALTER TABLE health_score.account
        ADD COLUMN computed_score smallint, ADD COLUMN computed_band text, ADD COLUMN selected_because text
    """,
    "CREATE INDEX decision_about_all ON health_score.decision (kind, decision_no) WHERE account_no IS NULL",
    # What is left to score after an activation; the portfolio is scored in parts, by the account's number.
    """
    CREATE TABLE health_score.rescoring (
        part smallint PRIMARY KEY,
        after_no integer NOT NULL,
        done integer NOT NULL,
        began_at timestamptz NOT NULL,
        ended_at timestamptz
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE health_score.rescoring")
    op.execute("DROP INDEX health_score.decision_about_all")
    op.execute(
        "ALTER TABLE health_score.account DROP COLUMN computed_score, DROP COLUMN computed_band,"
        " DROP COLUMN selected_because"
    )
    op.execute("DROP INDEX health_score.health_day_day")
    op.execute("ALTER TABLE health_score.health_day DROP COLUMN computed_score, DROP COLUMN computed_band")
