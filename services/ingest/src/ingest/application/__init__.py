"""What ingest does: commands and handlers, and the Protocols that they need."""
