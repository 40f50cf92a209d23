"""Metrics: exact figures about an account as of a day, each by its name."""
