"""The HTTP side of renewals: routes, schemas, and one table from errors to problems."""
