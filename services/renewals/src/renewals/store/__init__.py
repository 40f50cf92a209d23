"""Where renewals keeps what it owns: PostgreSQL, schema `renewals`."""
