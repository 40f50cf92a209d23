"""A portfolio to look at: invented customers, their history and their days, sent through the real HTTP API."""
