"""Mainstay on one machine by one command: embedded PostgreSQL, a supervisor, a demo."""
