"""Commands and handlers of renewals; each is one transaction."""
