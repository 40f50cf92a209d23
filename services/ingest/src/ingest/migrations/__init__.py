"""The history of schema `ingest`."""
