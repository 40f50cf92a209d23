"""The history of the schema `access`."""
