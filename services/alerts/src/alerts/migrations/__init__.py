"""The history of the schema `alerts`."""
