"""health-score's own alembic history, in the schema health_score."""
