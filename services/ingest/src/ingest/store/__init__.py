"""Ingest's tables and queries."""
