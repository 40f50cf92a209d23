"""The timer that has what waits for people read again, and the patience of a sender for the database."""

from datetime import timedelta

REPLAY_PEOPLE = "quarantine-people"
"""Timer: what waits for the users named in its payload, under `USERS`, may be attributed now."""
USERS = "users"
MOST_USERS = 200
"""In one timer."""

ANSWER_WITHIN = timedelta(seconds=5)
"""A sender waits no longer for the database; then it is told to repeat."""
