"""PostgreSQL behind the application: tables, and the stores that map them to the domain by hand."""
