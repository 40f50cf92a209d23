"""HTTP: the protocols' own formats in, their own answers out."""
