"""The HTTP side: routes, their schemas, and one table from errors to problems."""
